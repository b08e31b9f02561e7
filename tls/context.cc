#include "tls/context.h"

#include <openssl/aead.h>
#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <iterator>
#include <tuple>
#include <utility>

#include "absl/log/check.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
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

// BoringSSL's own list and behind it what OpenSSL's clients accept too, so that an upstream that
// nginx can talk to keeps working: Ed25519, RSA keys bound to PSS, and ECDSA with P-521.
constexpr uint16_t kSignatureAlgorithms[] = {
    SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PKCS1_SHA256,
    SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA384, SSL_SIGN_RSA_PKCS1_SHA384,
    SSL_SIGN_RSA_PSS_RSAE_SHA512,    SSL_SIGN_RSA_PKCS1_SHA512,    SSL_SIGN_ED25519,
    SSL_SIGN_ECDSA_SECP521R1_SHA512, SSL_SIGN_RSA_PKCS1_SHA1,
};

// The same for key exchange; the first is the one a key share is sent for.
constexpr int kGroups[] = {NID_X25519, NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};

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

}  // namespace

void Context::FreeSslCtx::operator()(ssl_ctx_st* ssl_ctx) const { SSL_CTX_free(ssl_ctx); }

std::vector<Problem> CheckSettings(const Settings& settings) {
  std::vector<Problem> problems;
  Context(settings).Build(&problems);
  return problems;
}

std::vector<std::string> EffectiveCiphers(const Settings& settings) {
  std::vector<std::string> names;
  const bssl::UniquePtr<SSL_CTX> ssl_ctx(SSL_CTX_new(TLS_with_buffers_method()));
  CHECK(ssl_ctx != nullptr);
  std::vector<Problem> problems;
  if (!ApplyCiphers(settings.ciphers, ssl_ctx.get(), &problems)) return names;
  if (settings.max_version >= Version::kTls13) {
    // BoringSSL's fixed order: AES first where the CPU has instructions for it.
    names = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"};
    names.insert(EVP_has_aes_hardware() ? names.end() : names.begin(),
                 "TLS_CHACHA20_POLY1305_SHA256");
  }
  if (settings.min_version <= Version::kTls12) {
    for (const SSL_CIPHER* cipher : SSL_CTX_get_ciphers(ssl_ctx.get())) {
      if (SSL_CIPHER_get_min_version(cipher) <= static_cast<uint16_t>(settings.max_version)) {
        names.push_back(SSL_CIPHER_get_name(cipher));
      }
    }
  }
  return names;
}

absl::StatusOr<std::unique_ptr<Context>> Context::Create(const Settings& settings) {
  std::vector<Problem> problems;
  std::unique_ptr<Context> context(new Context(settings));
  context->Build(&problems);
  for (const Problem& problem : problems) {
    if (problem.fatal) return absl::InvalidArgumentError(problem.message);
  }
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
  CHECK_EQ(SSL_CTX_set1_curves(ssl_ctx, kGroups, std::size(kGroups)), 1);
  CHECK_EQ(SSL_CTX_set_verify_algorithm_prefs(ssl_ctx, kSignatureAlgorithms,
                                              std::size(kSignatureAlgorithms)),
           1);
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
  ApplyCiphers(settings_.ciphers, ssl_ctx, problems);
  BuildClientCertificate(problems);
  BuildVerification(problems);
  ERR_clear_error();
}

void Context::BuildClientCertificate(std::vector<Problem>* problems) {
  const File& certificate = settings_.certificate;
  const File& certificate_key = settings_.certificate_key;
  if (!certificate.given()) {
    if (certificate_key.given()) {
      problems->push_back({.field = Field::kCertificateKey,
                           .fatal = false,
                           .message = absl::StrCat("\"", certificate_key.path,
                                                   "\" is not used: there is no "
                                                   "proxy_ssl_certificate that it belongs to")});
    }
    return;
  }
  if (!certificate_key.given()) {
    problems->push_back({.field = Field::kCertificate,
                         .message = absl::StrCat("no \"proxy_ssl_certificate_key\" is defined for "
                                                 "certificate \"",
                                                 certificate.path, "\"")});
  }
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
  if (X509_cmp_current_time(X509_get0_notAfter(chain->front().get())) < 0) {
    problems->push_back({.field = Field::kCertificate,
                         .fatal = false,
                         .message = absl::StrCat("\"", certificate.path,
                                                 "\" has expired: upstreams that verify it will "
                                                 "refuse it; renew it")});
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
    problems->push_back({.field = Field::kCertificate,
                         .message = absl::StrCat("\"", certificate.path,
                                                 "\" cannot be used as a client certificate (",
                                                 DrainErrorQueue().reason, ")")});
  }
}

void Context::BuildVerification(std::vector<Problem>* problems) {
  InstallVerifyCallback(ssl_ctx_.get(), settings_.verify);
  const PeerName name = ParsePeerName(settings_.name);
  const bool named = settings_.verify || settings_.send_server_name;
  if (named && name.text.empty()) {
    problems->push_back({.field = Field::kName,
                         .message = "there is no name to verify or to send; set proxy_ssl_name"});
  } else if (named && (name.text.size() > kNameBytesMax || Printable(name.text) != name.text)) {
    problems->push_back({.field = Field::kName,
                         .message = absl::StrCat("\"", Printable(name.text),
                                                 "\" is no host name; it may have up to ",
                                                 kNameBytesMax, " printable ASCII characters")});
  } else if (settings_.send_server_name && !name.is_ip) {
    server_name_ = name.text;
  }

  if (!settings_.verify) return;
  if (!settings_.trusted_certificate.given()) {
    problems->push_back(
        {.field = Field::kTrustedCertificate,
         .message = "no \"proxy_ssl_trusted_certificate\" is defined for proxy_ssl_verify"});
    return;
  }
  verifier_ = Verifier::Create(settings_, problems);
}

}  // namespace sluice::tls
