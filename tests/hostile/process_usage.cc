#include "tests/hostile/process_usage.h"

#include <unistd.h>

#include <string>
#include <vector>

#include "absl/log/check.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

int64_t Number(const std::vector<std::string>& fields, size_t i) {
  int64_t number = 0;
  CHECK(i < fields.size() && absl::SimpleAtoi(fields[i], &number)) << i;
  return number;
}

}  // namespace

ProcessUsage UsageOf(pid_t pid) {
  // proc(5). The name in parentheses may hold anything: behind it, utime is field 12 and stime 13.
  const std::string stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  const std::vector<std::string> times =
      absl::StrSplit(stat.substr(stat.rfind(')') + 1), ' ', absl::SkipEmpty());
  const std::vector<std::string> pages =
      absl::StrSplit(ReadFile(absl::StrCat("/proc/", pid, "/statm")), ' ');
  return {
      .cpu_s = static_cast<double>(Number(times, 11) + Number(times, 12)) / sysconf(_SC_CLK_TCK),
      .resident_bytes = Number(pages, 1) * sysconf(_SC_PAGESIZE)};
}

}  // namespace sluice::testing
