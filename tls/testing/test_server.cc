#include "tls/testing/test_server.h"

#include <openssl/aead.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
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
  return std::unique_ptr<TestServerConnection>(new TestServerConnection(ssl_ctx_.get()));
}

void TestServer::ForgetTickets() {
  uint8_t keys[48];  // What SSL_CTX_set_tlsext_ticket_keys takes.
  RAND_bytes(keys, sizeof(keys));
  CHECK_EQ(SSL_CTX_set_tlsext_ticket_keys(ssl_ctx_.get(), keys, sizeof(keys)), 1);
}

TestServerConnection::TestServerConnection(SSL_CTX* ssl_ctx) : ssl_(SSL_new(ssl_ctx)) {
  CHECK(ssl_ != nullptr);
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_accept_state(ssl_.get());
}

TestServerConnection::~TestServerConnection() = default;

std::vector<uint8_t> TestServerConnection::Feed(std::span<const uint8_t> from_client) {
  if (!from_client.empty()) {
    CHECK_EQ(BIO_write(SSL_get_rbio(ssl_.get()), from_client.data(),
                       static_cast<int>(from_client.size())),
             static_cast<int>(from_client.size()));
  }
  if (error_.empty()) Read();
  return TakeOutput();
}

void TestServerConnection::Read() {
  for (;;) {
    char room[16384];
    const int result = SSL_read(ssl_.get(), room, sizeof(room));
    if (result > 0) {
      plaintext_.append(room, static_cast<size_t>(result));
      continue;
    }
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        break;
      case SSL_ERROR_ZERO_RETURN:
        close_notify_received_ = true;
        break;
      default:
        error_ = absl::StrCat("server:", DrainErrorQueue().text);
    }
    return;
  }
}

std::vector<uint8_t> TestServerConnection::Write(std::string_view plaintext) {
  CHECK_EQ(SSL_write(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size())),
           static_cast<int>(plaintext.size()));
  return TakeOutput();
}

std::vector<uint8_t> TestServerConnection::CloseNotify() {
  CHECK_GE(SSL_shutdown(ssl_.get()), 0);
  return TakeOutput();
}

std::vector<uint8_t> TestServerConnection::KeyUpdate(bool ask_back) {
  CHECK_EQ(SSL_key_update(ssl_.get(),
                          ask_back ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED),
           1);
  return Write("");  // BoringSSL sends it with the next write only, which may be an empty one.
}

std::vector<uint8_t> TestServerConnection::FatalAlert(uint8_t alert) {
  CHECK_EQ(SSL_send_fatal_alert(ssl_.get(), alert), 1);
  return TakeOutput();
}

std::vector<uint8_t> TestServerConnection::HelloRequest() {
  // BoringSSL's servers never ask, so the record is made by hand (RFC 5246 7.4.1.1, RFC 5288 3).
  constexpr size_t kKeyLen = 16, kFixedIvLen = 4, kSequenceLen = 8, kTagLen = 16;
  constexpr uint8_t kMessage[] = {0, 0, 0, 0};
  CHECK_EQ(SSL_version(ssl_.get()), TLS1_2_VERSION);
  CHECK_EQ(SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(ssl_.get())), NID_aes_128_gcm);
  std::vector<uint8_t> key_block(SSL_get_key_block_len(ssl_.get()));
  CHECK_EQ(key_block.size(), 2 * (kKeyLen + kFixedIvLen));
  CHECK_EQ(SSL_generate_key_block(ssl_.get(), key_block.data(), key_block.size()), 1);
  const uint8_t* server_key = key_block.data() + kKeyLen;
  const uint8_t* server_iv = key_block.data() + 2 * kKeyLen + kFixedIvLen;

  uint8_t sequence[kSequenceLen];
  uint64_t number = SSL_get_write_sequence(ssl_.get());
  for (size_t i = kSequenceLen; i-- > 0; number >>= 8) sequence[i] = static_cast<uint8_t>(number);
  uint8_t nonce[kFixedIvLen + kSequenceLen];
  std::memcpy(nonce, server_iv, kFixedIvLen);
  std::memcpy(nonce + kFixedIvLen, sequence, kSequenceLen);
  uint8_t additional[kSequenceLen + 5];
  std::memcpy(additional, sequence, kSequenceLen);
  const uint8_t header[] = {SSL3_RT_HANDSHAKE, 3, 3, 0, sizeof(kMessage)};
  std::memcpy(additional + kSequenceLen, header, sizeof(header));

  bssl::ScopedEVP_AEAD_CTX aead;
  CHECK_EQ(
      EVP_AEAD_CTX_init(aead.get(), EVP_aead_aes_128_gcm(), server_key, kKeyLen, kTagLen, nullptr),
      1);
  uint8_t sealed[sizeof(kMessage) + kTagLen];
  size_t sealed_len;
  CHECK_EQ(EVP_AEAD_CTX_seal(aead.get(), sealed, &sealed_len, sizeof(sealed), nonce, sizeof(nonce),
                             kMessage, sizeof(kMessage), additional, sizeof(additional)),
           1);
  std::vector<uint8_t> record = {SSL3_RT_HANDSHAKE, 3, 3, 0,
                                 static_cast<uint8_t>(kSequenceLen + sealed_len)};
  record.insert(record.end(), sequence, sequence + kSequenceLen);
  record.insert(record.end(), sealed, sealed + sealed_len);
  return record;
}

std::string TestServerConnection::TakePlaintext() { return std::exchange(plaintext_, ""); }

bool TestServerConnection::handshake_done() const {
  return error_.empty() && SSL_in_init(ssl_.get()) == 0;
}

bool TestServerConnection::resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

std::string TestServerConnection::server_name() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

std::string TestServerConnection::client_certificate_cn() const {
  const bssl::UniquePtr<X509> certificate(SSL_get_peer_certificate(ssl_.get()));
  if (certificate == nullptr) return "";
  char name[256];
  const int name_len = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()),
                                                 NID_commonName, name, sizeof(name));
  return std::string(name, static_cast<size_t>(std::max(name_len, 0)));
}

std::vector<uint8_t> TestServerConnection::TakeOutput() {
  BIO* bio = SSL_get_wbio(ssl_.get());
  const uint8_t* bytes;
  size_t num_bytes;
  CHECK_EQ(BIO_mem_contents(bio, &bytes, &num_bytes), 1);
  std::vector<uint8_t> output(bytes, bytes + num_bytes);
  BIO_reset(bio);
  return output;
}

}  // namespace sluice::tls
