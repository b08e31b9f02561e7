// A TLS server in memory, for tests of the client side: BoringSSL's own, so that it is right where
// the client may be wrong.
//
//   TestServer server({.certificate_pem = ..., .key_pem = ...});
//   auto connection = server.Accept();
//   to_client = connection->Feed(from_client);     // Until connection->handshake_done().
//   connection->TakePlaintext();                   // What the client has said.
//   to_client = connection->Write("hello");
//
// One thread for a server and its connections.
#ifndef SLUICE_TLS_TESTING_TEST_SERVER_H_
#define SLUICE_TLS_TESTING_TEST_SERVER_H_

#include <openssl/base.h>

#include <memory>
#include <string>
#include <vector>

#include "tls/settings.h"
#include "tls/testing/test_connection.h"

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

using TestServerConnection = TestConnection;

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
