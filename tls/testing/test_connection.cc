#include "tls/testing/test_connection.h"

#include <openssl/aead.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "tls/error_queue.h"

namespace sluice::tls {

TestConnection::TestConnection(SSL_CTX* ssl_ctx) : ssl_(SSL_new(ssl_ctx)) {
  CHECK(ssl_ != nullptr);
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
}

TestConnection::~TestConnection() = default;

std::vector<uint8_t> TestConnection::Feed(std::span<const uint8_t> from_peer) {
  if (!from_peer.empty()) {
    CHECK_EQ(
        BIO_write(SSL_get_rbio(ssl_.get()), from_peer.data(), static_cast<int>(from_peer.size())),
        static_cast<int>(from_peer.size()));
  }
  if (error_.empty()) Read();
  return TakeOutput();
}

void TestConnection::Read() {
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
        error_ = absl::StrCat(is_client() ? "client:" : "server:", DrainErrorQueue().text);
    }
    return;
  }
}

std::vector<uint8_t> TestConnection::Write(std::string_view plaintext) {
  CHECK_EQ(SSL_write(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size())),
           static_cast<int>(plaintext.size()));
  return TakeOutput();
}

std::vector<uint8_t> TestConnection::CloseNotify() {
  CHECK_GE(SSL_shutdown(ssl_.get()), 0);
  return TakeOutput();
}

std::vector<uint8_t> TestConnection::KeyUpdate(bool ask_back) {
  CHECK_EQ(SSL_key_update(ssl_.get(),
                          ask_back ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED),
           1);
  return Write("");  // BoringSSL sends it with the next write only, which may be an empty one.
}

std::vector<uint8_t> TestConnection::FatalAlert(uint8_t alert) {
  CHECK_EQ(SSL_send_fatal_alert(ssl_.get(), alert), 1);
  return TakeOutput();
}

std::vector<uint8_t> TestConnection::HelloRequest() {
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

std::string TestConnection::TakePlaintext() { return std::exchange(plaintext_, ""); }

bool TestConnection::handshake_done() const {
  return error_.empty() && SSL_in_init(ssl_.get()) == 0;
}

bool TestConnection::is_client() const { return SSL_is_server(ssl_.get()) == 0; }

bool TestConnection::resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

std::string TestConnection::server_name() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

std::string TestConnection::client_certificate_cn() const {
  const bssl::UniquePtr<X509> certificate(SSL_get_peer_certificate(ssl_.get()));
  if (certificate == nullptr) return "";
  char name[256];
  const int name_len = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()),
                                                 NID_commonName, name, sizeof(name));
  return std::string(name, static_cast<size_t>(std::max(name_len, 0)));
}

std::vector<uint8_t> TestConnection::TakeOutput() {
  BIO* bio = SSL_get_wbio(ssl_.get());
  const uint8_t* bytes;
  size_t num_bytes;
  CHECK_EQ(BIO_mem_contents(bio, &bytes, &num_bytes), 1);
  std::vector<uint8_t> output(bytes, bytes + num_bytes);
  BIO_reset(bio);
  return output;
}

}  // namespace sluice::tls
