// Whom a client asks for, found in what it has sent before TLS has begun.
#ifndef SLUICE_TLS_CLIENT_HELLO_H_
#define SLUICE_TLS_CLIENT_HELLO_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace sluice::tls {

// The host name in the server_name extension (RFC 6066 3) of the ClientHello that `bytes` begin
// with, in as many records as it takes: bytes from the peer. Empty: it names none, or `bytes` are
// no ClientHello that a session would take, which the session then says. None: more bytes are
// needed.
std::optional<std::string> FindServerName(std::span<const uint8_t> bytes);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_CLIENT_HELLO_H_
