// What a Session tells of its upstream: the chain, ALPN, what was signed with, tickets, alerts.
#include <chrono>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "tls/certificate_facts.h"
#include "tls/session.h"
#include "tls/testing/test_identities.h"
#include "tls/testing/test_link.h"
#include "tls/testing/test_server.h"

namespace sluice::tls {
namespace {

constexpr int64_t kPoolBytes = 1024 * 1024;

class SessionFactsTest : public testing::TestWithParam<Version> {
 protected:
  static Settings SettingsOf(Version version) {
    Settings settings = VerifyingSettings(Identities().root);
    settings.min_version = settings.max_version = version;
    return settings;
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, SessionFactsTest,
                         testing::Values(Version::kTls12, Version::kTls13), [](const auto& test) {
                           return test.param == Version::kTls12 ? "Tls12" : "Tls13";
                         });

std::string SubjectOf(std::string_view der) { return ReadCertificateFacts(der).subject; }

TEST_P(SessionFactsTest, TheChainIsThereAfterSuccess) {
  TestServer server(ServerOptions(Identities().server));
  const auto context = MakeContext(SettingsOf(GetParam()));
  TestLink link(*context, nullptr, server);
  EXPECT_TRUE(link.session().peer_chain().empty());
  ASSERT_EQ(link.Handshake(), Outcome::kDone);
  ASSERT_EQ(link.session().peer_chain().size(), 1);
  EXPECT_EQ(SubjectOf(link.session().peer_chain()[0]), "CN=backend.test");
}

TEST_P(SessionFactsTest, TheChainIsThereAfterAFailedVerification) {
  TestServer server(ServerOptions(Identities().server));
  Settings settings = SettingsOf(GetParam());
  settings.name = "other.test";
  const auto context = MakeContext(settings);
  TestLink link(*context, nullptr, server);
  ASSERT_EQ(link.Handshake(), Outcome::kFailed);
  ASSERT_EQ(link.session().peer_chain().size(), 1);
  EXPECT_EQ(SubjectOf(link.session().peer_chain()[0]), "CN=backend.test");
}

TEST_P(SessionFactsTest, TheSignatureIsNamedUnlessThereWasNone) {
  TestServer server(ServerOptions(Identities().server));
  const auto context = MakeContext(SettingsOf(GetParam()));
  TicketPool tickets(/*num_shards=*/1, TicketUse::kReuse, kPoolBytes);
  TestLink full(*context, &tickets, server);
  ASSERT_TRUE(full.Greet());
  EXPECT_EQ(full.session().signature_algorithm(), "ecdsa_secp256r1_sha256");
  TestLink resumed(*context, &tickets, server);
  ASSERT_TRUE(resumed.Greet());
  ASSERT_TRUE(resumed.session().resumed());
  EXPECT_EQ(resumed.session().signature_algorithm(), "");
  EXPECT_EQ(resumed.session().peer_chain().size(), 1);
}

TEST_P(SessionFactsTest, TicketsAreCountedWithTheirLifetime) {
  TestServer server(ServerOptions(Identities().server));
  const auto context = MakeContext(SettingsOf(GetParam()));
  TicketPool tickets(/*num_shards=*/1, TicketUse::kReuse, kPoolBytes);
  const auto began = std::chrono::steady_clock::now();
  TestLink link(*context, &tickets, server);
  EXPECT_EQ(link.session().num_tickets(), 0);
  ASSERT_TRUE(link.Greet());
  const auto took =
      std::chrono::ceil<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
  EXPECT_EQ(link.session().num_tickets(), GetParam() == Version::kTls12 ? 1 : 2);
  // BoringSSL's servers: two hours for TLS 1.2, two days for TLS 1.3, less the seconds that have
  // begun since the session did.
  const uint32_t lifetime_s = GetParam() == Version::kTls12 ? 7200 : 172'800;
  EXPECT_LE(link.session().ticket_lifetime_s(), lifetime_s);
  EXPECT_GE(link.session().ticket_lifetime_s() + took.count(), lifetime_s);
}

TEST_P(SessionFactsTest, TheChosenProtocolIsTold) {
  TestServerOptions options = ServerOptions(Identities().server);
  options.alpn = {"h2"};
  TestServer server(options);
  Settings settings = SettingsOf(GetParam());
  const auto silent = MakeContext(settings);
  TestLink without(*silent, nullptr, server);
  ASSERT_EQ(without.Handshake(), Outcome::kDone);
  EXPECT_EQ(without.session().alpn(), "");
  settings.alpn = {"http/1.1", "h2"};
  const auto offering = MakeContext(settings);
  TestLink with(*offering, nullptr, server);
  ASSERT_EQ(with.Handshake(), Outcome::kDone);
  EXPECT_EQ(with.session().alpn(), "h2");
}

TEST_P(SessionFactsTest, AnAlertIsToldByItsNumber) {
  TestServer server(ServerOptions(Identities().server));
  const auto context = MakeContext(SettingsOf(GetParam()));
  TestLink link(*context, nullptr, server);
  ASSERT_EQ(link.Handshake(), Outcome::kDone);
  link.Send(link.server().FatalAlert(49));  // access_denied.
  ASSERT_EQ(link.Open(), Outcome::kFailed);
  EXPECT_EQ(link.session().failure().kind, FailureKind::kAlertReceived);
  EXPECT_EQ(link.session().failure().alert, 49);
}

}  // namespace
}  // namespace sluice::tls
