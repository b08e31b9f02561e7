// The server side of TLS, against our own client side, which tests of its own hold to BoringSSL's.

#include <openssl/err.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/log/check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tls/server_context.h"
#include "tls/session.h"
#include "tls/testing/test_identities.h"
#include "tls/testing/test_link.h"
#include "tls/ticket_pool.h"

namespace sluice::tls {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

ServerSettings::Identity IdentityOf(const tools::Certificate& certificate) {
  return {.certificate = FileOf("server.pem", certificate.chain_pem()),
          .certificate_key = FileOf("server.key", certificate.key_pem())};
}

ServerSettings SettingsWith(const tools::Certificate& certificate) {
  ServerSettings settings;
  settings.identities.push_back(IdentityOf(certificate));
  return settings;
}

// A server that asks for certificates of the tests' root.
ServerSettings AskingSettings(ClientVerification verification) {
  ServerSettings settings = SettingsWith(Identities().server);
  settings.verify_client = verification;
  settings.client_certificate = FileOf("clients.pem", Identities().root.pem());
  return settings;
}

Settings ClientWith(const tools::Certificate& certificate) {
  Settings settings = VerifyingSettings(Identities().root);
  settings.certificate = FileOf("client.pem", certificate.chain_pem());
  settings.certificate_key = FileOf("client.key", certificate.key_pem());
  return settings;
}

// A client and a server session, and the bytes between them.
class Pair {
 public:
  Pair(const Context& client, TicketPool* tickets, const ServerContext& server)
      : client_(Session::Create(client, tickets, 0)), server_(Session::Create(server)) {}

  // The most that the server is given of arrived bytes, and of room, at once.
  size_t server_bytes = 1 << 14;

  // Carries bytes until nothing moves. True: both are done.
  bool Handshake() {
    do {
      moved_ = false;
      client_outcome_ = Step(*client_, &to_client_, &to_server_, 1 << 14);
      server_outcome_ = Step(*server_, &to_server_, &to_client_, server_bytes);
    } while (moved_);
    return client_outcome_ == Outcome::kDone && server_outcome_ == Outcome::kDone;
  }

  // `text` from one to the other; what was opened there.
  std::string ToClient(std::string_view text) {
    Seal(*server_, text, &to_client_);
    return Open(*client_, &to_client_, &to_server_);
  }
  std::string ToServer(std::string_view text) {
    Seal(*client_, text, &to_server_);
    return Open(*server_, &to_server_, &to_client_);
  }
  // Handshake, and a word each way: tickets have arrived.
  bool Greet() {
    return Handshake() && ToServer("hello") == "hello" && ToClient("welcome") == "welcome";
  }

  Session& client() { return *client_; }
  Session& server() { return *server_; }
  Outcome server_outcome() const { return server_outcome_; }
  std::vector<uint8_t>& to_server() { return to_server_; }
  std::vector<uint8_t>& to_client() { return to_client_; }

 private:
  Outcome Step(Session& session, std::vector<uint8_t>* arrived, std::vector<uint8_t>* sent,
               size_t bytes_max) {
    std::vector<uint8_t> input(arrived->begin(),
                               arrived->begin() + std::min(arrived->size(), bytes_max));
    std::vector<uint8_t> output(bytes_max);
    Ciphertext io{.input = input, .output = output};
    const Outcome outcome = session.Handshake(io);
    arrived->erase(arrived->begin(), arrived->begin() + io.consumed);
    sent->insert(sent->end(), output.begin(), output.begin() + io.produced);
    moved_ |= io.consumed > 0 || io.produced > 0;
    return outcome;
  }

  static void Seal(Session& session, std::string_view text, std::vector<uint8_t>* sent) {
    std::vector<uint8_t> output(1 << 15);
    Ciphertext io{.output = output};
    size_t sealed;
    EXPECT_EQ(
        session.Seal(io, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}, &sealed),
        Outcome::kDone);
    sent->insert(sent->end(), output.begin(), output.begin() + io.produced);
  }

  static std::string Open(Session& session, std::vector<uint8_t>* arrived,
                          std::vector<uint8_t>* sent) {
    std::vector<uint8_t> output(1 << 10);
    std::vector<uint8_t> plaintext(1 << 15);
    Ciphertext io{.input = *arrived, .output = output};
    size_t opened;
    (void)session.Open(io, plaintext, &opened);
    arrived->erase(arrived->begin(), arrived->begin() + io.consumed);
    sent->insert(sent->end(), output.begin(), output.begin() + io.produced);
    return {plaintext.begin(), plaintext.begin() + opened};
  }

  std::unique_ptr<Session> client_;
  std::unique_ptr<Session> server_;
  std::vector<uint8_t> to_client_;
  std::vector<uint8_t> to_server_;
  Outcome client_outcome_ = Outcome::kNeedInput;
  Outcome server_outcome_ = Outcome::kNeedInput;
  bool moved_ = false;
};

class ServerSessionTest : public ::testing::TestWithParam<Version> {
 protected:
  ~ServerSessionTest() override { EXPECT_EQ(ERR_peek_error(), 0u); }

  static bool Is13() { return GetParam() == Version::kTls13; }

  std::unique_ptr<ServerContext> MakeServer(ServerSettings settings) {
    settings.min_version = settings.max_version = GetParam();
    auto context = ServerContext::Create(settings, ServerResumption::Of(settings, sessions_));
    CHECK_OK(context.status());
    return *std::move(context);
  }

  ServerSessionCache sessions_;
  TicketPool tickets_{1, TicketUse::kReuse, 1 << 20};
  const std::unique_ptr<Context> client_ = MakeContext(VerifyingSettings(Identities().root));
};

INSTANTIATE_TEST_SUITE_P(Versions, ServerSessionTest,
                         ::testing::Values(Version::kTls12, Version::kTls13), [](const auto& info) {
                           return info.param == Version::kTls13 ? "Tls13" : "Tls12";
                         });

TEST_P(ServerSessionTest, HandshakeAndBytesBothWays) {
  const auto server = MakeServer(SettingsWith(Identities().server));
  Pair pair(*client_, nullptr, *server);
  EXPECT_TRUE(pair.Greet()) << pair.server().failure().text;
  EXPECT_EQ(pair.server().version(), GetParam());
  EXPECT_EQ(pair.server().cipher(), pair.client().cipher());
  EXPECT_FALSE(pair.server().resumed());
  EXPECT_THAT(pair.server().peer_chain(), IsEmpty());
}

// Their keys are derived for the direction and for the side (tls/record_cipher.h).
TEST_P(ServerSessionTest, LongRecordsGoBothWays) {
  const auto server = MakeServer(SettingsWith(Identities().server));
  Pair pair(*client_, nullptr, *server);
  ASSERT_TRUE(pair.Greet());
  for (const char filling : {'a', 'b', 'c'}) {
    const std::string text(1 << 14, filling);
    EXPECT_TRUE(pair.ToClient(text) == text) << pair.client().failure().text;
    EXPECT_TRUE(pair.ToServer(text) == text) << pair.server().failure().text;
  }
}

TEST_P(ServerSessionTest, HandshakeInPiecesOfAnySize) {
  const auto server = MakeServer(AskingSettings(ClientVerification::kOn));
  const auto client = MakeContext(ClientWith(Identities().client));
  for (const size_t bytes : {1, 3, 64, 1000}) {
    Pair pair(*client, nullptr, *server);
    pair.server_bytes = bytes;
    EXPECT_TRUE(pair.Greet()) << bytes;
  }
}

TEST_P(ServerSessionTest, WhatTheClientAsksForIsKnown) {
  Settings asking = VerifyingSettings(Identities().root);
  asking.send_server_name = true;
  const auto client = MakeContext(asking);
  const auto server = MakeServer(SettingsWith(Identities().server));
  Pair pair(*client, nullptr, *server);
  EXPECT_TRUE(pair.Greet());
  EXPECT_EQ(pair.server().server_name(), "backend.test");
}

TEST_P(ServerSessionTest, CloseNotifyGoesBothWays) {
  const auto server = MakeServer(SettingsWith(Identities().server));
  Pair pair(*client_, nullptr, *server);
  ASSERT_TRUE(pair.Greet());
  uint8_t room[64];
  Ciphertext io{.output = room};
  EXPECT_EQ(pair.server().Shutdown(io), Outcome::kDone);
  Ciphertext arrives{.input = {room, io.produced}};
  uint8_t plaintext[1 << 15];
  size_t opened;
  EXPECT_EQ(pair.client().Open(arrives, plaintext, &opened), Outcome::kClosed);
}

TEST_P(ServerSessionTest, TicketsLeaveWithTheHandshake) {
  const auto server = MakeServer(SettingsWith(Identities().server));
  Pair pair(*client_, &tickets_, *server);
  ASSERT_TRUE(pair.Handshake());
  uint8_t room[64];
  Ciphertext io{.output = room};
  EXPECT_EQ(pair.server().Shutdown(io), Outcome::kDone);
  EXPECT_LE(io.produced, 31u) << "an alert";
  pair.to_client().insert(pair.to_client().end(), room, room + io.produced);
  uint8_t plaintext[1 << 15];
  size_t opened;
  Ciphertext arrives{.input = pair.to_client()};
  EXPECT_EQ(pair.client().Open(arrives, plaintext, &opened), Outcome::kClosed);
  EXPECT_GT(pair.client().num_tickets(), 0);
}

TEST_P(ServerSessionTest, TicketIsTakenByAnyShardsContext) {
  const ServerSettings settings = SettingsWith(Identities().server);
  const auto first = MakeServer(settings);
  const auto second = MakeServer(settings);
  EXPECT_TRUE(Pair(*client_, &tickets_, *first).Greet());
  Pair pair(*client_, &tickets_, *second);
  EXPECT_TRUE(pair.Greet());
  EXPECT_TRUE(pair.server().resumed());
  EXPECT_TRUE(pair.client().resumed());
}

TEST_P(ServerSessionTest, TicketOfOtherTrustIsNotResumed) {
  ServerSettings settings = AskingSettings(ClientVerification::kOptional);
  settings.ticket_keys = {FileOf("ticket.key", std::string(80, 'k'))};
  const auto client = MakeContext(ClientWith(Identities().client));
  EXPECT_TRUE(Pair(*client, &tickets_, *MakeServer(settings)).Greet());
  settings.verify_client = ClientVerification::kOn;
  const auto stricter = MakeServer(settings);
  Pair pair(*client, &tickets_, *stricter);
  EXPECT_TRUE(pair.Greet());
  EXPECT_FALSE(pair.server().resumed());
}

TEST_P(ServerSessionTest, TicketOfAnotherKeyIsAFullHandshake) {
  ServerSettings settings = SettingsWith(Identities().server);
  settings.ticket_keys = {FileOf("1.key", std::string(80, '1'))};
  EXPECT_TRUE(Pair(*client_, &tickets_, *MakeServer(settings)).Greet());
  settings.ticket_keys = {FileOf("2.key", std::string(48, '2'))};
  const auto other = MakeServer(settings);
  Pair pair(*client_, &tickets_, *other);
  EXPECT_TRUE(pair.Greet());
  EXPECT_FALSE(pair.server().resumed());
}

TEST_P(ServerSessionTest, TicketOfAnOlderKeyIsTakenAndReplaced) {
  ServerSettings settings = SettingsWith(Identities().server);
  settings.ticket_keys = {FileOf("old.key", std::string(48, 'o'))};
  EXPECT_TRUE(Pair(*client_, &tickets_, *MakeServer(settings)).Greet());
  settings.ticket_keys.insert(settings.ticket_keys.begin(),
                              FileOf("new.key", std::string(80, 'n')));
  const auto both = MakeServer(settings);
  Pair rotated(*client_, &tickets_, *both);
  EXPECT_TRUE(rotated.Greet());
  EXPECT_TRUE(rotated.server().resumed());
  settings.ticket_keys.pop_back();
  TicketPool fresh(1, TicketUse::kReuse, 1 << 20);
  const auto server = MakeServer(settings);
  Pair last(*client_, &tickets_, *server);
  EXPECT_TRUE(last.Greet());
  EXPECT_TRUE(last.server().resumed());
}

TEST_P(ServerSessionTest, WithoutTicketsAndCacheNothingIsResumed) {
  ServerSettings settings = SettingsWith(Identities().server);
  settings.session_tickets = false;
  const auto server = MakeServer(settings);
  EXPECT_TRUE(Pair(*client_, &tickets_, *server).Greet());
  Pair pair(*client_, &tickets_, *server);
  EXPECT_TRUE(pair.Greet());
  EXPECT_FALSE(pair.server().resumed());
}

TEST_P(ServerSessionTest, RequiredCertificateIsVerified) {
  const auto server = MakeServer(AskingSettings(ClientVerification::kOn));
  const auto client = MakeContext(ClientWith(Identities().client));
  Pair pair(*client, nullptr, *server);
  EXPECT_TRUE(pair.Greet()) << pair.server().failure().text;
  EXPECT_THAT(pair.server().peer_chain(), SizeIs(1));
}

TEST_P(ServerSessionTest, ClientWithoutRequiredCertificateIsRefused) {
  const auto server = MakeServer(AskingSettings(ClientVerification::kOn));
  Pair pair(*client_, nullptr, *server);
  pair.Handshake();
  EXPECT_EQ(pair.server_outcome(), Outcome::kFailed);
  EXPECT_EQ(pair.server().failure().text, "client sent no required SSL certificate");
  EXPECT_EQ(pair.server().failure().kind, FailureKind::kCertificateUntrusted);
}

TEST_P(ServerSessionTest, OptionalCertificateMayBeLeftOutButNotBeWrong) {
  const auto server = MakeServer(AskingSettings(ClientVerification::kOptional));
  EXPECT_TRUE(Pair(*client_, nullptr, *server).Greet());
  const auto stranger =
      MakeContext(ClientWith(tools::Certificate::SelfSigned(tools::ClientSpec("stranger"))));
  Pair pair(*stranger, nullptr, *server);
  pair.Handshake();
  EXPECT_EQ(pair.server_outcome(), Outcome::kFailed);
  EXPECT_THAT(pair.server().failure().text,
              StartsWith("client SSL certificate verify error: (20:"));
}

TEST_P(ServerSessionTest, OptionalNoCaTakesAnUnknownCaAndSaysSo) {
  const auto server = MakeServer(AskingSettings(ClientVerification::kOptionalNoCa));
  const auto other_root = tools::Certificate::SelfSigned(tools::CaSpec("other"));
  const auto stranger = MakeContext(ClientWith(other_root.Issue(tools::ClientSpec("stranger"))));
  Pair pair(*stranger, nullptr, *server);
  EXPECT_TRUE(pair.Greet()) << pair.server().failure().text;
  EXPECT_EQ(pair.server().tolerated(), "unable to get local issuer certificate");
  tools::CertificateSpec expired = tools::ClientSpec("expired");
  expired.not_after_s = tools::NowSeconds() - 60;
  const auto late = MakeContext(ClientWith(Identities().root.Issue(expired)));
  Pair refused(*late, nullptr, *server);
  refused.Handshake();
  EXPECT_EQ(refused.server_outcome(), Outcome::kFailed);
  EXPECT_THAT(refused.server().failure().text, HasSubstr("(10:certificate has expired)"));
}

TEST_P(ServerSessionTest, CertificateThatIsNotForClientsIsRefused) {
  const auto server = MakeServer(AskingSettings(ClientVerification::kOn));
  tools::CertificateSpec spec = tools::ClientSpec("server");
  spec.extended_key_usage = {tools::ExtendedKeyUsage::kServerAuth};
  const auto client = MakeContext(ClientWith(Identities().root.Issue(spec)));
  Pair pair(*client, nullptr, *server);
  pair.Handshake();
  EXPECT_EQ(pair.server_outcome(), Outcome::kFailed);
  EXPECT_THAT(pair.server().failure().text, HasSubstr("lacks clientAuth"));
}

TEST_P(ServerSessionTest, ClientsOfWrongCaAreToldWhatToDoInOurDirectives) {
  ServerSettings settings = AskingSettings(ClientVerification::kOn);
  settings.verify_depth = 0;
  const auto server = MakeServer(settings);
  const auto client =
      MakeContext(ClientWith(Identities().intermediate.Issue(tools::ClientSpec("far"))));
  Pair pair(*client, nullptr, *server);
  pair.Handshake();
  EXPECT_EQ(pair.server_outcome(), Outcome::kFailed);
  EXPECT_THAT(pair.server().failure().text, HasSubstr("where ssl_verify_depth allows 0"));
}

TEST_P(ServerSessionTest, CertificateIsVerifiedAgainWhenItsSessionIsResumed) {
  ServerSettings settings = AskingSettings(ClientVerification::kOn);
  settings.ticket_keys = {FileOf("ticket.key", std::string(80, 'k'))};
  tools::CertificateSpec spec = tools::ClientSpec("soon gone");
  // Good in the full handshake, and over when the clock has moved on by a second or two.
  spec.not_after_s = tools::NowSeconds() + 2;
  const auto client = MakeContext(ClientWith(Identities().root.Issue(spec)));
  const auto server = MakeServer(settings);
  ASSERT_TRUE(Pair(*client, &tickets_, *server).Greet());
  while (tools::NowSeconds() <= spec.not_after_s) {
    Pair resumed(*client, &tickets_, *server);
    if (!resumed.Greet()) break;
  }
  Pair pair(*client, &tickets_, *server);
  pair.Handshake();
  EXPECT_EQ(pair.server_outcome(), Outcome::kFailed);
  EXPECT_THAT(pair.server().failure().text, HasSubstr("(10:certificate has expired)"));
}

TEST_P(ServerSessionTest, RejectedHandshakeEndsWithUnrecognizedName) {
  ServerSettings settings;
  settings.reject_handshake = true;
  const auto server = MakeServer(settings);
  Pair pair(*client_, nullptr, *server);
  pair.Handshake();
  EXPECT_EQ(pair.server_outcome(), Outcome::kFailed);
  EXPECT_EQ(pair.client().failure().alert, 112);
}

TEST_P(ServerSessionTest, FirstProtocolOfOursThatTheClientOffersIsChosen) {
  ServerSettings settings = SettingsWith(Identities().server);
  settings.alpn = {"mqtt", "h2", "http/1.1"};
  const auto server = MakeServer(settings);
  Settings offering = VerifyingSettings(Identities().root);
  offering.alpn = {"http/1.1", "h2"};
  const auto client = MakeContext(offering);
  Pair pair(*client, nullptr, *server);
  EXPECT_TRUE(pair.Greet());
  EXPECT_EQ(pair.server().alpn(), "h2");
  EXPECT_EQ(pair.client().alpn(), "h2");
  EXPECT_TRUE(Pair(*client_, nullptr, *server).Greet()) << "a client that offers none";
  offering.alpn = {"imap"};
  const auto other = MakeContext(offering);
  Pair refused(*other, nullptr, *server);
  refused.Handshake();
  EXPECT_EQ(refused.client().failure().alert, 120);
}

TEST_P(ServerSessionTest, CertificateSuitsWhatTheClientCanVerify) {
  tools::CertificateSpec rsa = tools::ServerSpec({"backend.test"});
  rsa.key_kind = tools::KeyKind::kRsa2048;
  tools::CertificateSpec p384 = tools::ServerSpec({"backend.test"});
  p384.key_kind = tools::KeyKind::kP384;
  ServerSettings settings = SettingsWith(Identities().root.Issue(rsa));
  settings.identities.push_back(IdentityOf(Identities().root.Issue(p384)));
  const auto server = MakeServer(settings);
  const auto signed_with = [&](std::string algorithms) {
    Settings taking = VerifyingSettings(Identities().root);
    taking.signature_algorithms = std::move(algorithms);
    const auto client = MakeContext(taking);
    Pair pair(*client, nullptr, *server);
    EXPECT_TRUE(pair.Greet()) << pair.server().failure().text;
    return std::string(pair.client().signature_algorithm());
  };
  EXPECT_THAT(signed_with(Settings().signature_algorithms), StartsWith("ecdsa_"));
  EXPECT_EQ(signed_with("rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256"), "rsa_pss_rsae_sha256");
  EXPECT_EQ(signed_with("ecdsa_secp384r1_sha384"), "ecdsa_secp384r1_sha384");
}

TEST_P(ServerSessionTest, WhatIsNotTlsIsToldInPlainWords) {
  const auto server = MakeServer(SettingsWith(Identities().server));
  Pair http(*client_, nullptr, *server);
  constexpr std::string_view kRequest = "GET / HTTP/1.1\r\n\r\n";
  http.to_server().assign(kRequest.begin(), kRequest.end());
  http.Handshake();
  EXPECT_EQ(http.server_outcome(), Outcome::kFailed);
  EXPECT_THAT(http.server().failure().text,
              EndsWith(": what the client sends is plain HTTP, not TLS"));
}

TEST(ServerSessionVersionTest, SessionsOfTls12AreResumedByTheirIds) {
  for (const SessionCacheKind kind : {SessionCacheKind::kBuiltin, SessionCacheKind::kShared}) {
    ServerSettings settings = SettingsWith(Identities().server);
    settings.max_version = Version::kTls12;
    settings.session_tickets = false;
    settings.session_cache = kind;
    settings.session_cache_name = "tls";
    settings.session_cache_bytes = 1 << 20;
    settings.session_cache_sessions = 100;
    ServerSessionCache sessions;
    const auto make = [&] {
      auto context = ServerContext::Create(settings, ServerResumption::Of(settings, sessions));
      CHECK_OK(context.status());
      return *std::move(context);
    };
    const auto server = make();
    const auto of_another_shard = make();
    const auto client = MakeContext(VerifyingSettings(Identities().root));
    TicketPool tickets(1, TicketUse::kReuse, 1 << 20);
    EXPECT_TRUE(Pair(*client, &tickets, *server).Greet());
    Pair pair(*client, &tickets, *server);
    EXPECT_TRUE(pair.Greet());
    EXPECT_TRUE(pair.server().resumed());
    Pair elsewhere(*client, &tickets, *of_another_shard);
    EXPECT_TRUE(elsewhere.Greet());
    EXPECT_EQ(elsewhere.server().resumed(), kind == SessionCacheKind::kShared);
  }
}

TEST(ServerSessionVersionTest, ClientOfAnotherVersionIsToldInPlainWords) {
  ServerSettings settings = SettingsWith(Identities().server);
  settings.min_version = Version::kTls13;
  ServerSessionCache sessions;
  auto server = ServerContext::Create(settings, ServerResumption::Of(settings, sessions));
  ASSERT_TRUE(server.ok());
  Settings old = VerifyingSettings(Identities().root);
  old.max_version = Version::kTls12;
  const auto client = MakeContext(old);
  Pair pair(*client, nullptr, **server);
  pair.Handshake();
  EXPECT_THAT(pair.server().failure().text,
              EndsWith(": the client offers no TLS version of ssl_protocols"));
}

TEST(ServerContextTest, ProblemsNameTheFileAndItsPlace) {
  ServerSettings settings = SettingsWith(Identities().server);
  settings.identities.push_back(
      {.certificate = FileOf("2.pem", "nothing"), .certificate_key = FileOf("2.key", "nothing")});
  settings.verify_client = ClientVerification::kOn;
  settings.client_certificate = FileOf("clients.pem", "nothing");
  settings.ticket_keys = {FileOf("good.key", std::string(48, 'k')),
                          FileOf("bad.key", std::string(47, 'k'))};
  std::vector<std::string> told;
  for (const Problem& problem : CheckServerSettings(settings)) {
    EXPECT_TRUE(problem.fatal);
    told.push_back(problem.message);
    EXPECT_EQ(problem.index, problem.field == Field::kClientCertificate ? 0 : 1);
  }
  EXPECT_THAT(told, ElementsAre(HasSubstr("\"bad.key\" holds 47 bytes"), HasSubstr("clients.pem"),
                                HasSubstr("2.pem"), HasSubstr("2.key")));
}

TEST(ServerContextTest, CertificateIsNeededUnlessHandshakesAreRejected) {
  EXPECT_THAT(CheckServerCombination({}), SizeIs(1));
  ServerSettings settings;
  settings.reject_handshake = true;
  EXPECT_THAT(CheckServerCombination(settings), IsEmpty());
  EXPECT_THAT(CheckServerSettings(settings), IsEmpty());
}

}  // namespace
}  // namespace sluice::tls
