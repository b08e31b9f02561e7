#include "tls/testing/test_server.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <utility>

#include "absl/log/check.h"
#include "tls/error_queue.h"

namespace sluice::tls {
namespace {

bssl::UniquePtr<BIO> ReaderOf(const std::string& text) {
  bssl::UniquePtr<BIO> reader(BIO_new_mem_buf(text.data(), static_cast<ossl_ssize_t>(text.size())));
  CHECK(reader != nullptr);
  return reader;
}

std::vector<bssl::UniquePtr<X509>> CertificatesOf(const std::string& pem) {
  std::vector<bssl::UniquePtr<X509>> certificates;
  const bssl::UniquePtr<BIO> reader = ReaderOf(pem);
  while (X509* x509 = PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(x509);
  }
  ERR_clear_error();
  CHECK(!certificates.empty());
  return certificates;
}

// The first protocol of the server that the client has too (RFC 7301 3.2).
int SelectAlpn(SSL*, const uint8_t** selected, uint8_t* selected_len, const uint8_t* offered,
               unsigned offered_len, void* alpn_ptr) {
  for (const std::string& ours : *static_cast<const std::vector<std::string>*>(alpn_ptr)) {
    for (unsigned i = 0; i + 1 < offered_len; i += 1 + offered[i]) {
      const std::string_view theirs(reinterpret_cast<const char*>(offered + i + 1), offered[i]);
      if (theirs != ours) continue;
      *selected = offered + i + 1;
      *selected_len = offered[i];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

TestServer::TestServer(const TestServerOptions& options)
    : alpn_(options.alpn), ssl_ctx_(SSL_CTX_new(TLS_method())) {
  SSL_CTX* ssl_ctx = ssl_ctx_.get();
  CHECK(ssl_ctx != nullptr);
  const auto chain = CertificatesOf(options.certificate_pem);
  CHECK_EQ(SSL_CTX_use_certificate(ssl_ctx, chain.front().get()), 1);
  for (size_t i = 1; i < chain.size(); ++i) {
    CHECK_EQ(SSL_CTX_add1_chain_cert(ssl_ctx, chain[i].get()), 1);
  }
  const bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(ReaderOf(options.key_pem).get(), nullptr, nullptr, nullptr));
  CHECK(key != nullptr);
  CHECK_EQ(SSL_CTX_use_PrivateKey(ssl_ctx, key.get()), 1);
  CHECK_EQ(SSL_CTX_set_min_proto_version(ssl_ctx, static_cast<uint16_t>(options.min_version)), 1);
  CHECK_EQ(SSL_CTX_set_max_proto_version(ssl_ctx, static_cast<uint16_t>(options.max_version)), 1);
  CHECK_EQ(SSL_CTX_set_cipher_list(ssl_ctx, options.ciphers.c_str()), 1);
  if (!options.groups.empty()) {
    CHECK_EQ(SSL_CTX_set1_curves_list(ssl_ctx, options.groups.c_str()), 1);
  }
  CHECK_EQ(SSL_CTX_set_num_tickets(ssl_ctx, static_cast<size_t>(options.num_tickets)), 1);
  if (!options.tickets) SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_OFF);
  CHECK_EQ(SSL_CTX_set_session_id_context(ssl_ctx, reinterpret_cast<const uint8_t*>("test"), 4), 1);
  if (!options.client_ca_pem.empty()) {
    for (const auto& ca : CertificatesOf(options.client_ca_pem)) {
      CHECK_EQ(X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl_ctx), ca.get()), 1);
      CHECK_EQ(SSL_CTX_add_client_CA(ssl_ctx, ca.get()), 1);
    }
    SSL_CTX_set_verify(ssl_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  if (options.wpa3_192) {
    CHECK_EQ(SSL_CTX_set_compliance_policy(ssl_ctx, ssl_compliance_policy_wpa3_192_202304), 1);
  }
  if (!alpn_.empty()) {
    SSL_CTX_set_alpn_select_cb(ssl_ctx, SelectAlpn, const_cast<std::vector<std::string>*>(&alpn_));
  }
}

TestServer::~TestServer() = default;

std::unique_ptr<TestServerConnection> TestServer::Accept() {
  std::unique_ptr<TestConnection> connection(new TestConnection(ssl_ctx_.get()));
  SSL_set_accept_state(connection->ssl());
  return connection;
}

void TestServer::ForgetTickets() {
  uint8_t keys[48];  // What SSL_CTX_set_tlsext_ticket_keys takes.
  RAND_bytes(keys, sizeof(keys));
  CHECK_EQ(SSL_CTX_set_tlsext_ticket_keys(ssl_ctx_.get(), keys, sizeof(keys)), 1);
}

}  // namespace sluice::tls
