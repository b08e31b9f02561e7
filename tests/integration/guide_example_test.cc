// The complete example of NGINX's guide "Securing TCP Traffic to Upstream Servers", word for word
// but for its addresses and paths, does what the guide says.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gtest/gtest.h"
#include "tests/support/free_port.h"
#include "tests/support/pki.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/tls_peers.h"

namespace sluice::testing {
namespace {

// $0 $1 $2: upstreams, $3: where to listen, $4 $5: our certificate and key, $6: the trusted CA.
constexpr char kExample[] = R"(
    upstream backend {
        server $0;
        server $1;
        server $2;
   }

    server {
        listen     $3;
        proxy_pass backend;
        proxy_ssl  on;

        proxy_ssl_certificate         $4;
        proxy_ssl_certificate_key     $5;
        proxy_ssl_protocols           TLSv1 TLSv1.1 TLSv1.2;
        proxy_ssl_ciphers             HIGH:!aNULL:!MD5;
        proxy_ssl_trusted_certificate $6;

        proxy_ssl_verify        on;
        proxy_ssl_verify_depth  2;
        proxy_ssl_session_reuse on;
    }
)";
constexpr int kNumUpstreams = 3;

class GuideExampleTest : public ::testing::Test {
 protected:
  // Upstreams that demand a client certificate, with `certificate` of their own.
  void Start(std::string_view certificate) {
    const std::string ssl = absl::Substitute("$0 ssl_verify_client on; ssl_client_certificate $1;",
                                             pki_.NginxServer(certificate), pki_.File("ca.crt"));
    for (auto& upstream : upstreams_) {
      upstream = std::make_unique<NginxTlsUpstream>(echo_.address(), ssl);
    }
    sluice_ = std::make_unique<SluiceProcess>(absl::Substitute(
        kExample, upstreams_[0]->address(), upstreams_[1]->address(), upstreams_[2]->address(),
        address_, pki_.File("client.crt"), pki_.File("client.key"), pki_.File("ca.crt")));
  }

  const Pki pki_;
  TcpServer echo_{Echo};
  std::array<std::unique_ptr<NginxTlsUpstream>, kNumUpstreams> upstreams_;
  const std::string address_ = FreeAddress();
  std::unique_ptr<SluiceProcess> sluice_;
};

TEST_F(GuideExampleTest, CarriesTrafficAuthenticatedBothWaysAndResumesSessions) {
  constexpr int kRounds = 4;
  constexpr uint64_t kBytes = 100'000;
  Start("server");
  for (int i = 0; i < kRounds * kNumUpstreams; ++i) {
    Socket client = Socket::Connect(address_);
    EXPECT_TRUE(client.SendPattern(i, kBytes));
    EXPECT_EQ(kBytes, client.ReceivePattern(i, kBytes));
  }
  for (const auto& upstream : upstreams_) {
    // Each got its turn in every round, knows us by our certificate, and shook hands in full once.
    const std::vector<std::string> connections = upstream->WaitForConnections(kRounds);
    ASSERT_EQ(kRounds, static_cast<int>(connections.size()));
    for (int i = 0; i < kRounds; ++i) {
      EXPECT_TRUE(absl::StartsWith(connections[i], "TLSv1.2 ECDHE-ECDSA-")) << connections[i];
      EXPECT_TRUE(absl::StrContains(connections[i], i == 0 ? " . " : " r ")) << connections[i];
      EXPECT_TRUE(absl::StrContains(connections[i], "CN=sluice")) << connections[i];
    }
  }
}

TEST_F(GuideExampleTest, RefusesUpstreamsWithAnUntrustedCertificateAndLogsWhy) {
  Start("stranger");
  Socket client = Socket::Connect(address_);
  client.Send("must not arrive");
  EXPECT_EQ("", client.ReceiveToEnd());
  for (const auto& upstream : upstreams_) {
    EXPECT_TRUE(sluice_->WaitForLog(
        absl::Substitute("server: $0, upstream: \"$1\"", address_, upstream->address())));
  }
  EXPECT_TRUE(sluice_->WaitForLog(
      "upstream SSL certificate verify error: (20:unable to get local issuer certificate)",
      kNumUpstreams));
  EXPECT_TRUE(
      sluice_->WaitForLog("while SSL handshaking to upstream, client: 127.0.0.1", kNumUpstreams));
  EXPECT_EQ(0, echo_.num_accepted());
}

}  // namespace
}  // namespace sluice::testing
