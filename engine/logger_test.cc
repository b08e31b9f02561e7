#include "engine/logger.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "config/endpoint.h"
#include "engine/host_name.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/datagram_server.h"
#include "tests/support/temp_dir.h"

namespace sluice::engine {
namespace {

using config::LogLevel;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

class LoggerTest : public ::testing::Test {
 protected:
  LoggerTest() {
    std::filesystem::remove_all(folder_), std::filesystem::create_directories(folder_);
  }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  std::vector<std::string> Lines(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(Path(name)).rdbuf();
    std::vector<std::string> lines = absl::StrSplit(text.str(), '\n');
    EXPECT_EQ(lines.back(), "") << "the last line is not complete";
    lines.pop_back();
    return lines;
  }

  LogSetRef OpenSet(const std::vector<config::ErrorLog>& logs) {
    absl::StatusOr<LogSetRef> set = logger_.OpenSet(logs);
    EXPECT_TRUE(set.ok()) << set.status();
    return set.ok() ? *std::move(set) : nullptr;
  }
  void UseSet(const std::vector<config::ErrorLog>& logs) { logger_.UseForProcess(OpenSet(logs)); }

  bool WakeIsDue() const {
    pollfd wake = {.fd = logger_.wake_fd(), .events = POLLIN};
    return poll(&wake, 1, 0) == 1;
  }

  const std::string folder_ =
      absl::StrCat(::testing::TempDir(), "/",
                   ::testing::UnitTest::GetInstance()->current_test_info()->name(), getpid());
  sluice::testing::TempDir dir_;  // Its paths are short enough for sockets.
  Logger logger_;
};

TEST_F(LoggerTest, LinesHaveTheFormOfNginx) {
  UseSet({{.file = Path("log"), .level = LogLevel::kInfo}});
  logger_.Log(LogLevel::kError, "no live upstreams", 17);
  logger_.Log(LogLevel::kNotice, "started");
  const std::string number = "[0-9]+";
  const std::string time = "[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}";
  EXPECT_THAT(Lines("log"),
              ElementsAre(MatchesRegex(absl::StrCat(time, " \\[error\\] ", getpid(), "#", number,
                                                    ": \\*17 no live upstreams")),
                          MatchesRegex(absl::StrCat(time, " \\[notice\\] ", getpid(), "#", number,
                                                    ": started"))));
}

TEST_F(LoggerTest, EachFileGetsItsOwnLevels) {
  UseSet({{.file = Path("all"), .level = LogLevel::kDebug},
          {.file = Path("bad"), .level = LogLevel::kError}});
  EXPECT_TRUE(logger_.enabled(LogLevel::kDebug));
  logger_.Log(LogLevel::kInfo, "small");
  logger_.Log(LogLevel::kCrit, "big");
  EXPECT_THAT(Lines("all"), SizeIs(2));
  EXPECT_THAT(Lines("bad"), ElementsAre(EndsWith("big")));
}

TEST_F(LoggerTest, SetsAreSeparateAndMayShareAFile) {
  UseSet({{.file = Path("main"), .level = LogLevel::kError}});
  const LogSetRef set = OpenSet({{.file = Path("server"), .level = LogLevel::kInfo},
                                 {.file = Path("main"), .level = LogLevel::kCrit}});
  EXPECT_FALSE(logger_.enabled(LogLevel::kInfo));
  EXPECT_TRUE(logger_.enabled(LogLevel::kInfo, set));
  logger_.Log(LogLevel::kInfo, "a", 0, set);
  logger_.Log(LogLevel::kCrit, "b", 0, set);
  logger_.Log(LogLevel::kError, "c");
  EXPECT_THAT(Lines("server"), ElementsAre(EndsWith("a"), EndsWith("b")));
  EXPECT_THAT(Lines("main"), ElementsAre(EndsWith("b"), EndsWith("c")));
}

TEST_F(LoggerTest, ControlCharactersCannotForgeALine) {
  UseSet({{.file = Path("log"), .level = LogLevel::kError}});
  logger_.Log(LogLevel::kError, "name \"a\n2026/01/01 [alert] \x1b[2J\x7f\"");
  EXPECT_THAT(Lines("log"), ElementsAre(EndsWith("name \"a\\x0A2026/01/01 [alert] "
                                                 "\\x1B[2J\\x7F\"")));
}

TEST(EscapeForLogTest, OnlyPrintableAsciiPasses) {
  EXPECT_EQ(EscapeForLog(" !\"az~"), " !\"az~");
  EXPECT_EQ(EscapeForLog(std::string_view("\0\t\x1f\x7f", 4)), "\\x00\\x09\\x1F\\x7F");
  // Of UTF-8 and of terminals that take the bytes from 0x80 on for control characters (CSI is 9B).
  EXPECT_EQ(EscapeForLog("\xE2\x82\xAC\x9B"), "\\xE2\\x82\\xAC\\x9B");
}

config::ErrorLog SyslogAt(const std::string& ip_and_port, LogLevel level) {
  return {.level = level,
          .syslog = config::SyslogTarget{.address = *config::ParseIpAddress(ip_and_port)}};
}

config::ErrorLog SyslogAtPath(const std::string& path, LogLevel level = LogLevel::kInfo) {
  return {.level = level, .syslog = config::SyslogTarget{.address = config::UnixAddress(path)}};
}

TEST_F(LoggerTest, SyslogGetsTheWholeLineWithTheSeverityOfItsLevel) {
  sluice::testing::DatagramServer server;
  UseSet({SyslogAt(server.address(), LogLevel::kInfo), {.file = Path("log")}});
  logger_.Log(LogLevel::kError, "a\nb", 17);
  logger_.Log(LogLevel::kInfo, "small");
  logger_.Log(LogLevel::kDebug, "too small");
  const std::vector<std::string> lines = Lines("log");
  ASSERT_THAT(lines, ElementsAre(EndsWith(": *17 a\\x0Ab")));
  // facility 23, error: 23 * 8 + 3.
  EXPECT_THAT(server.Receive(),
              MatchesRegex(absl::StrCat("<187>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} ", HostName(),
                                        " sluice: .*")));
  EXPECT_THAT(server.Receive(), AllOf(HasSubstr("<190>"), EndsWith(": small")));
  EXPECT_THAT(server.ReceiveAll(), IsEmpty());
}

TEST_F(LoggerTest, SyslogGetsALineUpToNginxsBound) {
  sluice::testing::DatagramServer server;
  config::ErrorLog log = SyslogAt(server.address(), LogLevel::kInfo);
  log.syslog->has_hostname = false;
  UseSet({log, {.file = Path("log")}});
  logger_.Log(LogLevel::kError, std::string(5000, 'x'));
  const std::string head = "<187>Jan 01 00:00:00 sluice: ";
  const std::string datagram = server.Receive();
  EXPECT_EQ(datagram.size(), head.size() + 2047);
  EXPECT_EQ(datagram.substr(head.size()), Lines("log")[0].substr(0, 2047));
}

TEST_F(LoggerTest, QueuedLinesGetToSyslogInTheirOrder) {
  sluice::testing::DatagramServer server;
  UseSet({SyslogAt(server.address(), LogLevel::kInfo)});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  logger_.Log(LogLevel::kInfo, "1");
  logger_.Log(LogLevel::kInfo, "2");
  EXPECT_THAT(server.ReceiveAll(), IsEmpty());
  logger_.StopQueueing();
  EXPECT_THAT(server.ReceiveAll(), ElementsAre(EndsWith(": 1"), EndsWith(": 2")));
}

TEST_F(LoggerTest, WhatIsLostToSyslogIsToldInTheFilesOnceASecond) {
  UseSet({SyslogAtPath(dir_.File("missing")), {.file = Path("log"), .level = LogLevel::kInfo}});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  for (int i = 0; i < 3; ++i) logger_.Log(LogLevel::kInfo, "x");
  logger_.Drain();
  for (int i = 0; i < 2; ++i) logger_.Log(LogLevel::kInfo, "x");
  logger_.StopQueueing();
  const auto is_report = [&](int num_lost) {
    return EndsWith(absl::StrCat("connect() to syslog server unix:", dir_.File("missing"),
                                 " failed (2: No such file or directory): ", num_lost,
                                 " log messages lost"));
  };
  EXPECT_THAT(Lines("log"), ElementsAre(EndsWith(": x"), EndsWith(": x"), EndsWith(": x"),
                                        is_report(3), EndsWith(": x"), EndsWith(": x"),
                                        // At the end at the latest.
                                        is_report(2)));
}

TEST_F(LoggerTest, WhatIsLostToOneSyslogServerIsToldToTheOtherAndToStderr) {
  sluice::testing::DatagramServer server;
  UseSet({SyslogAtPath(dir_.File("missing")), SyslogAt(server.address(), LogLevel::kError)});
  ::testing::internal::CaptureStderr();
  logger_.Log(LogLevel::kInfo, "x");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              MatchesRegex("sluice: \\[error\\] connect\\(\\) to syslog server .*\n"));
  EXPECT_THAT(server.ReceiveAll(), ElementsAre(EndsWith(": 1 log messages lost")));
}

TEST_F(LoggerTest, WhenEverySyslogServerIsGoneStderrGetsAFewLines) {
  UseSet({SyslogAtPath(dir_.File("missing")), SyslogAtPath(dir_.File("missing too"))});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  for (int i = 0; i < 1000; ++i) logger_.Log(LogLevel::kInfo, "x");
  ::testing::internal::CaptureStderr();
  logger_.Drain();
  logger_.Drain();
  const std::vector<std::string> lines =
      absl::StrSplit(::testing::internal::GetCapturedStderr(), '\n', absl::SkipEmpty());
  // The second one has lost what was told of the first one, too.
  EXPECT_THAT(lines, ElementsAre(EndsWith(": 1000 log messages lost"),
                                 EndsWith(": 1001 log messages lost")));
}

TEST_F(LoggerTest, SetsShareTheSocketOfATargetUntilTheLastIsGone) {
  sluice::testing::DatagramServer server;
  const auto num_descriptors = [] {
    const std::filesystem::directory_iterator descriptors("/proc/self/fd");
    return std::distance(begin(descriptors), end(descriptors));
  };
  const auto before = num_descriptors();
  LogSetRef first = OpenSet({SyslogAt(server.address(), LogLevel::kInfo)});
  LogSetRef second = OpenSet({SyslogAt(server.address(), LogLevel::kError)});
  EXPECT_EQ(num_descriptors(), before + 1);
  first.reset();
  logger_.Log(LogLevel::kError, "x", 0, second);
  EXPECT_THAT(server.Receive(), EndsWith(": x"));
  second.reset();
  logger_.ContinueSyslog();
  EXPECT_EQ(num_descriptors(), before);
}

TEST_F(LoggerTest, WhatASyslogServerHasNoRoomForIsSentOnceItReads) {
  constexpr int kLines = 1000;
  sluice::testing::DatagramServer server(absl::StrCat("unix:", dir_.File("log")));
  UseSet({SyslogAtPath(dir_.File("log"))});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  for (int i = 0; i < kLines; ++i) logger_.Log(LogLevel::kInfo, absl::StrCat("line ", i));
  logger_.Drain();
  EXPECT_FALSE(WakeIsDue()) << "nobody has read yet";
  std::vector<std::string> received;
  while (received.size() < kLines) {
    for (std::string& datagram : server.ReceiveAll()) received.push_back(std::move(datagram));
    ASSERT_TRUE(received.size() == kLines || WakeIsDue());
    logger_.Drain();
  }
  for (int i = 0; i < kLines; ++i) EXPECT_THAT(received[i], EndsWith(absl::StrCat(": line ", i)));
  EXPECT_FALSE(WakeIsDue());
}

TEST_F(LoggerTest, ASyslogServerThatNobodyLogsToAnyMoreGetsWhatWaitsForIt) {
  sluice::testing::DatagramServer server(absl::StrCat("unix:", dir_.File("log")));
  UseSet({SyslogAtPath(dir_.File("log"))});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  for (int i = 0; i < 1000; ++i) logger_.Log(LogLevel::kInfo, "x");
  logger_.Drain();
  UseSet({{.file = Path("log")}});
  size_t num_received = 0;
  while (num_received < 1000) {
    const size_t num_now = server.ReceiveAll().size();
    ASSERT_GT(num_now, 0u);
    num_received += num_now;
    logger_.Drain();
  }
}

TEST_F(LoggerTest, TheEndWaitsForSyslogServersThatReadAndABriefTimeForOthers) {
  constexpr int kLines = 1000;
  sluice::testing::DatagramServer reads(absl::StrCat("unix:", dir_.File("reads")));
  sluice::testing::DatagramServer hangs(absl::StrCat("unix:", dir_.File("hangs")));
  UseSet(
      {SyslogAtPath(dir_.File("hangs")), SyslogAtPath(dir_.File("reads")), {.file = Path("log")}});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  for (int i = 0; i < kLines; ++i) logger_.Log(LogLevel::kInfo, "x");
  std::thread reader([&] {
    for (int i = 0; i < kLines; ++i) EXPECT_THAT(reads.Receive(), EndsWith(": x"));
    EXPECT_THAT(reads.Receive(), HasSubstr(" log messages lost"));
    EXPECT_THAT(reads.Receive(), EndsWith(": exit"));
  });
  logger_.StopQueueing();
  logger_.Log(LogLevel::kInfo, "exit");
  reader.join();
  EXPECT_THAT(Lines("log")[0], HasSubstr(" reads too slowly: "));
}

TEST_F(LoggerTest, FifoWithoutAReaderIsRefusedAtOnce) {
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  EXPECT_THAT(logger_.OpenSet({{.file = Path("fifo")}}).status().message(),
              AllOf(HasSubstr(Path("fifo")), HasSubstr("nobody reads this FIFO")));
}

TEST_F(LoggerTest, FifoThatIsNotReadLosesLinesInsteadOfBlocking) {
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  const FileDescriptor reader(open(Path("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  UseSet({{.file = Path("fifo"), .level = LogLevel::kNotice},
          {.file = Path("log"), .level = LogLevel::kError}});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  // More than a pipe holds.
  const std::string message(200'000, 'x');
  logger_.Log(LogLevel::kNotice, message);
  logger_.Drain();
  logger_.Drain();
  EXPECT_THAT(Lines("log"), ElementsAre(HasSubstr("1 log lines were lost")));
}

TEST_F(LoggerTest, FileThatCannotBeOpenedIsNamed) {
  const absl::Status status =
      logger_.OpenSet({{.file = Path("missing/log"), .level = LogLevel::kError}}).status();
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr(Path("missing/log")), HasSubstr("(2: No such file or directory)")));
}

TEST_F(LoggerTest, WithoutASetWarningsGoToTheTerminal) {
  ::testing::internal::CaptureStderr();
  EXPECT_FALSE(logger_.enabled(LogLevel::kNotice));
  logger_.Log(LogLevel::kNotice, "quiet");
  logger_.Log(LogLevel::kWarn, "loud");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "sluice: [warn] loud\n");
}

TEST_F(LoggerTest, WhileStartingSevereLinesGoToTheFileAndTheTerminal) {
  UseSet({{.file = Path("log"), .level = LogLevel::kNotice}});
  ::testing::internal::CaptureStderr();
  logger_.Log(LogLevel::kNotice, "quiet");
  logger_.Log(LogLevel::kEmerg, "loud");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "sluice: [emerg] loud\n");
  EXPECT_THAT(Lines("log"), SizeIs(2));
}

TEST_F(LoggerTest, SetWithStderrTellsTheTerminalOnce) {
  UseSet({{.file = "stderr", .level = LogLevel::kNotice}});
  ::testing::internal::CaptureStderr();
  logger_.Log(LogLevel::kEmerg, "loud");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              AllOf(EndsWith(": loud\n"), Not(HasSubstr("sluice: "))));
}

TEST_F(LoggerTest, QueuedLinesAreWrittenByDrain) {
  UseSet({{.file = Path("log"), .level = LogLevel::kNotice}});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  EXPECT_FALSE(WakeIsDue());
  logger_.Log(LogLevel::kNotice, "a");
  logger_.Log(LogLevel::kNotice, "b");
  logger_.Log(LogLevel::kInfo, "not enabled");
  EXPECT_THAT(Lines("log"), IsEmpty());
  EXPECT_TRUE(WakeIsDue());
  logger_.Drain();
  EXPECT_FALSE(WakeIsDue());
  EXPECT_THAT(Lines("log"), ElementsAre(EndsWith("a"), EndsWith("b")));
}

TEST_F(LoggerTest, StopQueueingWritesTheRestAndThenDirectly) {
  UseSet({{.file = Path("log"), .level = LogLevel::kNotice}});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  logger_.Log(LogLevel::kNotice, "queued");
  logger_.StopQueueing();
  EXPECT_THAT(Lines("log"), ElementsAre(EndsWith("queued")));
  logger_.Log(LogLevel::kNotice, "direct");
  EXPECT_THAT(Lines("log"), ElementsAre(EndsWith("queued"), EndsWith("direct")));
}

TEST_F(LoggerTest, LinesOfManyThreadsAllArriveWhole) {
  UseSet({{.file = Path("log"), .level = LogLevel::kNotice}});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  constexpr int kThreads = 4;
  constexpr int kLinesEach = 500;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < kLinesEach; ++j) {
        logger_.Log(LogLevel::kNotice, absl::StrCat("thread ", i, " line ", j), i + 1);
      }
    });
  }
  // Drains while they log, as the control thread does.
  for (int i = 0; i < 100; ++i) logger_.Drain();
  for (std::thread& thread : threads) thread.join();
  logger_.StopQueueing();
  std::vector<int> next(kThreads);
  for (const std::string& line : Lines("log")) {
    int thread, number;
    ASSERT_EQ(sscanf(line.c_str() + line.find("thread"), "thread %d line %d", &thread, &number), 2)
        << line;
    EXPECT_EQ(number, next[thread]++);
  }
  EXPECT_THAT(next, ::testing::Each(kLinesEach));
}

TEST_F(LoggerTest, LinesThatDoNotFitAreCounted) {
  UseSet({{.file = Path("log"), .level = LogLevel::kNotice}});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  const std::string message(Logger::kQueueBytesMax / 4, 'x');
  for (int i = 0; i < 10; ++i) logger_.Log(LogLevel::kNotice, message);
  logger_.Drain();
  // Three fit beside their bookkeeping.
  ASSERT_THAT(Lines("log"), SizeIs(4));
  EXPECT_THAT(Lines("log").back(), ContainsRegex("\\[error\\] .*: 7 log lines were lost"));
  logger_.Log(LogLevel::kNotice, "room again");
  logger_.Drain();
  EXPECT_THAT(Lines("log").back(), EndsWith("room again"));
}

TEST_F(LoggerTest, LinesThatTheDiskRefusesAreCounted) {
  UseSet({{.file = "/dev/full", .level = LogLevel::kNotice},
          {.file = Path("log"), .level = LogLevel::kError}});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  logger_.Log(LogLevel::kNotice, "a");
  logger_.Log(LogLevel::kNotice, "b");
  logger_.Drain();
  EXPECT_THAT(Lines("log"), IsEmpty());
  logger_.Drain();
  EXPECT_THAT(Lines("log"), ElementsAre(HasSubstr("2 log lines were lost")));
}

TEST_F(LoggerTest, ReopenedFilesAreThoseThatHaveTheNameNow) {
  UseSet({{.file = Path("log"), .level = LogLevel::kNotice}});
  const LogSetRef server = OpenSet({{.file = Path("server"), .level = LogLevel::kNotice}});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  logger_.Log(LogLevel::kNotice, "a");
  logger_.Log(LogLevel::kNotice, "b", 0, server);
  std::filesystem::rename(Path("log"), Path("log.1"));
  std::filesystem::rename(Path("server"), Path("server.1"));
  // What was logged before is in the file of that time.
  logger_.Reopen();
  logger_.Log(LogLevel::kNotice, "c");
  logger_.Log(LogLevel::kNotice, "d", 0, server);
  logger_.Drain();
  EXPECT_THAT(Lines("log.1"), ElementsAre(EndsWith("a")));
  EXPECT_THAT(Lines("server.1"), ElementsAre(EndsWith("b")));
  EXPECT_THAT(Lines("log"), ElementsAre(EndsWith("c")));
  EXPECT_THAT(Lines("server"), ElementsAre(EndsWith("d")));
}

TEST_F(LoggerTest, FileThatCannotBeReopenedStaysAndSaysSo) {
  std::filesystem::create_directory(Path("folder"));
  UseSet({{.file = Path("folder/log"), .level = LogLevel::kNotice}});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  std::filesystem::rename(Path("folder"), Path("moved"));
  logger_.Reopen();
  logger_.Log(LogLevel::kNotice, "a");
  logger_.Drain();
  EXPECT_THAT(
      Lines("moved/log"),
      ElementsAre(AllOf(HasSubstr("[emerg]"), HasSubstr(Path("folder/log"))), EndsWith("a")));
}

TEST_F(LoggerTest, NoLineIsLostWhileFilesAreReopened) {
  UseSet({{.file = Path("log"), .level = LogLevel::kNotice}});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  constexpr int kLines = 2000;
  std::thread shard([&] {
    for (int i = 0; i < kLines; ++i) logger_.Log(LogLevel::kNotice, "line");
  });
  size_t num_lines = 0;
  for (int i = 0; i < 50; ++i) {
    std::filesystem::rename(Path("log"), Path("log.1"));
    logger_.Reopen();
    num_lines += Lines("log.1").size();
  }
  shard.join();
  logger_.StopQueueing();
  EXPECT_EQ(num_lines + Lines("log").size(), kLines);
}

TEST_F(LoggerTest, FileThatNoSetHasAnyMoreIsClosed) {
  UseSet({{.file = Path("log"), .level = LogLevel::kNotice}});
  const auto num_descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = num_descriptors();
  LogSetRef set = OpenSet({{.file = Path("server")}});
  EXPECT_EQ(num_descriptors(), before + 1);
  set = nullptr;
  EXPECT_EQ(num_descriptors(), before);
}

TEST_F(LoggerTest, AnotherSetOfTheProcessIsForLinesThatWaitToo) {
  UseSet({{.file = Path("old"), .level = LogLevel::kError}});
  ASSERT_TRUE(logger_.StartQueueing().ok());
  logger_.Log(LogLevel::kError, "a");
  logger_.UseForProcess(OpenSet({{.file = Path("new"), .level = LogLevel::kInfo}}));
  logger_.Log(LogLevel::kInfo, "b");
  logger_.Drain();
  EXPECT_THAT(Lines("old"), IsEmpty());
  EXPECT_THAT(Lines("new"), ElementsAre(EndsWith("a"), EndsWith("b")));
}

TEST(LogLimiterTest, LetsOneLineASecondThroughAndCountsTheOthers) {
  LogLimiter limiter;
  EXPECT_EQ(limiter.Allow(5'000'000), 0u);
  EXPECT_EQ(limiter.Allow(5'000'000), std::nullopt);
  EXPECT_EQ(limiter.Allow(5'000'999), std::nullopt);
  EXPECT_EQ(limiter.Allow(5'001'000), 2u);
  EXPECT_EQ(limiter.Allow(5'001'001), std::nullopt);
  EXPECT_EQ(limiter.Allow(5'003'000), 1u);
}

TEST(LogLimiterTest, FirstLineAlwaysComesThrough) {
  LogLimiter limiter;
  EXPECT_EQ(limiter.Allow(0), 0u);
}

}  // namespace
}  // namespace sluice::engine
