#include "engine/pid_file.h"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class PidFileTest : public testing::Test {
 protected:
  PidFileTest() { unlink(path_.c_str()); }
  ~PidFileTest() override { unlink(path_.c_str()); }

  void Put(const std::string& text) { std::ofstream(path_) << text; }

  const std::string path_ = absl::StrCat(testing::TempDir(), "/", getpid(), ".pid");
};

TEST_F(PidFileTest, NamesThisProcessUntilItDies) {
  {
    PidFile file;
    ASSERT_TRUE(file.Open(path_).ok());
    ASSERT_TRUE(file.Write().ok());
    EXPECT_EQ(*ReadPidFile(path_), getpid());
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(PidFileTest, LongerFormerContentIsReplaced) {
  Put("12345678901234567890\nand more\n");
  PidFile file;
  ASSERT_TRUE(file.Open(path_).ok());
  ASSERT_TRUE(file.Write().ok());
  EXPECT_EQ(std::filesystem::file_size(path_), absl::StrCat(getpid(), "\n").size());
}

TEST_F(PidFileTest, FileOfAnotherProcessIsLeftWhenNothingWasWritten) {
  Put("1\n");
  {
    PidFile file;
    ASSERT_TRUE(file.Open(path_).ok());
  }
  EXPECT_EQ(*ReadPidFile(path_), 1);
}

TEST_F(PidFileTest, FileThatCannotBeMadeIsNamed) {
  PidFile file;
  EXPECT_THAT(file.Open(testing::TempDir() + "/missing/pid").message(),
              AllOf(HasSubstr("missing/pid"), HasSubstr("(2: ")));
}

TEST_F(PidFileTest, MissingFileMeansNotRunning) {
  EXPECT_THAT(ReadPidFile(path_).status().message(),
              AllOf(HasSubstr(path_), HasSubstr("not running")));
}

TEST_F(PidFileTest, GarbageIsNoNumber) {
  for (const char* text : {"abc\n", "0\n", "-1\n", "12x\n", "99999999999999999999"}) {
    Put(text);
    EXPECT_THAT(ReadPidFile(path_).status().message(), HasSubstr("invalid PID number")) << text;
  }
}

TEST_F(PidFileTest, EmptyFileMeansNotRunning) {
  Put("\n");
  EXPECT_THAT(ReadPidFile(path_).status().message(), HasSubstr("not running"));
}

TEST_F(PidFileTest, DeadProcessIsNotRunning) {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  ASSERT_EQ(waitpid(pid, nullptr, 0), pid);
  Put(absl::StrCat(pid, "\n"));
  EXPECT_THAT(ReadPidFile(path_).status().message(), HasSubstr(absl::StrCat("process ", pid)));
}

// As when the privileges for /run have been dropped.
TEST_F(PidFileTest, FileThatCannotBeRemovedIsEmptied) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can drop privileges";
  const pid_t pid = fork();
  if (pid == 0) {
    std::optional<PidFile> file(std::in_place);
    const bool ok = file->Open(path_).ok() && setuid(65534) == 0 && file->Write().ok();
    file.reset();
    _exit(ok ? 0 : 1);
  }
  int status;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(std::filesystem::file_size(path_), 0u);
}

}  // namespace
}  // namespace sluice::engine
