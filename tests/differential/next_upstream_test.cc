// Which peers are tried for a session, one after the other, and how it ends: proxy_next_upstream,
// its number of tries and its timeout.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"
#include "tests/support/nginx_process.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

class NextUpstreamTest : public ::testing::Test {
 protected:
  // What clients hear and what is logged, one line for each of `num_sessions` sessions. In
  // `servers` REFUSING1 and REFUSING2 stand for peers that refuse, SILENT for one that does not
  // answer a SYN, RESETTING for one that accepts and then resets, GOOD for one that says hello.
  template <class Proxy>
  std::string Sessions(std::string_view servers, std::string_view directives, int num_sessions) {
    std::vector<std::pair<std::string, std::string>> names = {{"REFUSING1", refusing1_},
                                                              {"REFUSING2", refusing2_},
                                                              {"SILENT", silent_.address()},
                                                              {"RESETTING", resetting_.address()},
                                                              {"GOOD", good_.address()}};
    const std::string address = FreeAddress();
    const Proxy proxy(absl::StrCat("log_format tries '$status $upstream_addr';",
                                   "access_log tries.log tries; upstream backend {",
                                   absl::StrReplaceAll(servers, names), "} server { listen ",
                                   address, "; proxy_pass backend; ", directives, " }"));
    const std::string log = absl::StrCat(proxy.prefix(), "/tries.log");
    std::string heard;
    for (int i = 0; i < num_sessions; ++i) {
      Socket client = Socket::Connect(address);
      client.Send("x");
      absl::StrAppend(&heard, "[", client.ReceiveToEnd(), "]");
      client.Close();
      // What a session finds out of a peer counts for the next: one is over before that begins.
      EXPECT_TRUE(Eventually([&] { return absl::c_count(ReadFile(log), '\n') == i + 1; }));
    }
    for (auto& [name, peer] : names) std::swap(name, peer);
    return absl::StrCat(heard, "\n", absl::StrReplaceAll(ReadFile(log), names));
  }

  // The two are alike; returns what they do, which tests tell as well.
  std::string Both(std::string_view servers, std::string_view directives, int num_sessions = 1) {
    const std::string sluice = Sessions<SluiceProcess>(servers, directives, num_sessions);
    EXPECT_EQ(sluice, Sessions<NginxProcess>(servers, directives, num_sessions));
    return sluice;
  }

 private:
  TcpServer good_{Greet("hello")};
  TcpServer resetting_{[](Socket& socket) {
    socket.Receive(1);  // Else the reset may come while nginx still waits for its connect().
    socket.ResetOnClose();
  }};
  const BlackHole silent_;
  const std::string refusing1_ = FreeAddress();
  const std::string refusing2_ = FreeAddress();
};

TEST_F(NextUpstreamTest, OnEveryPeerIsTriedOnce) {
  EXPECT_EQ(Both("server REFUSING1; server REFUSING2; server GOOD;", "", 2),
            "[hello][hello]\n200 REFUSING1, REFUSING2, GOOD\n200 GOOD\n");
}

TEST_F(NextUpstreamTest, OffNoOtherPeerIsTried) {
  EXPECT_EQ(Both("server REFUSING1; server REFUSING2; server GOOD;", "proxy_next_upstream off;", 4),
            "[][][hello][hello]\n502 REFUSING1\n502 REFUSING2\n200 GOOD\n200 GOOD\n");
}

TEST_F(NextUpstreamTest, OffPeersWhoseFailuresDoNotCountAreStillTakenInTurn) {
  EXPECT_EQ(Both("server REFUSING1 max_fails=0; server GOOD;", "proxy_next_upstream off;", 4),
            "[][hello][][hello]\n502 REFUSING1\n200 GOOD\n502 REFUSING1\n200 GOOD\n");
}

TEST_F(NextUpstreamTest, NoMorePeersAreTriedThanTriesSay) {
  constexpr std::string_view kServers = "server REFUSING1; server REFUSING2; server GOOD;";
  EXPECT_EQ(Both(kServers, "proxy_next_upstream_tries 1;", 4),
            "[][][hello][hello]\n502 REFUSING1\n502 REFUSING2\n200 GOOD\n200 GOOD\n");
  EXPECT_EQ(Both(kServers, "proxy_next_upstream_tries 2;", 3),
            "[][hello][hello]\n502 REFUSING1, REFUSING2\n200 GOOD\n200 GOOD\n");
  EXPECT_EQ(Both(kServers, "proxy_next_upstream_tries 3;", 2),
            "[hello][hello]\n200 REFUSING1, REFUSING2, GOOD\n200 GOOD\n");
}

TEST_F(NextUpstreamTest, TriesCountBackupsToo) {
  constexpr std::string_view kServers = "server REFUSING1; server REFUSING2; server GOOD backup;";
  constexpr std::string_view kServed = "[hello][hello]\n200 REFUSING1, REFUSING2, GOOD\n200 GOOD\n";
  EXPECT_EQ(Both(kServers, "", 2), kServed);
  EXPECT_EQ(Both(kServers, "proxy_next_upstream_tries 2;", 2),
            "[][hello]\n502 REFUSING1, REFUSING2\n200 GOOD\n");
  EXPECT_EQ(Both(kServers, "proxy_next_upstream_tries 3;", 2), kServed);
}

TEST_F(NextUpstreamTest, WhereNoneCanBeTriedTheGroupIsNamed) {
  EXPECT_EQ(Both("server REFUSING1; server REFUSING2;", "", 2),
            "[][]\n502 REFUSING1, REFUSING2\n502 backend\n");
  EXPECT_EQ(Both("server REFUSING1; server GOOD down;", "", 2),
            "[][]\n502 REFUSING1\n502 backend\n");
  EXPECT_EQ(Both("server REFUSING1 max_fails=0; server REFUSING2 max_fails=0;", "", 2),
            "[][]\n502 REFUSING1, REFUSING2\n502 REFUSING2, REFUSING1\n");
}

TEST_F(NextUpstreamTest, TheOnlyPeerIsTriedAgainByTheNextSession) {
  EXPECT_EQ(Both("server REFUSING1;", "", 3),
            "[][][]\n502 REFUSING1\n502 REFUSING1\n502 REFUSING1\n");
}

TEST_F(NextUpstreamTest, APeerThatDoesNotAnswerIsLeftForTheNext) {
  constexpr std::string_view kServers = "server SILENT; server GOOD;";
  constexpr std::string_view kNotServed = "[][hello]\n502 SILENT\n200 GOOD\n";
  EXPECT_EQ(Both(kServers, "proxy_connect_timeout 200ms;", 2),
            "[hello][hello]\n200 SILENT, GOOD\n200 GOOD\n");
  EXPECT_EQ(Both(kServers, "proxy_connect_timeout 200ms; proxy_next_upstream off;", 2), kNotServed);
  EXPECT_EQ(Both(kServers, "proxy_connect_timeout 200ms; proxy_next_upstream_tries 1;", 2),
            kNotServed);
}

TEST_F(NextUpstreamTest, NoOtherPeerIsTriedOnceTheTimeoutIsOver) {
  constexpr std::string_view kServers = "server SILENT; server GOOD;";
  EXPECT_EQ(Both(kServers, "proxy_connect_timeout 200ms; proxy_next_upstream_timeout 20ms;", 2),
            "[][hello]\n502 SILENT\n200 GOOD\n");
  EXPECT_EQ(Both(kServers, "proxy_connect_timeout 200ms; proxy_next_upstream_timeout 1h;", 2),
            "[hello][hello]\n200 SILENT, GOOD\n200 GOOD\n");
  // Where the first refuses, no time has passed.
  EXPECT_EQ(Both("server REFUSING1; server GOOD;", "proxy_next_upstream_timeout 1h;"),
            "[hello]\n200 REFUSING1, GOOD\n");
}

TEST_F(NextUpstreamTest, APeerThatHasAcceptedIsNotLeft) {
  EXPECT_EQ(Both("server RESETTING; server GOOD;", "", 2), "[][hello]\n200 RESETTING\n200 GOOD\n");
}

}  // namespace
}  // namespace sluice::testing
