// A TLS 1.2 server made of its single steps, as Tls13Server is: ECDHE with X25519, ECDSA,
// AES-128-GCM.
#ifndef SLUICE_TESTS_HOSTILE_TLS12_SERVER_H_
#define SLUICE_TESTS_HOSTILE_TLS12_SERVER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/hostile/client_hello.h"
#include "tests/hostile/key_exchange.h"
#include "tests/hostile/record_layer.h"
#include "tests/hostile/wire.h"

namespace sluice::testing {

class Tls12Server {
 public:
  // What a ServerHello says where it says nothing wrong.
  struct HelloOptions {
    uint16_t version = kTls12;
    std::string random;  // Empty: a right one.
    std::string session_id;
    uint16_t cipher = kEcdheEcdsaAes128GcmSha256;
    uint8_t compression = 0;
    std::string more_extensions;
  };

  // `wire` outlives it.
  explicit Tls12Server(RecordLayer& wire) : wire_(wire) {}

  // False: none has come.
  bool ReadClientHello();
  const ClientHello& client_hello() const { return client_hello_; }

  // --- Messages ---

  std::string ServerHello(const HelloOptions& options) const;
  std::string ServerHello() const { return ServerHello(HelloOptions()); }
  std::string Certificate() const;
  // `entries`: Vector24 of DER each.
  std::string Certificate(std::string_view entries) const;
  std::string ServerKeyExchange(uint16_t group = kX25519) const;
  // `names`: Vector16 of DER each.
  std::string CertificateRequest(std::string_view names) const;
  std::string ServerHelloDone() const { return Message(kServerHelloDone, ""); }
  // Good for any session: sluice cannot look into it.
  std::string NewSessionTicket(uint32_t lifetime_s, std::string_view ticket) const;
  std::string Finished() const;

  // --- Saying them ---

  void Say(std::string_view message);
  // ServerHello, Certificate, ServerKeyExchange, ServerHelloDone.
  void SayFirstFlight();
  // Then with keys.
  void SayChangeCipherSpec();
  void SayData(std::string_view data) { wire_.Queue(kApplicationData, data); }
  void SayAlert(AlertLevel level, AlertDescription description) {
    wire_.Queue(kAlert, AlertBody(level, description));
  }

  // Certificate if `asked` for one, ClientKeyExchange, Finished. False: it has not come, or is
  // wrong.
  bool ReadClientFlight(bool asked = false);
  // The handshake up to where the server's ChangeCipherSpec is due.
  bool AcceptUpToChangeCipherSpec();
  // The whole handshake.
  bool Accept();
  // close_notify and FIN.
  void Close();

 private:
  // Once the ClientKeyExchange is in the transcript.
  void DeriveKeys(std::string_view client_public_key);

  RecordLayer& wire_;
  const KeyExchange key_exchange_;
  const std::string random_ = ServerRandom();
  ClientHello client_hello_;
  std::string transcript_;
  std::string master_secret_;
  TrafficKeys client_keys_;
  TrafficKeys server_keys_;
};

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_HOSTILE_TLS12_SERVER_H_
