#include "tls/key_log.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace sluice::tls {
namespace {

TEST(KeyLogTest, AppendsLinesToAFileThatOnlyItsOwnerCanRead) {
  const testing::TempDir dir;
  const std::string path = dir.File("keys");
  for (const char* line : {"CLIENT_RANDOM 01 02", "CLIENT_RANDOM 03 04"}) {
    const auto key_log = KeyLog::Open(path);
    ASSERT_TRUE(key_log.ok()) << key_log.status();
    (*key_log)->Write(line);
  }
  EXPECT_EQ(testing::ReadFile(path), "CLIENT_RANDOM 01 02\nCLIENT_RANDOM 03 04\n");
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(KeyLogTest, LinesOfSeveralThreadsDoNotMix) {
  const testing::TempDir dir;
  const auto key_log = KeyLog::Open(dir.File("keys"));
  ASSERT_TRUE(key_log.ok()) << key_log.status();
  const std::string line(200, 'x');
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 250; ++n) (*key_log)->Write(line);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string contents = testing::ReadFile(dir.File("keys"));
  std::vector<std::string> lines = absl::StrSplit(contents, '\n');
  EXPECT_EQ(lines.back(), "");
  lines.pop_back();
  EXPECT_EQ(lines, std::vector<std::string>(1000, line));
}

TEST(KeyLogTest, NoLineIsLostWhileItIsReopened) {
  const testing::TempDir dir;
  const auto key_log = KeyLog::Open(dir.File("keys"));
  ASSERT_TRUE(key_log.ok()) << key_log.status();
  std::thread writer([&] {
    for (int n = 0; n < 1000; ++n) (*key_log)->Write("x");
  });
  ASSERT_EQ(rename(dir.File("keys").c_str(), dir.File("keys.1").c_str()), 0);
  EXPECT_TRUE((*key_log)->Reopen().ok());
  writer.join();
  (*key_log)->Write("y");
  const std::string renewed = testing::ReadFile(dir.File("keys"));
  EXPECT_TRUE(absl::EndsWith(renewed, "y\n"));
  EXPECT_EQ(testing::ReadFile(dir.File("keys.1")).size() + renewed.size(), 2 * 1001u);
}

TEST(KeyLogTest, AFileThatCannotBeReopenedStays) {
  const testing::TempDir dir;
  const auto key_log = KeyLog::Open(dir.File("keys"));
  ASSERT_TRUE(key_log.ok()) << key_log.status();
  ASSERT_EQ(rename(dir.File("keys").c_str(), dir.File("keys.1").c_str()), 0);
  ASSERT_EQ(mkfifo(dir.File("keys").c_str(), 0600), 0);
  EXPECT_FALSE((*key_log)->Reopen().ok());
  (*key_log)->Write("x");
  EXPECT_EQ(testing::ReadFile(dir.File("keys.1")), "x\n");
}

TEST(KeyLogTest, AFifoIsRefusedAtOnceWithAndWithoutAReader) {
  const testing::TempDir dir;
  const std::string path = dir.File("fifo");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(KeyLog::Open(path).ok());
  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  EXPECT_TRUE(absl::StrContains(KeyLog::Open(path).status().message(), "not a regular file"));
  close(reader);
}

TEST(KeyLogTest, ALineThatIsLostIsToldOnce) {
  const testing::TempDir dir;
  const auto key_log = KeyLog::Open(dir.File("keys"));
  ASSERT_TRUE(key_log.ok()) << key_log.status();
  (*key_log)->Write("written");
  EXPECT_TRUE((*key_log)->TakeError().ok());
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_IGN);
  const rlimit full = {.rlim_cur = 8, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  (*key_log)->Write("lost");
  (*key_log)->Write("lost");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_TRUE(absl::StrContains((*key_log)->TakeError().message(), dir.File("keys")));
  EXPECT_TRUE((*key_log)->TakeError().ok());
}

TEST(KeyLogTest, AFileThatCannotBeOpenedIsNamed) {
  const testing::TempDir dir;
  const auto key_log = KeyLog::Open(dir.File("missing/keys"));
  ASSERT_FALSE(key_log.ok());
  EXPECT_TRUE(absl::StrContains(key_log.status().message(), dir.File("missing/keys")))
      << key_log.status();
  EXPECT_TRUE(absl::StrContains(key_log.status().message(), "proxy_ssl_key_log"));
}

// A bug fixed: it was told of as the other directive.
TEST(KeyLogTest, AFileForClientsSecretsIsToldOfAsSslKeyLog) {
  const testing::TempDir dir;
  const auto key_log = KeyLog::Open(dir.File("missing/keys"), PeerRole::kClient);
  ASSERT_FALSE(key_log.ok());
  EXPECT_TRUE(absl::StrContains(key_log.status().message(), "\" for ssl_key_log"))
      << key_log.status();
}

}  // namespace
}  // namespace sluice::tls
