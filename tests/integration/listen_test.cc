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

// A proxy with `directives` in front of a server, and where that sees it come from.
class ComingFrom {
 public:
  explicit ComingFrom(std::string_view directives)
      : front_(FreeAddress()),
        sluice_(absl::StrCat("server { listen ", front_, "; proxy_pass ", upstream_.address(), "; ",
                             directives, " }")) {}

  // The address, without its port, when a client comes from `source`.
  std::string Of(std::string_view source) {
    const std::string seen = Socket::ConnectFrom(source, front_).ReceiveToEnd();
    return seen.substr(0, seen.rfind(':'));
  }
  SluiceProcess& sluice() { return sluice_; }

 private:
  TcpServer upstream_{[](Socket& socket) { socket.Send(PeerAddress(socket.fd())); }};
  const std::string front_;
  SluiceProcess sluice_;
};

TEST(ListenTest, ProxyBindIsWhereTheUpstreamSeesUsComeFrom) {
  EXPECT_EQ(ComingFrom("").Of("127.0.0.7"), "127.0.0.1");
  EXPECT_EQ(ComingFrom("proxy_bind 127.0.0.9;").Of("127.0.0.7"), "127.0.0.9");
}

TEST(ListenTest, ProxyBindTakesVariables) {
  ComingFrom clients("proxy_bind $remote_addr;");
  EXPECT_EQ(clients.Of("127.0.0.7"), "127.0.0.7");
  EXPECT_EQ(clients.Of("127.0.0.8"), "127.0.0.8");
}

TEST(ListenTest, AProxyBindThatComesToNothingBindsNothing) {
  EXPECT_EQ(ComingFrom("set $from ''; proxy_bind $from;").Of("127.0.0.7"), "127.0.0.1");
  ComingFrom nonsense("set $from 127.0.0.300; proxy_bind $from;");
  EXPECT_EQ(nonsense.Of("127.0.0.7"), "127.0.0.1");
  EXPECT_TRUE(
      nonsense.sluice().WaitForLog("invalid local address \"127.0.0.300\" while connecting"));
}

}  // namespace
}  // namespace sluice::testing
