#include "engine/access_log.h"

#include <poll.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "config/endpoint.h"
#include "engine/gzip.h"
#include "engine/host_name.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/datagram_server.h"
#include "tests/support/temp_dir.h"

namespace sluice::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

class AccessLogTest : public ::testing::Test {
 protected:
  AccessLogTest() {
    absl::StatusOr<LogSetRef> set = logger_.OpenSet({{.file = dir_.File("error.log")}});
    EXPECT_TRUE(set.ok()) << set.status();
    logger_.UseForProcess(*std::move(set));
    auto logs = AccessLogs::Create(logger_);
    EXPECT_TRUE(logs.ok()) << logs.status();
    logs_ = *std::move(logs);
  }

  std::shared_ptr<AccessLogFile> Open(const std::string& name, config::AccessLog log = {}) {
    log.path.Prepend(dir_.File(name));
    auto file = logs_->Open(log);
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }

  std::shared_ptr<AccessLogFile> OpenSyslog(const config::SyslogTarget& target) {
    auto log = logs_->Open({.syslog = target});
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }

  bool WakeIsDue() const {
    pollfd wake = {.fd = logs_->wake_fd(), .events = POLLIN};
    return poll(&wake, 1, 0) == 1;
  }

  std::string Read(const std::string& name) const {
    return sluice::testing::ReadFile(dir_.File(name));
  }

  sluice::testing::TempDir dir_;
  Logger logger_;
  std::unique_ptr<AccessLogs> logs_;
};

TEST_F(AccessLogTest, LinesAreWrittenByDrainInTheirOrder) {
  const auto file = Open("log");
  logs_->Log(file, "1\n");
  logs_->Log(file, "2\n");
  EXPECT_EQ(Read("log"), "");
  logs_->Drain(0);
  EXPECT_EQ(Read("log"), "1\n2\n");
}

TEST_F(AccessLogTest, TheFirstLineWakesAndTheNextAreGathered) {
  const auto file = Open("log");
  EXPECT_FALSE(WakeIsDue());
  logs_->Log(file, "1\n");
  EXPECT_TRUE(WakeIsDue());
  logs_->Drain(1000);
  EXPECT_FALSE(WakeIsDue());
  EXPECT_EQ(logs_->due_ms(), 1000 + AccessLogs::kGatherMs);
  logs_->Log(file, "2\n");
  EXPECT_FALSE(WakeIsDue()) << "the control thread comes by itself";
  logs_->Drain(logs_->due_ms());
  EXPECT_EQ(Read("log"), "1\n2\n");
  logs_->Drain(logs_->due_ms());
  EXPECT_EQ(logs_->due_ms(), AccessLogs::kNever);
  logs_->Log(file, "3\n");
  EXPECT_TRUE(WakeIsDue()) << "nobody would come";
}

TEST_F(AccessLogTest, ABufferIsWrittenWhenTheNextLineDoesNotFit) {
  const auto file = Open("log", {.buffer_bytes = 8});
  logs_->Log(file, "123\n");
  logs_->Log(file, "456\n");
  logs_->Drain(0);
  EXPECT_EQ(Read("log"), "");
  logs_->Log(file, "7\n");
  logs_->Drain(0);
  EXPECT_EQ(Read("log"), "123\n456\n");
  logs_->Log(file, "longer than the buffer\n");
  logs_->Log(file, "8\n");
  logs_->Drain(0);
  EXPECT_EQ(Read("log"), "123\n456\n7\nlonger than the buffer\n");
  logs_->Finish();
  EXPECT_EQ(Read("log"), "123\n456\n7\nlonger than the buffer\n8\n");
}

TEST_F(AccessLogTest, ABufferIsWrittenWhenItsOldestLineIsAsOldAsFlushSays) {
  const auto file = Open("log", {.buffer_bytes = 1000, .flush_ms = 500});
  logs_->Log(file, "1\n");
  logs_->Drain(100);
  logs_->Drain(200);
  EXPECT_EQ(logs_->due_ms(), 600);
  logs_->Log(file, "2\n");
  logs_->Drain(599);
  EXPECT_EQ(Read("log"), "");
  logs_->Drain(600);
  EXPECT_EQ(Read("log"), "1\n2\n");
}

TEST_F(AccessLogTest, EachWriteOfACompressedLogIsAMemberOfItsOwn) {
  const auto file = Open("log.gz", {.buffer_bytes = 8, .gzip_level = 1});
  logs_->Log(file, "123\n");
  logs_->Log(file, "456\n");
  logs_->Log(file, "7\n");
  logs_->Finish();
  EXPECT_EQ(Read("log.gz"), Gzip("123\n456\n", 1) + Gzip("7\n", 1));
}

TEST_F(AccessLogTest, ALineToSyslogIsOneDatagramWithTheSeverityOfItsTarget) {
  sluice::testing::DatagramServer server;
  const auto log = OpenSyslog({.address = *config::ParseIpAddress(server.address()),
                               .facility = 16,
                               .severity = config::LogLevel::kNotice,
                               .tag = "t"});
  logs_->Log(log, "1\n");
  logs_->Log(log, std::string(10'000, 'x') + "\n");
  EXPECT_THAT(server.ReceiveAll(), IsEmpty());
  logs_->Drain(0);
  EXPECT_THAT(
      server.Receive(),
      MatchesRegex(absl::StrCat("<133>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} ", HostName(), " t: 1")));
  EXPECT_THAT(server.Receive(), EndsWith(" t: " + std::string(10'000, 'x')));
  EXPECT_EQ(logs_->due_ms(), AccessLogs::kGatherMs) << "as with files";
}

TEST_F(AccessLogTest, LinesLostToSyslogAreToldInTheErrorLog) {
  const auto log = OpenSyslog({.address = config::UnixAddress(dir_.File("missing"))});
  logs_->Log(log, "1\n");
  logs_->Log(log, "2\n");
  logs_->Drain(0);
  logs_->Log(log, "3\n");
  logs_->Drain(1);
  EXPECT_THAT(Read("error.log"),
              EndsWith(absl::StrCat("connect() to syslog server unix:", dir_.File("missing"),
                                    " failed (2: No such file or directory): "
                                    "2 log messages lost\n")));
  logs_->Finish();
  logger_.StopQueueing();
  EXPECT_THAT(Read("error.log"), EndsWith(": 1 log messages lost\n"));
}

TEST_F(AccessLogTest, ASyslogServerThatNobodyHoldsGetsItsLastLine) {
  sluice::testing::DatagramServer server;
  auto log = OpenSyslog({.address = *config::ParseIpAddress(server.address())});
  const std::weak_ptr<AccessLogFile> watch = log;
  logs_->Log(std::move(log), "1\n");
  EXPECT_FALSE(watch.expired());
  logs_->Drain(0);
  EXPECT_TRUE(watch.expired());
  EXPECT_THAT(server.ReceiveAll(), ElementsAre(EndsWith(": 1")));
}

TEST_F(AccessLogTest, ReopenLeavesSyslogUsable) {
  sluice::testing::DatagramServer server;
  const auto log = OpenSyslog({.address = *config::ParseIpAddress(server.address())});
  logs_->Log(log, "1\n");
  logs_->Reopen(0);
  logs_->Log(log, "2\n");
  logs_->Finish();
  EXPECT_THAT(server.ReceiveAll(), ElementsAre(EndsWith(": 1"), EndsWith(": 2")));
}

TEST_F(AccessLogTest, TwoLogsOfOnePathAreOneFile) {
  const auto first = Open("log");
  const auto second = Open("log");
  EXPECT_EQ(first, second);
}

TEST_F(AccessLogTest, AFileThatIsOpenKeepsItsBufferUntilItIsGivenAnother) {
  const config::AccessLog buffered = {.buffer_bytes = 1000};
  const auto file = Open("log");
  Open("log", buffered);
  logs_->Log(file, "1\n");
  logs_->Drain(0);
  EXPECT_EQ(Read("log"), "1\n");
  logs_->SetBuffer(*file, buffered);
  logs_->Log(file, "2\n");
  logs_->Drain(0);
  EXPECT_EQ(Read("log"), "1\n");
  logs_->SetBuffer(*file, {});
  EXPECT_EQ(Read("log"), "1\n2\n");
}

TEST_F(AccessLogTest, AFileThatNobodyHoldsIsFlushedAndClosed) {
  auto file = Open("log", {.buffer_bytes = 1000});
  const std::weak_ptr<AccessLogFile> watch = file;
  logs_->Log(file, "1\n");
  file.reset();
  logs_->Drain(0);
  logs_->Drain(0);
  EXPECT_TRUE(watch.expired());
  EXPECT_EQ(Read("log"), "1\n");
}

TEST_F(AccessLogTest, AfterReopenLinesGoToTheNameAndEarlierOnesStay) {
  const auto file = Open("log", {.buffer_bytes = 1000});
  logs_->Log(file, "1\n");
  logs_->LogByName(dir_.File("named"), {.max = 10}, "a\n");
  logs_->Drain(0);
  logs_->Log(file, "2\n");
  std::filesystem::rename(dir_.File("log"), dir_.File("log.1"));
  std::filesystem::rename(dir_.File("named"), dir_.File("named.1"));
  logs_->Reopen(0);
  logs_->Log(file, "3\n");
  logs_->LogByName(dir_.File("named"), {.max = 10}, "b\n");
  logs_->Finish();
  EXPECT_EQ(Read("log.1"), "1\n2\n");
  EXPECT_EQ(Read("log"), "3\n");
  EXPECT_EQ(Read("named.1"), "a\n");
  EXPECT_EQ(Read("named"), "b\n");
}

TEST_F(AccessLogTest, WhatCannotBeReopenedIsKeptAndTold) {
  const auto file = Open("log");
  std::filesystem::rename(dir_.File("log"), dir_.File("log.1"));
  std::filesystem::create_directory(dir_.File("log"));
  logs_->Reopen(0);
  logs_->Log(file, "1\n");
  logs_->Finish();
  EXPECT_EQ(Read("log.1"), "1\n");
  EXPECT_NE(Read("error.log").find("[emerg]"), std::string::npos);
}

TEST_F(AccessLogTest, LinesThatFindNoRoomAreCountedAndTold) {
  const auto file = Open("log");
  const std::string line(AccessLogs::kQueueBytesMax / 4, 'x');
  for (int i = 0; i < 10; ++i) logs_->Log(file, line);
  logs_->Drain(0);
  EXPECT_EQ(Read("log").size(), 3 * line.size());
  EXPECT_NE(Read("error.log").find("7 lines of access logs were lost"), std::string::npos);
}

TEST_F(AccessLogTest, AFolderThatIsMissingLosesTheLineAndIsTold) {
  logs_->LogByName(dir_.File("missing/log"), {}, "1\n");
  logs_->Drain(0);
  const std::string errors = Read("error.log");
  EXPECT_NE(errors.find("missing/log\" failed (2: No such file or directory)"), std::string::npos);
  EXPECT_NE(errors.find("1 lines of access logs were lost"), std::string::npos);
}

TEST_F(AccessLogTest, LinesOfSeveralThreadsAllArriveWhole) {
  constexpr int kThreads = 4;
  constexpr int kLines = 2000;
  const auto file = Open("log");
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kLines; ++i) logs_->Log(file, absl::StrCat(t, "\n"));
    });
  }
  for (int i = 0; i < 100; ++i) logs_->Drain(i);
  for (std::thread& thread : threads) thread.join();
  logs_->Finish();
  EXPECT_EQ(Read("log").size(), size_t{2} * kThreads * kLines);
}

}  // namespace
}  // namespace sluice::engine
