// Much data, and many connections: every byte is checked at both ends.
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gtest/gtest.h"
#include "tests/support/deadline.h"
#include "tests/support/file_limit.h"
#include "tests/support/free_port.h"
#include "tests/support/pki.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/tls_peers.h"

namespace sluice::testing {
namespace {

constexpr std::string_view kMain =
    "daemon off; error_log stderr warn; pid sluice.pid; worker_processes 2;\n"
    "worker_rlimit_nofile 8192; events { worker_connections 4096; }\n";

// A plain upstream, or nginx in front of it and TLS on the way there.
class BulkTest : public ::testing::TestWithParam<bool> {
 protected:
  // Puts sluice in front of `service`.
  void Start(const TcpServer& service) {
    address_ = FreeAddress();
    std::string upstream = service.address();
    std::string tls;
    if (GetParam()) {
      pki_ = std::make_unique<Pki>();
      nginx_ = std::make_unique<NginxTlsUpstream>(service.address(), pki_->NginxServer("server"));
      upstream = nginx_->address();
      tls = absl::Substitute(
          "proxy_ssl on; proxy_ssl_verify on; proxy_ssl_trusted_certificate $0; "
          "proxy_ssl_name backend;",
          pki_->File("ca.crt"));
    }
    sluice_ = std::make_unique<SluiceProcess>(
        kMain,
        absl::Substitute("server { listen $0; proxy_pass $1; $2 }", address_, upstream, tls));
  }

  std::string address_;
  std::unique_ptr<Pki> pki_;
  std::unique_ptr<NginxTlsUpstream> nginx_;
  std::unique_ptr<SluiceProcess> sluice_;
};

INSTANTIATE_TEST_SUITE_P(Upstream, BulkTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Tls" : "Plain"; });

TEST_P(BulkTest, OneGigabyteEachWayAtTheSameTime) {
  constexpr uint64_t kSize = kSanitized ? 64'000'000 : 1'000'000'000;
  std::atomic<bool> upstream_right = false;
  TcpServer service([&](Socket& socket) {
    upstream_right = socket.ExchangePatterns(2, 1, kSize);
    socket.ReceiveToEnd();
  });
  Start(service);
  Socket client = Socket::Connect(address_);
  EXPECT_TRUE(client.ExchangePatterns(1, 2, kSize));
  EXPECT_TRUE(Eventually([&] { return upstream_right.load(); }));
}

TEST_P(BulkTest, AThousandConnectionsAtTheSameTime) {
  constexpr int kNumConnections = 1000;
  constexpr uint64_t kRoundBytes = 20'000;
  ASSERT_GT(RaiseFileLimit(), 4 * kNumConnections) << "ulimit -Hn is too low for this test";
  TcpServer service(Echo);
  Start(service);
  std::vector<Socket> clients;
  for (int i = 0; i < kNumConnections; ++i) {
    clients.push_back(Socket::Connect(address_));
  }
  // Two rounds: in the second, all of them have been up at the same time.
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < kNumConnections; ++i) {
      ASSERT_TRUE(clients[i].SendPattern(i + round, kRoundBytes)) << "connection " << i;
    }
    for (int i = 0; i < kNumConnections; ++i) {
      ASSERT_EQ(kRoundBytes, clients[i].ReceivePattern(i + round, kRoundBytes))
          << "connection " << i;
    }
  }
}

TEST_P(BulkTest, ManyShortConnectionsLeaveNothingBehind) {
  constexpr int kNumConnections = kSanitized ? 500 : 2000;
  TcpServer service(Greet("hello"));
  Start(service);
  EXPECT_EQ("hello", Socket::Connect(address_).ReceiveToEnd());
  const int num_before = sluice_->NumDescriptors();
  for (int i = 0; i < kNumConnections; ++i) {
    ASSERT_EQ("hello", Socket::Connect(address_).ReceiveToEnd()) << "connection " << i;
  }
  EXPECT_TRUE(Eventually([&] { return sluice_->NumDescriptors() <= num_before; }))
      << num_before << " descriptors before, " << sluice_->NumDescriptors() << " after";
}

}  // namespace
}  // namespace sluice::testing
