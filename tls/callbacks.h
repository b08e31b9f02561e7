// What BoringSSL asks of us in the middle of a step: is this chain good, and who keeps this ticket.
#ifndef SLUICE_TLS_CALLBACKS_H_
#define SLUICE_TLS_CALLBACKS_H_

#include <cstdint>

#include "tls/outcome.h"

struct ssl_ctx_st;
struct ssl_st;

namespace sluice::tls {

class KeyLog;
class ServerContext;
class TicketPool;
class Verifier;

// The part of a Session that callbacks reach.
struct CallbackState {
  const Verifier* verifier = nullptr;  // Null: any certificate will do.
  TicketPool* tickets = nullptr;       // Null: tickets are not kept.
  int shard = 0;
  KeyLog* key_log = nullptr;  // Null: secrets are written nowhere.
  int num_tickets = 0;        // That have come since the session began.
  // Of the latest one, as the upstream told it; 0: it did not.
  uint32_t ticket_lifetime_s = 0;
  // Set by the callback that refuses the peer's certificate.
  Failure failure;
  // In a full handshake: a resumed one does not ask.
  bool certificate_requested = false;
  bool certificate_sent = false;
  // Tickets end with the trust they were given under. Meaningful when `verifier` is set and the
  // handshake is done.
  int64_t trusted_until_s = 0;

  // --- Of a session with a client ---
  const ServerContext* server = nullptr;  // Null: we are the client.
  bool tolerates_unknown_ca = false;      // ClientVerification::kOptionalNoCa.
  // What is wrong with the client's certificate, which is accepted all the same. Static; empty:
  // nothing.
  const char* tolerated = "";
};

// Makes every SSL of `ssl_ctx` verify its peer in full handshakes and on resumption alike, or never
// (then no time is spent on building a chain).
void InstallVerifyCallback(ssl_ctx_st* ssl_ctx, bool verify);

// Makes every SSL of `ssl_ctx`, a server's, ask its peer for a certificate and verify one that is
// sent; `required`: one must be. Sessions that are resumed are for whoever resumes them to verify.
void InstallClientVerifyCallback(ssl_ctx_st* ssl_ctx, bool required);

// Makes every SSL of `ssl_ctx` give its tickets to CallbackState::tickets.
void InstallTicketCallback(ssl_ctx_st* ssl_ctx);

// Makes every SSL of `ssl_ctx` note whether its peer asks for a client certificate.
void InstallCertificateRequestCallback(ssl_ctx_st* ssl_ctx);

// Makes every SSL of `ssl_ctx` write its secrets to CallbackState::key_log.
void InstallKeyLogCallback(ssl_ctx_st* ssl_ctx);

// Judges the peer's certificate by CallbackState::verifier. False: it is refused, which
// CallbackState::failure tells, and `*alert` is to be sent.
bool PeerIsAccepted(const ssl_st* ssl, uint8_t* alert);

// The state that is attached to `ssl`.
CallbackState& CallbackStateOf(const ssl_st* ssl);

// Every SSL of such a SSL_CTX needs this before its first step. `state` outlives `ssl`.
void AttachCallbackState(ssl_st* ssl, CallbackState* state);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_CALLBACKS_H_
