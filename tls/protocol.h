// What both sides of TLS set alike on an SSL_CTX: versions, algorithms, how records are written.
#ifndef SLUICE_TLS_PROTOCOL_H_
#define SLUICE_TLS_PROTOCOL_H_

#include <openssl/base.h>

#include <string>
#include <vector>

#include "tls/peer_role.h"
#include "tls/settings.h"

namespace sluice::tls {

// As the fields of Settings and ServerSettings.
struct Protocol {
  PeerRole peer = PeerRole::kUpstream;
  Version min_version;
  Version max_version;
  const std::string& ciphers;
  const std::string& groups;
  const std::string& signature_algorithms;
};

// Sets all of `protocol` on `ssl_ctx`, as far as it can be.
void ApplyProtocol(const Protocol& protocol, SSL_CTX* ssl_ctx, std::vector<Problem>* problems);

// The cipher suites of a session between the two versions, TLS 1.3's first, in the order of
// `ssl_ctx`, on which the list of ciphers is set.
std::vector<std::string> OfferedCiphers(Version min_version, Version max_version,
                                        const SSL_CTX* ssl_ctx);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_PROTOCOL_H_
