#include "engine/pid_file.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Another process's view: what PidFileHolder says there, a number or an error.
std::string HolderSeenFromOutside(const std::string& path) {
  int out[2];
  EXPECT_EQ(pipe(out), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    const absl::StatusOr<pid_t> holder = PidFileHolder(path);
    const std::string text =
        holder.ok() ? absl::StrCat(*holder) : std::string(holder.status().message());
    (void)!write(out[1], text.data(), text.size());
    _exit(0);
  }
  close(out[1]);
  char text[1024];
  const ssize_t len = read(out[0], text, sizeof(text));
  close(out[0]);
  EXPECT_EQ(waitpid(pid, nullptr, 0), pid);
  return std::string(text, std::max<ssize_t>(len, 0));
}

class PidFileTest : public testing::Test {
 protected:
  PidFileTest() { unlink(path_.c_str()); }
  ~PidFileTest() override { unlink(path_.c_str()); }

  void Put(const std::string& text) { std::ofstream(path_) << text; }
  // Closing the file again ends a lock of this process.
  std::string Get() const {
    std::stringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

  const std::string path_ = absl::StrCat(testing::TempDir(), "/", getpid(), ".pid");
};

TEST_F(PidFileTest, NamesThisProcessUntilItDies) {
  {
    PidFile file;
    ASSERT_TRUE(file.Open(path_).ok());
    ASSERT_TRUE(file.Write().ok());
    EXPECT_EQ(HolderSeenFromOutside(path_), absl::StrCat(getpid()));
    EXPECT_EQ(Get(), absl::StrCat(getpid(), "\n"));
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

TEST_F(PidFileTest, FileOfAnotherProgramIsLeftWhenNothingWasWritten) {
  Put("1\n");
  {
    PidFile file;
    ASSERT_TRUE(file.Open(path_).ok());
  }
  EXPECT_EQ(Get(), "1\n");
}

TEST_F(PidFileTest, SecondProcessIsRefusedWithTheNumberOfTheFirst) {
  PidFile file;
  ASSERT_TRUE(file.Open(path_).ok());
  ASSERT_TRUE(file.Write().ok());
  const std::string first = absl::StrCat("process ", getpid());
  const pid_t pid = fork();
  if (pid == 0) {
    bool ok;
    {
      PidFile second;
      const absl::Status status = second.Open(path_);
      ok = absl::StrContains(status.message(), "another sluice") &&
           absl::StrContains(status.message(), first);
    }
    _exit(ok ? 0 : 1);
  }
  int status;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  // And the first one still has its file.
  EXPECT_EQ(HolderSeenFromOutside(path_), absl::StrCat(getpid()));
  EXPECT_EQ(Get(), absl::StrCat(getpid(), "\n"));
}

TEST_F(PidFileTest, HolderIsKnownBeforeItHasWrittenAnything) {
  Put("1\n");
  PidFile file;
  ASSERT_TRUE(file.Open(path_).ok());
  EXPECT_EQ(HolderSeenFromOutside(path_), absl::StrCat(getpid()));
}

TEST_F(PidFileTest, FileThatNobodyHoldsNamesNobodyWhateverItSays) {
  // A process that runs, and is not sluice; one that cannot be; nothing.
  for (const std::string& text :
       {absl::StrCat(getppid(), "\n"), std::string("abc\n"), std::string()}) {
    Put(text);
    EXPECT_THAT(HolderSeenFromOutside(path_), AllOf(HasSubstr("not running"), HasSubstr(path_)));
  }
}

TEST_F(PidFileTest, FileThatCannotBeMadeIsNamed) {
  PidFile file;
  EXPECT_THAT(file.Open(testing::TempDir() + "/missing/pid").message(),
              AllOf(HasSubstr("missing/pid"), HasSubstr("(2: ")));
}

TEST_F(PidFileTest, WhatIsNotARegularFileIsRefusedAtOnce) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  PidFile file;
  EXPECT_THAT(file.Open(path_).message(), AllOf(HasSubstr(path_), HasSubstr("not a regular file")));
  EXPECT_THAT(HolderSeenFromOutside(path_), HasSubstr("not a regular file"));
  EXPECT_THAT(PidFile().Open("/dev/null").message(), HasSubstr("not a regular file"));
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(PidFileTest, MissingFileMeansNotRunning) {
  EXPECT_THAT(PidFileHolder(path_).status().message(),
              AllOf(HasSubstr(path_), HasSubstr("not running")));
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
