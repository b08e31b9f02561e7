// What BoringSSL asks of us in the middle of a server's handshake. Verification and key logs are in
// callbacks.h.
#ifndef SLUICE_TLS_SERVER_CALLBACKS_H_
#define SLUICE_TLS_SERVER_CALLBACKS_H_

#include <openssl/base.h>

namespace sluice::tls {

// Each makes every SSL of `ssl_ctx`, whose CallbackState has a server, ...

// ... choose the certificate by what the client can verify.
void InstallSelectCallback(SSL_CTX* ssl_ctx);
// ... refuse every client with unrecognized_name.
void InstallRejectCallback(SSL_CTX* ssl_ctx);
// ... choose the first protocol of ServerSettings::alpn that the client offers.
void InstallAlpnCallback(SSL_CTX* ssl_ctx);
// ... seal tickets with ServerResumption::ticket_keys.
void InstallTicketKeyCallback(SSL_CTX* ssl_ctx);
// ... keep sessions in ServerResumption::cache.
void InstallSharedCacheCallbacks(SSL_CTX* ssl_ctx);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_SERVER_CALLBACKS_H_
