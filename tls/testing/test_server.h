// A TLS server in memory, for tests of the client side: BoringSSL's own, so that it is right where
// the client may be wrong.
//
//   TestServer server({.certificate_pem = ..., .key_pem = ...});
//   auto connection = server.Accept();
//   to_client = connection->Feed(from_client);     // Until connection->handshake_done().
//   connection->TakePlaintext();                   // What the client has said.
//   to_client = connection->Write("hello");
//
// Every function that may have something to say returns the ciphertext to be carried to the client,
// in order; the test decides how it is cut, delayed or lost. Nothing here blocks, and nothing
// depends on the clock but the lifetime of tickets. One thread for a server and its connections.
#ifndef SLUICE_TLS_TESTING_TEST_SERVER_H_
#define SLUICE_TLS_TESTING_TEST_SERVER_H_

#include <openssl/base.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tls/settings.h"

namespace sluice::tls {

struct TestServerOptions {
  std::string certificate_pem;  // Leaf first, then its chain.
  std::string key_pem;
  // PEM; not empty: the client must present a certificate that one of these CAs has issued.
  std::string client_ca_pem;
  Version min_version = Version::kTls12;
  Version max_version = Version::kTls13;
  std::string ciphers = "ALL";  // TLS 1.2 and older.
  std::string groups;           // "P-256:X25519"; empty: BoringSSL's.
  // Only AES-256 and P-384, in TLS 1.3 too, whose ciphers cannot be chosen otherwise. Needs a
  // certificate with P-384.
  bool wpa3_192 = false;
  // After a full TLS 1.3 handshake and after a resumed one alike.
  int num_tickets = 2;
  // Off: no ticket in TLS 1.2, and none is taken back.
  bool tickets = true;
  // In the order of preference; the client must offer one of them if it offers any.
  std::vector<std::string> alpn;
};

class TestServerConnection {
 public:
  ~TestServerConnection();

  // Goes on with the handshake, or reads. Takes everything in; a failure shows in error().
  std::vector<uint8_t> Feed(std::span<const uint8_t> from_client);
  // The functions below need handshake_done().
  std::vector<uint8_t> Write(std::string_view plaintext);
  std::vector<uint8_t> CloseNotify();
  // TLS 1.3: new keys for what the server writes; `ask_back`: and for what the client does.
  std::vector<uint8_t> KeyUpdate(bool ask_back);
  std::vector<uint8_t> FatalAlert(uint8_t alert);
  // TLS 1.2 with AES-128-GCM only: asks for a renegotiation. The connection is of no use
  // afterwards.
  std::vector<uint8_t> HelloRequest();

  // What the client has sent since the last call.
  std::string TakePlaintext();

  bool handshake_done() const;
  bool close_notify_received() const { return close_notify_received_; }
  bool resumed() const;
  // Empty: nothing has failed. An alert of the client is "...:SSL alert number N".
  const std::string& error() const { return error_; }
  std::string server_name() const;            // SNI; empty: none.
  std::string client_certificate_cn() const;  // Empty: none was presented.
  SSL* ssl() const { return ssl_.get(); }

 private:
  friend class TestServer;
  explicit TestServerConnection(SSL_CTX* ssl_ctx);

  void Read();
  std::vector<uint8_t> TakeOutput();

  bssl::UniquePtr<SSL> ssl_;
  std::string plaintext_;
  std::string error_;
  bool close_notify_received_ = false;
};

class TestServer {
 public:
  // Aborts on options that cannot be used.
  explicit TestServer(const TestServerOptions& options);
  ~TestServer();

  // The tickets of one connection are good for the others.
  std::unique_ptr<TestServerConnection> Accept();
  // Tickets given so far are worth nothing from now on.
  void ForgetTickets();

 private:
  const std::vector<std::string> alpn_;
  bssl::UniquePtr<SSL_CTX> ssl_ctx_;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_TESTING_TEST_SERVER_H_
