#include "tls/server_callbacks.h"

#include <openssl/ssl.h>

#include <string_view>

#include "tls/callbacks.h"
#include "tls/clock.h"
#include "tls/server_context.h"

namespace sluice::tls {
namespace {

ssl_select_cert_result_t SelectCertificate(const SSL_CLIENT_HELLO* hello) {
  SSL_CTX* selected = CallbackStateOf(hello->ssl).server->SelectFor(*hello);
  return selected == SSL_get_SSL_CTX(hello->ssl) || SSL_set_SSL_CTX(hello->ssl, selected) != nullptr
             ? ssl_select_cert_success
             : ssl_select_cert_error;
}

int RejectName(SSL*, int* alert, void*) {
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// RFC 7301 3.2: no protocol in common ends the handshake.
int SelectProtocol(SSL* ssl, const uint8_t** selected, uint8_t* selected_len,
                   const uint8_t* offered, unsigned offered_len, void*) {
  for (const std::string& protocol : CallbackStateOf(ssl).server->settings().alpn) {
    for (unsigned at = 0; at < offered_len; at += 1u + offered[at]) {
      const std::string_view name(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
      if (name != protocol) continue;
      *selected = offered + at + 1;
      *selected_len = offered[at];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int UseTicketKey(SSL* ssl, uint8_t* name, uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* hmac,
                 int seals) {
  TicketKeys& keys = *CallbackStateOf(ssl).server->resumption().ticket_keys;
  return seals == 1 ? keys.Seal(name, iv, cipher, hmac, UptimeSeconds())
                    : keys.Open(name, iv, cipher, hmac, UptimeSeconds());
}

// Takes over the reference to `session`.
int KeepSession(SSL* ssl, SSL_SESSION* session) {
  CallbackStateOf(ssl).server->resumption().cache->Put(session);
  return 1;
}

SSL_SESSION* FindSession(SSL* ssl, const uint8_t* id, int id_len, int* takes_reference) {
  *takes_reference = 0;
  return CallbackStateOf(ssl).server->resumption().cache->Find(
      {reinterpret_cast<const char*>(id), static_cast<size_t>(id_len)});
}

}  // namespace

void InstallSelectCallback(SSL_CTX* ssl_ctx) {
  SSL_CTX_set_select_certificate_cb(ssl_ctx, SelectCertificate);
}

void InstallRejectCallback(SSL_CTX* ssl_ctx) {
  SSL_CTX_set_tlsext_servername_callback(ssl_ctx, RejectName);
}

void InstallAlpnCallback(SSL_CTX* ssl_ctx) {
  SSL_CTX_set_alpn_select_cb(ssl_ctx, SelectProtocol, nullptr);
}

void InstallTicketKeyCallback(SSL_CTX* ssl_ctx) {
  SSL_CTX_set_tlsext_ticket_key_cb(ssl_ctx, UseTicketKey);
}

void InstallSharedCacheCallbacks(SSL_CTX* ssl_ctx) {
  SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ssl_ctx, KeepSession);
  SSL_CTX_sess_set_get_cb(ssl_ctx, FindSession);
}

}  // namespace sluice::tls
