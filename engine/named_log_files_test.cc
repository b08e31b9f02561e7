#include "engine/named_log_files.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace sluice::engine {
namespace {

constexpr config::LogFileCache kOff;
constexpr config::LogFileCache kTwo = {.max = 2};

class NamedLogFilesTest : public ::testing::Test {
 protected:
  absl::Status Write(const std::string& name, std::string_view text,
                     const config::LogFileCache& settings, int64_t now_ms = 0) {
    return files_.Use(dir_.File(name), settings, now_ms, [&](int fd) {
      EXPECT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    });
  }

  std::string Read(const std::string& name) const {
    return sluice::testing::ReadFile(dir_.File(name));
  }

  sluice::testing::TempDir dir_;
  NamedLogFiles files_;
};

TEST_F(NamedLogFilesTest, WithoutACacheNothingStaysOpen) {
  EXPECT_TRUE(Write("a", "1", kOff).ok());
  EXPECT_TRUE(Write("a", "2", kOff).ok());
  EXPECT_EQ(Read("a"), "12");
  EXPECT_EQ(files_.num_open(), 0);
}

TEST_F(NamedLogFilesTest, TheOneNotUsedForLongestGoesFirst) {
  EXPECT_TRUE(Write("a", "1", kTwo, 0).ok());
  EXPECT_TRUE(Write("b", "1", kTwo, 1).ok());
  EXPECT_TRUE(Write("a", "2", kTwo, 2).ok());
  EXPECT_TRUE(Write("c", "1", kTwo, 3).ok());
  EXPECT_EQ(files_.num_open(), 2);
  // Only one that is still open goes on writing to a file that has lost its name.
  std::filesystem::remove(dir_.File("a"));
  std::filesystem::remove(dir_.File("b"));
  EXPECT_TRUE(Write("a", "3", kTwo, 4).ok());
  EXPECT_EQ(Read("a"), "");
  EXPECT_TRUE(Write("b", "2", kTwo, 5).ok());
  EXPECT_EQ(Read("b"), "2");
}

TEST_F(NamedLogFilesTest, AfterInactiveTimeAFileIsClosed) {
  EXPECT_TRUE(Write("a", "1", kTwo, 0).ok());
  EXPECT_TRUE(Write("b", "1", kTwo, 10'000).ok());
  EXPECT_EQ(files_.num_open(), 2);
  EXPECT_TRUE(Write("b", "1", kTwo, 10'001).ok());
  EXPECT_EQ(files_.num_open(), 1);
}

TEST_F(NamedLogFilesTest, OnlyWhatIsUsedOftenEnoughStaysOpen) {
  const config::LogFileCache settings = {.max = 2, .min_uses = 2};
  EXPECT_TRUE(Write("a", "1", settings).ok());
  EXPECT_EQ(files_.num_open(), 0);
  EXPECT_TRUE(Write("a", "2", settings).ok());
  EXPECT_EQ(files_.num_open(), 1);
}

TEST_F(NamedLogFilesTest, AfterValidTimeANameThatMeansAnotherFileIsOpenedAnew) {
  EXPECT_TRUE(Write("a", "1", kTwo, 0).ok());
  std::filesystem::rename(dir_.File("a"), dir_.File("old"));
  EXPECT_TRUE(Write("a", "2", kTwo, 9'000).ok());
  EXPECT_TRUE(Write("a", "3", kTwo, 18'000).ok());
  EXPECT_TRUE(Write("a", "4", kTwo, 27'000).ok());
  EXPECT_TRUE(Write("a", "5", kTwo, 36'000).ok());
  EXPECT_TRUE(Write("a", "6", kTwo, 45'000).ok());
  EXPECT_TRUE(Write("a", "7", kTwo, 54'000).ok());
  EXPECT_TRUE(Write("a", "8", kTwo, 60'000).ok());
  EXPECT_EQ(Read("old"), "1234567");
  EXPECT_EQ(Read("a"), "8");
}

TEST_F(NamedLogFilesTest, AFileThatCannotBeOpenedIsAnError) {
  const absl::Status status = Write("missing/a", "1", kTwo);
  EXPECT_NE(status.message().find("missing/a\" failed (2: No such file"), std::string::npos)
      << status;
}

}  // namespace
}  // namespace sluice::engine
