// Which upstream each connection gets, from both, in front of the same upstreams.
#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/substitute.h"
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

// nginx and sluice with the same group. In `lines`, the inside of an `upstream` block, "a" to "d"
// followed by ":" are upstreams that say their letter and stay until the client goes, "s:" is one
// on a unix socket, and "x:" to "z:" are addresses where nobody listens.
class Both {
 public:
  explicit Both(std::string_view lines) {
    std::vector<std::pair<std::string, std::string>> addresses;
    for (const char letter : {'a', 'b', 'c', 'd'}) {
      servers_.push_back(std::make_unique<TcpServer>(Handler(letter)));
      addresses.emplace_back(absl::StrCat(" ", std::string(1, letter), ":"),
                             absl::StrCat(" ", servers_.back()->address(), " "));
    }
    const std::string path = absl::StrCat("unix:", dir_.File("s.sock"));
    servers_.push_back(std::make_unique<TcpServer>(Handler('s'), path));
    addresses.emplace_back(" s:", absl::StrCat(" ", path, " "));
    for (const char letter : {'x', 'y', 'z'}) {
      addresses.emplace_back(absl::StrCat(" ", std::string(1, letter), ":"),
                             absl::StrCat(" ", FreeAddress(), " "));
    }
    const std::string group = absl::StrReplaceAll(lines, addresses);
    for (const std::string& address : {nginx_address_, sluice_address_}) {
      const std::string stream = absl::Substitute(
          "upstream backend { $0 } server { listen $1; proxy_pass backend; }\n", group, address);
      if (address == nginx_address_) {
        nginx_ = std::make_unique<NginxProcess>(stream);
      } else {
        sluice_ = std::make_unique<SluiceProcess>(stream);
      }
    }
  }

  const std::string& nginx() const { return nginx_address_; }
  const std::string& sluice() const { return sluice_address_; }
  SluiceProcess& sluice_process() { return *sluice_; }

  // The letter of the upstream that a client from `source` gets; '-': none.
  static char Hear(Socket& client) {
    const std::string letter = client.Receive(1);
    return letter.empty() ? '-' : letter[0];
  }
  // Ends a session; returns when the proxy has forgotten it.
  void End(Socket client) {
    const int num_ended = num_ended_;
    client.Close();
    EXPECT_TRUE(Eventually([&] { return num_ended_ > num_ended; }));
  }

  // What `num_clients` clients get, from an address each, one after the other.
  std::string HearFromMany(const std::string& address, int num_clients) {
    std::string heard;
    for (int i = 0; i < num_clients; ++i) {
      Socket client =
          Socket::ConnectFrom(absl::Substitute("127.1.$0.$1", i / 250, i % 250 + 1), address);
      heard += Hear(client);
      if (heard.back() != '-') End(std::move(client));
    }
    return heard;
  }

  void ExpectSame(int num_clients) {
    const std::string nginx = HearFromMany(nginx_address_, num_clients);
    EXPECT_EQ(HearFromMany(sluice_address_, num_clients), nginx);
  }

  // Clients that come and stay for a while, the same ones each time.
  std::string HearFromChanging(const std::string& address, int num_steps) {
    std::mt19937 random(7);
    std::vector<Socket> open;
    std::string heard;
    for (int i = 0; i < num_steps; ++i) {
      if (open.empty() || random() % 5 < 3) {
        Socket client = Socket::ConnectFrom(absl::StrCat("127.2.0.", random() % 50 + 1), address);
        heard += Hear(client);
        if (heard.back() != '-') open.push_back(std::move(client));
      } else {
        const size_t leaving = random() % open.size();
        End(std::move(open[leaving]));
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(leaving));
        heard += '.';
      }
    }
    while (!open.empty()) {
      End(std::move(open.back()));
      open.pop_back();
    }
    return heard;
  }

  void ExpectSameOfChanging(int num_steps) {
    const std::string nginx = HearFromChanging(nginx_address_, num_steps);
    EXPECT_EQ(HearFromChanging(sluice_address_, num_steps), nginx);
  }

 private:
  TcpServer::Handler Handler(char letter) {
    return [this, letter](Socket& socket) {
      socket.Send(std::string(1, letter));
      socket.ReceiveToEnd();
      ++num_ended_;
    };
  }

  const TempDir dir_;
  std::atomic<int> num_ended_ = 0;
  std::vector<std::unique_ptr<TcpServer>> servers_;
  const std::string nginx_address_ = FreeAddress();
  const std::string sluice_address_ = FreeAddress();
  std::unique_ptr<NginxProcess> nginx_;
  std::unique_ptr<SluiceProcess> sluice_;
};

TEST(BalanceTest, RoundRobin) {
  Both both("server a: weight=5; server b: weight=2; server c:; server d: weight=3;");
  both.ExpectSame(44);
}

TEST(BalanceTest, RoundRobinWithServersThatFail) {
  Both both(
      "server a: weight=5; server x: weight=4 max_fails=2 fail_timeout=1h; server c:;"
      "server y: weight=9 max_fails=0; server d: weight=3 backup;");
  both.ExpectSame(44);
}

TEST(BalanceTest, RoundRobinWithServersThatAreFull) {
  Both both("server a: weight=5 max_conns=3; server b: weight=3 max_conns=4; server c:;");
  both.ExpectSameOfChanging(200);
}

TEST(BalanceTest, Hash) {
  Both both("hash $remote_addr; server a:; server b:; server c:;");
  both.ExpectSame(300);
}

TEST(BalanceTest, HashOfSeveralVariables) {
  Both both("hash \"$protocol/${remote_addr}x\"; server a:; server b:; server c:; server d:;");
  both.ExpectSame(100);
}

TEST(BalanceTest, HashOfABinaryVariable) {
  Both both("hash $binary_remote_addr; server a:; server b:; server c:;");
  both.ExpectSame(100);
}

TEST(BalanceTest, HashWithWeights) {
  Both both("hash $remote_addr; server a: weight=5; server b:; server c: weight=30; server s:;");
  both.ExpectSame(300);
}

TEST(BalanceTest, HashWithAServerThatIsDown) {
  Both both("hash $remote_addr; server a: weight=2; server b: weight=3 down; server c:;");
  both.ExpectSame(200);
}

TEST(BalanceTest, HashWithServersThatFail) {
  Both both(
      "hash $remote_addr; server a:; server x: weight=3 fail_timeout=1h; server c:;"
      "server y: max_fails=3 fail_timeout=1h;");
  both.ExpectSame(200);
}

TEST(BalanceTest, HashWithServersThatFailEveryTime) {
  Both both("hash $remote_addr; server a:; server x: weight=8 max_fails=0; server c:;");
  both.ExpectSame(200);
}

TEST(BalanceTest, HashThatMostlyMeetsServersThatAreDown) {
  // More than 20 misses are common here: then it is round robin's turn.
  Both both("hash $remote_addr; server a:; server b:; server x: weight=60 down; server c:;");
  both.ExpectSame(200);
}

TEST(BalanceTest, HashWithServersThatAreFull) {
  Both both(
      "hash $remote_addr; server a: max_conns=2; server b: max_conns=5 weight=3;"
      "server c: max_conns=1;");
  both.ExpectSameOfChanging(200);
}

TEST(BalanceTest, HashOfNothing) {
  Both both("hash \"\"; server a: weight=2; server b:;");
  both.ExpectSame(12);
}

TEST(BalanceTest, HashBehindBackups) {
  Both both(
      "server x: fail_timeout=1h; server y: fail_timeout=1h; server a: backup;"
      "server b: backup weight=2; hash $remote_addr;");
  both.ExpectSame(30);
}

TEST(BalanceTest, ConsistentHash) {
  Both both("hash $remote_addr consistent; server a:; server b:; server c:;");
  both.ExpectSame(300);
}

TEST(BalanceTest, ConsistentHashOfABinaryVariable) {
  Both both("hash $binary_remote_addr consistent; server a:; server b:; server c:;");
  both.ExpectSame(100);
}

TEST(BalanceTest, ConsistentHashWithWeights) {
  Both both(
      "hash $remote_addr consistent; server a: weight=5; server b:; server c: weight=100;"
      "server s: weight=7;");
  both.ExpectSame(300);
}

TEST(BalanceTest, ConsistentHashWithAServerThatIsDown) {
  Both both(
      "hash $remote_addr consistent; server a: weight=2; server b: weight=3 down; server c:;");
  both.ExpectSame(200);
}

TEST(BalanceTest, ConsistentHashWithServersThatFail) {
  Both both(
      "hash $remote_addr consistent; server a:; server x: weight=3 fail_timeout=1h;"
      "server c:; server y: max_fails=3 fail_timeout=1h;");
  both.ExpectSame(200);
}

TEST(BalanceTest, ConsistentHashThatMostlyMeetsServersThatAreDown) {
  Both both(
      "hash $remote_addr consistent; server a:; server b:; server x: weight=60 down;"
      "server c:;");
  both.ExpectSame(200);
}

TEST(BalanceTest, ConsistentHashWithServersThatAreFull) {
  Both both(
      "hash $remote_addr consistent; server a: max_conns=2; server b: max_conns=5 weight=3;"
      "server c: max_conns=1;");
  both.ExpectSameOfChanging(200);
}

TEST(BalanceTest, ConsistentHashWithAServerThatIsNamedTwice) {
  Both both("hash $remote_addr consistent; server a: weight=2; server b:; server a: weight=3;");
  both.ExpectSame(200);
}

TEST(BalanceTest, LeastConnOfShortSessions) {
  Both both("least_conn; server a: weight=5; server b: weight=2; server c:;");
  both.ExpectSame(40);
}

TEST(BalanceTest, LeastConn) {
  Both both("least_conn; server a:; server b:; server c:; server d:;");
  both.ExpectSameOfChanging(300);
}

TEST(BalanceTest, LeastConnWithWeights) {
  Both both("least_conn; server a: weight=5; server b: weight=2; server c:; server d: weight=3;");
  both.ExpectSameOfChanging(300);
}

TEST(BalanceTest, LeastConnWithServersThatFailOrAreFull) {
  Both both(
      "least_conn; server a: weight=5 max_conns=6; server x: weight=9 fail_timeout=1h;"
      "server b: max_conns=2; server y: weight=4 max_fails=0; server c: backup max_conns=3;"
      "server d: backup;");
  both.ExpectSameOfChanging(300);
}

// Chance is compared by its results: how often each upstream is chosen.
void ExpectSharesAlike(std::string_view lines) {
  Both both(lines);
  const int num_clients = 600;
  const std::string nginx = both.HearFromMany(both.nginx(), num_clients);
  const std::string sluice = both.HearFromMany(both.sluice(), num_clients);
  for (const char letter : {'a', 'b', 'c', '-'}) {
    const auto of_nginx = std::count(nginx.begin(), nginx.end(), letter);
    const auto of_sluice = std::count(sluice.begin(), sluice.end(), letter);
    // The standard deviation of the difference is 17 at most.
    EXPECT_NEAR(of_sluice, of_nginx, 120) << letter;
    EXPECT_EQ(of_sluice == 0, of_nginx == 0) << letter;
  }
}

TEST(BalanceTest, Random) {
  ExpectSharesAlike(
      "random; server a: weight=4; server b: weight=2; server c:;"
      "server x: fail_timeout=1h;");
}

TEST(BalanceTest, RandomOfTwo) {
  ExpectSharesAlike(
      "random two least_conn; server a: weight=4; server b: weight=2; server c:;"
      "server x: fail_timeout=1h;");
}

}  // namespace
}  // namespace sluice::testing
