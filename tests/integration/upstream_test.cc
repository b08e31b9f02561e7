// Which upstream a connection gets, and what happens when one fails.
#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gtest/gtest.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"

namespace sluice::testing {
namespace {

// A listener in front of a group of upstreams.
class Group {
 public:
  // `servers`: the lines of the upstream block. `more`: directives of the server block.
  explicit Group(std::string_view servers, std::string_view more = "")
      : address_(FreeAddress()),
        sluice_(
            absl::Substitute("upstream backend { $0 } server { listen $1; proxy_pass backend; $2 }",
                             servers, address_, more)) {}

  Socket Connect() const { return Socket::Connect(address_); }
  // What the upstream that was chosen says; empty if there was none.
  std::string Hear() const { return Connect().ReceiveToEnd(); }
  // The same for several connections, one after the other.
  std::string Hear(int count) const {
    std::string heard;
    for (int i = 0; i < count; ++i) {
      heard += Hear();
    }
    return heard;
  }
  SluiceProcess& sluice() { return sluice_; }
  const std::string& address() const { return address_; }

 private:
  const std::string address_;
  SluiceProcess sluice_;
};

std::string Server(const TcpServer& server, std::string_view parameters = "") {
  return absl::StrCat("server ", server.address(), " ", parameters, ";");
}

TEST(UpstreamTest, RoundRobinTakesTurnsAcrossShards) {
  TcpServer a(Greet("a"));
  TcpServer b(Greet("b"));
  TcpServer c(Greet("c"));
  Group group(Server(a) + Server(b) + Server(c));
  EXPECT_EQ("abcabcabc", group.Hear(9));
}

TEST(UpstreamTest, WeightsAreSpreadSmoothly) {
  TcpServer a(Greet("a"));
  TcpServer b(Greet("b"));
  TcpServer c(Greet("c"));
  Group group(Server(a, "weight=5") + Server(b) + Server(c));
  EXPECT_EQ("aabacaaaabacaa", group.Hear(14));
}

TEST(UpstreamTest, ADownServerIsNeverTried) {
  TcpServer a(Greet("a"));
  TcpServer b(Greet("b"));
  Group group(Server(a, "down") + Server(b));
  EXPECT_EQ("bbbb", group.Hear(4));
  EXPECT_EQ(0, a.num_accepted());
}

TEST(UpstreamTest, ABackupIsUsedOnlyWhenAllOthersFail) {
  TcpServer b(Greet("b"));
  {
    TcpServer a(Greet("a"));
    Group group(Server(a) + Server(b, "backup"));
    EXPECT_EQ("aaa", group.Hear(3));
  }
  Group group(absl::StrCat("server ", FreeAddress(), ";", Server(b, "backup")));
  EXPECT_EQ("bbb", group.Hear(3));
}

TEST(UpstreamTest, MaxConnsSendsTheRestElsewhere) {
  TcpServer a([](Socket& socket) {
    socket.Send("a");
    socket.ReceiveToEnd();
  });
  TcpServer b(Greet("b"));
  Group group(Server(a, "max_conns=1") + Server(b));
  Socket holder = group.Connect();
  EXPECT_EQ("a", holder.Receive(1));
  EXPECT_EQ("bbbb", group.Hear(4));
  holder.Close();
  EXPECT_TRUE(Eventually([&] { return group.Connect().Receive(1) == "a"; })) << "never free again";
}

TEST(UpstreamTest, ARefusingServerIsPassedOverAndNamedInTheLog) {
  const std::string refusing = FreeAddress();
  TcpServer b(Greet("b"));
  Group group(absl::StrCat("server ", refusing, ";", Server(b)));
  EXPECT_EQ("bbbbb", group.Hear(5));
  EXPECT_TRUE(group.sluice().WaitForLog(
      absl::Substitute("connect() failed (111: Connection refused) while connecting to upstream, "
                       "client: 127.0.0.1, server: $0, upstream: \"$1\", bytes from/to client:0/0, "
                       "bytes from/to upstream:0/0",
                       group.address(), refusing)));
}

TEST(UpstreamTest, AfterMaxFailsAServerIsLeftAloneForFailTimeout) {
  const std::string refusing = FreeAddress();
  TcpServer b(Greet("b"));
  Group group(absl::StrCat("server ", refusing, " max_fails=2 fail_timeout=1h;", Server(b)));
  EXPECT_EQ("bbbbbbbb", group.Hear(8));
  EXPECT_EQ(2, CountOccurrences(group.sluice().StopAndGetLog(), "connect() failed"));
}

TEST(UpstreamTest, WithMaxFailsZeroAServerIsTriedEveryTime) {
  const std::string refusing = FreeAddress();
  TcpServer b(Greet("b"));
  Group group(absl::StrCat("server ", refusing, " max_fails=0;", Server(b)));
  EXPECT_EQ("bbbbbb", group.Hear(6));
  EXPECT_EQ(3, CountOccurrences(group.sluice().StopAndGetLog(), "connect() failed"));
}

TEST(UpstreamTest, AFailedServerIsTriedAgainAfterFailTimeout) {
  const std::string late = FreeAddress();
  TcpServer b(Greet("b"));
  Group group(absl::StrCat("server ", late, " fail_timeout=1s;", Server(b)));
  EXPECT_EQ("bb", group.Hear(2));
  TcpServer a(Greet("a"), late);
  EXPECT_TRUE(Eventually([&] { return group.Hear() == "a"; }));
}

TEST(UpstreamTest, WithNextUpstreamOffTheClientIsClosed) {
  const std::string refusing = FreeAddress();
  TcpServer b(Greet("b"));
  Group group(absl::StrCat("server ", refusing, ";", Server(b)), "proxy_next_upstream off;");
  EXPECT_EQ("", group.Hear());
  EXPECT_EQ("b", group.Hear());
}

TEST(UpstreamTest, NextUpstreamTriesBoundsTheAttempts) {
  TcpServer c(Greet("c"));
  Group group(absl::StrCat("server ", FreeAddress(), " max_fails=0; server ", FreeAddress(),
                           " max_fails=0;", Server(c)),
              "proxy_next_upstream_tries 2;");
  EXPECT_EQ("", group.Hear());
  EXPECT_EQ(2, CountOccurrences(group.sluice().StopAndGetLog(), "connect() failed"));
}

TEST(UpstreamTest, WithAllServersDownTheClientIsClosedAndTheLogSaysSo) {
  Group group(absl::StrCat("server ", FreeAddress(), " fail_timeout=1h; server ", FreeAddress(),
                           " fail_timeout=1h;"));
  Socket client = group.Connect();
  EXPECT_EQ("", client.ReceiveToEnd());
  EXPECT_EQ(End::kFin, client.end());
  EXPECT_EQ("", group.Hear());
  EXPECT_TRUE(group.sluice().WaitForLog("connect() failed (111: Connection refused)", 2));
  EXPECT_TRUE(group.sluice().WaitForLog(absl::Substitute(
      "no live upstreams while connecting to upstream, client: 127.0.0.1, server: $0, "
      "upstream: \"backend\", bytes from/to client:0/0, bytes from/to upstream:0/0",
      group.address())));
}

TEST(UpstreamTest, ABlackHoleTimesOutAndTheNextServerAnswers) {
  BlackHole hole;
  TcpServer b(Greet("b"));
  Group group(absl::StrCat("server ", hole.address(), " fail_timeout=1h;", Server(b)),
              "proxy_connect_timeout 300ms;");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ("b", group.Hear());
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(300));
  EXPECT_TRUE(group.sluice().WaitForLog(absl::Substitute(
      "upstream timed out (110: Connection timed out) while connecting to upstream, "
      "client: 127.0.0.1, server: $0, upstream: \"$1\", bytes from/to client:0/0, "
      "bytes from/to upstream:0/0",
      group.address(), hole.address())));
  EXPECT_EQ("b", group.Hear());
}

TEST(UpstreamTest, AHostNameStandsForAllItsAddresses) {
  TcpServer a(Greet("a"));
  const std::string port = a.address().substr(a.address().rfind(':') + 1);
  Group group(absl::StrCat("server localhost:", port, ";"));
  EXPECT_EQ("aaaa", group.Hear(4));
}

}  // namespace
}  // namespace sluice::testing
