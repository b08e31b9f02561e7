#include "bench/handshakes/cpu_time.h"

#include <filesystem>
#include <fstream>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"

namespace sluice::bench {

int64_t CpuTimeNs(pid_t pid) {
  int64_t total_ns = 0;
  for (const auto& task :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", pid, "/task"))) {
    std::ifstream schedstat(task.path() / "schedstat");
    int64_t running_ns = 0;
    CHECK(schedstat >> running_ns) << task.path() << " has no schedstat";
    total_ns += running_ns;
  }
  return total_ns;
}

}  // namespace sluice::bench
