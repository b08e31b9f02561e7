#include "tls/testing/test_client.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "absl/log/check.h"

namespace sluice::tls {
namespace {

bssl::UniquePtr<BIO> ReaderOf(const std::string& text) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<ossl_ssize_t>(text.size())));
}

}  // namespace

TestClient::TestClient(const TestClientOptions& options)
    : server_name_(options.server_name), ssl_ctx_(SSL_CTX_new(TLS_method())) {
  SSL_CTX* ssl_ctx = ssl_ctx_.get();
  CHECK(ssl_ctx != nullptr);
  CHECK_EQ(SSL_CTX_set_min_proto_version(ssl_ctx, static_cast<uint16_t>(options.min_version)), 1);
  CHECK_EQ(SSL_CTX_set_max_proto_version(ssl_ctx, static_cast<uint16_t>(options.max_version)), 1);
  SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ssl_ctx, KeepSession);
  if (options.certificate_pem.empty()) return;
  const bssl::UniquePtr<X509> certificate(
      PEM_read_bio_X509(ReaderOf(options.certificate_pem).get(), nullptr, nullptr, nullptr));
  CHECK_EQ(SSL_CTX_use_certificate(ssl_ctx, certificate.get()), 1);
  const bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(ReaderOf(options.key_pem).get(), nullptr, nullptr, nullptr));
  CHECK_EQ(SSL_CTX_use_PrivateKey(ssl_ctx, key.get()), 1);
}

TestClient::~TestClient() = default;

std::unique_ptr<TestConnection> TestClient::Connect(SSL_SESSION* offered) {
  std::unique_ptr<TestConnection> connection(new TestConnection(ssl_ctx_.get()));
  SSL* ssl = connection->ssl();
  SSL_set_app_data(ssl, connection.get());
  SSL_set_connect_state(ssl);
  if (!server_name_.empty()) CHECK_EQ(SSL_set_tlsext_host_name(ssl, server_name_.c_str()), 1);
  if (offered != nullptr) CHECK_EQ(SSL_set_session(ssl, offered), 1);
  return connection;
}

// Takes over the reference to `session`.
int TestClient::KeepSession(SSL* ssl, SSL_SESSION* session) {
  static_cast<TestConnection*>(SSL_get_app_data(ssl))->session_.reset(session);
  return 1;
}

}  // namespace sluice::tls
