// What we show to a peer: a certificate with its chain, and its key.
#ifndef SLUICE_TLS_IDENTITY_H_
#define SLUICE_TLS_IDENTITY_H_

#include <openssl/base.h>

#include <string>
#include <vector>

#include "tls/peer_role.h"
#include "tls/settings.h"

namespace sluice::tls {

// Reads `certificate` and, with `passwords`, `certificate_key`, and gives them to `ssl_ctx`, to be
// shown to `peer`. Nothing without a certificate. Problems are told under kCertificate and
// kCertificateKey with `index`; true if there was a pair and it is set.
bool ApplyIdentity(const File& certificate, const File& certificate_key,
                   const std::vector<std::string>& passwords, PeerRole peer, int index,
                   SSL_CTX* ssl_ctx, std::vector<Problem>* problems);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_IDENTITY_H_
