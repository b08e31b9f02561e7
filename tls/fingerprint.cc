#include "tls/fingerprint.h"

#include <openssl/sha.h>

#include <string_view>

namespace sluice::tls {
namespace {

// Every value goes in with its length, so that no two lists of values hash alike.
class Hasher {
 public:
  Hasher() { SHA256_Init(&sha_); }

  void Add(uint64_t number) {
    uint8_t bytes[8];
    for (uint8_t& byte : bytes) {
      byte = static_cast<uint8_t>(number);
      number >>= 8;
    }
    SHA256_Update(&sha_, bytes, sizeof(bytes));
  }
  void Add(std::string_view text) {
    Add(uint64_t{text.size()});
    SHA256_Update(&sha_, text.data(), text.size());
  }
  void Add(const File& file) {
    Add(uint64_t{file.given()});
    Add(file.contents);
  }
  Fingerprint Finish() {
    Fingerprint fingerprint;
    SHA256_Final(fingerprint.data(), &sha_);
    return fingerprint;
  }

 private:
  SHA256_CTX sha_;
};

}  // namespace

Fingerprint FingerprintOf(const Settings& settings) {
  // Names every field: a new one does not compile until it is dealt with here.
  const auto& [certificate, certificate_key, passwords, min_version, max_version, ciphers, groups,
               signature_algorithms, alpn, verify, verify_depth, trusted_certificate, crl,
               verify_legacy, name, send_server_name, session_reuse, ticket_use,
               session_cache_bytes, key_log_path] = settings;
  // Whether sessions are kept, and whether secrets are logged, says nothing about whose they are.
  static_cast<void>(session_reuse);
  static_cast<void>(key_log_path);
  Hasher hasher;
  hasher.Add(certificate);
  hasher.Add(certificate_key);
  hasher.Add(uint64_t{passwords.size()});
  for (const std::string& password : passwords) hasher.Add(password);
  hasher.Add(static_cast<uint64_t>(min_version));
  hasher.Add(static_cast<uint64_t>(max_version));
  hasher.Add(ciphers);
  hasher.Add(groups);
  hasher.Add(signature_algorithms);
  hasher.Add(uint64_t{alpn.size()});
  for (const std::string& protocol : alpn) hasher.Add(protocol);
  hasher.Add(uint64_t{verify});
  hasher.Add(static_cast<uint64_t>(verify_depth));
  hasher.Add(trusted_certificate);
  hasher.Add(crl);
  hasher.Add(uint64_t{verify_legacy});
  hasher.Add(name);
  hasher.Add(uint64_t{send_server_name});
  // Not identity, but a pool can have one rule and one bound only: a ticket that may be offered
  // twice must not get where none may.
  hasher.Add(static_cast<uint64_t>(ticket_use));
  hasher.Add(static_cast<uint64_t>(session_cache_bytes));
  return hasher.Finish();
}

Fingerprint FingerprintOf(const ServerSettings& settings) {
  const auto& [identities, passwords, min_version, max_version, ciphers, prefer_server_ciphers,
               groups, signature_algorithms, alpn, verify_client, verify_depth, client_certificate,
               trusted_certificate, crl, reject_handshake, session_cache, session_cache_name,
               session_cache_bytes, session_cache_sessions, session_timeout_s, session_tickets,
               ticket_keys, key_log_path] = settings;
  static_cast<void>(session_cache);
  static_cast<void>(session_cache_name);
  static_cast<void>(session_cache_bytes);
  static_cast<void>(session_cache_sessions);
  static_cast<void>(session_timeout_s);
  static_cast<void>(session_tickets);
  static_cast<void>(ticket_keys);
  static_cast<void>(key_log_path);
  static_cast<void>(passwords);  // They lead to the keys, which count.
  Hasher hasher;
  hasher.Add("server");
  hasher.Add(uint64_t{identities.size()});
  for (const ServerSettings::Identity& identity : identities) {
    hasher.Add(identity.certificate);
    hasher.Add(identity.certificate_key);
  }
  hasher.Add(static_cast<uint64_t>(min_version));
  hasher.Add(static_cast<uint64_t>(max_version));
  hasher.Add(ciphers);
  hasher.Add(uint64_t{prefer_server_ciphers});
  hasher.Add(groups);
  hasher.Add(signature_algorithms);
  hasher.Add(uint64_t{alpn.size()});
  for (const std::string& protocol : alpn) hasher.Add(protocol);
  hasher.Add(static_cast<uint64_t>(verify_client));
  hasher.Add(static_cast<uint64_t>(verify_depth));
  hasher.Add(client_certificate);
  hasher.Add(trusted_certificate);
  hasher.Add(crl);
  hasher.Add(uint64_t{reject_handshake});
  return hasher.Finish();
}

}  // namespace sluice::tls
