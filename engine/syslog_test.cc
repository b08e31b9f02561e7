#include "engine/syslog.h"

#include <poll.h>
#include <sys/resource.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "config/endpoint.h"
#include "engine/host_name.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/datagram_server.h"
#include "tests/support/temp_dir.h"

namespace sluice::engine {
namespace {

using config::LogLevel;
using sluice::testing::DatagramServer;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

config::SyslogTarget TargetOf(const std::string& address) {
  const std::string_view text = address;
  return {.address = text.starts_with("unix:") ? config::UnixAddress(std::string(text.substr(5)))
                                               : *config::ParseIpAddress(text)};
}

class SyslogTest : public ::testing::Test {
 protected:
  std::string UnixPath() const { return dir_.File("log"); }
  std::string UnixAddress() const { return absl::StrCat("unix:", UnixPath()); }
  // A server that is gone leaves its file behind, and one that starts removes it.
  std::unique_ptr<DatagramServer> StartUnixServer() const {
    std::filesystem::remove(UnixPath());
    return std::make_unique<DatagramServer>(UnixAddress());
  }

  sluice::testing::TempDir dir_;
};

bool HasRoom(const Syslog& syslog) {
  pollfd room = {.fd = syslog.fd(), .events = POLLOUT};
  return poll(&room, 1, 0) == 1;
}

// 2026-11-07 08:05:09, wherever this runs.
time_t SomeTime() {
  tm local = {.tm_sec = 9, .tm_min = 5, .tm_hour = 8, .tm_mday = 7, .tm_mon = 10, .tm_year = 126};
  local.tm_isdst = -1;
  return mktime(&local);
}

TEST_F(SyslogTest, AMessageIsOneDatagramInTheFormOfNginx) {
  DatagramServer server;
  Syslog syslog(TargetOf(server.address()));
  syslog.Send(LogLevel::kInfo, SomeTime(), "hello");
  EXPECT_EQ(server.Receive(), absl::StrCat("<190>Nov  7 08:05:09 ", HostName(), " sluice: hello"));
}

TEST_F(SyslogTest, FacilitySeverityTagAndHostNameAreWhatTheTargetSays) {
  DatagramServer server;
  config::SyslogTarget target = TargetOf(server.address());
  target.facility = 3;
  target.tag = "edge_1";
  target.has_hostname = false;
  Syslog syslog(target);
  syslog.Send(LogLevel::kEmerg, SomeTime(), "");
  syslog.Send(LogLevel::kDebug, SomeTime(), "x");
  EXPECT_EQ(server.Receive(), "<24>Nov  7 08:05:09 edge_1: ");
  EXPECT_EQ(server.Receive(), "<31>Nov  7 08:05:09 edge_1: x");
}

TEST_F(SyslogTest, NoControlCharacterIsSentButTabs) {
  DatagramServer server;
  Syslog syslog(TargetOf(server.address()));
  syslog.Send(LogLevel::kInfo, 0, std::string("a\n<0>b\r\0\x1b\x7f\t\xc3\xa9", 13));
  EXPECT_THAT(server.Receive(), EndsWith(": a\\x0A<0>b\\x0D\\x00\\x1B\\x7F\t\xc3\xa9"));
}

TEST_F(SyslogTest, AServerThatIsNotThereYetGetsTheNextMessageOnceItIs) {
  Syslog syslog(TargetOf(UnixAddress()));
  syslog.Send(LogLevel::kInfo, 0, "1");
  EXPECT_TRUE(syslog.report_is_due(0));
  EXPECT_EQ(syslog.TakeReport(0),
            absl::StrCat("connect() to syslog server ", UnixAddress(),
                         " failed (2: No such file or directory): 1 log messages lost"));
  const auto server = StartUnixServer();
  syslog.Send(LogLevel::kInfo, 0, "2");
  EXPECT_THAT(server->Receive(), EndsWith(": 2"));
  EXPECT_EQ(syslog.TakeReport(0), "");
}

TEST_F(SyslogTest, AUnixServerThatWasStartedAgainLosesNothing) {
  auto server = StartUnixServer();
  Syslog syslog(TargetOf(UnixAddress()));
  syslog.Send(LogLevel::kInfo, 0, "1");
  EXPECT_THAT(server->Receive(), EndsWith(": 1"));
  server = StartUnixServer();
  syslog.Send(LogLevel::kInfo, 0, "2");
  EXPECT_THAT(server->Receive(), EndsWith(": 2"));
  EXPECT_FALSE(syslog.report_is_due(0));
}

TEST_F(SyslogTest, AUnixServerThatIsGoneIsTold) {
  auto server = StartUnixServer();
  Syslog syslog(TargetOf(UnixAddress()));
  server.reset();
  syslog.Send(LogLevel::kInfo, 0, "1");
  syslog.Send(LogLevel::kInfo, 0, "2");
  EXPECT_EQ(syslog.TakeReport(0),
            absl::StrCat("connect() to syslog server ", UnixAddress(),
                         " failed (111: Connection refused): 2 log messages lost"));
}

TEST_F(SyslogTest, AUdpServerThatIsGoneIsToldAndNoticedWhenItIsBack) {
  auto server = std::make_unique<DatagramServer>();
  const std::string address = server->address();
  Syslog syslog(TargetOf(address));
  server.reset();
  // ICMP tells of each only after it was sent.
  syslog.Send(LogLevel::kInfo, 0, "1");
  EXPECT_EQ(syslog.TakeReport(0), "");
  syslog.Send(LogLevel::kInfo, 0, "2");
  EXPECT_EQ(syslog.TakeReport(0),
            absl::StrCat("send() to syslog server ", address,
                         " failed (111: Connection refused): 1 log messages lost"));
  server = std::make_unique<DatagramServer>(address);
  syslog.Send(LogLevel::kInfo, 0, "3");
  EXPECT_THAT(server->Receive(), EndsWith(": 3"));
}

TEST_F(SyslogTest, WhatAServerHasNoRoomForWaitsInItsOrderUpToABound) {
  const auto server = StartUnixServer();
  Syslog syslog(TargetOf(UnixAddress()));
  int num_sent = 0;
  while (!syslog.report_is_due(0)) {
    syslog.Send(LogLevel::kInfo, 0, absl::StrCat(num_sent, std::string(1000, ' ')));
    ++num_sent;
  }
  EXPECT_EQ(syslog.TakeReport(0), absl::StrCat("syslog server ", UnixAddress(),
                                               " reads too slowly: 1 log messages lost"));
  EXPECT_GT(num_sent * 1000, Syslog::kWaitingBytesMax / 2);
  EXPECT_LT(num_sent * 1000, Syslog::kWaitingBytesMax * 2);
  EXPECT_FALSE(HasRoom(syslog));
  int num_received = 0;
  while (num_received < num_sent - 1) {
    for (const std::string& datagram : server->ReceiveAll()) {
      EXPECT_THAT(datagram, HasSubstr(absl::StrCat(": ", num_received++, " ")));
    }
    ASSERT_TRUE(HasRoom(syslog));
    syslog.SendWaiting();
  }
  EXPECT_FALSE(syslog.waits());
  syslog.Send(LogLevel::kInfo, 0, "again");
  EXPECT_THAT(server->Receive(), EndsWith(": again"));
  EXPECT_FALSE(syslog.report_is_due(1'000'000));
}

TEST_F(SyslogTest, WhatWaitsForAServerThatEndsIsLost) {
  auto server = StartUnixServer();
  Syslog syslog(TargetOf(UnixAddress()));
  while (!syslog.waits()) syslog.Send(LogLevel::kInfo, 0, "x");
  syslog.Send(LogLevel::kInfo, 0, "x");
  server.reset();
  EXPECT_TRUE(HasRoom(syslog)) << "or nobody would find out";
  syslog.SendWaiting();
  EXPECT_FALSE(syslog.waits());
  EXPECT_THAT(syslog.TakeReport(0), HasSubstr("Connection refused): 2 log messages lost"));
}

TEST_F(SyslogTest, WhatIsDroppedIsCounted) {
  const auto server = StartUnixServer();
  Syslog syslog(TargetOf(UnixAddress()));
  while (!syslog.waits()) syslog.Send(LogLevel::kInfo, 0, "x");
  syslog.DropWaiting();
  EXPECT_FALSE(syslog.waits());
  EXPECT_THAT(syslog.TakeReport(0), EndsWith(" reads too slowly: 1 log messages lost"));
}

TEST_F(SyslogTest, AServerThatHasNoRoomIsNotWhyMessagesWereLostBefore) {
  Syslog syslog(TargetOf(UnixAddress()));
  syslog.Send(LogLevel::kInfo, 0, "x");
  const auto server = StartUnixServer();
  while (!syslog.waits()) syslog.Send(LogLevel::kInfo, 0, "x");
  EXPECT_THAT(syslog.TakeReport(0), EndsWith("No such file or directory): 1 log messages lost"));
}

TEST_F(SyslogTest, AMessageThatIsTooLongForADatagramIsLostAndTheNextOneIsNot) {
  DatagramServer server;
  Syslog syslog(TargetOf(server.address()));
  syslog.Send(LogLevel::kInfo, 0, std::string(70'000, 'x'));
  syslog.Send(LogLevel::kInfo, 0, std::string(60'000, 'y'));
  EXPECT_THAT(server.Receive(), EndsWith(std::string(60'000, 'y')));
  EXPECT_THAT(syslog.TakeReport(0), HasSubstr("Message too long): 1 log messages lost"));
}

TEST_F(SyslogTest, LossesAreToldOnceASecond) {
  Syslog syslog(TargetOf(UnixAddress()));
  EXPECT_FALSE(syslog.report_is_due(5000));
  syslog.Send(LogLevel::kInfo, 0, "1");
  EXPECT_TRUE(syslog.report_is_due(5000));
  EXPECT_NE(syslog.TakeReport(5000), "");
  syslog.Send(LogLevel::kInfo, 0, "2");
  syslog.Send(LogLevel::kInfo, 0, "3");
  EXPECT_FALSE(syslog.report_is_due(5999));
  EXPECT_TRUE(syslog.report_is_due(6000));
  EXPECT_THAT(syslog.TakeReport(6000), EndsWith(": 2 log messages lost"));
  EXPECT_FALSE(syslog.report_is_due(9000)) << "nothing was lost since";
}

TEST_F(SyslogTest, ReopenFindsTheServerThatTheNameMeansNow) {
  const auto before = StartUnixServer();
  Syslog syslog(TargetOf(UnixAddress()));
  // The one before still reads.
  const auto after = StartUnixServer();
  syslog.Reopen();
  syslog.Send(LogLevel::kInfo, 0, "1");
  EXPECT_THAT(after->Receive(), EndsWith(": 1"));
  EXPECT_THAT(before->ReceiveAll(), ElementsAre());
}

TEST_F(SyslogTest, ASocketThatWasOpenedNeedsNoDescriptorLater) {
  DatagramServer server;
  Syslog syslog(TargetOf(server.address()));
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  // No expectations in between: UndefinedBehaviorSanitizer needs descriptors.
  const rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
  const int set = setrlimit(RLIMIT_NOFILE, &none);
  syslog.Send(LogLevel::kInfo, 0, "1");
  Syslog late(TargetOf(server.address()));
  late.Send(LogLevel::kInfo, 0, "2");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_EQ(set, 0);
  EXPECT_THAT(server.ReceiveAll(), ElementsAre(EndsWith(": 1")));
  EXPECT_THAT(late.TakeReport(0), MatchesRegex("socket\\(\\) for syslog server .* failed "
                                               "\\(24: Too many open files\\): 1 log .*"));
}

}  // namespace
}  // namespace sluice::engine
