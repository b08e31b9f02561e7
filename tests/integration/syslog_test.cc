// Logs that go to syslog servers: UDP and Unix sockets of the test's.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/substitute.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/datagram_server.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr char kTime[] = "[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}";

// A server that answers "x" to everybody, and logs to `target` in format f.
std::string Logging(const std::string& address, std::string_view target, std::string_view format,
                    std::string_view options = "") {
  return absl::Substitute(
      "log_format f $0; server { listen $1; access_log syslog:server=$2 f $3; return x; }", format,
      address, target, options);
}

void Visit(const std::string& address) { EXPECT_EQ("x", Socket::Connect(address).ReceiveToEnd()); }

std::string MainWith(std::string_view error_logs) {
  return absl::StrCat("daemon off; pid sluice.pid; worker_processes 2; events {}\n", error_logs);
}

TEST(SyslogTest, ASessionIsOneDatagram) {
  DatagramServer server;
  const std::string address = FreeAddress();
  SluiceProcess sluice(Logging(address, server.address() + ",facility=local0,tag=edge",
                               "'$remote_addr $protocol $status $bytes_sent'"));
  char host[65] = "";
  gethostname(host, sizeof(host) - 1);
  Visit(address);
  // 16 * 8 + 6.
  EXPECT_THAT(server.Receive(),
              MatchesRegex(absl::StrCat("<134>", kTime, " ", absl::AsciiStrToLower(host),
                                        " edge: 127\\.0\\.0\\.1 TCP 200 1")));
}

TEST(SyslogTest, AllLinesHaveBeenSentWhenTheProcessHasEnded) {
  constexpr int kClients = 50;
  DatagramServer server;
  const std::string address = FreeAddress();
  SluiceProcess sluice(Logging(address, server.address() + ",nohostname,severity=warn", "$status"));
  for (int i = 0; i < kClients; ++i) Visit(address);
  sluice.StopAndGetLog();
  const std::vector<std::string> datagrams = server.ReceiveAll();
  EXPECT_EQ(datagrams.size(), kClients);
  for (const std::string& datagram : datagrams) {
    // 23 * 8 + 4.
    EXPECT_THAT(datagram, MatchesRegex(absl::StrCat("<188>", kTime, " sluice: 200")));
  }
}

TEST(SyslogTest, AUnixServerGetsEveryLineOfABurst) {
  // Far more than a Unix socket has room for (net.unix.max_dgram_qlen).
  constexpr int kClients = 1000;
  TempDir dir;
  const std::string target = absl::StrCat("unix:", dir.File("log"));
  DatagramServer server(target);
  const std::string address = FreeAddress();
  SluiceProcess sluice(Logging(address, target, "$connection"));
  // Nobody reads while they come.
  for (int i = 0; i < kClients; ++i) Visit(address);
  std::vector<int> connections;
  for (int i = 0; i < kClients; ++i) {
    const std::string datagram = server.Receive();
    ASSERT_THAT(datagram, HasSubstr(" sluice: "));
    connections.push_back(std::stoi(datagram.substr(datagram.rfind(' '))));
  }
  std::sort(connections.begin(), connections.end());
  for (int i = 0; i < kClients; ++i) ASSERT_EQ(connections[i], i + 1);
  EXPECT_THAT(sluice.StopAndGetLog(), Not(HasSubstr(" log messages lost")));
}

TEST(SyslogTest, AConditionLeavesSessionsOut) {
  DatagramServer server;
  const std::string logged = FreeAddress();
  const std::string silent = FreeAddress();
  SluiceProcess sluice(absl::Substitute(
      "log_format f $$server_port; access_log syslog:server=$0 f if=$$yes;\n"
      "server { listen $1; set $$yes 1; return x; } server { listen $2; set $$yes 0; return x; }",
      server.address(), logged, silent));
  Visit(silent);
  Visit(logged);
  sluice.StopAndGetLog();
  EXPECT_THAT(server.ReceiveAll(), ElementsAre(EndsWith(logged.substr(logged.rfind(':') + 1))));
}

TEST(SyslogTest, NothingThatAVariableHoldsForgesALine) {
  DatagramServer server;
  const std::string address = FreeAddress();
  SluiceProcess sluice(absl::Substitute(
      "log_format f escape=none $$said; server { listen $0; access_log syslog:server=$1 f;\n"
      "set $$said 'a\n<0>Jan  1 00:00:00 b: \x1b[2J'; return x; }",
      address, server.address()));
  Visit(address);
  EXPECT_THAT(server.Receive(), EndsWith(": a\\x0A<0>Jan  1 00:00:00 b: \\x1B[2J"));
}

TEST(SyslogTest, ErrorLogsOfSeveralKindsStandSideBySide) {
  DatagramServer all;
  DatagramServer bad;
  const std::string address = FreeAddress();
  SluiceProcess sluice(
      MainWith(absl::Substitute("error_log stderr info; error_log syslog:server=$0 info;\n"
                                "error_log syslog:server=$1,nohostname,tag=bad error;\n",
                                all.address(), bad.address())),
      absl::Substitute("server { listen $0; proxy_pass $1; }", address, FreeAddress()));
  Socket::Connect(address).ReceiveToEnd();
  std::vector<std::string> lines = absl::StrSplit(sluice.StopAndGetLog(), '\n', absl::SkipEmpty());
  std::vector<std::string> errors;
  for (const std::string& datagram : bad.ReceiveAll()) {
    EXPECT_THAT(datagram, MatchesRegex(absl::StrCat("<187>", kTime, " bad: .*")));
    errors.push_back(datagram.substr(datagram.find(": ") + 2));
  }
  EXPECT_THAT(errors, ElementsAre(AllOf(HasSubstr(" [error] "), HasSubstr("Connection refused"))));
  std::vector<std::string> sent;
  for (const std::string& datagram : all.ReceiveAll()) {
    sent.push_back(datagram.substr(datagram.find(" sluice: ") + 9));
  }
  EXPECT_EQ(sent, lines) << "from the first line to \"exit\"";
}

TEST(SyslogTest, AUnixServerMayStartLaterAndAgain) {
  TempDir dir;
  const std::string target = absl::StrCat("unix:", dir.File("log"));
  const std::string address = FreeAddress();
  SluiceProcess sluice(Logging(address, target, "$connection"));
  Visit(address);
  EXPECT_TRUE(sluice.WaitForLog(absl::StrCat("connect() to syslog server ", target,
                                             " failed (2: No such file or directory): "
                                             "1 log messages lost")));
  auto server = std::make_unique<DatagramServer>(target);
  Visit(address);
  EXPECT_THAT(server->Receive(), EndsWith(": 2"));
  server.reset();
  std::filesystem::remove(dir.File("log"));
  server = std::make_unique<DatagramServer>(target);
  Visit(address);
  EXPECT_THAT(server->Receive(), EndsWith(": 3"));
  EXPECT_EQ(1, CountOccurrences(sluice.StopAndGetLog(), " log messages lost"));
}

TEST(SyslogTest, AServerThatIsGoneIsToldOfInAFewLinesAndDelaysNobody) {
  constexpr int kClients = 100;
  const std::string gone = DatagramServer().address();
  const std::string address = FreeAddress();
  SluiceProcess sluice(
      MainWith(absl::StrCat("error_log stderr warn; error_log syslog:server=", gone, " info;\n")),
      Logging(address, gone, "$status"));
  for (int i = 0; i < kClients; ++i) Visit(address);
  const std::string log = sluice.StopAndGetLog();
  EXPECT_THAT(log, HasSubstr(absl::StrCat("[error] ", sluice.pid(), "#")));
  EXPECT_THAT(log, HasSubstr(absl::StrCat("send() to syslog server ", gone,
                                          " failed (111: Connection refused): ")));
  EXPECT_LT(CountOccurrences(log, " log messages lost"), kClients);
}

TEST(SyslogTest, AReloadGoesToTheServersOfTheNewConfiguration) {
  DatagramServer before;
  DatagramServer after;
  const std::string address = FreeAddress();
  const auto main = [](const DatagramServer& server) {
    return MainWith(absl::StrCat(
        "error_log stderr info; error_log syslog:server=", server.address(), ",tag=e notice;\n"));
  };
  const auto stream = [&](const DatagramServer& server) {
    return Logging(address, server.address() + ",tag=a", "$status");
  };
  SluiceProcess sluice(main(before), stream(before));
  Visit(address);
  ASSERT_TRUE(Eventually([&] { return absl::EndsWith(before.Receive(), " a: 200"); }));
  const int num_descriptors = sluice.NumDescriptors();
  sluice.WriteConfig(absl::StrCat(main(after), "stream {", stream(after), "}"));
  sluice.Signal(SIGHUP);
  ASSERT_TRUE(sluice.WaitForLog(": reconfigured: "));
  EXPECT_THAT(after.Receive(), HasSubstr(": reconfigured: "));
  Visit(address);
  EXPECT_THAT(after.Receive(), EndsWith(" a: 200"));
  EXPECT_TRUE(Eventually([&] { return sluice.NumDescriptors() == num_descriptors; }));
  sluice.StopAndGetLog();
  EXPECT_THAT(after.ReceiveAll().back(), EndsWith(": exit"));
  for (const std::string& datagram : before.ReceiveAll()) {
    EXPECT_THAT(datagram, Not(HasSubstr(" a: 200")));
  }
}

TEST(SyslogTest, ReopenFindsTheServerThatAPathMeansNow) {
  TempDir dir;
  const std::string target = absl::StrCat("unix:", dir.File("log"));
  DatagramServer before(target);
  const std::string address = FreeAddress();
  SluiceProcess sluice(Logging(address, target, "$status"));
  std::filesystem::remove(dir.File("log"));
  DatagramServer after(target);
  sluice.Signal(SIGUSR1);
  ASSERT_TRUE(sluice.WaitForLog(": reopening logs"));
  // Logs were reopened once a second signal has been heard.
  sluice.Signal(SIGUSR1);
  ASSERT_TRUE(sluice.WaitForLog(": reopening logs", 2));
  Visit(address);
  EXPECT_THAT(after.Receive(), EndsWith(": 200"));
  EXPECT_THAT(before.ReceiveAll(), IsEmpty());
}

TEST(SyslogTest, APlainUserReachesASocketThatIsOpenToAll) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  TempDir dir;
  std::filesystem::permissions(dir.path(), std::filesystem::perms::others_exec,
                               std::filesystem::perm_options::add);
  const std::string target = absl::StrCat("unix:", dir.File("log"));
  auto server = std::make_unique<DatagramServer>(target);
  std::filesystem::permissions(dir.File("log"), std::filesystem::perms::all);
  const std::string address = FreeAddress();
  SluiceProcess sluice(MainWith("user nobody nogroup; error_log stderr info;\n"),
                       Logging(address, target, "$status"));
  Visit(address);
  EXPECT_THAT(server->Receive(), EndsWith(": 200"));
  // The new socket is opened without root's rights.
  server.reset();
  std::filesystem::remove(dir.File("log"));
  server = std::make_unique<DatagramServer>(target);
  std::filesystem::permissions(dir.File("log"), std::filesystem::perms::all);
  Visit(address);
  EXPECT_THAT(server->Receive(), EndsWith(": 200"));
}

}  // namespace
}  // namespace sluice::testing
