// Where sluice listens, and where it connects to: every kind of address.
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/free_port.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

std::string Hear(const std::string& address) { return Socket::Connect(address).ReceiveToEnd(); }

TEST(ListenTest, UnixSocketsOnBothSides) {
  TempDir dir;
  const std::string front = absl::StrCat("unix:", dir.File("front"));
  TcpServer upstream(Greet("hello"), absl::StrCat("unix:", dir.File("back")));
  {
    SluiceProcess sluice(
        absl::StrCat("server { listen ", front, "; proxy_pass ", upstream.address(), "; }"));
    EXPECT_EQ("hello", Hear(front));
    EXPECT_EQ("hello", Hear(front));
  }
  EXPECT_FALSE(std::filesystem::exists(dir.File("front"))) << "left behind";
}

TEST(ListenTest, Ipv6OnBothSides) {
  const std::string front = absl::StrCat("[::1]:", FreePort());
  TcpServer upstream(Greet("hello"), "[::1]:0");
  SluiceProcess sluice(
      absl::StrCat("server { listen ", front, "; proxy_pass ", upstream.address(), "; }"));
  EXPECT_EQ("hello", Hear(front));
}

TEST(ListenTest, APortAloneListensOnEveryIpv4Address) {
  const int port = FreePort();
  TcpServer upstream(Greet("hello"));
  SluiceProcess sluice(
      absl::StrCat("server { listen ", port, "; proxy_pass ", upstream.address(), "; }"));
  EXPECT_EQ("hello", Hear(absl::StrCat("127.0.0.1:", port)));
  EXPECT_EQ("hello", Hear(absl::StrCat("127.0.0.2:", port)));
}

TEST(ListenTest, Ipv6OnlyOffTakesIpv4Too) {
  const int port = FreePort();
  TcpServer upstream(Greet("hello"));
  SluiceProcess sluice(absl::StrCat("server { listen [::]:", port, " ipv6only=off; proxy_pass ",
                                    upstream.address(), "; }"));
  EXPECT_EQ("hello", Hear(absl::StrCat("127.0.0.1:", port)));
  EXPECT_EQ("hello", Hear(absl::StrCat("[::1]:", port)));
}

TEST(ListenTest, EveryPortOfARangeListens) {
  const int first = FreePort(3);
  TcpServer upstream(Greet("hello"));
  SluiceProcess sluice(absl::StrCat("server { listen 127.0.0.1:", first, "-", first + 2,
                                    "; proxy_pass ", upstream.address(), "; }"));
  for (int port = first; port < first + 3; ++port) {
    EXPECT_EQ("hello", Hear(absl::StrCat("127.0.0.1:", port)));
  }
}

TEST(ListenTest, ServersShareNothing) {
  const std::string front_a = FreeAddress();
  const std::string front_b = FreeAddress();
  TcpServer upstream_a(Greet("a"));
  TcpServer upstream_b(Greet("b"));
  SluiceProcess sluice(
      absl::StrCat("server { listen ", front_a, "; proxy_pass ", upstream_a.address(), "; }",  //
                   "server { listen ", front_b, "; proxy_pass ", upstream_b.address(), "; }"));
  EXPECT_EQ("a", Hear(front_a));
  EXPECT_EQ("b", Hear(front_b));
}

TEST(ListenTest, AnAddressInUseIsOneClearErrorAndExitOne) {
  TempDir dir;
  TcpServer occupant(Echo);
  const std::string config =
      dir.Write("sluice.conf", absl::StrCat("daemon off; error_log stderr; pid ", dir.File("pid"),
                                            "; events {} stream { server { listen ",
                                            occupant.address(), "; proxy_pass 127.0.0.1:1; } }"));
  const Finished finished = RunSluice({"-p", dir.path(), "-c", config});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_NE(finished.output.npos,
            finished.output.find(absl::StrCat("bind() to ", occupant.address(),
                                              " failed (98: Address already in use)")))
      << finished.output;
  EXPECT_FALSE(std::filesystem::exists(dir.File("pid")));
}

TEST(ListenTest, ProxyBindIsWhereTheUpstreamSeesUsComeFrom) {
  std::string seen;
  {
    TcpServer upstream([&](Socket& socket) {
      seen = PeerAddress(socket.fd());
      socket.Send("x");
    });
    const std::string front = FreeAddress();
    SluiceProcess sluice(absl::StrCat("server { listen ", front, "; proxy_pass ",
                                      upstream.address(), "; proxy_bind 127.0.0.9; }"));
    EXPECT_EQ("x", Hear(front));
  }
  EXPECT_EQ(0u, seen.find("127.0.0.9:")) << seen;
}

}  // namespace
}  // namespace sluice::testing
