// What the key usage of an upstream's and of a client's certificate decides in handshakes.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tls/context.h"
#include "tls/session.h"
#include "tls/testing/test_identities.h"
#include "tls/testing/test_link.h"
#include "tls/testing/test_server.h"
#include "tools/certificate_maker.h"

namespace sluice::tls {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// As old CAs issue them: the key may not sign.
const tools::Certificate& EncipheringServer() {
  static const auto* const server = [] {
    tools::CertificateSpec spec = tools::ServerSpec({"backend.test"});
    spec.key_kind = tools::KeyKind::kRsa2048;
    spec.key_usage = tools::kKeyEncipherment;
    return new tools::Certificate(Identities().root.Issue(spec));
  }();
  return *server;
}

// "connected", or why not.
std::string Connect(const Settings& settings) {
  const auto context = MakeContext(settings);
  TestServer server(ServerOptions(EncipheringServer()));
  TestLink link(*context, nullptr, server);
  return link.Greet() ? "connected" : link.session().failure().text;
}

Settings UpToTls12(Settings settings) {
  settings.max_version = Version::kTls12;
  return settings;
}

TEST(KeyUsageTest, ACertificateForEnciphermentIsRefusedWithTheRemedy) {
  const Settings settings = VerifyingSettings(Identities().root);
  for (const Settings& one : {settings, UpToTls12(settings)}) {
    const std::string text = Connect(one);
    EXPECT_THAT(text, HasSubstr("KEY_USAGE_BIT_INCORRECT"));
    EXPECT_THAT(text, EndsWith("set proxy_ssl_verify_legacy on and leave TLSv1.3 out of "
                               "proxy_ssl_protocols"));
  }
}

TEST(KeyUsageTest, LegacyOrNoVerificationTakesItInTls12) {
  Settings settings = UpToTls12(VerifyingSettings(Identities().root));
  settings.verify_legacy = true;
  EXPECT_EQ(Connect(settings), "connected");
  settings.verify_legacy = false;
  settings.verify = false;
  EXPECT_EQ(Connect(settings), "connected");
}

TEST(KeyUsageTest, AClientCertificateThatMayNotSignIsToldWithTheRemedy) {
  tools::CertificateSpec spec = tools::ClientSpec("client");
  spec.key_usage = tools::kKeyEncipherment;
  const auto client = Identities().root.Issue(spec);
  Settings settings;
  settings.certificate = FileOf("client.pem", client.pem());
  settings.certificate_key = FileOf("client.key", client.key_pem());
  const std::vector<Problem> problems = CheckSettings(settings);
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].field, Field::kCertificate);
  EXPECT_TRUE(problems[0].fatal);
  EXPECT_EQ(problems[0].message,
            "\"client.pem\" cannot be used as a client certificate: its keyUsage lacks "
            "digitalSignature; have it reissued with it");
}

}  // namespace
}  // namespace sluice::tls
