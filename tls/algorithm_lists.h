// Lists of key exchange groups and of signature algorithms in OpenSSL's syntax, put to BoringSSL.
//
// Names are joined by ':', the preferred one first, and compared without case. BoringSSL takes a
// list as a whole or not at all and says little about the reason; here each name at fault is told.
#ifndef SLUICE_TLS_ALGORITHM_LISTS_H_
#define SLUICE_TLS_ALGORITHM_LISTS_H_

#include <openssl/base.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tls/settings.h"

namespace sluice::tls {

// Both append a fatal problem to `problems` for each name that is unknown or stands twice, and for
// a list without any. True if the list is set on `ssl_ctx`; else `ssl_ctx` is as before.

// Settings::groups. A key share is sent for the first one.
bool ApplyGroups(const std::string& groups, SSL_CTX* ssl_ctx, std::vector<Problem>* problems);

// Settings::signature_algorithms: what the peer may sign with, and what a client
// certificate is used with, as OpenSSL's SignatureAlgorithms has it for a client.
bool ApplySignatureAlgorithms(const std::string& algorithms, SSL_CTX* ssl_ctx,
                              std::vector<Problem>* problems);

// What `algorithms` name, as TLS numbers them (RFC 8446 4.2.3). Empty if a problem is in them.
std::vector<uint16_t> SignatureAlgorithmCodes(const std::string& algorithms);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_ALGORITHM_LISTS_H_
