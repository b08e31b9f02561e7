#include "tls/session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tls/testing/test_identities.h"
#include "tls/testing/test_link.h"
#include "tls/testing/test_server.h"

namespace sluice::tls {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Text that differs everywhere, so that lost, doubled and swapped bytes show.
std::string Text(size_t size) {
  std::string text(size, '\0');
  std::minstd_rand random(1);
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// Where the bytes inside records are. What headers say of the version is not protected before there
// are keys (RFC 5246 E.1).
std::vector<size_t> BodyOffsetsOf(const std::vector<uint8_t>& records) {
  constexpr size_t kHeaderLen = 5;
  std::vector<size_t> offsets;
  for (size_t at = 0; at + kHeaderLen <= records.size();) {
    const size_t end = at + kHeaderLen + (records[at + 3] << 8 | records[at + 4]);
    for (at += kHeaderLen; at < end && at < records.size(); ++at) offsets.push_back(at);
  }
  return offsets;
}

// Every test of this fixture runs with each version that can be negotiated.
class SessionTest : public ::testing::TestWithParam<Version> {
 protected:
  SessionTest() { EXPECT_EQ(ERR_peek_error(), 0u); }
  // Whatever happened, no error is left behind for the next user of this thread.
  ~SessionTest() override { EXPECT_EQ(ERR_peek_error(), 0u) << "left in the queue"; }

  static Settings ClientSettings() {
    Settings settings = VerifyingSettings(Identities().root);
    settings.min_version = GetParam();
    settings.max_version = GetParam();
    return settings;
  }
  static TestServerOptions Options() {
    TestServerOptions options = ServerOptions(Identities().server);
    options.min_version = Version::kTls10;
    return options;
  }
  static bool Is13() { return GetParam() == Version::kTls13; }
};

INSTANTIATE_TEST_SUITE_P(Versions, SessionTest,
                         ::testing::Values(Version::kTls10, Version::kTls11, Version::kTls12,
                                           Version::kTls13),
                         [](const auto& info) {
                           std::string name = VersionName(info.param);
                           std::erase_if(name, [](char c) { return c == '.'; });
                           return name;
                         });

TEST_P(SessionTest, CarriesBytesBothWays) {
  const auto context = MakeContext(ClientSettings());
  TestServer server(Options());
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet()) << link.session().failure().text;
  EXPECT_EQ(link.session().version(), GetParam());
  EXPECT_FALSE(link.session().resumed());
  EXPECT_FALSE(link.session().cipher().empty());
  EXPECT_EQ(link.session().group(), "X25519");

  const std::string text = Text(100'000);
  EXPECT_EQ(link.Seal(text), Outcome::kDone);
  EXPECT_EQ(link.server().TakePlaintext(), text);
  link.Send(link.server().Write(text));
  EXPECT_EQ(link.Open(), Outcome::kNeedInput);
  EXPECT_EQ(link.opened(), "hello" + text);
}

TEST_P(SessionTest, FirstStepWritesTheClientHelloOnceAndNeedsNoInput) {
  const auto context = MakeContext(ClientSettings());
  const auto session = Session::Create(*context, nullptr, 0);
  std::vector<uint8_t> output(4096);
  Ciphertext io{.output = output};
  EXPECT_EQ(session->Handshake(io), Outcome::kNeedInput);
  EXPECT_GT(io.produced, 50u);
  EXPECT_EQ(output[0], SSL3_RT_HANDSHAKE);
  Ciphertext again{.output = output};
  EXPECT_EQ(session->Handshake(again), Outcome::kNeedInput);
  EXPECT_EQ(again.produced, 0u);
}

TEST_P(SessionTest, FragmentsOfAnySizeChangeNothing) {
  Settings settings = ClientSettings();
  settings.certificate = FileOf("client.pem", Identities().client.pem());
  settings.certificate_key = FileOf("client.key", Identities().client.key_pem());
  const auto context = MakeContext(settings);
  TestServerOptions options = Options();
  options.client_ca_pem = Identities().root.pem();
  TestServer server(options);
  const std::string text = Text(17'000);  // Two records.
  for (const size_t size : {1, 2, 3, 5, 6, 7, 129, 1000}) {
    TestLink link(*context, nullptr, server);
    link.input_bytes = size;
    link.output_bytes = size;
    link.plaintext_bytes = size;
    ASSERT_TRUE(link.Greet()) << size << link.session().failure().text << link.server().error();
    EXPECT_EQ(link.server().client_certificate_cn(), "client");
    link.Send(link.server().Write(text));
    EXPECT_EQ(link.Open(), Outcome::kNeedInput);
    EXPECT_EQ(link.opened(), "hello" + text) << size;
    link.output_bytes = kRecordOverheadBytesMax + size;
    EXPECT_EQ(link.Seal(text), Outcome::kDone) << size;
    EXPECT_EQ(link.server().TakePlaintext(), text) << size;
    link.output_bytes = size;
    EXPECT_EQ(link.Shutdown(), Outcome::kDone);
    EXPECT_TRUE(link.server().close_notify_received());
  }
}

TEST_P(SessionTest, WhereAHandshakeIsCutChangesNothing) {
  const auto context = MakeContext(ClientSettings());
  TestServer server(Options());
  // The server's flight is cut in two, in each version at other places.
  for (size_t cut = 1 + static_cast<size_t>(GetParam()) % 4;; cut += 4) {
    TestLink link(*context, nullptr, server);
    link.input_bytes = 0;
    ASSERT_EQ(link.session().failure().kind, FailureKind::kNone);
    std::vector<uint8_t> output(4096);
    Ciphertext hello{.output = output};
    ASSERT_EQ(link.session().Handshake(hello), Outcome::kNeedInput);
    link.Send(link.server().Feed(std::span(output).first(hello.produced)));
    if (cut >= link.to_client().size()) break;
    link.input_bytes = cut;
    Ciphertext first{.input = std::span(link.to_client()).first(cut)};
    ASSERT_NE(link.session().Handshake(first), Outcome::kFailed) << cut;
    link.to_client().erase(link.to_client().begin(), link.to_client().begin() + first.consumed);
    link.input_bytes = 1 << 16;
    ASSERT_TRUE(link.Greet()) << cut << link.session().failure().text;
  }
}

TEST_P(SessionTest, SealsFullRecordsOnlyAndNeverBeyondItsRoom) {
  const auto context = MakeContext(ClientSettings());
  TestServer server(Options());
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet());
  const std::string text = Text(100'000);
  const std::span<const uint8_t> plaintext(reinterpret_cast<const uint8_t*>(text.data()),
                                           text.size());
  // Room for two full records and most of a third: two are written.
  std::vector<uint8_t> output(3 * kRecordPlaintextBytesMax);
  Ciphertext io{.output = output};
  size_t sealed;
  EXPECT_EQ(link.session().Seal(io, plaintext, &sealed), Outcome::kNeedOutput);
  EXPECT_EQ(sealed, 2 * kRecordPlaintextBytesMax);
  EXPECT_LE(io.produced, sealed + 2 * kRecordOverheadBytesMax);
  link.Send(link.server().Feed(std::span(output).first(io.produced)));
  EXPECT_EQ(link.server().TakePlaintext(), text.substr(0, sealed));
}

TEST_P(SessionTest, SealWithTheRoomItAsksForMovesAndWithoutDoesNothing) {
  const auto context = MakeContext(ClientSettings());
  TestServer server(Options());
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet());
  const std::vector<uint8_t> plaintext(10, 'x');
  size_t sealed;
  std::vector<uint8_t> little(20);
  Ciphertext io{.output = little};
  EXPECT_EQ(link.session().Seal(io, plaintext, &sealed), Outcome::kNeedOutput);
  EXPECT_EQ(sealed, 0u);
  EXPECT_EQ(io.produced, 0u);
  std::vector<uint8_t> enough(kRecordOverheadBytesMax + 1);
  Ciphertext more{.output = enough};
  EXPECT_NE(link.session().Seal(more, plaintext, &sealed), Outcome::kFailed);
  EXPECT_GT(sealed, 0u);
}

TEST_P(SessionTest, SealOfNothingIsDone) {
  const auto context = MakeContext(ClientSettings());
  TestServer server(Options());
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet());
  EXPECT_EQ(link.Seal(""), Outcome::kDone);
  EXPECT_EQ(link.server().error(), "");
}

TEST_P(SessionTest, OpenWithoutRoomLeavesEverythingForLater) {
  const auto context = MakeContext(ClientSettings());
  TestServer server(Options());
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet());
  link.Send(link.server().Write("0123456789"));
  size_t opened;
  Ciphertext none{.input = link.to_client()};
  EXPECT_EQ(link.session().Open(none, {}, &opened), Outcome::kNeedPlaintextRoom);
  EXPECT_EQ(opened, 0u);
  EXPECT_EQ(none.consumed, 0u);
  // The whole record is taken in, but its plaintext only in part.
  std::vector<uint8_t> four(4);
  Ciphertext io{.input = link.to_client()};
  EXPECT_EQ(link.session().Open(io, four, &opened), Outcome::kNeedPlaintextRoom);
  EXPECT_EQ(opened, 4u);
  EXPECT_EQ(io.consumed, io.input.size());
  std::vector<uint8_t> six(6);
  Ciphertext rest;
  EXPECT_EQ(link.session().Open(rest, six, &opened), Outcome::kNeedInput);
  EXPECT_EQ(std::string(six.begin(), six.end()), "456789");
}

TEST_P(SessionTest, CloseNotifyOfThePeerClosesAndWhatFollowsIsDropped) {
  const auto context = MakeContext(ClientSettings());
  TestServer server(Options());
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet());
  link.Send(link.server().Write("last words"));
  link.Send(link.server().CloseNotify());
  link.Send({1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(link.Open(), Outcome::kClosed);
  EXPECT_EQ(link.opened(), "hellolast words");
  EXPECT_TRUE(link.to_client().empty());
  link.Send({1, 2, 3});
  EXPECT_EQ(link.Open(), Outcome::kClosed);
  EXPECT_TRUE(link.to_client().empty());
  // The other half is still open.
  EXPECT_EQ(link.Seal("and yours?"), Outcome::kDone);
  EXPECT_EQ(link.server().TakePlaintext(), "and yours?");
}

TEST_P(SessionTest, ShutdownIsSentOnceAndLeavesTheOtherHalfOpen) {
  const auto context = MakeContext(ClientSettings());
  TestServer server(Options());
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet());
  EXPECT_EQ(link.Shutdown(), Outcome::kDone);
  EXPECT_TRUE(link.server().close_notify_received());
  std::vector<uint8_t> output(100);
  Ciphertext io{.output = output};
  EXPECT_EQ(link.session().Shutdown(io), Outcome::kDone);
  EXPECT_EQ(io.produced, 0u);
  link.Send(link.server().Write("still here"));
  link.Send(link.server().CloseNotify());
  EXPECT_EQ(link.Open(), Outcome::kClosed);
  EXPECT_EQ(link.opened(), "hellostill here");
}

TEST_P(SessionTest, ShutdownInAHandshakeSaysNothing) {
  const auto context = MakeContext(ClientSettings());
  const auto session = Session::Create(*context, nullptr, 0);
  std::vector<uint8_t> output(100);
  Ciphertext io{.output = output};
  EXPECT_EQ(session->Shutdown(io), Outcome::kDone);
  EXPECT_EQ(io.produced, 0u);
}

TEST_P(SessionTest, FatalAlertOfThePeerIsToldAsNginxDoes) {
  const auto context = MakeContext(ClientSettings());
  TestServer server(Options());
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet());
  link.Send(link.server().Write("good"));
  link.Send(link.server().FatalAlert(SSL_AD_INTERNAL_ERROR));
  EXPECT_EQ(link.Open(), Outcome::kFailed);
  EXPECT_EQ(link.opened(), "hellogood");
  EXPECT_EQ(link.session().failure().kind, FailureKind::kAlertReceived);
  EXPECT_EQ(link.session().failure().text,
            "SSL_read() failed (SSL: error:10000438:SSL routines:OPENSSL_internal:"
            "TLSV1_ALERT_INTERNAL_ERROR:SSL alert number 80): the upstream's own log may tell why");
  EXPECT_EQ(link.Open(), Outcome::kFailed);
  EXPECT_EQ(link.Seal("x"), Outcome::kFailed);
  EXPECT_EQ(link.Shutdown(), Outcome::kFailed);
}

TEST_P(SessionTest, NoCommonCipherIsAnAlertReceived) {
  if (Is13()) GTEST_SKIP() << "its suites are fixed";
  Settings settings = ClientSettings();
  settings.ciphers = "AES128-SHA";
  TestServerOptions options = Options();
  options.ciphers = "AES256-SHA";
  const auto context = MakeContext(settings);
  TestServer server(options);
  TestLink link(*context, nullptr, server);
  EXPECT_EQ(link.Handshake(), Outcome::kFailed);
  EXPECT_EQ(link.session().failure().kind, FailureKind::kAlertReceived);
  // BoringSSL adds an entry of its own behind the alert: the whole queue is told.
  EXPECT_EQ(
      link.session().failure().text,
      "SSL_do_handshake() failed (SSL: error:10000410:SSL routines:OPENSSL_internal:"
      "SSLV3_ALERT_HANDSHAKE_FAILURE:SSL alert number 40 error:1000009a:SSL routines:"
      "OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO): the upstream has no cipher, group "
      "or signature algorithm in common with sluice, or demands a client certificate; look "
      "at proxy_ssl_ciphers and proxy_ssl_certificate");
}

TEST_P(SessionTest, NoCommonVersionFails) {
  TestServerOptions options = Options();
  options.min_version = Is13() ? Version::kTls10 : Version::kTls13;
  options.max_version = Is13() ? Version::kTls12 : Version::kTls13;
  const auto context = MakeContext(ClientSettings());
  TestServer server(options);
  TestLink link(*context, nullptr, server);
  EXPECT_EQ(link.Handshake(), Outcome::kFailed);
  EXPECT_THAT(link.session().failure().text, HasSubstr("PROTOCOL_VERSION"));
}

TEST_P(SessionTest, ClientCertificateIsPresented) {
  Settings settings = ClientSettings();
  settings.certificate = FileOf("client.pem", Identities().client.chain_pem());
  settings.certificate_key = FileOf("client.key", Identities().client.key_pem());
  TestServerOptions options = Options();
  options.client_ca_pem = Identities().root.pem();
  const auto context = MakeContext(settings);
  TestServer server(options);
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet()) << link.session().failure().text << link.server().error();
  EXPECT_EQ(link.server().client_certificate_cn(), "client");
  EXPECT_TRUE(link.session().certificate_requested());
  EXPECT_TRUE(link.session().certificate_sent());
}

TEST_P(SessionTest, ClientCertificateThatIsDemandedAndMissingFails) {
  TestServerOptions options = Options();
  options.client_ca_pem = Identities().root.pem();
  const auto context = MakeContext(ClientSettings());
  TestServer server(options);
  TestLink link(*context, nullptr, server);
  // In TLS 1.3 the client is done before the server has looked at its certificate.
  const Outcome outcome = link.Handshake();
  EXPECT_EQ(outcome, Is13() ? Outcome::kDone : Outcome::kFailed);
  EXPECT_EQ(link.Open(), Outcome::kFailed);
  EXPECT_EQ(link.session().failure().kind, FailureKind::kAlertReceived);
  EXPECT_THAT(link.session().failure().text,
              AllOf(HasSubstr(Is13() ? "SSL alert number 116" : "SSL alert number 40"),
                    HasSubstr("): the upstream demands a client certificate, set ")));
  EXPECT_TRUE(link.session().certificate_requested());
  EXPECT_FALSE(link.session().certificate_sent());
}

TEST_P(SessionTest, ServerNameIsSentWhereAskedForAndNeverForAnAddress) {
  TestServer server(Options());
  struct Case {
    const char* name;
    bool send;
    const char* sent;
  };
  for (const Case& c :
       {Case{"backend.test", true, "backend.test"}, Case{"backend.test.", true, "backend.test"},
        Case{"backend.test", false, ""}, Case{"127.0.0.1", true, ""}}) {
    Settings settings = ClientSettings();
    settings.name = c.name;
    settings.send_server_name = c.send;
    const auto context = MakeContext(settings);
    TestLink link(*context, nullptr, server);
    ASSERT_TRUE(link.Greet()) << c.name << link.session().failure().text;
    EXPECT_EQ(link.server().server_name(), c.sent);
  }
}

TEST_P(SessionTest, UntrustedCertificateFailsWithTheRightAlert) {
  const auto other = tools::Certificate::SelfSigned(tools::CaSpec("another root"));
  Settings settings = VerifyingSettings(other);
  settings.min_version = settings.max_version = GetParam();
  const auto context = MakeContext(settings);
  TestServer server(Options());
  TestLink link(*context, nullptr, server);
  EXPECT_EQ(link.Handshake(), Outcome::kFailed);
  EXPECT_EQ(link.session().failure().kind, FailureKind::kCertificateUntrusted);
  EXPECT_EQ(
      link.session().failure().text,
      "upstream SSL certificate verify error: (20:unable to get local issuer certificate) at depth "
      "0, subject \"CN=backend.test\", no usable certificate of its issuer \"CN=root\" came with "
      "it "
      "or is in proxy_ssl_trusted_certificate");
  EXPECT_THAT(link.server().error(), HasSubstr("SSL alert number 48"));
}

TEST_P(SessionTest, WrongNameFailsWithTheRightAlert) {
  Settings settings = ClientSettings();
  settings.name = "other.test";
  const auto context = MakeContext(settings);
  TestServer server(Options());
  TestLink link(*context, nullptr, server);
  EXPECT_EQ(link.Handshake(), Outcome::kFailed);
  EXPECT_EQ(link.session().failure().kind, FailureKind::kNameMismatch);
  EXPECT_EQ(link.session().failure().text,
            "upstream SSL certificate does not match \"other.test\", subject \"CN=backend.test\", "
            "which is for \"DNS:backend.test, IP:127.0.0.1\"");
  EXPECT_THAT(link.server().error(), HasSubstr("SSL alert number 42"));
}

TEST_P(SessionTest, AnyCertificateWillDoWithoutVerification) {
  Settings settings = ClientSettings();
  settings.verify = false;
  settings.name = "other.test";
  const auto self_signed = tools::Certificate::SelfSigned(tools::ServerSpec({"whoever"}));
  const auto context = MakeContext(settings);
  TestServerOptions options = ServerOptions(self_signed);
  options.min_version = Version::kTls10;
  TestServer server(options);
  TestLink link(*context, nullptr, server);
  EXPECT_TRUE(link.Greet()) << link.session().failure().text;
}

TEST_P(SessionTest, AlertIsNotLostWithRoomForOneByteAtATime) {
  Settings settings = ClientSettings();
  settings.name = "other.test";
  const auto context = MakeContext(settings);
  TestServer server(Options());
  TestLink link(*context, nullptr, server);
  link.output_bytes = 1;
  EXPECT_EQ(link.Handshake(), Outcome::kFailed);
  EXPECT_EQ(link.session().failure().kind, FailureKind::kNameMismatch);
  EXPECT_THAT(link.server().error(), HasSubstr("SSL alert number 42"));
}

TEST_P(SessionTest, DamagedRecordFailsAndIsAnsweredEvenIfRoomComesLate) {
  const auto context = MakeContext(ClientSettings());
  TestServer server(Options());
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet());
  link.Send(link.server().Write("precious"));
  link.to_client().back() ^= 1;
  link.output_bytes = 0;
  EXPECT_EQ(link.Open(), Outcome::kNeedOutput);
  EXPECT_EQ(link.Open(), Outcome::kNeedOutput);
  link.output_bytes = 3;
  EXPECT_EQ(link.Open(), Outcome::kFailed);
  EXPECT_EQ(link.session().failure().kind, FailureKind::kProtocol);
  EXPECT_THAT(link.session().failure().text, StartsWith("SSL_read() failed (SSL: error:"));
  EXPECT_THAT(link.server().error(), HasSubstr("SSL alert number 20"));
  EXPECT_EQ(link.opened(), "hello");
}

TEST_P(SessionTest, PlaintextBeforeTheHandshakeNeverGetsThrough) {
  const auto context = MakeContext(ClientSettings());
  const auto session = Session::Create(*context, nullptr, 0);
  std::string text = "220 ready\r\n\x1b[31m and an escape";
  std::vector<uint8_t> output(4096);
  Ciphertext io{.input = {reinterpret_cast<uint8_t*>(text.data()), text.size()}, .output = output};
  EXPECT_EQ(session->Handshake(io), Outcome::kFailed);
  EXPECT_EQ(session->failure().kind, FailureKind::kProtocol);
  EXPECT_THAT(session->failure().text, HasSubstr("WRONG_VERSION_NUMBER"));
  for (const char c : session->failure().text) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
}

TEST_P(SessionTest, CloseNotifyInsteadOfAServerHelloCloses) {
  const auto context = MakeContext(ClientSettings());
  const auto session = Session::Create(*context, nullptr, 0);
  std::vector<uint8_t> output(4096);
  Ciphertext hello{.output = output};
  ASSERT_EQ(session->Handshake(hello), Outcome::kNeedInput);
  uint8_t close_notify[] = {SSL3_RT_ALERT, 3, 1, 0, 2, SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY};
  Ciphertext io{.input = close_notify, .output = output};
  EXPECT_EQ(session->Handshake(io), Outcome::kClosed);
  EXPECT_EQ(session->Handshake(io), Outcome::kClosed);
}

TEST_P(SessionTest, GarbageNeverCrashesAHandshake) {
  const auto context = MakeContext(ClientSettings());
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    const auto session = Session::Create(*context, nullptr, 0);
    std::vector<uint8_t> output(4096);
    Ciphertext hello{.output = output};
    ASSERT_EQ(session->Handshake(hello), Outcome::kNeedInput);
    Outcome outcome = Outcome::kNeedInput;
    for (int round = 0; round < 20 && outcome == Outcome::kNeedInput; ++round) {
      std::vector<uint8_t> garbage(1 + random() % 600);
      for (uint8_t& byte : garbage) byte = static_cast<uint8_t>(random());
      // Half of the time it looks like a record.
      if (random() % 2 == 0 && garbage.size() > 5) {
        garbage[0] = static_cast<uint8_t>(20 + random() % 5);
        garbage[1] = 3;
        garbage[2] = static_cast<uint8_t>(1 + random() % 4);
        garbage[3] = static_cast<uint8_t>((garbage.size() - 5) >> 8);
        garbage[4] = static_cast<uint8_t>(garbage.size() - 5);
      }
      Ciphertext io{.input = garbage, .output = output};
      outcome = session->Handshake(io);
    }
    EXPECT_TRUE(outcome == Outcome::kFailed || outcome == Outcome::kNeedInput ||
                outcome == Outcome::kClosed)
        << "seed " << seed << ": " << OutcomeName(outcome);
  }
}

TEST_P(SessionTest, ChangedBytesOfTheServerNeverPassUnseen) {
  const auto context = MakeContext(ClientSettings());
  TestServer server(Options());
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    TestLink link(*context, nullptr, server);
    std::vector<uint8_t> output(4096);
    Ciphertext hello{.output = output};
    ASSERT_EQ(link.session().Handshake(hello), Outcome::kNeedInput);
    link.Send(link.server().Feed(std::span(output).first(hello.produced)));
    const std::vector<size_t> bodies = BodyOffsetsOf(link.to_client());
    link.to_client()[bodies[random() % bodies.size()]] ^= static_cast<uint8_t>(1 << (random() % 8));
    EXPECT_FALSE(link.Greet()) << "seed " << seed;
  }
}

TEST_P(SessionTest, GarbageNeverCrashesOpen) {
  const auto context = MakeContext(ClientSettings());
  TestServer server(Options());
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(seed);
    TestLink link(*context, nullptr, server);
    ASSERT_TRUE(link.Greet());
    std::vector<uint8_t> garbage(20'000);
    for (uint8_t& byte : garbage) byte = static_cast<uint8_t>(random());
    link.Send(garbage);
    EXPECT_EQ(link.Open(), Outcome::kFailed) << "seed " << seed;
    EXPECT_EQ(link.opened(), "hello");
  }
}

class Tls12SessionTest : public ::testing::Test {};

// Long and short pieces, both ways.
void ExpectCarriesLongAndShort(TestLink& link) {
  std::string expected = link.opened();
  for (const size_t size : {100'000, 100, 1, 16'384, 5'000}) {
    const std::string text = Text(size);
    link.Send(link.server().Write(text));
    ASSERT_EQ(link.Open(), Outcome::kNeedInput) << link.session().failure().text;
    ASSERT_EQ(link.Seal(text), Outcome::kDone);
    ASSERT_EQ(link.server().TakePlaintext(), text) << link.server().error();
    expected += text;
  }
  EXPECT_EQ(link.opened(), expected);
}

TEST_F(Tls12SessionTest, LongAndShortRecordsOfEveryCipherGoBothWays) {
  for (const char* cipher : {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                             "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA"}) {
    Settings settings = VerifyingSettings(Identities().root);
    settings.max_version = Version::kTls12;
    settings.ciphers = cipher;
    const auto context = MakeContext(settings);
    TestServer server(ServerOptions(Identities().server));
    TestLink link(*context, nullptr, server);
    ASSERT_TRUE(link.Greet()) << cipher << link.session().failure().text;
    ASSERT_EQ(link.session().cipher(), cipher);
    ExpectCarriesLongAndShort(link);
  }
}

TEST_P(SessionTest, LongRecordThatWasChangedFailsAfterOnesThatWereNot) {
  const auto context = MakeContext(ClientSettings());
  TestServer server(Options());
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet());
  const std::string text = Text(30'000);
  link.Send(link.server().Write(text));
  ASSERT_EQ(link.Open(), Outcome::kNeedInput);
  std::vector<uint8_t> records = link.server().Write(text);
  records[10'000] ^= 1;
  link.Send(records);
  EXPECT_EQ(link.Open(), Outcome::kFailed);
  EXPECT_THAT(link.session().failure().text, HasSubstr("BAD_RECORD_MAC"));
  EXPECT_EQ(link.opened(), "hello" + text);
}

TEST_F(Tls12SessionTest, RenegotiationIsRefused) {
  Settings settings = VerifyingSettings(Identities().root);
  settings.max_version = Version::kTls12;
  settings.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  const auto context = MakeContext(settings);
  TestServer server(ServerOptions(Identities().server));
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet());
  link.Send(link.server().HelloRequest());
  EXPECT_EQ(link.Open(), Outcome::kFailed);
  EXPECT_EQ(link.session().failure().kind, FailureKind::kProtocol);
  EXPECT_THAT(link.session().failure().text, HasSubstr("NO_RENEGOTIATION"));
  EXPECT_THAT(link.server().error(), HasSubstr("SSL alert number 100"));
}

class Tls13SessionTest : public ::testing::Test {};

TEST_F(Tls13SessionTest, LongAndShortRecordsOfEveryAesGoBothWays) {
  tools::CertificateSpec spec = tools::ServerSpec({"backend.test"});
  spec.key_kind = tools::KeyKind::kP384;
  for (const bool is_256 : {false, true}) {
    const auto context = MakeContext(VerifyingSettings(Identities().root));
    TestServerOptions options = ServerOptions(Identities().root.Issue(spec));
    options.wpa3_192 = is_256;
    TestServer server(options);
    TestLink link(*context, nullptr, server);
    ASSERT_TRUE(link.Greet()) << link.session().failure().text << link.server().error();
    ASSERT_EQ(link.session().cipher(),
              is_256 ? "TLS_AES_256_GCM_SHA384" : "TLS_AES_128_GCM_SHA256");
    ExpectCarriesLongAndShort(link);
  }
}

// The first record of all is long, and BoringSSL has to find its own numbers good afterwards.
TEST_F(Tls13SessionTest, AlertsAndKeyUpdatesFollowWhereTheFirstRecordWasLong) {
  const auto context = MakeContext(VerifyingSettings(Identities().root));
  TestServer server(ServerOptions(Identities().server));
  TestLink link(*context, nullptr, server);
  ASSERT_EQ(link.Handshake(), Outcome::kDone) << link.session().failure().text;
  const std::string text = Text(40'000);
  for (int round = 0; round < 4; ++round) {
    ASSERT_EQ(link.Seal(text), Outcome::kDone);
    ASSERT_EQ(link.server().TakePlaintext(), text) << link.server().error();
    link.Send(link.server().KeyUpdate(/*ask_back=*/true));
    ASSERT_EQ(link.Open(), Outcome::kNeedInput) << link.session().failure().text;
  }
  EXPECT_EQ(link.Shutdown(), Outcome::kDone);
  EXPECT_TRUE(link.server().close_notify_received()) << link.server().error();
}

TEST_F(Tls13SessionTest, KeyUpdatesAreFollowedAndAnsweredWithTheNextBytes) {
  const auto context = MakeContext(VerifyingSettings(Identities().root));
  TestServer server(ServerOptions(Identities().server));
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet());
  for (int round = 0; round < 20; ++round) {
    link.Send(link.server().KeyUpdate(/*ask_back=*/true));
    link.Send(link.server().Write("x"));
    ASSERT_EQ(link.Open(), Outcome::kNeedInput) << link.session().failure().text;
    ASSERT_EQ(link.Seal("y"), Outcome::kDone);
    ASSERT_EQ(link.server().TakePlaintext(), "y") << link.server().error();
  }
  EXPECT_EQ(link.opened(), "hello" + std::string(20, 'x'));
}

// Long records go with keys of their own once there has been one.
TEST_F(Tls13SessionTest, LongRecordsGoOnWithNewKeysAfterKeyUpdates) {
  const auto context = MakeContext(VerifyingSettings(Identities().root));
  TestServer server(ServerOptions(Identities().server));
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet());
  const std::string text = Text(40'000);
  std::string expected = "hello";
  for (const size_t size : {40'000, 10, 40'000, 16'384, 1, 40'000}) {
    const std::string part = text.substr(0, size);
    link.Send(link.server().Write(part));
    ASSERT_EQ(link.Open(), Outcome::kNeedInput) << link.session().failure().text;
    ASSERT_EQ(link.Seal(part), Outcome::kDone);
    ASSERT_EQ(link.server().TakePlaintext(), part) << link.server().error();
    link.Send(link.server().KeyUpdate(/*ask_back=*/true));
    link.Send(link.server().Write(part));
    ASSERT_EQ(link.Open(), Outcome::kNeedInput) << link.session().failure().text;
    ASSERT_EQ(link.Seal(part), Outcome::kDone);
    ASSERT_EQ(link.server().TakePlaintext(), part) << link.server().error();
    expected += part + part;
  }
  EXPECT_EQ(link.opened(), expected);
}

TEST_F(Tls13SessionTest, SealKeepsRoomForTheAnswerToAKeyUpdate) {
  const auto context = MakeContext(VerifyingSettings(Identities().root));
  TestServer server(ServerOptions(Identities().server));
  const std::string text = Text(3000);
  for (size_t room = 1; room < 400; ++room) {
    TestLink link(*context, nullptr, server);
    ASSERT_TRUE(link.Greet());
    link.Send(link.server().KeyUpdate(/*ask_back=*/true));
    ASSERT_EQ(link.Open(), Outcome::kNeedInput);
    link.output_bytes = room;
    if (link.Seal(text) == Outcome::kDone) {
      EXPECT_EQ(link.server().TakePlaintext(), text);
    } else {
      EXPECT_LE(room, kRecordOverheadBytesMax);
    }
    link.output_bytes = 1;
    EXPECT_EQ(link.Shutdown(), Outcome::kDone);
    EXPECT_TRUE(link.server().close_notify_received()) << room << link.server().error();
  }
}

TEST_F(Tls13SessionTest, FloodOfKeyUpdatesFails) {
  const auto context = MakeContext(VerifyingSettings(Identities().root));
  TestServer server(ServerOptions(Identities().server));
  TestLink link(*context, nullptr, server);
  ASSERT_TRUE(link.Greet());
  for (int i = 0; i < 100; ++i) link.Send(link.server().KeyUpdate(/*ask_back=*/false));
  EXPECT_EQ(link.Open(), Outcome::kFailed);
  EXPECT_THAT(link.session().failure().text, HasSubstr("TOO_MANY_KEY_UPDATES"));
}

TEST_F(Tls13SessionTest, HelloRetryRequestIsFollowed) {
  const auto context = MakeContext(VerifyingSettings(Identities().root));
  TestServerOptions options = ServerOptions(Identities().server);
  options.groups = "P-521";
  TestServer server(options);
  for (const size_t output_bytes : {1, 1 << 16}) {
    TestLink link(*context, nullptr, server);
    link.output_bytes = output_bytes;
    ASSERT_TRUE(link.Greet()) << link.session().failure().text;
    EXPECT_EQ(link.session().group(), "P-521");
  }
}

TEST_F(Tls13SessionTest, TicketsAloneBringNoPlaintextAndNeedNoRoom) {
  const auto context = MakeContext(VerifyingSettings(Identities().root));
  TestServerOptions options = ServerOptions(Identities().server);
  options.num_tickets = 8;
  TestServer server(options);
  TicketPool tickets(1, TicketUse::kReuse, 1 << 20);
  TestLink link(*context, &tickets, server);
  ASSERT_EQ(link.Handshake(), Outcome::kDone);
  link.plaintext_bytes = 1;
  EXPECT_EQ(link.Open(), Outcome::kNeedInput);
  EXPECT_EQ(link.opened(), "");
}

TEST(KeyKindsTest, ServersWithEveryKindOfKeyAreVerified) {
  struct Case {
    tools::KeyKind kind;
    const char* name;
  };
  for (const Case& c :
       {Case{tools::KeyKind::kP256, "P-256"}, Case{tools::KeyKind::kP384, "P-384"},
        Case{tools::KeyKind::kP521, "P-521"}, Case{tools::KeyKind::kEd25519, "Ed25519"},
        Case{tools::KeyKind::kRsa2048, "RSA"}}) {
    tools::CertificateSpec spec = tools::ServerSpec({"backend.test"});
    spec.key_kind = c.kind;
    const auto certificate = Identities().root.Issue(spec);
    for (const Version version : {Version::kTls12, Version::kTls13}) {
      Settings settings = VerifyingSettings(Identities().root);
      settings.min_version = settings.max_version = version;
      settings.certificate = FileOf("client.pem", certificate.pem());
      settings.certificate_key = FileOf("client.key", certificate.key_pem());
      const auto context = MakeContext(settings);
      TestServer server(ServerOptions(certificate));
      TestLink link(*context, nullptr, server);
      EXPECT_TRUE(link.Greet()) << c.name << " " << VersionName(version)
                                << link.session().failure().text << link.server().error();
    }
  }
}

}  // namespace
}  // namespace sluice::tls
