// Other configurations while sluice runs: what changes, and what nobody must notice.
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gtest/gtest.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"
#include "tests/support/pki.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_peers.h"

namespace sluice::testing {
namespace {

bool Lives(Socket& client) { return client.Send("x") && client.Receive(1) == "x"; }

std::string Front(const std::string& address, const std::string& upstream,
                  std::string_view more = "") {
  return absl::Substitute("server { listen $0; proxy_pass $1; $2 }\n", address, upstream, more);
}

// A sluice whose configuration can be changed.
class Reloadable {
 public:
  explicit Reloadable(std::string_view stream, std::string_view main = "")
      : sluice_(absl::StrCat(SluiceProcess::kMain, main), stream) {}

  // Writes another configuration and waits until every shard has it.
  void Reload(std::string_view stream, std::string_view main = "") {
    Write(stream, main);
    EXPECT_EQ(0, sluice_.SendBySwitch("reload"));
    EXPECT_TRUE(sluice_.WaitForLog(": reconfigured: ", ++num_reloads_)) << sluice_.Log();
  }
  void Write(std::string_view stream, std::string_view main = "") {
    sluice_.WriteConfig(absl::StrCat(SluiceProcess::kMain, main, "stream {\n", stream, "\n}\n"));
  }
  SluiceProcess& sluice() { return sluice_; }

 private:
  SluiceProcess sluice_;
  int num_reloads_ = 0;
};

TEST(ReloadTest, NewConnectionsGoElsewhereAndLiveOnesStay) {
  TcpServer first(Echo);
  TcpServer second(Greet("second"));
  const std::string address = FreeAddress();
  Reloadable proxy(Front(address, first.address()));
  Socket live = Socket::Connect(address);
  EXPECT_TRUE(Lives(live));
  proxy.Reload(Front(address, second.address()));
  EXPECT_EQ("second", Socket::Connect(address).ReceiveToEnd());
  EXPECT_TRUE(Lives(live));
  proxy.Reload(Front(address, first.address()));
  EXPECT_TRUE(Lives(live));
  const std::string log = proxy.sluice().Log();
  EXPECT_TRUE(absl::StrContains(log, ": signal 1 (SIGHUP) received, reconfiguring\n")) << log;
  EXPECT_TRUE(absl::StrContains(log, ": reconfiguring\n")) << log;
}

TEST(ReloadTest, ListenersComeAndGo) {
  TcpServer upstream(Echo);
  const std::string kept = FreeAddress();
  const std::string removed = FreeAddress();
  const std::string added = FreeAddress();
  const auto front = [&](const std::string& a) { return Front(a, upstream.address()); };
  Reloadable proxy(front(kept) + front(removed));
  Socket live = Socket::Connect(removed);
  EXPECT_TRUE(Lives(live));
  const int num_descriptors = proxy.sluice().NumDescriptors();
  proxy.Reload(front(added) + front(kept));
  EXPECT_FALSE(CanConnect(removed));
  for (const std::string& address : {kept, added}) {
    Socket client = Socket::Connect(address);
    EXPECT_TRUE(Lives(client));
  }
  EXPECT_TRUE(Lives(live));
  // Back again, and no descriptor is left over from each change.
  for (int i = 0; i < 5; ++i) {
    proxy.Reload(front(kept) + front(removed));
    EXPECT_FALSE(CanConnect(added));
    proxy.Reload(front(added) + front(kept));
  }
  EXPECT_TRUE(Lives(live));
  EXPECT_TRUE(Eventually([&] { return proxy.sluice().NumDescriptors() <= num_descriptors; }));
}

TEST(ReloadTest, WildcardTakesThePlaceOfAnAddressWithItsPort) {
  TcpServer upstream(Greet("hello"));
  const std::string port = absl::StrCat(FreePort());
  Reloadable proxy(Front("127.0.0.1:" + port, upstream.address()));
  proxy.Reload(Front(port, upstream.address()));
  EXPECT_EQ("hello", Socket::Connect("127.0.0.2:" + port).ReceiveToEnd());
  proxy.Reload(Front("127.0.0.1:" + port, upstream.address()));
  EXPECT_EQ("hello", Socket::Connect("127.0.0.1:" + port).ReceiveToEnd());
  EXPECT_FALSE(CanConnect("127.0.0.2:" + port));
}

TEST(ReloadTest, FilesOfUnixSocketsComeAndGo) {
  TcpServer upstream(Greet("hello"));
  TempDir dir;
  const std::string a = dir.File("a");
  const std::string b = dir.File("b");
  const auto front = [&](const std::string& file) {
    return Front("unix:" + file, upstream.address());
  };
  Reloadable proxy(front(a));
  for (int i = 0; i < 3; ++i) {
    proxy.Reload(front(a) + front(b));
    EXPECT_EQ("hello", Socket::Connect("unix:" + a).ReceiveToEnd());
    EXPECT_EQ("hello", Socket::Connect("unix:" + b).ReceiveToEnd());
    proxy.Reload(front(b));
    EXPECT_FALSE(std::filesystem::exists(a));
    EXPECT_EQ("hello", Socket::Connect("unix:" + b).ReceiveToEnd());
    proxy.Reload(front(a));
    EXPECT_FALSE(std::filesystem::exists(b));
  }
}

TEST(ReloadTest, MistakesLeaveEverythingAsItIsAndAllAreLogged) {
  TcpServer upstream(Echo);
  const std::string address = FreeAddress();
  const std::string added = FreeAddress();
  SluiceProcess sluice(Front(address, upstream.address()));
  Socket live = Socket::Connect(address);
  EXPECT_TRUE(Lives(live));
  const std::string pid_file = sluice.pid_file();
  sluice.WriteConfig(absl::StrCat(SluiceProcess::kMain, "stream {\n  proxy_timout 1s;\n",
                                  Front(added, upstream.address()), "  tcp_nodelay maybe;\n}\n"));
  // `-s reload` would not even ask.
  EXPECT_NE(0, sluice.SendBySwitch("reload"));
  sluice.Signal(SIGHUP);
  EXPECT_TRUE(sluice.WaitForLog("reconfiguring failed: the configuration before stays in use"));
  EXPECT_FALSE(CanConnect(added));
  EXPECT_TRUE(Lives(live));
  Socket client = Socket::Connect(address);
  EXPECT_TRUE(Lives(client));
  const std::string log = sluice.Log();
  for (const char* text : {"[emerg] ", "unknown directive \"proxy_timout\"", "sluice.conf:7\n",
                           "invalid value \"maybe\" in \"tcp_nodelay\"", "sluice.conf:9\n"}) {
    EXPECT_TRUE(absl::StrContains(log, text)) << text << " in\n" << log;
  }
  sluice.AllowEmergencies();
}

TEST(ReloadTest, AddressThatCannotBeHadLeavesEverythingAsItIs) {
  TcpServer upstream(Echo);
  TcpServer other(Greet("other"));
  const std::string address = FreeAddress();
  const std::string added = FreeAddress();
  SluiceProcess sluice(Front(address, upstream.address()));
  sluice.WriteConfig(absl::StrCat(SluiceProcess::kMain, "stream {", Front(address, other.address()),
                                  Front(added, other.address()),
                                  Front(other.address(), other.address()), "}"));
  sluice.Signal(SIGHUP);
  EXPECT_TRUE(sluice.WaitForLog("reconfiguring failed: "));
  EXPECT_TRUE(absl::StrContains(sluice.Log(), absl::StrCat("[emerg]"))) << sluice.Log();
  EXPECT_TRUE(absl::StrContains(
      sluice.Log(),
      absl::StrCat("bind() to ", other.address(), " failed (98: Address already in use)")));
  EXPECT_FALSE(CanConnect(added));
  Socket client = Socket::Connect(address);
  EXPECT_TRUE(Lives(client));
  sluice.AllowEmergencies();
}

TEST(ReloadTest, WhatNeedsARestartIsNamed) {
  TcpServer upstream(Greet("hello"));
  const std::string address = FreeAddress();
  SluiceProcess sluice(Front(address, upstream.address()));
  sluice.WriteConfig(absl::StrCat(
      "daemon off; error_log stderr info; pid sluice.pid; worker_processes 3; events {}\n",
      "stream {", Front(address, upstream.address()), "}"));
  sluice.Signal(SIGHUP);
  EXPECT_TRUE(sluice.WaitForLog(": reconfigured: "));
  EXPECT_TRUE(
      absl::StrContains(sluice.Log(), "\"worker_processes\" stays \"2\" until sluice is restarted"))
      << sluice.Log();
  EXPECT_EQ("hello", Socket::Connect(address).ReceiveToEnd());
}

TEST(ReloadTest, NoConnectionIsRefusedAndNoByteLostInFiftyReloadsUnderLoad) {
  constexpr int kReloads = 50;
  constexpr uint64_t kBytes = 50'000;
  TcpServer a(Echo);
  TcpServer b(Echo);
  const std::string address = FreeAddress();
  const std::string other = FreeAddress();
  Reloadable proxy(Front(address, a.address()));
  std::atomic<bool> stop = false;
  std::atomic<int> num_exchanges = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&, i] {
      // One stays, the others come anew each time.
      Socket lasting = Socket::Connect(address);
      while (!stop) {
        Socket client = Socket::Connect(address);
        EXPECT_TRUE(client.ExchangePatterns(i, i, kBytes));
        client.ShutdownWrite();
        EXPECT_EQ("", client.ReceiveToEnd());
        EXPECT_EQ(End::kFin, client.end());
        EXPECT_TRUE(lasting.ExchangePatterns(i, i, kBytes));
        ++num_exchanges;
      }
      EXPECT_TRUE(Lives(lasting));
    });
  }
  for (int i = 0; i < kReloads; ++i) {
    proxy.Reload(i % 2 == 0 ? Front(other, a.address()) + Front(address, b.address())
                            : Front(address, a.address()));
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_GT(num_exchanges, 0);
  EXPECT_GT(b.num_accepted(), 0);
}

TEST(ReloadTest, ManyAtOnceEndWithTheLastConfiguration) {
  TcpServer upstream(Echo);
  TcpServer last(Greet("last"));
  const std::string address = FreeAddress();
  SluiceProcess sluice(Front(address, upstream.address()));
  for (int i = 0; i < 20; ++i) sluice.Signal(SIGHUP);
  sluice.WriteConfig(
      absl::StrCat(SluiceProcess::kMain, "stream {", Front(address, last.address()), "}"));
  sluice.Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] {
    // The echo says the same, the other greets.
    Socket client = Socket::Connect(address);
    client.Send("?");
    return client.Receive(1) == "l";
  }));
}

TEST(ReloadTest, GracefulStopGoesOnWhateverIsToBeReloaded) {
  TcpServer upstream(Echo);
  const std::string address = FreeAddress();
  SluiceProcess sluice(Front(address, upstream.address()));
  Socket client = Socket::Connect(address);
  EXPECT_TRUE(Lives(client));
  sluice.Signal(SIGHUP);
  sluice.Signal(SIGQUIT);
  EXPECT_TRUE(Eventually([&] { return !CanConnect(address); }));
  sluice.Signal(SIGHUP);
  EXPECT_TRUE(sluice.WaitForLog("(SIGHUP) received, and ignored: shutting down"));
  EXPECT_FALSE(CanConnect(address));
  EXPECT_TRUE(Lives(client));
  client.Close();
  EXPECT_EQ(0, sluice.Wait());
}

TEST(ReloadTest, ShutdownTimeoutOfTheOldConfigurationEndsItsConnections) {
  TcpServer upstream(Echo);
  const std::string address = FreeAddress();
  const std::string front = Front(address, upstream.address());
  Reloadable proxy(front, "worker_shutdown_timeout 300ms;\n");
  Socket old = Socket::Connect(address);
  EXPECT_TRUE(Lives(old));
  proxy.Reload(front);
  Socket renewed = Socket::Connect(address);
  EXPECT_TRUE(Lives(renewed));
  EXPECT_EQ("", old.ReceiveToEnd());
  EXPECT_NE(End::kPatience, old.end());
  EXPECT_TRUE(Lives(renewed));
  EXPECT_TRUE(proxy.sluice().WaitForLog(", reason: shutdown"));
}

TEST(ReloadTest, MaxConnsCountsTheConnectionsOfBothConfigurations) {
  TcpServer upstream(Echo);
  const std::string address = FreeAddress();
  const auto stream = [&](std::string_view more) {
    return absl::Substitute(
        "upstream backend { server $0 max_conns=1; $1 } server { listen $2; proxy_pass backend; }",
        upstream.address(), more, address);
  };
  Reloadable proxy(stream(""));
  Socket live = Socket::Connect(address);
  EXPECT_TRUE(Lives(live));
  proxy.Reload(stream("server 127.0.0.1:1 down;"));
  EXPECT_EQ("", Socket::Connect(address).ReceiveToEnd());
  EXPECT_TRUE(proxy.sluice().WaitForLog("no live upstreams"));
  live.Close();
  EXPECT_TRUE(Eventually([&] {
    Socket client = Socket::Connect(address);
    return Lives(client);
  }));
}

TEST(ReloadTest, RoundRobinGoesOnWhereItWas) {
  TcpServer a(Greet("a"));
  TcpServer b(Greet("b"));
  TcpServer c(Greet("c"));
  const std::string address = FreeAddress();
  const std::string stream = absl::Substitute(
      "upstream backend { server $0; server $1; server $2; }\n"
      "server { listen $3; proxy_pass backend; }",
      a.address(), b.address(), c.address(), address);
  Reloadable proxy(stream);
  std::string heard;
  for (int i = 0; i < 6; ++i) {
    heard += Socket::Connect(address).ReceiveToEnd();
    proxy.Reload(stream);
  }
  EXPECT_EQ("abcabc", heard);
}

TEST(ReloadTest, AccessAndErrorLogsAreThoseOfTheNewConfiguration) {
  TcpServer upstream(Greet("hello"));
  TempDir logs;
  const std::string address = FreeAddress();
  const auto stream = [&](const std::string& name) {
    return absl::Substitute("log_format f \"$$status\"; access_log $0 f; error_log $1 info;\n",
                            logs.File(name + ".access"), logs.File(name + ".error")) +
           Front(address, upstream.address());
  };
  Reloadable proxy(stream("a"));
  EXPECT_EQ("hello", Socket::Connect(address).ReceiveToEnd());
  EXPECT_TRUE(Eventually([&] { return ReadFile(logs.File("a.access")) == "200\n"; }));
  proxy.Reload(stream("b"));
  EXPECT_EQ("hello", Socket::Connect(address).ReceiveToEnd());
  EXPECT_TRUE(Eventually([&] { return ReadFile(logs.File("b.access")) == "200\n"; }));
  EXPECT_TRUE(Eventually(
      [&] { return absl::StrContains(ReadFile(logs.File("b.error")), " disconnected"); }));
  // What nobody logs to any more is closed.
  EXPECT_TRUE(Eventually([&] {
    const std::filesystem::directory_iterator descriptors(
        absl::StrCat("/proc/", proxy.sluice().pid(), "/fd"));
    for (const auto& entry : descriptors) {
      std::error_code gone;
      const std::string name = std::filesystem::read_symlink(entry.path(), gone).string();
      if (name == logs.File("a.access") || name == logs.File("a.error")) return false;
    }
    return true;
  }));
}

TEST(ReloadTest, OneThatFailsLeavesTheBuffersOfAccessLogsAsTheyWere) {
  TempDir logs;
  const std::string address = FreeAddress();
  const auto stream = [&](std::string_view more) {
    return absl::Substitute(
        "log_format f \"$$status\"; access_log $0 f $1\nserver { listen $2; return x; }",
        logs.File("log"), more, address);
  };
  Reloadable proxy(stream(";"));
  proxy.sluice().AllowEmergencies();
  proxy.Write(
      stream(absl::StrCat("buffer=1m; access_log ", logs.File("missing/log"), " f buffer=1m;")));
  proxy.sluice().Signal(SIGHUP);
  ASSERT_TRUE(proxy.sluice().WaitForLog(": reconfiguring failed"));
  EXPECT_EQ("x", Socket::Connect(address).ReceiveToEnd());
  EXPECT_TRUE(Eventually([&] { return ReadFile(logs.File("log")) == "200\n"; }));
  proxy.Reload(stream("buffer=1m;"));
  EXPECT_EQ("x", Socket::Connect(address).ReceiveToEnd());
  proxy.Reload(stream(";"));
  EXPECT_TRUE(Eventually([&] { return ReadFile(logs.File("log")) == "200\n200\n"; }));
}

TEST(ReloadTest, SessionsSurviveEqualSettingsAndAnotherCaOrCrlCountsAtOnce) {
  const Pki pki;
  TcpServer service(Echo);
  NginxTlsUpstream upstream(service.address(), pki.NginxServer("revoked"));
  const std::string address = FreeAddress();
  const auto stream = [&](std::string_view ca, std::string_view more = "") {
    return Front(address, upstream.address(),
                 absl::StrCat("proxy_ssl on; proxy_ssl_verify on; proxy_ssl_name backend; ",
                              "proxy_ssl_trusted_certificate ", pki.File(ca), "; ", more));
  };
  Reloadable proxy(stream("ca.crt"));
  const auto serves = [&] {
    Socket client = Socket::Connect(address);
    return Lives(client);
  };
  EXPECT_TRUE(serves());
  EXPECT_TRUE(proxy.sluice().WaitForLog(", full handshake"));
  proxy.Reload(stream("ca.crt", "proxy_timeout 5m;"));
  EXPECT_TRUE(serves());
  EXPECT_TRUE(proxy.sluice().WaitForLog(", session resumed"));
  proxy.Reload(stream("other_ca.crt"));
  EXPECT_FALSE(serves());
  proxy.Reload(stream("ca.crt", absl::StrCat("proxy_ssl_crl ", pki.File("crl.pem"), ";")));
  EXPECT_FALSE(serves());
  EXPECT_EQ(1, CountOccurrences(proxy.sluice().Log(), ", full handshake"));
}

}  // namespace
}  // namespace sluice::testing
