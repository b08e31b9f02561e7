#include "tls/callbacks.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <utility>

#include "absl/log/check.h"
#include "tls/key_log.h"
#include "tls/ticket_pool.h"
#include "tls/verify.h"

namespace sluice::tls {
namespace {

ssl_verify_result_t AcceptAny(SSL*, uint8_t*) { return ssl_verify_ok; }

ssl_verify_result_t VerifyPeer(SSL* ssl, uint8_t* alert) {
  return PeerIsAccepted(ssl, alert) ? ssl_verify_ok : ssl_verify_invalid;
}

// As nginx has it for optional_no_ca.
bool MeansUnknownCa(int error) {
  return error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
         error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
         error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
         error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

// `session` is still ours alone here. A resumption must not find a chain that has run out since:
// the upstream may have a new certificate by then, which only a full handshake brings. A lifetime
// that is set binds the tickets of all connections that resume it too, so it is set only for that.
void EndWithTrust(SSL_SESSION* session, int64_t trusted_until_s) {
  const int64_t left_s = trusted_until_s - static_cast<int64_t>(SSL_SESSION_get_time(session));
  const int64_t timeout_s = SSL_SESSION_get_timeout(session);
  if (left_s >= timeout_s) return;
  SSL_SESSION_set_timeout(session, static_cast<uint32_t>(std::max<int64_t>(left_s, 0)));
}

// BoringSSL keeps what a TLS 1.2 server tells aside, and cuts a TLS 1.3 session's own by it.
uint32_t LifetimeTold(const SSL_SESSION* session) {
  return SSL_SESSION_should_be_single_use(session) == 1
             ? SSL_SESSION_get_timeout(session)
             : SSL_SESSION_get_ticket_lifetime_hint(session);
}

// Runs after verification only: in TLS 1.2 when the handshake ends, in TLS 1.3 for every
// NewSessionTicket behind it. Returns whether it has taken over the reference to `session`.
int KeepTicket(SSL* ssl, SSL_SESSION* session) {
  CallbackState& state = CallbackStateOf(ssl);
  if (state.tickets == nullptr) return 0;
  // An empty one is as good as none: it cannot be offered (RFC 8446 4.2.11).
  if (SSL_version(ssl) >= TLS1_3_VERSION && SSL_SESSION_has_ticket(session) == 0) return 0;
  ++state.num_tickets;
  state.ticket_lifetime_s = LifetimeTold(session);
  if (state.verifier != nullptr) EndWithTrust(session, state.trusted_until_s);
  state.tickets->Put(state.shard, session);
  return 1;
}

// 1: go on with the certificate that is set, or with none.
int NoteCertificateRequest(SSL* ssl, void*) {
  CallbackState& state = CallbackStateOf(ssl);
  state.certificate_requested = true;
  state.certificate_sent = SSL_get_privatekey(ssl) != nullptr;
  return 1;
}

void WriteSecret(const SSL* ssl, const char* line) { CallbackStateOf(ssl).key_log->Write(line); }

}  // namespace

CallbackState& CallbackStateOf(const ssl_st* ssl) {
  auto* state = static_cast<CallbackState*>(SSL_get_app_data(ssl));
  CHECK(state != nullptr);
  return *state;
}

// On resumption the chain is the one stored with the session.
bool PeerIsAccepted(const ssl_st* ssl, uint8_t* alert) {
  CallbackState& state = CallbackStateOf(ssl);
  Verdict verdict = state.verifier->Verify(SSL_get0_peer_certificates(ssl));
  if (verdict.trusted) {
    state.trusted_until_s = verdict.trusted_until_s;
    return true;
  }
  if (state.tolerates_unknown_ca && MeansUnknownCa(verdict.error)) {
    state.tolerated = verdict.words;
    return true;
  }
  state.failure = std::move(verdict.failure);
  *alert = verdict.alert;
  return false;
}

void InstallVerifyCallback(ssl_ctx_st* ssl_ctx, bool verify) {
  if (!verify) {
    // Without a callback BoringSSL would build the chain and then ignore the result.
    SSL_CTX_set_custom_verify(ssl_ctx, SSL_VERIFY_NONE, AcceptAny);
    return;
  }
  SSL_CTX_set_custom_verify(ssl_ctx, SSL_VERIFY_PEER, VerifyPeer);
  SSL_CTX_set_reverify_on_resume(ssl_ctx, 1);
}

void InstallClientVerifyCallback(ssl_ctx_st* ssl_ctx, bool required) {
  SSL_CTX_set_custom_verify(
      ssl_ctx, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), VerifyPeer);
}

void InstallTicketCallback(ssl_ctx_st* ssl_ctx) {
  SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ssl_ctx, KeepTicket);
}

void InstallCertificateRequestCallback(ssl_ctx_st* ssl_ctx) {
  SSL_CTX_set_cert_cb(ssl_ctx, NoteCertificateRequest, nullptr);
}

void InstallKeyLogCallback(ssl_ctx_st* ssl_ctx) {
  SSL_CTX_set_keylog_callback(ssl_ctx, WriteSecret);
}

void AttachCallbackState(ssl_st* ssl, CallbackState* state) {
  CHECK_EQ(SSL_set_app_data(ssl, state), 1);
}

}  // namespace sluice::tls
