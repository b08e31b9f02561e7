// What decides identity and trust, as one number.
#ifndef SLUICE_TLS_FINGERPRINT_H_
#define SLUICE_TLS_FINGERPRINT_H_

#include <array>
#include <cstdint>

#include "tls/server_settings.h"
#include "tls/settings.h"

namespace sluice::tls {

// SHA-256 over everything in Settings that decides identity or trust, and the rules of the sessions
// kept: all of it but session_reuse, key_log_path and the paths of files, whose contents count. Two
// Settings with different fingerprints must never exchange a session.
using Fingerprint = std::array<uint8_t, 32>;

Fingerprint FingerprintOf(const Settings& settings);

// The same for a server: all of it but where and how long sessions are kept, and ticket_keys.
Fingerprint FingerprintOf(const ServerSettings& settings);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_FINGERPRINT_H_
