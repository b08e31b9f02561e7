#include "engine/default_log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class DefaultLogTest : public testing::Test {
 protected:
  DefaultLogTest() {
    std::filesystem::create_directories(folder_);
    plan_.process.error_logs = {{.file = path_}};
    plan_.servers.push_back({.error_logs = plan_.process.error_logs});
  }
  ~DefaultLogTest() override { std::filesystem::remove_all(folder_); }

  // Its folder cannot be made where a file of that name stands.
  void MakeUnusable() { std::ofstream(folder_ + "/logs") << "in the way"; }

  const std::string folder_ = absl::StrCat(testing::TempDir(), "/default_log_test.", getpid());
  const std::string path_ = folder_ + "/logs/error.log";
  config::Plan plan_;
  Logger logger_;
};

TEST_F(DefaultLogTest, MissingFolderIsMade) {
  EXPECT_TRUE(PrepareDefaultLog(path_, plan_, logger_).ok());
  struct stat folder;
  ASSERT_EQ(stat((folder_ + "/logs").c_str(), &folder), 0);
  EXPECT_EQ(folder.st_mode & 07022, 0u) << "others could write there";
  EXPECT_EQ(plan_.process.error_logs[0].file, path_);
  // And once more, now that it is there.
  EXPECT_TRUE(PrepareDefaultLog(path_, plan_, logger_).ok());
}

TEST_F(DefaultLogTest, DaemonWithoutItsLogDoesNotStart) {
  MakeUnusable();
  plan_.process.daemon = true;
  EXPECT_THAT(PrepareDefaultLog(path_, plan_, logger_).message(),
              AllOf(HasSubstr(path_), HasSubstr("create the folder"), HasSubstr("error_log")));
}

TEST_F(DefaultLogTest, ServersOwnUseOfItCountsToo) {
  MakeUnusable();
  plan_.process.daemon = true;
  plan_.process.error_logs[0].file = "stderr";
  EXPECT_FALSE(PrepareDefaultLog(path_, plan_, logger_).ok());
}

TEST_F(DefaultLogTest, InTheForegroundErrorsGoToStderrWithAWarning) {
  MakeUnusable();
  plan_.process.daemon = false;
  testing::internal::CaptureStderr();
  EXPECT_TRUE(PrepareDefaultLog(path_, plan_, logger_).ok());
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("[warn]"), HasSubstr(path_), HasSubstr("errors go to stderr")));
  EXPECT_EQ(plan_.process.error_logs[0].file, "stderr");
  EXPECT_EQ(plan_.servers[0].error_logs[0].file, "stderr");
}

TEST_F(DefaultLogTest, OtherLogsAreNotTouched) {
  MakeUnusable();
  plan_.process.error_logs[0].file = "/elsewhere/log";
  plan_.servers.clear();
  EXPECT_TRUE(PrepareDefaultLog(path_, plan_, logger_).ok());
  EXPECT_EQ(plan_.process.error_logs[0].file, "/elsewhere/log");
}

}  // namespace
}  // namespace sluice::engine
