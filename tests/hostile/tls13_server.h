// A TLS 1.3 server made of its single steps, so that any of them can be left out, repeated or done
// wrong.
//
//   Tls13Server tls(wire);
//   tls.ReadClientHello();
//   tls.SayServerHello();
//   tls.Say(tls.EncryptedExtensions());
//   tls.Say(tls.Certificate());      // And no CertificateVerify.
//   tls.SayFinished();
//   wire.Flush();
//
// The functions named for a message only build it, from what has been said so far. Say queues it
// and takes it into the transcript. Left alone (Accept), the server does everything right.
#ifndef SLUICE_TESTS_HOSTILE_TLS13_SERVER_H_
#define SLUICE_TESTS_HOSTILE_TLS13_SERVER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/hostile/client_hello.h"
#include "tests/hostile/key_exchange.h"
#include "tests/hostile/record_layer.h"
#include "tests/hostile/wire.h"

namespace sluice::testing {

class Tls13Server {
 public:
  // What a ServerHello says where it says nothing wrong.
  struct HelloOptions {
    uint16_t legacy_version = kTls12;
    uint16_t version = kTls13;
    uint16_t cipher = kTlsAes128GcmSha256;
    uint8_t compression = 0;
    std::optional<std::string> session_id;  // Empty: the client's.
    uint16_t group = kX25519;
    std::string key_share;  // Empty: the right one.
    bool has_key_share = true;
    std::string more_extensions;
  };

  // `wire` outlives it.
  explicit Tls13Server(RecordLayer& wire) : wire_(wire) {}

  // False: none has come.
  bool ReadClientHello();
  const ClientHello& client_hello() const { return client_hello_; }

  // --- Messages ---

  std::string ServerHello(const HelloOptions& options) const;
  std::string ServerHello() const { return ServerHello(HelloOptions()); }
  // Asks for another ClientHello, by `extensions` such as a cookie.
  std::string HelloRetryRequest(std::string_view extensions) const;
  std::string EncryptedExtensions(std::string_view extensions = "") const;
  std::string CertificateRequest(std::string_view extensions) const;
  // With the right extensions, and `more`.
  std::string CertificateRequestFor(std::string_view more) const;
  std::string Certificate() const;
  // `entries`: Vector24 of DER and Vector16 of extensions each.
  std::string Certificate(std::string_view entries) const;
  std::string CertificateVerify() const;
  std::string Finished() const;
  std::string NewSessionTicket(uint32_t lifetime_s, std::string_view ticket) const;
  static std::string KeyUpdate(bool ask_back);

  // --- Saying them ---

  void Say(std::string_view message);
  // Then with the keys of the handshake.
  void SayServerHello(const HelloOptions& options);
  void SayServerHello() { SayServerHello(HelloOptions()); }
  void SayHelloRetryRequest(std::string_view extensions);
  // EncryptedExtensions, Certificate, CertificateVerify.
  void SayAuthentication();
  // Then with the keys of application data.
  void SayFinished();
  void SayWholeFlight();
  // A KeyUpdate, then with the next keys.
  void SayKeyUpdate(bool ask_back);
  void SayData(std::string_view data) { wire_.Queue(kApplicationData, data); }
  void SayAlert(AlertLevel level, AlertDescription description) {
    wire_.Queue(kAlert, AlertBody(level, description));
  }

  // The client's Certificate, if it was `asked` for one, and its Finished, which is right. Reads
  // application data from then on. A client that has a certificate is beyond this server.
  bool ReadClientFinished(bool asked = false);
  // The whole handshake.
  bool Accept();
  // close_notify and FIN.
  void Close();

 private:
  void UseKeys(std::string_view client_secret, std::string_view server_secret);

  RecordLayer& wire_;
  const KeyExchange key_exchange_;
  const std::string random_ = ServerRandom();
  ClientHello client_hello_;
  std::string transcript_;
  std::string handshake_secret_;
  // Traffic secrets in use, and those that the client goes on with behind its Finished.
  std::string client_secret_;
  std::string server_secret_;
  std::string next_client_secret_;
};

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_HOSTILE_TLS13_SERVER_H_
