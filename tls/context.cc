#include "tls/context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string_view>
#include <tuple>
#include <utility>

#include "absl/log/check.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tls/callbacks.h"
#include "tls/ciphers.h"
#include "tls/error_queue.h"
#include "tls/identity.h"
#include "tls/peer_name.h"
#include "tls/protocol.h"
#include "tls/verify.h"

namespace sluice::tls {
namespace {

// RFC 1035 2.3.4: the longest host name.
constexpr size_t kNameBytesMax = 255;

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
  return OfferedCiphers(settings.min_version, settings.max_version, ssl_ctx.get());
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
  ApplyProtocol({.min_version = settings_.min_version,
                 .max_version = settings_.max_version,
                 .ciphers = settings_.ciphers,
                 .groups = settings_.groups,
                 .signature_algorithms = settings_.signature_algorithms},
                ssl_ctx, problems);
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
  ApplyIdentity(settings_.certificate, settings_.certificate_key, settings_.passwords,
                PeerRole::kUpstream, /*index=*/0, ssl_ctx, problems);
  InstallCertificateRequestCallback(ssl_ctx);
  BuildVerification(problems);
  ERR_clear_error();
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
