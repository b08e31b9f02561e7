#include "tls/context.h"

#include <openssl/aead.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string_view>
#include <tuple>
#include <utility>

#include "absl/log/check.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tls/algorithm_lists.h"
#include "tls/callbacks.h"
#include "tls/ciphers.h"
#include "tls/error_queue.h"
#include "tls/peer_name.h"
#include "tls/pem.h"
#include "tls/verify.h"

namespace sluice::tls {
namespace {

// RFC 1035 2.3.4: the longest host name.
constexpr size_t kNameBytesMax = 255;

// RSA keys of clients. Smaller ones are too small for OpenSSL at its default security level, and
// below 528 bits for the signatures of TLS 1.3 (RSA-PSS with SHA-256, RFC 8017 9.1.1).
constexpr int kRsaKeyBitsMin = 1024;

bssl::UniquePtr<CRYPTO_BUFFER> BufferOf(X509* certificate) {
  uint8_t* der = nullptr;
  const int der_len = i2d_X509(certificate, &der);
  CHECK_GT(der_len, 0);
  const bssl::UniquePtr<uint8_t> free_der(der);
  bssl::UniquePtr<CRYPTO_BUFFER> buffer(
      CRYPTO_BUFFER_new(der, static_cast<size_t>(der_len), nullptr));
  CHECK(buffer != nullptr);
  return buffer;
}

// Holds every certificate of an upstream once, however many connections and sessions have it. For
// good, because certificates point back to it, and sessions outlive every Context.
CRYPTO_BUFFER_POOL* CertificatePool() {
  static CRYPTO_BUFFER_POOL* const pool = CRYPTO_BUFFER_POOL_new();
  CHECK(pool != nullptr);
  return pool;
}

// What `settings` offer, with their cipher list applied to `ssl_ctx`.
std::vector<std::string> OfferedCiphers(const Settings& settings, const SSL_CTX* ssl_ctx) {
  std::vector<std::string> names;
  if (settings.max_version >= Version::kTls13) {
    // BoringSSL's fixed order: AES first where the CPU has instructions for it.
    names = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"};
    names.insert(EVP_has_aes_hardware() ? names.end() : names.begin(),
                 "TLS_CHACHA20_POLY1305_SHA256");
  }
  if (settings.min_version <= Version::kTls12) {
    for (const SSL_CIPHER* cipher : SSL_CTX_get_ciphers(ssl_ctx)) {
      if (SSL_CIPHER_get_min_version(cipher) <= static_cast<uint16_t>(settings.max_version)) {
        names.push_back(SSL_CIPHER_get_name(cipher));
      }
    }
  }
  return names;
}

}  // namespace

void Context::FreeSslCtx::operator()(ssl_ctx_st* ssl_ctx) const { SSL_CTX_free(ssl_ctx); }

std::vector<Problem> CheckSettings(const Settings& settings) {
  std::vector<Problem> problems;
  Context(settings).Build(&problems);
  return problems;
}

std::vector<std::string> EffectiveCiphers(const Settings& settings) {
  const bssl::UniquePtr<SSL_CTX> ssl_ctx(SSL_CTX_new(TLS_with_buffers_method()));
  CHECK(ssl_ctx != nullptr);
  std::vector<Problem> problems;
  if (!ApplyCiphers(settings.ciphers, ssl_ctx.get(), &problems)) return {};
  return OfferedCiphers(settings, ssl_ctx.get());
}

absl::StatusOr<std::unique_ptr<Context>> Context::Create(const Settings& settings,
                                                         KeyLog* key_log) {
  std::vector<Problem> problems = CheckCombination(settings);
  std::unique_ptr<Context> context(new Context(settings));
  context->Build(&problems);
  for (const Problem& problem : problems) {
    if (problem.fatal) return absl::InvalidArgumentError(problem.message);
  }
  context->key_log_ = key_log;
  if (key_log != nullptr) InstallKeyLogCallback(context->ssl_ctx());
  return context;
}

// TLS_with_buffers_method keeps certificates as the bytes that came, shared and small, where
// TLS_method would hold a parsed chain for the life of every connection and session.
Context::Context(const Settings& settings)
    : settings_(settings), ssl_ctx_(SSL_CTX_new(TLS_with_buffers_method())) {
  CHECK(ssl_ctx_ != nullptr);
}

Context::~Context() = default;

void Context::Build(std::vector<Problem>* problems) {
  SSL_CTX* ssl_ctx = ssl_ctx_.get();
  CHECK_EQ(SSL_CTX_set_min_proto_version(ssl_ctx, static_cast<uint16_t>(settings_.min_version)), 1);
  CHECK_EQ(SSL_CTX_set_max_proto_version(ssl_ctx, static_cast<uint16_t>(settings_.max_version)), 1);
  ApplyGroups(settings_.groups, ssl_ctx, problems);
  ApplySignatureAlgorithms(settings_.signature_algorithms, ssl_ctx, problems);
  SSL_CTX_set0_buffer_pool(ssl_ctx, CertificatePool());
  // A caller may move plaintext that is not sealed yet, and one record a call is what Seal expects.
  // Splitting is what keeps TLS 1.0 CBC safe from chosen plaintext (CVE-2011-3389).
  SSL_CTX_set_mode(ssl_ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_CBC_RECORD_SPLITTING);
  // A session that strays into a Context with another fingerprint fails the handshake.
  const Fingerprint fingerprint = FingerprintOf(settings_);
  static_assert(std::tuple_size_v<Fingerprint> <= SSL_MAX_SID_CTX_LENGTH);
  CHECK_EQ(SSL_CTX_set_session_id_context(ssl_ctx, fingerprint.data(), fingerprint.size()), 1);
  if (settings_.session_reuse) {
    InstallTicketCallback(ssl_ctx);
  } else {
    SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_TICKET);
  }
  if (!settings_.alpn.empty()) {
    std::vector<uint8_t> protocols;  // RFC 7301 3.1: each behind one byte of length.
    for (const std::string& protocol : settings_.alpn) {
      CHECK(!protocol.empty() && protocol.size() <= 255);
      protocols.push_back(static_cast<uint8_t>(protocol.size()));
      protocols.insert(protocols.end(), protocol.begin(), protocol.end());
    }
    // 0 is success here, unlike everywhere else.
    CHECK_EQ(SSL_CTX_set_alpn_protos(ssl_ctx, protocols.data(), protocols.size()), 0);
  }
  if (ApplyCiphers(settings_.ciphers, ssl_ctx, problems) &&
      OfferedCiphers(settings_, ssl_ctx).empty()) {
    problems->push_back(
        {.field = Field::kCiphers,
         .message =
             absl::StrCat("cipher list \"", Printable(settings_.ciphers), "\" holds none that ",
                          VersionName(settings_.max_version),
                          " can use; add one such as \"ECDHE-RSA-AES128-SHA\", or add TLSv1.2 to "
                          "proxy_ssl_protocols")});
  }
  BuildClientCertificate(problems);
  InstallCertificateRequestCallback(ssl_ctx);
  BuildVerification(problems);
  ERR_clear_error();
}

void Context::BuildClientCertificate(std::vector<Problem>* problems) {
  const File& certificate = settings_.certificate;
  const File& certificate_key = settings_.certificate_key;
  if (!certificate.given()) return;
  const auto chain = ReadCertificates(certificate);
  if (!chain.ok()) {
    problems->push_back(
        {.field = Field::kCertificate, .message = std::string(chain.status().message())});
  }
  if (!certificate_key.given()) return;
  const auto key = ReadPrivateKey(certificate_key, settings_.passwords);
  if (!key.ok()) {
    problems->push_back(
        {.field = Field::kCertificateKey, .message = std::string(key.status().message())});
  }
  if (!chain.ok() || !key.ok()) return;

  if (X509_check_private_key(chain->front().get(), key->get()) != 1) {
    problems->push_back(
        {.field = Field::kCertificateKey,
         .message = absl::StrCat("\"", certificate_key.path,
                                 "\": the key does not belong to the first certificate of \"",
                                 certificate.path, "\"")});
    return;
  }
  const int key_bits = EVP_PKEY_bits(key->get());
  if (EVP_PKEY_id(key->get()) == EVP_PKEY_RSA && key_bits < kRsaKeyBitsMin) {
    problems->push_back(
        {.field = Field::kCertificateKey,
         .message = absl::StrCat("\"", certificate_key.path, "\": an RSA key of ", key_bits,
                                 " bits is too small to be of use; make one of 2048 or more")});
    return;
  }
  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> owned;
  std::vector<CRYPTO_BUFFER*> buffers;
  for (const auto& one : *chain) {
    owned.push_back(BufferOf(one.get()));
    buffers.push_back(owned.back().get());
  }
  ERR_clear_error();
  if (SSL_CTX_set_chain_and_key(ssl_ctx_.get(), buffers.data(), buffers.size(), key->get(),
                                nullptr) != 1) {
    const std::string reason = DrainErrorQueue().reason;
    problems->push_back({.field = Field::kCertificate,
                         .message = absl::StrCat(
                             "\"", certificate.path, "\" cannot be used as a client certificate",
                             reason == "KEY_USAGE_BIT_INCORRECT"
                                 ? ": its keyUsage lacks digitalSignature; have it reissued "
                                   "with it"
                                 : absl::StrCat(" (", reason, ")"))});
  }
}

void Context::BuildVerification(std::vector<Problem>* problems) {
  InstallVerifyCallback(ssl_ctx_.get(), settings_.verify);
  const PeerName name = ParsePeerName(settings_.name);
  const bool named = settings_.verify || settings_.send_server_name;
  if (settings_.name.empty()) {
    // Told by CheckCombination if one is needed.
  } else if (named && (name.text.empty() || name.text.size() > kNameBytesMax ||
                       Printable(name.text) != name.text)) {
    problems->push_back({.field = Field::kName,
                         .message = absl::StrCat("\"", Printable(name.text),
                                                 "\" is no host name; it may have up to ",
                                                 kNameBytesMax, " printable ASCII characters")});
  } else if (settings_.send_server_name && !name.is_ip) {
    server_name_ = name.text;
  }

  if (!settings_.verify || !settings_.trusted_certificate.given()) return;
  verifier_ = Verifier::Create(settings_, problems);
}

}  // namespace sluice::tls
