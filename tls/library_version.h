// Which BoringSSL this program is built with.
#ifndef SLUICE_TLS_LIBRARY_VERSION_H_
#define SLUICE_TLS_LIBRARY_VERSION_H_

#include <string>

namespace sluice::tls {

// One line without a line end: "BoringSSL 32b51305debe... (API version 19, ...)".
std::string LibraryVersion();

}  // namespace sluice::tls

#endif  // SLUICE_TLS_LIBRARY_VERSION_H_
