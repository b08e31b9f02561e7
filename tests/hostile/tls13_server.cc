#include "tests/hostile/tls13_server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/hostile/identity.h"
#include "tests/hostile/key_schedule.h"

namespace sluice::testing {
namespace {

// RFC 8446 4.1.3: the random that makes a ServerHello a HelloRetryRequest, SHA-256 of its name.
std::string HelloRetryRandom() { return Sha256("HelloRetryRequest"); }

TrafficKeys KeysOf(std::string_view secret) {
  return {.version = kTls13,
          .key = HkdfExpandLabel(secret, "key", "", 16),
          .iv = HkdfExpandLabel(secret, "iv", "", 12)};
}

// RFC 8446 7.1: Derive-Secret.
std::string DeriveSecret(std::string_view secret, std::string_view label,
                         std::string_view transcript) {
  return HkdfExpandLabel(secret, label, Sha256(transcript), kSha256Bytes);
}

// RFC 8446 4.4.4.
std::string FinishedMessage(std::string_view secret, std::string_view transcript) {
  return Message(kFinished, HmacSha256(HkdfExpandLabel(secret, "finished", "", kSha256Bytes),
                                       Sha256(transcript)));
}

const std::string& Zeros() {
  static const std::string* const zeros = new std::string(kSha256Bytes, '\0');
  return *zeros;
}

}  // namespace

bool Tls13Server::ReadClientHello() {
  std::optional<ClientHello> hello = ParseClientHello(wire_.ReadMessage());
  if (!hello) return false;
  client_hello_ = *std::move(hello);
  transcript_ += client_hello_.message;
  return true;
}

std::string Tls13Server::ServerHello(const HelloOptions& options) const {
  std::string extensions = Extension(kSupportedVersions, U16(options.version));
  if (options.has_key_share) {
    const std::string& share =
        options.key_share.empty() ? key_exchange_.public_key() : options.key_share;
    extensions += Extension(kKeyShare, U16(options.group) + Vector16(share));
  }
  extensions += options.more_extensions;
  return Message(kServerHello,
                 absl::StrCat(U16(options.legacy_version), random_,
                              Vector8(options.session_id.value_or(client_hello_.session_id)),
                              U16(options.cipher), U8(options.compression), Vector16(extensions)));
}

std::string Tls13Server::HelloRetryRequest(std::string_view extensions) const {
  return Message(
      kServerHello,
      absl::StrCat(U16(kTls12), HelloRetryRandom(), Vector8(client_hello_.session_id),
                   U16(kTlsAes128GcmSha256), U8(0),
                   Vector16(absl::StrCat(Extension(kSupportedVersions, U16(kTls13)), extensions))));
}

std::string Tls13Server::EncryptedExtensions(std::string_view extensions) const {
  return Message(sluice::testing::kEncryptedExtensions, Vector16(extensions));
}

std::string Tls13Server::CertificateRequest(std::string_view extensions) const {
  return Message(kCertificateRequest, Vector8("") + Vector16(extensions));
}

std::string Tls13Server::CertificateRequestFor(std::string_view more) const {
  return CertificateRequest(
      absl::StrCat(Extension(kSignatureAlgorithms, Vector16(U16(kEcdsaSecp256r1Sha256))), more));
}

std::string Tls13Server::Certificate() const {
  return Certificate(Vector24(ServerCertificate()) + Vector16(""));
}

std::string Tls13Server::Certificate(std::string_view entries) const {
  return Message(kCertificate, Vector8("") + Vector24(entries));
}

std::string Tls13Server::CertificateVerify() const {
  // RFC 8446 4.4.3.
  const std::string content = absl::StrCat(
      std::string(64, ' '), "TLS 1.3, server CertificateVerify", U8(0), Sha256(transcript_));
  return Message(kCertificateVerify, U16(kEcdsaSecp256r1Sha256) + Vector16(SignAsServer(content)));
}

std::string Tls13Server::Finished() const { return FinishedMessage(server_secret_, transcript_); }

std::string Tls13Server::NewSessionTicket(uint32_t lifetime_s, std::string_view ticket) const {
  constexpr uint32_t kAgeAdd = 0x12345678;
  return Message(kNewSessionTicket, absl::StrCat(U32(lifetime_s), U32(kAgeAdd), Vector8("nonce"),
                                                 Vector16(ticket), Vector16("")));
}

std::string Tls13Server::KeyUpdate(bool ask_back) {
  return Message(sluice::testing::kKeyUpdate, U8(ask_back ? 1 : 0));
}

void Tls13Server::Say(std::string_view message) {
  transcript_ += message;
  wire_.QueueMessage(message);
}

void Tls13Server::SayServerHello(const HelloOptions& options) {
  Say(ServerHello(options));
  const std::string early_secret = HkdfExtract(Zeros(), Zeros());
  handshake_secret_ = HkdfExtract(DeriveSecret(early_secret, "derived", ""),
                                  key_exchange_.SharedSecret(client_hello_.X25519Share()));
  UseKeys(DeriveSecret(handshake_secret_, "c hs traffic", transcript_),
          DeriveSecret(handshake_secret_, "s hs traffic", transcript_));
  wire_.SetReadKeys(KeysOf(client_secret_));
}

void Tls13Server::SayHelloRetryRequest(std::string_view extensions) {
  // RFC 8446 4.4.1.
  constexpr uint8_t kMessageHash = 254;
  transcript_ = Message(kMessageHash, Sha256(transcript_));
  Say(HelloRetryRequest(extensions));
}

void Tls13Server::SayAuthentication() {
  Say(EncryptedExtensions());
  Say(Certificate());
  Say(CertificateVerify());
}

void Tls13Server::SayFinished() {
  Say(Finished());
  const std::string master_secret =
      HkdfExtract(DeriveSecret(handshake_secret_, "derived", ""), Zeros());
  next_client_secret_ = DeriveSecret(master_secret, "c ap traffic", transcript_);
  server_secret_ = DeriveSecret(master_secret, "s ap traffic", transcript_);
  wire_.SetWriteKeys(KeysOf(server_secret_));
}

void Tls13Server::SayWholeFlight() {
  SayServerHello();
  SayAuthentication();
  SayFinished();
}

void Tls13Server::SayKeyUpdate(bool ask_back) {
  wire_.Queue(kHandshake, KeyUpdate(ask_back));
  server_secret_ = HkdfExpandLabel(server_secret_, "traffic upd", "", kSha256Bytes);
  wire_.SetWriteKeys(KeysOf(server_secret_));
}

bool Tls13Server::ReadClientFinished(bool asked) {
  if (asked) transcript_ += wire_.ReadMessage();
  const std::string expected = FinishedMessage(client_secret_, transcript_);
  const bool right = wire_.ReadMessage() == expected;
  client_secret_ = next_client_secret_;
  wire_.SetReadKeys(KeysOf(client_secret_));
  return right;
}

bool Tls13Server::Accept() {
  if (!ReadClientHello()) return false;
  SayWholeFlight();
  wire_.Flush();
  if (!ReadClientFinished()) return false;
  wire_.Greet();
  return true;
}

void Tls13Server::Close() {
  SayAlert(kWarning, kCloseNotify);
  wire_.Finish();
}

void Tls13Server::UseKeys(std::string_view client_secret, std::string_view server_secret) {
  client_secret_ = client_secret;
  server_secret_ = server_secret;
  wire_.SetWriteKeys(KeysOf(server_secret_));
}

}  // namespace sluice::testing
