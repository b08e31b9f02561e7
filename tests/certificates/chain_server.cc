#include "tests/certificates/chain_server.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>

#include <array>
#include <utility>

#include "absl/log/check.h"
#include "tests/support/deadline.h"

namespace sluice::testing {
namespace {

using Attempt = ChainServer::Attempt;

bssl::UniquePtr<EVP_PKEY> KeyOf(const std::string& pem) {
  const bssl::UniquePtr<BIO> reader(
      BIO_new_mem_buf(pem.data(), static_cast<ossl_ssize_t>(pem.size())));
  bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(reader.get(), nullptr, nullptr, nullptr));
  CHECK(key != nullptr);
  return key;
}

ssl_private_key_result_t Sign(SSL* ssl, uint8_t* out, size_t* out_len, size_t max_out,
                              uint16_t algorithm, const uint8_t* in, size_t in_len) {
  auto* key = static_cast<EVP_PKEY*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  bssl::ScopedEVP_MD_CTX context;
  EVP_PKEY_CTX* key_context;
  CHECK_EQ(EVP_DigestSignInit(context.get(), &key_context,
                              SSL_get_signature_algorithm_digest(algorithm), nullptr, key),
           1);
  if (SSL_is_signature_algorithm_rsa_pss(algorithm) == 1) {
    CHECK_EQ(EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING), 1);
    CHECK_EQ(EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, -1), 1);  // As long as the hash.
  }
  *out_len = max_out;
  CHECK_EQ(EVP_DigestSign(context.get(), out, out_len, in, in_len), 1);
  return ssl_private_key_success;
}

// Only what a static RSA key exchange needs, which nobody negotiates.
ssl_private_key_result_t Decrypt(SSL*, uint8_t*, size_t*, size_t, const uint8_t*, size_t) {
  return ssl_private_key_failure;
}

constexpr SSL_PRIVATE_KEY_METHOD kSigner = {.sign = Sign, .decrypt = Decrypt, .complete = nullptr};

ssl_select_cert_result_t NoteSession(const SSL_CLIENT_HELLO* hello) {
  auto* attempt = static_cast<Attempt*>(SSL_get_app_data(hello->ssl));
  const auto has = [hello](uint16_t extension) {
    const uint8_t* bytes;
    size_t num_bytes;
    return SSL_early_callback_ctx_extension_get(hello, extension, &bytes, &num_bytes) == 1 &&
           num_bytes > 0;
  };
  attempt->session_offered = has(TLSEXT_TYPE_pre_shared_key) || has(TLSEXT_TYPE_session_ticket);
  return ssl_select_cert_success;
}

}  // namespace

struct ChainServer::Face {
  Face(const Presented& presented, tls::Version version)
      : key(KeyOf(presented.key_pem)), ssl_ctx(SSL_CTX_new(TLS_with_buffers_method())) {
    CHECK(ssl_ctx != nullptr);
    std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> owned;
    std::vector<CRYPTO_BUFFER*> chain;
    for (const std::string& der : presented.chain) {
      owned.emplace_back(
          CRYPTO_BUFFER_new(reinterpret_cast<const uint8_t*>(der.data()), der.size(), nullptr));
      chain.push_back(owned.back().get());
    }
    SSL_CTX* ctx = ssl_ctx.get();
    CHECK_EQ(SSL_CTX_set_chain_and_key(ctx, chain.data(), chain.size(), nullptr, &kSigner), 1)
        << "a leaf whose key cannot be read cannot be presented";
    CHECK_EQ(SSL_CTX_set_app_data(ctx, key.get()), 1);
    CHECK_EQ(SSL_CTX_set_min_proto_version(ctx, static_cast<uint16_t>(version)), 1);
    CHECK_EQ(SSL_CTX_set_max_proto_version(ctx, static_cast<uint16_t>(version)), 1);
    CHECK_EQ(SSL_CTX_set_session_id_context(ctx, reinterpret_cast<const uint8_t*>("test"), 4), 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_select_certificate_cb(ctx, NoteSession);
  }

  const bssl::UniquePtr<EVP_PKEY> key;
  const bssl::UniquePtr<SSL_CTX> ssl_ctx;
};

ChainServer::ChainServer(tls::Version version, std::string_view address)
    : version_(version), server_([this](Socket& socket) { Serve(socket); }, address) {}

ChainServer::~ChainServer() = default;

void ChainServer::Show(const Presented& presented, Tickets tickets) {
  auto face = std::make_shared<Face>(presented, version_);
  if (tickets == Tickets::kNone) SSL_CTX_set_options(face->ssl_ctx.get(), SSL_OP_NO_TICKET);
  std::lock_guard lock(mutex_);
  face_ = std::move(face);
}

void ChainServer::Renew(const Presented& presented) {
  auto face = std::make_shared<Face>(presented, version_);
  std::array<uint8_t, 48> keys;  // What SSL_CTX_get_tlsext_ticket_keys gives.
  std::lock_guard lock(mutex_);
  CHECK_EQ(SSL_CTX_get_tlsext_ticket_keys(face_->ssl_ctx.get(), keys.data(), keys.size()), 1);
  CHECK_EQ(SSL_CTX_set_tlsext_ticket_keys(face->ssl_ctx.get(), keys.data(), keys.size()), 1);
  face_ = std::move(face);
}

std::vector<Attempt> ChainServer::WaitForAttempts(size_t count) const {
  CHECK(Eventually([&] {
    std::lock_guard lock(mutex_);
    return attempts_.size() >= count;
  })) << "fewer than "
      << count << " connections have come and gone";
  std::lock_guard lock(mutex_);
  return {attempts_.begin(), attempts_.begin() + static_cast<std::ptrdiff_t>(count)};
}

void ChainServer::Serve(Socket& socket) {
  std::shared_ptr<const Face> face;
  {
    std::lock_guard lock(mutex_);
    face = face_;
  }
  CHECK(face != nullptr) << "nothing to show yet";
  Attempt attempt;
  const bssl::UniquePtr<SSL> ssl(SSL_new(face->ssl_ctx.get()));
  CHECK_EQ(SSL_set_app_data(ssl.get(), &attempt), 1);
  CHECK_EQ(SSL_set_fd(ssl.get(), socket.fd()), 1);
  attempt.handshake_done = SSL_accept(ssl.get()) == 1;
  attempt.resumed = attempt.handshake_done && SSL_session_reused(ssl.get()) == 1;
  // Whether or not the handshake has succeeded: what comes from the client is what counts.
  std::array<char, 4096> room;
  for (int num_bytes; (num_bytes = SSL_read(ssl.get(), room.data(), room.size())) > 0;) {
    attempt.plaintext.append(room.data(), static_cast<size_t>(num_bytes));
    if (SSL_write(ssl.get(), room.data(), num_bytes) != num_bytes) break;
  }
  ERR_clear_error();
  std::lock_guard lock(mutex_);
  attempts_.push_back(std::move(attempt));
}

}  // namespace sluice::testing
