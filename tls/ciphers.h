// Cipher lists in OpenSSL's syntax, as nginx configurations have them, put to BoringSSL.
//
// BoringSSL reads the same syntax with differences: it refuses some strings, silently ignores names
// it does not know, and its HIGH and DEFAULT are simply all it has, 3DES among them.
#ifndef SLUICE_TLS_CIPHERS_H_
#define SLUICE_TLS_CIPHERS_H_

#include <openssl/base.h>

#include <string>
#include <vector>

#include "tls/settings.h"

namespace sluice::tls {

// Sets the ciphers of TLS 1.2 and older on `ssl_ctx`. 3DES is left out unless named itself, and so
// is PSK, which has no key here. Appends to `problems` what BoringSSL refuses (fatal) and what it
// would silently ignore (a warning each). True if the list is set.
bool ApplyCiphers(const std::string& ciphers, SSL_CTX* ssl_ctx, std::vector<Problem>* problems);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_CIPHERS_H_
