// Bytes and ends of streams pass through sluice as they came. The upstreams are plain TCP.
#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"

namespace sluice::testing {
namespace {

// One listener in front of one service.
class Proxy {
 public:
  explicit Proxy(const TcpServer& upstream, std::string_view more = "")
      : address_(FreeAddress()),
        sluice_(absl::StrCat("server { listen ", address_, "; proxy_pass ", upstream.address(),
                             "; ", more, " }")) {}

  Socket Connect() const { return Socket::Connect(address_); }
  SluiceProcess& sluice() { return sluice_; }

 private:
  const std::string address_;
  SluiceProcess sluice_;
};

TEST(RelayTest, EchoComesBackUnchanged) {
  TcpServer upstream(Echo);
  Proxy proxy(upstream);
  Socket client = proxy.Connect();
  for (const uint64_t size : {1, 100, 20'000, 3'000'000}) {
    std::thread sender([&] { EXPECT_TRUE(client.SendPattern(size, size)); });
    EXPECT_EQ(size, client.ReceivePattern(size, size));
    sender.join();
  }
}

TEST(RelayTest, UpstreamMaySpeakFirst) {
  TcpServer upstream(Greet("220 ready"));
  Proxy proxy(upstream);
  EXPECT_EQ("220 ready", proxy.Connect().Receive(9));
}

TEST(RelayTest, WhatCameBeforeAnUpstreamFinIsDelivered) {
  constexpr uint64_t kSize = 5'000'000;
  TcpServer upstream([](Socket& socket) { socket.SendPattern(1, kSize); });
  Proxy proxy(upstream);
  Socket client = proxy.Connect();
  EXPECT_EQ(kSize, client.ReceivePattern(1, kSize));
  EXPECT_EQ("", client.ReceiveToEnd());
  EXPECT_EQ(End::kFin, client.end());
}

TEST(RelayTest, WhatCameBeforeAClientFinIsDelivered) {
  constexpr uint64_t kSize = 5'000'000;
  std::atomic<uint64_t> received = 0;
  std::atomic<End> end = End::kStillOpen;
  {
    TcpServer upstream([&](Socket& socket) {
      received = socket.ReceivePattern(1, kSize);
      socket.ReceiveToEnd();
      end = socket.end();
    });
    Proxy proxy(upstream);
    Socket client = proxy.Connect();
    EXPECT_TRUE(client.SendPattern(1, kSize));
    client.ShutdownWrite();
    client.ReceiveToEnd();
    // The service must not be torn down before it has read everything.
    EXPECT_TRUE(Eventually([&] { return end != End::kStillOpen; }));
  }
  EXPECT_EQ(kSize, received);
  EXPECT_EQ(End::kFin, end);
}

TEST(RelayTest, WithoutHalfCloseTheClientsFinEndsBothDirections) {
  TcpServer upstream([](Socket& socket) { socket.ReceiveToEnd(); });
  Proxy proxy(upstream);
  Socket client = proxy.Connect();
  client.ShutdownWrite();
  EXPECT_EQ("", client.ReceiveToEnd());
  EXPECT_EQ(End::kFin, client.end());
}

TEST(RelayTest, WithHalfCloseTheUpstreamAnswersAfterTheClientsFin) {
  TcpServer upstream([](Socket& socket) {
    const std::string request = socket.ReceiveToEnd();
    socket.Send(absl::StrCat("got ", request));
  });
  Proxy proxy(upstream, "proxy_half_close on;");
  Socket client = proxy.Connect();
  EXPECT_TRUE(client.Send("request"));
  client.ShutdownWrite();
  EXPECT_EQ("got request", client.ReceiveToEnd());
  EXPECT_EQ(End::kFin, client.end());
}

TEST(RelayTest, WithHalfCloseTheClientSpeaksAfterTheUpstreamsFin) {
  std::string heard;
  {
    TcpServer upstream([&](Socket& socket) {
      socket.Send("go on");
      socket.ShutdownWrite();
      heard = socket.ReceiveToEnd();
    });
    Proxy proxy(upstream, "proxy_half_close on;");
    Socket client = proxy.Connect();
    EXPECT_EQ("go on", client.ReceiveToEnd());
    EXPECT_TRUE(client.Send("after the end"));
    client.ShutdownWrite();
    // The test must not tear the path down before the bytes are through it.
    EXPECT_TRUE(proxy.sluice().WaitForLog("disconnected"));
  }
  EXPECT_EQ("after the end", heard);
}

TEST(RelayTest, AResetOfTheUpstreamReachesTheClientAsReset) {
  TcpServer upstream([](Socket& socket) {
    socket.Receive(1);
    socket.ResetOnClose();
  });
  Proxy proxy(upstream);
  Socket client = proxy.Connect();
  EXPECT_TRUE(client.Send("x"));
  EXPECT_EQ("", client.ReceiveToEnd());
  EXPECT_EQ(End::kReset, client.end());
}

TEST(RelayTest, AResetOfTheClientReachesTheUpstreamAsReset) {
  std::atomic<End> end = End::kStillOpen;
  {
    TcpServer upstream([&](Socket& socket) {
      socket.Send("x");
      socket.ReceiveToEnd();
      end = socket.end();
    });
    Proxy proxy(upstream);
    Socket client = proxy.Connect();
    EXPECT_EQ("x", client.Receive(1));
    client.ResetOnClose();
    client.Close();
    EXPECT_TRUE(Eventually([&] { return end != End::kStillOpen; }));
  }
  EXPECT_EQ(End::kReset, end);
}

TEST(RelayTest, AnUpstreamThatDiesMidStreamLeavesAnExactPrefix) {
  constexpr uint64_t kSent = 1'000'000;
  TcpServer upstream([](Socket& socket) {
    socket.SendPattern(1, kSent);
    socket.Receive(
        1);  // Dies only when the client has all of it: a RST discards what is under way.
    socket.ResetOnClose();
  });
  Proxy proxy(upstream);
  Socket client = proxy.Connect();
  EXPECT_EQ(kSent, client.ReceivePattern(1, kSent));
  EXPECT_TRUE(client.Send("x"));
  EXPECT_EQ("", client.ReceiveToEnd());
  EXPECT_EQ(End::kReset, client.end());
}

TEST(RelayTest, ASlowReaderGetsEverything) {
  constexpr uint64_t kSize = 20'000'000;
  TcpServer upstream([](Socket& socket) { socket.SendPattern(1, kSize); });
  Proxy proxy(upstream);
  Socket client = proxy.Connect();
  // Reads nothing until every buffer on the path must be full: the upstream cannot send it all.
  EXPECT_TRUE(proxy.sluice().WaitForLog("connected to"));
  Socket other = proxy.Connect();
  EXPECT_EQ(kSize, other.ReceivePattern(1, kSize)) << "held up by the one that does not read";
  EXPECT_EQ(kSize, client.ReceivePattern(1, kSize));
}

TEST(RelayTest, AnIdleConnectionEndsAfterProxyTimeout) {
  TcpServer upstream(Sink);
  Proxy proxy(upstream, "proxy_timeout 200ms;");
  Socket client = proxy.Connect();
  EXPECT_EQ("", client.ReceiveToEnd());
  EXPECT_EQ(End::kFin, client.end());
  EXPECT_TRUE(proxy.sluice().WaitForLog("timed out (110: Connection timed out)"));
}

TEST(RelayTest, ABusyConnectionOutlivesProxyTimeout) {
  TcpServer upstream(Echo);
  Proxy proxy(upstream, "proxy_timeout 500ms;");
  Socket client = proxy.Connect();
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  while (std::chrono::steady_clock::now() < until) {
    ASSERT_TRUE(client.Send("x"));
    ASSERT_EQ("x", client.Receive(1));
  }
}

TEST(RelayTest, TheLogTellsOfEachConnectionAsNginxDoes) {
  TcpServer upstream(Greet("hello"));
  Proxy proxy(upstream);
  proxy.Connect().ReceiveToEnd();
  EXPECT_TRUE(proxy.sluice().WaitForLog("client 127.0.0.1:"));
  EXPECT_TRUE(proxy.sluice().WaitForLog(absl::StrCat("connected to ", upstream.address())));
  EXPECT_TRUE(proxy.sluice().WaitForLog("bytes from/to client:0/5, bytes from/to upstream:5/0"));
}

}  // namespace
}  // namespace sluice::testing
