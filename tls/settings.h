// What one TLS client side (proxy_ssl) is to do: plain data, no BoringSSL.
//
// Files are here as their contents, so that a plan, once compiled, never reads a file again and a
// changed file means a changed fingerprint.
#ifndef SLUICE_TLS_SETTINGS_H_
#define SLUICE_TLS_SETTINGS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::tls {

// Wire values of RFC 8446 4.2.1.
enum class Version : uint16_t {
  kTls10 = 0x0301,
  kTls11 = 0x0302,
  kTls12 = 0x0303,
  kTls13 = 0x0304,
};

// The name nginx uses: "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3".
const char* VersionName(Version version);

// A file named by a directive, and what it held when the plan was compiled. `path` is for messages.
struct File {
  std::string path;  // Empty: the directive is not set.
  std::string contents;

  bool given() const { return !path.empty(); }
  bool operator==(const File&) const = default;
};

// What becomes of a TLS 1.3 ticket that has been offered once (proxy_ssl_session_tickets).
enum class TicketUse : uint8_t {
  // Unused tickets first. When there is none the newest one is offered again, as nginx and HAProxy
  // always do; an observer can link the connections that share it.
  kReuse,
  // Never again: RFC 8446 C.4 to the letter, at the price of full handshakes.
  kSingleUse,
};

// The name the configuration uses: "reuse", "single_use".
const char* TicketUseName(TicketUse use);

struct Settings {
  File certificate;                    // PEM, leaf first, then its chain.
  File certificate_key;                // PEM, may be encrypted.
  std::vector<std::string> passwords;  // proxy_ssl_password_file, one a line, tried in turn.
  Version min_version = Version::kTls12;
  Version max_version = Version::kTls13;
  std::string ciphers = "DEFAULT";  // OpenSSL syntax; rules TLS 1.2 and older only.
  // Key exchange groups, in OpenSSL's syntax. A key share is sent for the first one.
  std::string groups = "X25519:P-256:P-384:P-521";
  // What the upstream may sign with, and what is signed with, in OpenSSL's syntax. BoringSSL's own
  // list and behind it what OpenSSL's clients accept too, so that an upstream that nginx can talk
  // to keeps working: RSA-PSS over SHA-512, Ed25519 and ECDSA with P-521.
  std::string signature_algorithms =
      "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:rsa_pkcs1_sha256:ecdsa_secp384r1_sha384:"
      "rsa_pss_rsae_sha384:rsa_pkcs1_sha384:rsa_pss_rsae_sha512:rsa_pkcs1_sha512:ed25519:"
      "ecdsa_secp521r1_sha512:rsa_pkcs1_sha1";
  // Protocol names to offer, in order of preference, 1 to 255 bytes each (RFC 7301 3.1).
  std::vector<std::string> alpn;
  bool verify = false;
  // nginx's meaning: the number of intermediate certificates allowed between leaf and root.
  int verify_depth = 1;
  File trusted_certificate;  // PEM, the CAs that verification starts from.
  File crl;                  // PEM, one or several CRLs. Given: every CA of a chain needs one.
  // Accepts what is too weak by today's measure: RSA keys below 2048 bits, curves below P-256,
  // SHA-1 signatures, and up to TLS 1.2 RSA certificates that are for encipherment only.
  bool verify_legacy = false;
  // The host name (or IP literal) the upstream's certificate must carry, and the SNI to send.
  std::string name;
  bool send_server_name = false;  // SNI; never sent for an IP literal (RFC 6066 3).
  bool session_reuse = true;
  TicketUse ticket_use = TicketUse::kReuse;
  // What the sessions kept for one peer may take, all shards together.
  int64_t session_cache_bytes = 1024 * 1024;
  // Where the secrets of every connection are written to, in the format of NSS key logs; it lets
  // anyone who can read it decrypt the traffic. Empty: nowhere.
  std::string key_log_path;

  bool operator==(const Settings&) const = default;
};

// Which directive a problem with Settings belongs to, so that it can be shown at its line.
enum class Field : uint8_t {
  kCertificate,
  kCertificateKey,
  kPasswordFile,
  kCiphers,
  kTrustedCertificate,
  kCrl,
  kName,
  kGroups,
  kSignatureAlgorithms,
  kAlpn,
  kClientCertificate,  // Of a server's, like the next one.
  kTicketKey,
};

// What is wrong with Settings, in words for the operator.
struct Problem {
  Field field;
  bool fatal = true;  // false: a warning.
  std::string message;
  int index = 0;  // Which one, where a directive may stand several times.
};

// What contradicts itself in `settings` before any file is looked into: a certificate or a key
// without the other, verification without CAs, nothing to verify or to send as a name.
// tls::CheckSettings (context.h) finds the rest.
std::vector<Problem> CheckCombination(const Settings& settings);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_SETTINGS_H_
