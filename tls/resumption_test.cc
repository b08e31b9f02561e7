// What a session leaves behind for the next one, and for whom.

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tls/session.h"
#include "tls/testing/test_identities.h"
#include "tls/testing/test_link.h"
#include "tls/testing/test_server.h"

namespace sluice::tls {
namespace {

using ::testing::HasSubstr;

class ResumptionTest : public ::testing::TestWithParam<Version> {
 protected:
  ResumptionTest() : server_(ServerOptions(Identities().server)) {}
  ~ResumptionTest() override { EXPECT_EQ(ERR_peek_error(), 0u); }

  static Settings ClientSettings() {
    Settings settings = VerifyingSettings(Identities().root);
    settings.min_version = settings.max_version = GetParam();
    return settings;
  }
  static bool Is13() { return GetParam() == Version::kTls13; }

  // One connection that reads what the server says, tickets among it.
  struct Greeting {
    bool ok;
    bool resumed;
    Failure failure;
  };
  Greeting Greet(const Context& context, TicketPool* tickets, int shard = 0) {
    TestLink link(context, tickets, server_, shard);
    const bool ok = link.Greet();
    EXPECT_TRUE(!ok || link.session().resumed() == link.server().resumed());
    return {ok, link.session().resumed(), link.session().failure()};
  }

  TestServer server_;
  TicketPool tickets_{2, TicketUse::kReuse, 1 << 20};
};

INSTANTIATE_TEST_SUITE_P(Versions, ResumptionTest,
                         ::testing::Values(Version::kTls12, Version::kTls13), [](const auto& info) {
                           return info.param == Version::kTls13 ? "Tls13" : "Tls12";
                         });

TEST_P(ResumptionTest, TheSecondConnectionIsResumedAndSoAreAllThatFollow) {
  const auto context = MakeContext(ClientSettings());
  EXPECT_FALSE(Greet(*context, &tickets_).resumed);
  for (int i = 0; i < 20; ++i) {
    const Greeting greeting = Greet(*context, &tickets_, i % 2);
    EXPECT_TRUE(greeting.ok) << greeting.failure.text;
    EXPECT_TRUE(greeting.resumed) << i;
  }
}

TEST_P(ResumptionTest, ConnectionsAtTheSameTimeAreResumedEvenWhenTicketsRunOut) {
  const auto context = MakeContext(ClientSettings());
  EXPECT_TRUE(Greet(*context, &tickets_).ok);
  std::vector<std::unique_ptr<TestLink>> links;
  for (int i = 0; i < 10; ++i) {
    links.push_back(std::make_unique<TestLink>(*context, &tickets_, server_));
  }
  for (const auto& link : links) {
    EXPECT_TRUE(link->Greet());
    EXPECT_TRUE(link->session().resumed());
  }
}

TEST_P(ResumptionTest, AnotherContextWithTheSameSettingsResumes) {
  const auto one = MakeContext(ClientSettings());
  const auto two = MakeContext(ClientSettings());
  EXPECT_TRUE(Greet(*one, &tickets_).ok);
  EXPECT_TRUE(Greet(*two, &tickets_).resumed);
}

TEST_P(ResumptionTest, WithoutAPoolOrWithReuseOffNothingIsKeptOrOffered) {
  const auto context = MakeContext(ClientSettings());
  EXPECT_TRUE(Greet(*context, nullptr).ok);
  EXPECT_FALSE(Greet(*context, nullptr).resumed);
  Settings settings = ClientSettings();
  settings.session_reuse = false;
  const auto off = MakeContext(settings);
  EXPECT_TRUE(Greet(*off, &tickets_).ok);
  EXPECT_EQ(tickets_.Take(0), nullptr);
  // Sessions of the same identity that are there anyway stay where they are.
  EXPECT_TRUE(Greet(*context, &tickets_).ok);
  EXPECT_FALSE(Greet(*off, &tickets_).resumed);
  EXPECT_TRUE(Greet(*context, &tickets_).resumed);
}

TEST_P(ResumptionTest, FailedVerificationKeepsNoTicket) {
  Settings wrong_name = ClientSettings();
  wrong_name.name = "other.test";
  const auto other_root = tools::Certificate::SelfSigned(tools::CaSpec("other root"));
  Settings wrong_ca = ClientSettings();
  wrong_ca.trusted_certificate = FileOf("ca.pem", other_root.pem());
  for (const Settings& settings : {wrong_name, wrong_ca}) {
    const auto context = MakeContext(settings);
    TestLink link(*context, &tickets_, server_);
    EXPECT_FALSE(link.Greet());
    // Whatever else may arrive: nothing is read any more.
    EXPECT_EQ(link.Open(), Outcome::kFailed);
    EXPECT_EQ(tickets_.Take(0), nullptr);
  }
}

// The pool is the caller's to choose. Should it ever choose wrongly, the handshake fails.
TEST_P(ResumptionTest, ASessionThatStraysToAnotherFingerprintFailsClosedAndIsForgotten) {
  const std::vector<std::function<void(Settings&)>> changes = {
      [](Settings& s) { s.verify = false; },
      [](Settings& s) { s.verify_depth = 3; },
      [](Settings& s) { s.name = "127.0.0.1"; },
      [](Settings& s) { s.send_server_name = true; },
      [](Settings& s) { s.trusted_certificate.contents += Identities().intermediate.pem(); },
      [](Settings& s) { s.ciphers = "HIGH"; },
      [](Settings& s) {
        s.certificate = FileOf("client.pem", Identities().client.pem());
        s.certificate_key = FileOf("client.key", Identities().client.key_pem());
      },
  };
  const auto context = MakeContext(ClientSettings());
  for (const auto& change : changes) {
    Settings settings = ClientSettings();
    change(settings);
    const auto other = MakeContext(settings);
    EXPECT_TRUE(Greet(*other, nullptr).ok) << "must work cold";
    TicketPool tickets(1, TicketUse::kReuse, 1 << 20);
    EXPECT_TRUE(Greet(*context, &tickets).ok);
    int num_failed = 0;
    Greeting greeting = Greet(*other, &tickets);
    for (; !greeting.ok && num_failed < 10; ++num_failed) {
      EXPECT_THAT(greeting.failure.text,
                  HasSubstr("ATTEMPT_TO_REUSE_SESSION_IN_DIFFERENT_CONTEXT"));
      greeting = Greet(*other, &tickets);
    }
    // Each stray costs one connection, and no more than were kept.
    EXPECT_GT(num_failed, 0);
    EXPECT_LE(num_failed, 2);
    EXPECT_TRUE(greeting.ok);
    EXPECT_FALSE(greeting.resumed);
  }
}

TEST_P(ResumptionTest, TheStoredChainAndNameAreVerifiedAgain) {
  Settings lax = ClientSettings();
  lax.verify = false;
  const auto other_root = tools::Certificate::SelfSigned(tools::CaSpec("other root"));
  Settings wrong_ca = ClientSettings();
  wrong_ca.trusted_certificate = FileOf("ca.pem", other_root.pem());
  Settings wrong_name = ClientSettings();
  wrong_name.name = "other.test";
  const auto lax_context = MakeContext(lax);
  for (const auto& [settings, kind] : {std::pair(wrong_ca, FailureKind::kCertificateUntrusted),
                                       std::pair(wrong_name, FailureKind::kNameMismatch)}) {
    TicketPool tickets(1, TicketUse::kSingleUse, 1 << 20);
    EXPECT_TRUE(Greet(*lax_context, &tickets).ok);
    // As if the fence of the session id context were not there.
    SSL_SESSION* session = tickets.Take(0);
    ASSERT_NE(session, nullptr);
    const Fingerprint fingerprint = FingerprintOf(settings);
    SSL_SESSION_set1_id_context(session, fingerprint.data(), fingerprint.size());
    TicketPool forged(1, TicketUse::kReuse, 1 << 20);
    forged.Put(0, session);
    const Greeting greeting = Greet(*MakeContext(settings), &forged);
    EXPECT_FALSE(greeting.ok);
    EXPECT_EQ(greeting.failure.kind, kind) << greeting.failure.text;
    EXPECT_EQ(forged.Take(0), nullptr) << "a session that failed is kept";
  }
}

TEST_P(ResumptionTest, TicketsEndWithTheCertificateTheyWereGivenUnder) {
  tools::CertificateSpec spec = tools::ServerSpec({"backend.test"});
  spec.not_after_s = tools::NowSeconds() + 1000;
  TestServer server(ServerOptions(Identities().root.Issue(spec)));
  const auto context = MakeContext(ClientSettings());
  TestLink link(*context, &tickets_, server);
  EXPECT_TRUE(link.Greet());
  const bssl::UniquePtr<SSL_SESSION> session(tickets_.Take(0));
  ASSERT_NE(session, nullptr);
  EXPECT_LE(SSL_SESSION_get_time(session.get()) + SSL_SESSION_get_timeout(session.get()),
            static_cast<uint64_t>(spec.not_after_s));
  EXPECT_GT(SSL_SESSION_get_timeout(session.get()), 900u);
}

TEST_P(ResumptionTest, AnUpstreamThatForgetsItsTicketsGetsAFullHandshakeAndGivesNewOnes) {
  const auto context = MakeContext(ClientSettings());
  EXPECT_TRUE(Greet(*context, &tickets_).ok);
  server_.ForgetTickets();
  Greeting greeting = Greet(*context, &tickets_);
  EXPECT_TRUE(greeting.ok);
  EXPECT_FALSE(greeting.resumed);
  EXPECT_TRUE(Greet(*context, &tickets_).resumed);
}

TEST_P(ResumptionTest, AnUpstreamWithoutTicketsIsServedWithoutThem) {
  TestServerOptions options = ServerOptions(Identities().server);
  options.tickets = false;
  options.num_tickets = 0;
  TestServer server(options);
  const auto context = MakeContext(ClientSettings());
  for (int i = 0; i < 2; ++i) {
    TestLink link(*context, &tickets_, server);
    EXPECT_TRUE(link.Greet());
    EXPECT_FALSE(link.session().resumed());
  }
  EXPECT_EQ(tickets_.Take(0), nullptr);
}

TEST_P(ResumptionTest, ResumptionWorksWithBytesOneByOne) {
  const auto context = MakeContext(ClientSettings());
  for (const bool resumed : {false, true}) {
    TestLink link(*context, &tickets_, server_);
    link.input_bytes = link.output_bytes = link.plaintext_bytes = 1;
    EXPECT_TRUE(link.Greet());
    EXPECT_EQ(link.session().resumed(), resumed);
  }
}

TEST_P(ResumptionTest, ASessionThatEndsBeforeItsHandshakeLosesNoMemory) {
  const auto context = MakeContext(ClientSettings());
  EXPECT_TRUE(Greet(*context, &tickets_).ok);
  for (int i = 0; i < 3; ++i) TestLink link(*context, &tickets_, server_);
  EXPECT_TRUE(Greet(*context, &tickets_).resumed);
}

// As if the client had begun its first connection that long ago.
int64_t g_client_lag_s = 0;
void LaggingClock(const SSL*, timeval* now) {
  timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  *now = {.tv_sec = precise.tv_sec - g_client_lag_s, .tv_usec = 0};
}

TEST(TicketLifetimeTest, TicketsOfAResumedConnectionLastAsLongAsTheServerSays) {
  TestServer server(ServerOptions(Identities().server));
  TicketPool tickets(1, TicketUse::kReuse, 1 << 20);
  Settings settings = VerifyingSettings(Identities().root);
  settings.min_version = Version::kTls13;
  const auto context = MakeContext(settings);
  SSL_CTX_set_current_time_cb(context->ssl_ctx(), LaggingClock);
  {
    g_client_lag_s = 200;
    TestLink link(*context, &tickets, server);
    SSL_CTX_set_session_psk_dhe_timeout(SSL_get_SSL_CTX(link.server().ssl()), 300);
    ASSERT_TRUE(link.Greet());
    g_client_lag_s = 0;
  }
  TestLink link(*context, &tickets, server);
  ASSERT_TRUE(link.Greet());
  EXPECT_TRUE(link.session().resumed());
  const bssl::UniquePtr<SSL_SESSION> next(tickets.Take(0));
  ASSERT_NE(next, nullptr);
  EXPECT_NEAR(SSL_SESSION_get_timeout(next.get()), 300, 2);
}

TEST(TicketReturnTest, CopiesThatWereNotSentDoNotCountAsUnused) {
  TestServer server(ServerOptions(Identities().server));
  TicketPool tickets(1, TicketUse::kReuse, 1 << 20);
  Settings settings = VerifyingSettings(Identities().root);
  settings.min_version = Version::kTls13;
  const auto context = MakeContext(settings);
  TestLink link(*context, &tickets, server);
  ASSERT_TRUE(link.Greet());
  std::vector<std::unique_ptr<Session>> sessions;
  for (int i = 0; i < 50; ++i) sessions.push_back(Session::Create(*context, &tickets, 0));
  EXPECT_EQ(tickets.counts().taken, 2);
  for (auto& session : sessions) session->ReturnTicket();
  for (int i = 0; i < 50; ++i) bssl::UniquePtr<SSL_SESSION>(tickets.Take(0));
  EXPECT_EQ(tickets.counts().taken, 2);
}

}  // namespace
}  // namespace sluice::tls
