// A TLS client in memory, for tests of the server side: BoringSSL's own. It verifies nothing.
//
//   TestClient client({});
//   auto connection = client.Connect();
//   to_server = connection->Feed({});  // And on, until connection->handshake_done().
#ifndef SLUICE_TLS_TESTING_TEST_CLIENT_H_
#define SLUICE_TLS_TESTING_TEST_CLIENT_H_

#include <openssl/base.h>

#include <memory>
#include <string>

#include "tls/settings.h"
#include "tls/testing/test_connection.h"

namespace sluice::tls {

struct TestClientOptions {
  // What it shows when it is asked for a certificate. Empty: nothing.
  std::string certificate_pem;
  std::string key_pem;
  std::string server_name;  // SNI; empty: none.
  Version min_version = Version::kTls12;
  Version max_version = Version::kTls13;
};

class TestClient {
 public:
  // Aborts on options that cannot be used.
  explicit TestClient(const TestClientOptions& options);
  ~TestClient();

  // `offered`: TestConnection::session() of an earlier connection, which may be resumed.
  std::unique_ptr<TestConnection> Connect(SSL_SESSION* offered = nullptr);

 private:
  static int KeepSession(SSL* ssl, SSL_SESSION* session);

  const std::string server_name_;
  bssl::UniquePtr<SSL_CTX> ssl_ctx_;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_TESTING_TEST_CLIENT_H_
