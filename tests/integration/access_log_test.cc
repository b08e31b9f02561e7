// What sluice logs of sessions with real peers.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/substitute.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/free_port.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

// A server that logs in `format`, in front of whatever `handler` says ("proxy_pass ...;").
class LoggingProxy {
 public:
  explicit LoggingProxy(std::string_view format, std::string_view handler,
                        std::string_view more = "", std::string_view options = "")
      : sluice_(
            absl::Substitute("log_format f $0; $1 server { listen $2; access_log s.log f $3; $4 }",
                             format, more, address_, options, handler)) {}

  Socket Connect() const { return Socket::Connect(address_); }
  SluiceProcess& sluice() { return sluice_; }
  const std::string& address() const { return address_; }
  std::string File(std::string_view name) const {
    return absl::StrCat(sluice_.prefix(), "/", name);
  }

  // All lines of a log, after sluice has ended.
  std::vector<std::string> Lines(std::string_view name = "s.log") {
    sluice_.StopAndGetLog();
    std::vector<std::string> lines = absl::StrSplit(ReadFile(File(name)), '\n');
    EXPECT_EQ(lines.back(), "") << "the last line is not complete";
    lines.pop_back();
    return lines;
  }

 private:
  const std::string address_ = FreeAddress();
  SluiceProcess sluice_;
};

std::string ProxyPass(const TcpServer& server) {
  return absl::StrCat("proxy_pass ", server.address(), ";");
}

TEST(AccessLogTest, ASessionIsOneLineWithItsCounts) {
  TcpServer echo([](Socket& socket) {
    const std::string request = socket.Receive(5);
    socket.Send(request + request);
  });
  LoggingProxy proxy(
      "'$remote_addr $protocol $status $bytes_sent $bytes_received $server_addr "
      "$server_port $upstream_addr $upstream_bytes_sent $upstream_bytes_received "
      "$close_reason'",
      ProxyPass(echo));
  Socket client = proxy.Connect();
  client.Send("hello");
  EXPECT_EQ(client.ReceiveToEnd(), "hellohello");
  client.Close();
  const std::string port = proxy.address().substr(proxy.address().rfind(':') + 1);
  EXPECT_THAT(proxy.Lines(),
              ElementsAre(absl::StrCat("127.0.0.1 TCP 200 10 5 127.0.0.1 ", port, " ",
                                       echo.address(), " 5 10 upstream_closed")));
}

TEST(AccessLogTest, ARetryListsEveryPeer) {
  const std::string refusing = FreeAddress();
  TcpServer good(Greet("b"));
  LoggingProxy proxy(
      "'$status $upstream_addr $upstream_connect_time $upstream_first_byte_time "
      "$upstream_session_time'",
      "proxy_pass backend;",
      absl::StrCat("upstream backend { server ", refusing, "; server ", good.address(), "; }"));
  EXPECT_EQ(proxy.Connect().ReceiveToEnd(), "b");
  const std::string time = "[0-9]\\.[0-9]{3}";
  EXPECT_THAT(proxy.Lines(),
              ElementsAre(MatchesRegex(absl::Substitute("200 $0, $1 -, $2 -, $2 $2, $2", refusing,
                                                        good.address(), time))));
}

TEST(AccessLogTest, WhereNoUpstreamIsLeftTheGroupIsNamedAndTheStatusIs502) {
  const std::string a = FreeAddress();
  const std::string b = FreeAddress();
  LoggingProxy proxy("'$status $upstream_addr $close_reason'", "proxy_pass backend;",
                     absl::StrCat("upstream backend { server ", a, "; server ", b, "; }"));
  EXPECT_EQ(proxy.Connect().ReceiveToEnd(), "");
  EXPECT_EQ(proxy.Connect().ReceiveToEnd(), "");
  EXPECT_THAT(proxy.Lines(), ElementsAre(absl::StrCat("502 ", a, ", ", b, " connect_failed"),
                                         "502 backend no_live_upstreams"));
}

TEST(AccessLogTest, TheConnectionNumberCountsUpstreamsToo) {
  TcpServer server(Greet("x"));
  LoggingProxy proxy("$connection", ProxyPass(server));
  proxy.Connect().ReceiveToEnd();
  proxy.Connect().ReceiveToEnd();
  EXPECT_THAT(proxy.Lines(), ElementsAre("1", "3"));
}

TEST(AccessLogTest, BehindAWildcardTheAddressIsWhatTheClientConnectedTo) {
  const int port = FreePort();
  SluiceProcess sluice(
      absl::Substitute("log_format f $$server_addr:$$server_port; access_log s.log f;"
                       "server { listen $0; return $$server_addr; }",
                       port));
  EXPECT_EQ(Socket::Connect(absl::StrCat("127.0.0.1:", port)).ReceiveToEnd(), "127.0.0.1");
  EXPECT_EQ(Socket::Connect(absl::StrCat("127.0.0.2:", port)).ReceiveToEnd(), "127.0.0.2");
  sluice.StopAndGetLog();
  EXPECT_EQ(ReadFile(absl::StrCat(sluice.prefix(), "/s.log")),
            absl::StrCat("127.0.0.1:", port, "\n127.0.0.2:", port, "\n"));
}

TEST(AccessLogTest, BufferedLinesAreAllThereWhenTheProcessHasEnded) {
  TcpServer server(Greet("x"));
  LoggingProxy proxy("$status", ProxyPass(server), "", "buffer=64k");
  for (int i = 0; i < 50; ++i) proxy.Connect().ReceiveToEnd();
  EXPECT_EQ(proxy.Lines(), std::vector<std::string>(50, "200"));
}

TEST(AccessLogTest, SessionsCutOffByAStopAreLogged) {
  TcpServer server([](Socket& socket) { socket.ReceiveToEnd(); });
  LoggingProxy proxy("'$status $close_reason'", ProxyPass(server));
  Socket client = proxy.Connect();
  client.Send("x");
  ASSERT_TRUE(proxy.sluice().WaitForLog("connected to " + server.address()));
  EXPECT_THAT(proxy.Lines(), ElementsAre("200 shutdown"));
}

TEST(AccessLogTest, AConditionLeavesSessionsOut) {
  LoggingProxy proxy("$server_port", "return x;", "", "if=$bytes_received");
  proxy.Connect().ReceiveToEnd();
  EXPECT_THAT(proxy.Lines(), IsEmpty()) << "nothing was received: \"0\" is false";
}

TEST(AccessLogTest, ALogMayBeNamedByVariables) {
  const std::string a = FreeAddress();
  const std::string b = FreeAddress();
  const std::string astray = FreeAddress();
  SluiceProcess sluice(absl::Substitute(
      "log_format f $$tenant; open_log_file_cache max=1;"
      "server { listen $0; set $$tenant a; access_log $$tenant.log f; return x; }"
      "server { listen $1; set $$tenant b; access_log $$tenant.log f; return x; }"
      "server { listen $2; set $$tenant ../c; access_log x/$$tenant.log f; return x; }",
      a, b, astray));
  for (const std::string& address : {a, b, a, astray}) Socket::Connect(address).ReceiveToEnd();
  const std::string log = sluice.StopAndGetLog();
  EXPECT_EQ(ReadFile(sluice.prefix() + "/a.log"), "a\na\n");
  EXPECT_EQ(ReadFile(sluice.prefix() + "/b.log"), "b\n");
  EXPECT_EQ(ReadFile(sluice.prefix() + "/c.log"), "");
  EXPECT_EQ(CountOccurrences(log, "not written: a variable leads out of its folder"), 1) << log;
}

TEST(AccessLogTest, JsonLinesCanBeRead) {
  LoggingProxy proxy("escape=json '{\"said\":\"$said\",\"upstream\":\"$upstream_addr\"}'",
                     "set $said 'a\"b'; return x;");
  proxy.Connect().ReceiveToEnd();
  EXPECT_THAT(proxy.Lines(), ElementsAre("{\"said\":\"a\\\"b\",\"upstream\":\"\"}"));
}

TEST(AccessLogTest, AServerMayLogToSeveralFilesOrTurnTheInheritedOff) {
  const std::string logging = FreeAddress();
  const std::string silent = FreeAddress();
  SluiceProcess sluice(
      absl::Substitute("log_format f $$server_port; access_log all.log f;"
                       "server { listen $0; access_log one.log f; access_log two.log f; return x; }"
                       "server { listen $1; access_log off; return x; }",
                       logging, silent));
  Socket::Connect(logging).ReceiveToEnd();
  Socket::Connect(silent).ReceiveToEnd();
  sluice.StopAndGetLog();
  EXPECT_EQ(ReadFile(sluice.prefix() + "/all.log"), "");
  EXPECT_EQ(ReadFile(sluice.prefix() + "/one.log"), ReadFile(sluice.prefix() + "/two.log"));
  EXPECT_NE(ReadFile(sluice.prefix() + "/one.log"), "");
}

}  // namespace
}  // namespace sluice::testing
