#include "config/read_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "config/limits.h"

namespace sluice::config {
namespace {

std::string TempPath(const std::string& name) {
  return testing::TempDir() + "/read_file_test." + name;
}

TEST(ReadFile, GivesTheBytesAsTheyAre) {
  const std::string path = TempPath("plain");
  const std::string bytes("a\0b\r\n", 5);
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_EQ(*ReadFile(path), bytes);
}

TEST(ReadFile, TellsWhyNot) {
  EXPECT_EQ(ReadFile("/nowhere/x").status().message(),
            "open() failed (2: No such file or directory)");
  EXPECT_EQ(ReadFile(testing::TempDir()).status().message(), "read() failed (21: Is a directory)");
}

TEST(ReadFile, DoesNotWaitForAPipe) {
  const std::string path = TempPath("fifo");
  unlink(path.c_str());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(ReadFile(path).status().message(), "not a regular file");
  unlink(path.c_str());
}

TEST(ReadFile, StopsAtTheBound) {
  const std::string path = TempPath("large");
  std::ofstream(path).close();
  std::filesystem::resize_file(path, kFileBytesMax);
  EXPECT_EQ(ReadFile(path)->size(), kFileBytesMax);
  std::filesystem::resize_file(path, kFileBytesMax + 1);
  EXPECT_EQ(ReadFile(path).status().message(), "larger than 16 MiB, the most a file may have");
  // Without an end: the bound is all that stops it.
  EXPECT_FALSE(ReadFile("/dev/zero").ok());
  unlink(path.c_str());
}

TEST(ReadFile, ReadsNothingFromDevNull) { EXPECT_EQ(*ReadFile("/dev/null"), ""); }

TEST(ResolvePath, PutsRelativeNamesBehindTheFolder) {
  EXPECT_EQ(ResolvePath("/etc", "a"), "/etc/a");
  EXPECT_EQ(ResolvePath("/etc/", "a"), "/etc/a");
  EXPECT_EQ(ResolvePath("/etc", "/a"), "/a");
  EXPECT_EQ(ResolvePath("", "a"), "a");
}

TEST(DirectoryOf, IsWhatIsBeforeTheLastSlash) {
  EXPECT_EQ(DirectoryOf("/etc/a"), "/etc");
  EXPECT_EQ(DirectoryOf("/a"), "/");
  EXPECT_EQ(DirectoryOf("a"), "");
}

}  // namespace
}  // namespace sluice::config
