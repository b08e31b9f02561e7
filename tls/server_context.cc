#include "tls/server_context.h"

#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/log/check.h"
#include "absl/status/status.h"
#include "tls/callbacks.h"
#include "tls/fingerprint.h"
#include "tls/identity.h"
#include "tls/pem.h"
#include "tls/protocol.h"
#include "tls/server_callbacks.h"

namespace sluice::tls {
namespace {

// The numbers in `bytes`, of 16 bits each.
std::vector<uint16_t> NumbersOf(CBS bytes) {
  std::vector<uint16_t> numbers;
  uint16_t number;
  while (CBS_get_u16(&bytes, &number) == 1) numbers.push_back(number);
  return numbers;
}

// The list of numbers in an extension of `hello`, behind a length of its own; none if it is not
// there or broken, which BoringSSL finds out later.
std::vector<uint16_t> ExtensionNumbers(const SSL_CLIENT_HELLO& hello, uint16_t type,
                                       bool short_length) {
  const uint8_t* data;
  size_t data_len;
  if (SSL_early_callback_ctx_extension_get(&hello, type, &data, &data_len) != 1) return {};
  CBS contents, list;
  CBS_init(&contents, data, data_len);
  const int read = short_length ? CBS_get_u8_length_prefixed(&contents, &list)
                                : CBS_get_u16_length_prefixed(&contents, &list);
  return read == 1 ? NumbersOf(list) : std::vector<uint16_t>();
}

bool Contains(const std::vector<uint16_t>& numbers, uint16_t number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

// What a client must take at least one of to verify signatures by `key` (RFC 8446 4.2.3).
std::vector<uint16_t> SignaturesBy(const EVP_PKEY* key) {
  switch (EVP_PKEY_id(key)) {
    case EVP_PKEY_EC:
      switch (EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)))) {
        case NID_secp384r1:
          return {SSL_SIGN_ECDSA_SECP384R1_SHA384};
        case NID_secp521r1:
          return {SSL_SIGN_ECDSA_SECP521R1_SHA512};
        default:
          return {SSL_SIGN_ECDSA_SECP256R1_SHA256};
      }
    case EVP_PKEY_ED25519:
      return {SSL_SIGN_ED25519};
    default:
      return {SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA384,
              SSL_SIGN_RSA_PSS_RSAE_SHA512, SSL_SIGN_RSA_PKCS1_SHA256,
              SSL_SIGN_RSA_PKCS1_SHA384,    SSL_SIGN_RSA_PKCS1_SHA512,
              SSL_SIGN_RSA_PKCS1_SHA1};
  }
}

bool IsRsa(const SSL_CTX* ssl_ctx) {
  const EVP_PKEY* key = SSL_CTX_get0_privatekey(ssl_ctx);
  return key != nullptr && EVP_PKEY_id(key) == EVP_PKEY_RSA;
}

// Whether a client with these lists can go on with the certificate of `ssl_ctx`.
bool Suits(const SSL_CTX* ssl_ctx, const std::vector<uint16_t>& signatures,
           const std::vector<uint16_t>& ciphers, bool speaks_tls13) {
  const bool rsa = IsRsa(ssl_ctx);
  // RFC 5246 7.4.1.4.1: who says nothing takes RSA.
  if (signatures.empty()) return rsa;
  const std::vector<uint16_t> by_key = SignaturesBy(SSL_CTX_get0_privatekey(ssl_ctx));
  if (std::none_of(by_key.begin(), by_key.end(),
                   [&](uint16_t code) { return Contains(signatures, code); })) {
    return false;
  }
  if (speaks_tls13) return true;  // There ciphers say nothing about certificates.
  for (const SSL_CIPHER* cipher : SSL_CTX_get_ciphers(ssl_ctx)) {
    const bool is_for_ecdsa = SSL_CIPHER_get_auth_nid(cipher) == NID_auth_ecdsa;
    if (is_for_ecdsa != rsa && Contains(ciphers, SSL_CIPHER_get_protocol_id(cipher))) return true;
  }
  return false;
}

}  // namespace

std::vector<Problem> CheckServerSettings(const ServerSettings& settings) {
  std::vector<Problem> problems;
  if (!settings.ticket_keys.empty()) TicketKeys::FromFiles(settings.ticket_keys, &problems);
  ServerContext(settings).Build(&problems);
  return problems;
}

ServerResumption ServerResumption::Of(const ServerSettings& settings,
                                      ServerSessionCache& sessions) {
  ServerResumption resumption;
  if (settings.session_cache == SessionCacheKind::kShared) {
    resumption.cache = sessions.CacheOf(settings.session_cache_name, settings.session_cache_bytes);
  }
  if (!settings.session_tickets) return resumption;
  std::vector<Problem> problems;
  resumption.ticket_keys =
      settings.ticket_keys.empty()
          ? sessions.RandomKeysOf(FingerprintOf(settings), settings.session_timeout_s)
          : TicketKeys::FromFiles(settings.ticket_keys, &problems);
  return resumption;
}

absl::StatusOr<std::unique_ptr<ServerContext>> ServerContext::Create(const ServerSettings& settings,
                                                                     ServerResumption resumption,
                                                                     KeyLog* key_log) {
  std::vector<Problem> problems = CheckServerCombination(settings);
  std::unique_ptr<ServerContext> context(new ServerContext(settings));
  context->resumption_ = std::move(resumption);
  context->Build(&problems);
  for (const Problem& problem : problems) {
    if (problem.fatal) return absl::InvalidArgumentError(problem.message);
  }
  context->key_log_ = key_log;
  if (key_log != nullptr) {
    for (const auto& ssl_ctx : context->ssl_ctxs_) InstallKeyLogCallback(ssl_ctx.get());
  }
  return context;
}

ServerContext::ServerContext(const ServerSettings& settings) : settings_(settings) {}

ServerContext::~ServerContext() = default;

void ServerContext::Build(std::vector<Problem>* problems) {
  BuildVerification(problems);
  const size_t num_ssl_ctxs = std::max<size_t>(settings_.identities.size(), 1);
  for (size_t i = 0; i < num_ssl_ctxs; ++i) {
    // As in Context: certificates of clients stay the bytes that came.
    ssl_ctxs_.emplace_back(SSL_CTX_new(TLS_with_buffers_method()));
    SSL_CTX* ssl_ctx = ssl_ctxs_.back().get();
    CHECK(ssl_ctx != nullptr);
    // What is wrong with the rest is the same for all of them.
    std::vector<Problem> again;
    Apply(ssl_ctx, i == 0 ? problems : &again);
    if (settings_.identities.empty()) continue;
    const ServerSettings::Identity& identity = settings_.identities[i];
    ApplyIdentity(identity.certificate, identity.certificate_key, settings_.passwords,
                  PeerRole::kClient, static_cast<int>(i), ssl_ctx, problems);
  }
  // Others cost the server less than RSA, and the client little more.
  std::stable_sort(ssl_ctxs_.begin(), ssl_ctxs_.end(),
                   [](const auto& a, const auto& b) { return !IsRsa(a.get()) && IsRsa(b.get()); });
  ERR_clear_error();
}

void ServerContext::Apply(SSL_CTX* ssl_ctx, std::vector<Problem>* problems) {
  ApplyProtocol({.peer = PeerRole::kClient,
                 .min_version = settings_.min_version,
                 .max_version = settings_.max_version,
                 .ciphers = settings_.ciphers,
                 .groups = settings_.groups,
                 .signature_algorithms = settings_.signature_algorithms},
                ssl_ctx, problems);
  if (settings_.prefer_server_ciphers) {
    SSL_CTX_set_options(ssl_ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
  }
  // A session is resumed only under the settings that it was made under: the same CAs, above all.
  const Fingerprint fingerprint = FingerprintOf(settings_);
  static_assert(std::tuple_size_v<Fingerprint> <= SSL_MAX_SID_CTX_LENGTH);
  CHECK_EQ(SSL_CTX_set_session_id_context(ssl_ctx, fingerprint.data(), fingerprint.size()), 1);
  ApplyResumption(ssl_ctx);
  if (settings_.identities.size() > 1) InstallSelectCallback(ssl_ctx);
  if (settings_.reject_handshake) InstallRejectCallback(ssl_ctx);
  if (!settings_.alpn.empty()) InstallAlpnCallback(ssl_ctx);
  if (settings_.verify_client == ClientVerification::kOff) return;
  InstallClientVerifyCallback(ssl_ctx, settings_.verify_client == ClientVerification::kOn);
  if (client_ca_names_ != nullptr) {
    SSL_CTX_set0_client_CAs(ssl_ctx, sk_CRYPTO_BUFFER_deep_copy(
                                         client_ca_names_.get(),
                                         [](const CRYPTO_BUFFER* name) {
                                           auto* copy = const_cast<CRYPTO_BUFFER*>(name);
                                           CRYPTO_BUFFER_up_ref(copy);
                                           return copy;
                                         },
                                         CRYPTO_BUFFER_free));
  }
}

void ServerContext::ApplyResumption(SSL_CTX* ssl_ctx) {
  SSL_CTX_set_timeout(ssl_ctx, static_cast<uint32_t>(settings_.session_timeout_s));
  SSL_CTX_set_session_psk_dhe_timeout(ssl_ctx, static_cast<uint32_t>(settings_.session_timeout_s));
  if (settings_.session_tickets) {
    InstallTicketKeyCallback(ssl_ctx);
  } else {
    SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_TICKET);
  }
  switch (settings_.session_cache) {
    case SessionCacheKind::kNone:
      SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_OFF);
      break;
    case SessionCacheKind::kBuiltin:
      SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_SERVER);
      SSL_CTX_sess_set_cache_size(ssl_ctx,
                                  static_cast<unsigned long>(settings_.session_cache_sessions));
      break;
    case SessionCacheKind::kShared:
      InstallSharedCacheCallbacks(ssl_ctx);
      break;
  }
}

void ServerContext::BuildVerification(std::vector<Problem>* problems) {
  if (settings_.verify_client == ClientVerification::kOff) return;
  verifier_ =
      Verifier::Create({.role = PeerRole::kClient,
                        .trusted = {&settings_.client_certificate, &settings_.trusted_certificate},
                        .crl = &settings_.crl,
                        .depth = settings_.verify_depth,
                        .trusted_fields = {Field::kClientCertificate, Field::kTrustedCertificate}},
                       problems);
  if (!settings_.client_certificate.given()) return;
  const auto cas = ReadCertificates(settings_.client_certificate);
  if (!cas.ok()) return;  // Told by the verifier.
  client_ca_names_.reset(sk_CRYPTO_BUFFER_new_null());
  CHECK(client_ca_names_ != nullptr);
  for (const auto& ca : *cas) {
    uint8_t* der = nullptr;
    const int der_len = i2d_X509_NAME(X509_get_subject_name(ca.get()), &der);
    CHECK_GT(der_len, 0);
    const bssl::UniquePtr<uint8_t> free_der(der);
    bssl::UniquePtr<CRYPTO_BUFFER> name(
        CRYPTO_BUFFER_new(der, static_cast<size_t>(der_len), nullptr));
    CHECK(name != nullptr && bssl::PushToStack(client_ca_names_.get(), std::move(name)));
  }
}

SSL_CTX* ServerContext::SelectFor(const SSL_CLIENT_HELLO& hello) const {
  const std::vector<uint16_t> signatures =
      ExtensionNumbers(hello, TLSEXT_TYPE_signature_algorithms, /*short_length=*/false);
  CBS cipher_bytes;
  CBS_init(&cipher_bytes, hello.cipher_suites, hello.cipher_suites_len);
  const std::vector<uint16_t> ciphers = NumbersOf(cipher_bytes);
  const bool speaks_tls13 =
      settings_.max_version >= Version::kTls13 &&
      Contains(ExtensionNumbers(hello, TLSEXT_TYPE_supported_versions, /*short_length=*/true),
               TLS1_3_VERSION);
  const auto selected = std::find_if(ssl_ctxs_.begin(), ssl_ctxs_.end(), [&](const auto& ssl_ctx) {
    return Suits(ssl_ctx.get(), signatures, ciphers, speaks_tls13);
  });
  return (selected == ssl_ctxs_.end() ? ssl_ctxs_.front() : *selected).get();
}

}  // namespace sluice::tls
