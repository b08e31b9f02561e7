// What one TLS server side (listen ... ssl) is to do: plain data, no BoringSSL.
//
// Files are here as their contents, as in tls/settings.h.
#ifndef SLUICE_TLS_SERVER_SETTINGS_H_
#define SLUICE_TLS_SERVER_SETTINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tls/settings.h"

namespace sluice::tls {

// ssl_verify_client.
enum class ClientVerification : uint8_t {
  kOff,       // No certificate is asked for.
  kOn,        // One is required, and verified.
  kOptional,  // One that is sent is verified.
  // One that is sent may come from a CA that is not known. All else must be right with it.
  kOptionalNoCa,
};

// The name the configuration uses: "off", "on", "optional", "optional_no_ca".
const char* ClientVerificationName(ClientVerification verification);

// ssl_session_cache: where sessions of TLS 1.2 and older are kept for clients that come back
// without a ticket.
enum class SessionCacheKind : uint8_t {
  kNone,     // Not kept.
  kBuiltin,  // By each shard for itself.
  kShared,   // By all shards together.
};

struct ServerSettings {
  struct Identity {
    File certificate;      // PEM, leaf first, then its chain.
    File certificate_key;  // PEM, may be encrypted.

    bool operator==(const Identity&) const = default;
  };

  // Which of them a client gets depends on what it can verify. None is needed with
  // reject_handshake.
  std::vector<Identity> identities;
  std::vector<std::string> passwords;  // ssl_password_file, one a line, tried in turn.
  Version min_version = Version::kTls12;
  Version max_version = Version::kTls13;
  std::string ciphers = "HIGH:!aNULL:!MD5";  // OpenSSL syntax; rules TLS 1.2 and older only.
  bool prefer_server_ciphers = false;
  std::string groups = "X25519:P-256:P-384:P-521";  // For key exchange, in OpenSSL's syntax.
  // What is signed with, and what clients may sign with, in OpenSSL's syntax; as in Settings.
  std::string signature_algorithms = Settings().signature_algorithms;
  // Protocol names in order of preference, 1 to 255 bytes each. Not empty: a client that offers
  // others only is refused (RFC 7301 3.2).
  std::vector<std::string> alpn;
  ClientVerification verify_client = ClientVerification::kOff;
  // nginx's meaning: the number of intermediate certificates allowed between leaf and root.
  int verify_depth = 1;
  File client_certificate;   // PEM, CAs to verify clients by; their names are sent to clients.
  File trusted_certificate;  // PEM, more CAs, whose names are not sent.
  File crl;                  // PEM. Given: every CA of a chain needs one.
  // Every handshake is refused, with unrecognized_name (RFC 6066 3).
  bool reject_handshake = false;
  SessionCacheKind session_cache = SessionCacheKind::kNone;
  std::string session_cache_name;      // kShared: caches of one name are one.
  int64_t session_cache_bytes = 0;     // kShared.
  int64_t session_cache_sessions = 0;  // kBuiltin, of each shard.
  int64_t session_timeout_s = 300;     // How long a session can be resumed.
  bool session_tickets = true;
  // 48 or 80 bytes each. The first one is written with, all are read with. None: random keys, which
  // are changed by and by.
  std::vector<File> ticket_keys;
  // Where the secrets of every connection are written to, as Settings::key_log_path.
  std::string key_log_path;

  bool operator==(const ServerSettings&) const = default;
};

// What contradicts itself in `settings` before any file is looked into. tls::CheckServerSettings
// (server_context.h) finds the rest.
std::vector<Problem> CheckServerCombination(const ServerSettings& settings);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_SERVER_SETTINGS_H_
