// Balancing methods with real sockets: what a comparison with nginx (tests/differential) does not
// show.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
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

// A listener in front of a group of upstreams, on two shards.
class Group {
 public:
  explicit Group(std::string_view lines)
      : sluice_(absl::Substitute(
            "upstream backend { $0 } server { listen $1; proxy_pass backend; }", lines, address_)) {
  }

  Socket Connect() const { return Socket::Connect(address_); }
  // What clients hear, one after the other, each to the end of its session.
  std::string Hear(int num_clients) const {
    std::string heard;
    for (int i = 0; i < num_clients; ++i) {
      const std::string letter = Connect().ReceiveToEnd();
      heard += letter.empty() ? "-" : letter;
    }
    return heard;
  }
  const std::string& address() const { return address_; }

 private:
  const std::string address_ = FreeAddress();
  SluiceProcess sluice_;
};

std::string Server(const TcpServer& server, std::string_view parameters = "") {
  return absl::StrCat("server ", server.address(), " ", parameters, ";");
}

// An upstream that says its letter and stays until its client goes, and counts.
class Counted {
 public:
  explicit Counted(char letter)
      : server_([this, letter](Socket& socket) {
          const int num_open = ++num_open_;
          int most = most_open_;
          while (num_open > most && !most_open_.compare_exchange_weak(most, num_open)) {
          }
          socket.Send(std::string(1, letter));
          socket.ReceiveToEnd();
          --num_open_;
        }) {}

  const TcpServer& server() const { return server_; }
  int num_open() const { return num_open_; }
  int most_open() const { return most_open_; }

 private:
  std::atomic<int> num_open_ = 0;
  std::atomic<int> most_open_ = 0;
  TcpServer server_;
};

class MaxConns : public ::testing::TestWithParam<const char*> {};

TEST_P(MaxConns, IsExactOverTwoShards) {
  constexpr int kNumThreads = 4;
  constexpr int kClientsPerThread = 15;
  Counted a('a');
  Counted b('b');
  Counted c('c');
  Group group(absl::StrCat(GetParam(), Server(a.server(), "max_conns=5"),
                           Server(b.server(), "max_conns=3 weight=4"),
                           Server(c.server(), "max_conns=9")));
  for (int round = 0; round < 2; ++round) {
    std::vector<Socket> held[kNumThreads];
    std::atomic<int> num_refused = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < kNumThreads; ++i) {
      threads.emplace_back([&, i] {
        for (int client = 0; client < kClientsPerThread; ++client) {
          Socket socket =
              Socket::ConnectFrom(absl::Substitute("127.3.$0.$1", i, client + 1), group.address());
          if (socket.Receive(1).empty()) {
            ++num_refused;
          } else {
            held[i].push_back(std::move(socket));
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(num_refused, kNumThreads * kClientsPerThread - (5 + 3 + 9));
    EXPECT_EQ(a.num_open(), 5);
    EXPECT_EQ(b.num_open(), 3);
    EXPECT_EQ(c.num_open(), 9);
    for (std::vector<Socket>& sockets : held) sockets.clear();
    // The proxy has let go of a peer before its socket ends.
    EXPECT_TRUE(Eventually([&] { return a.num_open() + b.num_open() + c.num_open() == 0; }));
  }
  EXPECT_EQ(a.most_open(), 5);
  EXPECT_EQ(b.most_open(), 3);
  EXPECT_EQ(c.most_open(), 9);
}

INSTANTIATE_TEST_SUITE_P(BalanceTest, MaxConns,
                         ::testing::Values("", "hash $remote_addr;",
                                           "hash $remote_addr consistent;", "least_conn;",
                                           "least_time connect;", "least_time last_byte inflight;",
                                           "random;", "random two;",
                                           "random two least_time=first_byte;"));

TEST(BalanceTest, AKeyGoesToTheSameServerOnEveryShard) {
  for (const char* method : {"hash $remote_addr;", "hash $remote_addr consistent;"}) {
    TcpServer a(Greet("a"));
    TcpServer b(Greet("b"));
    TcpServer c(Greet("c"));
    Group group(absl::StrCat(method, Server(a), Server(b), Server(c)));
    const std::string heard = group.Hear(30);
    EXPECT_EQ(heard, std::string(30, heard[0]));
  }
}

TEST(BalanceTest, AKeyMayHaveAVariableThatIsSet) {
  TcpServer a(Greet("a"));
  TcpServer b(Greet("b"));
  std::string lines;
  std::vector<std::string> addresses;
  for (int i = 0; i < 30; ++i) {
    addresses.push_back(FreeAddress());
    absl::StrAppend(&lines, "server { listen ", addresses.back(), "; set $name user", i / 2,
                    "; proxy_pass backend; }");
  }
  SluiceProcess sluice(
      absl::StrCat("upstream backend { hash $name;", Server(a), Server(b), "}", lines));
  std::string heard;
  for (size_t i = 0; i < addresses.size(); i += 2) {
    const std::string letter = Socket::Connect(addresses[i]).ReceiveToEnd();
    EXPECT_EQ(Socket::Connect(addresses[i + 1]).ReceiveToEnd(), letter);
    heard += letter;
  }
  EXPECT_NE(heard.find('a'), std::string::npos);
  EXPECT_NE(heard.find('b'), std::string::npos);
}

TEST(BalanceTest, LeastConnCountsTheConnectionsOfAllShards) {
  Counted a('a');
  Counted b('b');
  Group group(absl::StrCat("zone backend 64k; least_conn;", Server(a.server()),
                           Server(b.server(), "weight=3")));
  std::vector<Socket> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(group.Connect());
    ASSERT_EQ(clients.back().Receive(1).size(), 1u);
  }
  EXPECT_EQ(a.num_open(), 10);
  EXPECT_EQ(b.num_open(), 30);
}

// An upstream that keeps its clients waiting, for the first byte or for the last.
TcpServer::Handler SlowTo(std::string_view what, std::string letter) {
  return [=](Socket& socket) {
    constexpr std::chrono::milliseconds kSlow(400);
    if (what == "first_byte") std::this_thread::sleep_for(kSlow);
    socket.Send(letter);
    if (what == "last_byte") std::this_thread::sleep_for(kSlow);
  };
}

TEST(BalanceTest, LeastTimePrefersTheServerThatIsFaster) {
  for (const char* inflight : {"", "inflight"}) {
    for (const char* what : {"first_byte", "last_byte"}) {
      TcpServer a(SlowTo(what, "a"));
      TcpServer b(Greet("b"));
      Group group(absl::StrCat("least_time ", what, " ", inflight, ";",
                               Server(a, "fail_timeout=1h"), Server(b, "fail_timeout=1h")));
      EXPECT_EQ(group.Hear(2), "ab") << "nothing is known yet";
      EXPECT_EQ(group.Hear(20), std::string(20, 'b')) << what;
    }
  }
}

TEST(BalanceTest, RandomOfTwoPrefersTheServerThatIsFaster) {
  TcpServer a(SlowTo("first_byte", "a"));
  TcpServer b(Greet("b"));
  Group group(absl::StrCat("random two least_time=first_byte;", Server(a, "fail_timeout=1h"),
                           Server(b, "fail_timeout=1h")));
  // Until a has been measured.
  EXPECT_TRUE(Eventually([&] { return group.Hear(1) == "a"; }));
  EXPECT_EQ(group.Hear(20), std::string(20, 'b'));
}

TEST(BalanceTest, AServerThatHasComeBackStartsSlowly) {
  const std::string late = FreeAddress();
  TcpServer b(Greet("b"));
  Group group(absl::StrCat("server ", late, " fail_timeout=1s slow_start=1h;", Server(b)));
  EXPECT_EQ(group.Hear(2), "bb");
  TcpServer a(Greet("a"), late);
  EXPECT_TRUE(Eventually([&] { return group.Hear(1) == "a"; }));
  EXPECT_EQ(group.Hear(20), std::string(20, 'b'));
}

}  // namespace
}  // namespace sluice::testing
