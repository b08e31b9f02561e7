#include "tests/support/sluice_process.h"

#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "absl/log/check.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/deadline.h"

namespace sluice::testing {

std::string SluiceBinary() {
  const char* const runfiles = std::getenv("TEST_SRCDIR");
  const char* const workspace = std::getenv("TEST_WORKSPACE");
  CHECK(runfiles != nullptr && workspace != nullptr) << "run by `bazel test`";
  return absl::StrCat(runfiles, "/", workspace, "/engine/sluice");
}

SluiceProcess::SluiceProcess(std::string_view main, std::string_view stream)
    : config_(dir_.Write("sluice.conf", absl::StrCat(main, "stream {\n", stream, "\n}\n"))),
      child_({SluiceBinary(), "-p", dir_.path(), "-c", config_}) {
  // The number stands in the pid file only once all sockets listen.
  const bool ready =
      Eventually([this] { return !ReadFile(pid_file()).empty() || child_.HasEnded(); });
  CHECK(ready && !child_.HasEnded()) << "sluice does not start:\n"
                                     << Log() << "\non\n"
                                     << ReadFile(config_);
}

SluiceProcess::~SluiceProcess() {
  const std::string log = StopAndGetLog();
  EXPECT_EQ(0, child_.Wait()) << log;
  std::vector<std::string_view> never = {"Sanitizer", "runtime error:"};
  if (!emergencies_allowed_) {
    never.push_back("[emerg]");
  }
  if (!alerts_allowed_) {
    never.push_back("[alert]");
  }
  for (const std::string_view word : never) {
    EXPECT_FALSE(absl::StrContains(log, word)) << log;
  }
}

std::string SluiceProcess::StopAndGetLog() {
  child_.Signal(SIGTERM);
  child_.Wait();
  return Log();
}

void SluiceProcess::WriteConfig(std::string_view config) const {
  // Whole at any moment: it may be read right now.
  std::filesystem::rename(dir_.Write("sluice.conf.new", config), config_);
}

int SluiceProcess::NumDescriptors() const {
  const std::filesystem::directory_iterator descriptors(absl::StrCat("/proc/", pid(), "/fd"));
  return static_cast<int>(std::distance(begin(descriptors), end(descriptors)));
}

int SluiceProcess::SendBySwitch(const std::string& signal) const {
  return RunSluice({"-p", dir_.path(), "-c", config_, "-s", signal}).exit_code;
}

Finished RunSluice(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {SluiceBinary()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return RunToEnd(argv);
}

}  // namespace sluice::testing
