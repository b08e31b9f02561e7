#include "tests/hostile/tls12_server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/hostile/identity.h"
#include "tests/hostile/key_schedule.h"

namespace sluice::testing {
namespace {

// RFC 5246 7.4.9.
constexpr size_t kVerifyDataBytes = 12;

}  // namespace

bool Tls12Server::ReadClientHello() {
  std::optional<ClientHello> hello = ParseClientHello(wire_.ReadMessage());
  if (!hello) return false;
  client_hello_ = *std::move(hello);
  transcript_ += client_hello_.message;
  return true;
}

std::string Tls12Server::ServerHello(const HelloOptions& options) const {
  // Without RFC 5746's extension a server looks as if it could be attacked by renegotiation.
  const std::string extensions =
      Extension(kRenegotiationInfo, Vector8("")) + options.more_extensions;
  return Message(kServerHello, absl::StrCat(U16(options.version),
                                            options.random.empty() ? random_ : options.random,
                                            Vector8(options.session_id), U16(options.cipher),
                                            U8(options.compression), Vector16(extensions)));
}

std::string Tls12Server::Certificate() const { return Certificate(Vector24(ServerCertificate())); }

std::string Tls12Server::Certificate(std::string_view entries) const {
  return Message(kCertificate, Vector24(entries));
}

std::string Tls12Server::ServerKeyExchange(uint16_t group) const {
  constexpr uint8_t kNamedCurve = 3;
  const std::string parameters =
      absl::StrCat(U8(kNamedCurve), U16(group), Vector8(key_exchange_.public_key()));
  const std::string signature =
      SignAsServer(absl::StrCat(client_hello_.random, random_, parameters));
  return Message(kServerKeyExchange,
                 absl::StrCat(parameters, U16(kEcdsaSecp256r1Sha256), Vector16(signature)));
}

std::string Tls12Server::CertificateRequest(std::string_view names) const {
  constexpr uint8_t kEcdsaSign = 64;  // RFC 8422 5.5.
  return Message(
      kCertificateRequest,
      absl::StrCat(Vector8(U8(kEcdsaSign)), Vector16(U16(kEcdsaSecp256r1Sha256)), Vector16(names)));
}

std::string Tls12Server::NewSessionTicket(uint32_t lifetime_s, std::string_view ticket) const {
  return Message(kNewSessionTicket, U32(lifetime_s) + Vector16(ticket));
}

std::string Tls12Server::Finished() const {
  return Message(kFinished,
                 Prf12(master_secret_, "server finished", Sha256(transcript_), kVerifyDataBytes));
}

void Tls12Server::Say(std::string_view message) {
  transcript_ += message;
  wire_.QueueMessage(message);
}

void Tls12Server::SayFirstFlight() {
  Say(ServerHello());
  Say(Certificate());
  Say(ServerKeyExchange());
  Say(ServerHelloDone());
}

void Tls12Server::SayChangeCipherSpec() {
  wire_.Queue(kChangeCipherSpec, U8(1));
  wire_.SetWriteKeys(server_keys_);
}

bool Tls12Server::ReadClientFlight(bool asked) {
  if (asked) transcript_ += wire_.ReadMessage();
  const std::string key_exchange = wire_.ReadMessage();
  constexpr size_t kHeaderBytes = 5;  // Of the message and of the key.
  if (key_exchange.size() < kHeaderBytes || key_exchange[0] != kClientKeyExchange) return false;
  transcript_ += key_exchange;
  DeriveKeys(key_exchange.substr(kHeaderBytes));
  wire_.SetReadKeysBehindChangeCipherSpec(client_keys_);
  const std::string expected = Message(
      kFinished, Prf12(master_secret_, "client finished", Sha256(transcript_), kVerifyDataBytes));
  const std::string finished = wire_.ReadMessage();
  transcript_ += finished;
  return finished == expected;
}

bool Tls12Server::AcceptUpToChangeCipherSpec() {
  if (!ReadClientHello()) return false;
  SayFirstFlight();
  wire_.Flush();
  return ReadClientFlight();
}

bool Tls12Server::Accept() {
  if (!AcceptUpToChangeCipherSpec()) return false;
  SayChangeCipherSpec();
  Say(Finished());
  wire_.Flush();
  wire_.Greet();
  return true;
}

void Tls12Server::Close() {
  SayAlert(kWarning, kCloseNotify);
  wire_.Finish();
}

void Tls12Server::DeriveKeys(std::string_view client_public_key) {
  constexpr size_t kMasterSecretBytes = 48;
  constexpr size_t kKeyBytes = 16;
  constexpr size_t kIvBytes = 4;
  master_secret_ = Prf12(key_exchange_.SharedSecret(client_public_key), "master secret",
                         client_hello_.random + random_, kMasterSecretBytes);
  // RFC 5246 6.3.
  const std::string block = Prf12(master_secret_, "key expansion", random_ + client_hello_.random,
                                  2 * kKeyBytes + 2 * kIvBytes);
  client_keys_ = {.version = kTls12,
                  .key = block.substr(0, kKeyBytes),
                  .iv = block.substr(2 * kKeyBytes, kIvBytes)};
  server_keys_ = {.version = kTls12,
                  .key = block.substr(kKeyBytes, kKeyBytes),
                  .iv = block.substr(2 * kKeyBytes + kIvBytes, kIvBytes)};
}

}  // namespace sluice::testing
