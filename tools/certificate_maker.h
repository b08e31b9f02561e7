// Makes certificates, keys and revocation lists for tests and demos: good ones, and ones that are
// wrong in just the way that is asked for.
//
//   const Certificate root = Certificate::SelfSigned(CaSpec("root"));
//   const Certificate server = root.Issue(ServerSpec({"backend.test", "127.0.0.1"}));
//   WriteFile("ca.pem", root.pem());
//   WriteFile("server.pem", server.chain_pem());
//   WriteFile("server.key", server.key_pem());
//
// Not for production: keys lie unprotected in memory and serial numbers are guessable. Everything
// here aborts on what cannot be made, such as "1.2.3" as an IP address.
#ifndef SLUICE_TOOLS_CERTIFICATE_MAKER_H_
#define SLUICE_TOOLS_CERTIFICATE_MAKER_H_

#include <openssl/base.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tools {

enum class KeyKind : uint8_t {
  kP224,
  kP256,
  kP384,
  kP521,
  kEd25519,
  kRsa512,
  kRsa768,
  kRsa1024,
  kRsa2048,
  kRsa4096
};

// What a signature is made over; Ed25519 keys need none and ignore it. MD5 is for RSA keys only.
enum class Digest : uint8_t { kMd5, kSha1, kSha256, kSha384, kSha512 };

// Bits of the keyUsage extension (RFC 5280 4.2.1.3).
enum KeyUsage : uint16_t {
  kNoKeyUsage = 0,  // The extension is left out.
  kDigitalSignature = 1 << 0,
  kKeyEncipherment = 1 << 2,
  kKeyCertSign = 1 << 5,
  kCrlSign = 1 << 6,
};

enum class ExtendedKeyUsage : uint8_t { kServerAuth, kClientAuth, kEmailProtection };

// Whole seconds since 1970.
int64_t NowSeconds();
inline constexpr int64_t kDayS = 86'400;

struct CertificateSpec {
  std::string common_name;  // Empty: the subject is.

  // subjectAltName; left out if all four are empty. Any bytes, NUL too.
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;  // As text.
  std::vector<std::string> emails;
  std::vector<std::string> uris;

  KeyKind key_kind = KeyKind::kP256;
  Digest digest = Digest::kSha256;  // Of the signature that the issuer makes.
  bool pss = false;                 // The signature is RSA-PSS; the issuer has an RSA key.
  int64_t not_before_s = NowSeconds() - 3600;
  int64_t not_after_s = NowSeconds() + 365 * kDayS;
  // Empty: one that no other certificate of this process has.
  std::optional<uint64_t> serial;

  // basicConstraints; left out if empty.
  std::optional<bool> is_ca;
  std::optional<int> path_len;  // Of a CA only.
  uint16_t key_usage = kNoKeyUsage;
  std::vector<ExtendedKeyUsage> extended_key_usage;  // Left out if empty.
  // nameConstraints; left out if all are empty. Addresses with their mask: "10.0.0.0/255.0.0.0".
  std::vector<std::string> permitted_dns;
  std::vector<std::string> excluded_dns;
  std::vector<std::string> permitted_ips;
  std::vector<std::string> excluded_ips;
  // subjectKeyIdentifier and authorityKeyIdentifier.
  bool key_identifiers = true;
  // A critical extension that nobody knows.
  bool unknown_critical_extension = false;
};

// Specs that are right in every respect, to be changed where a test wants.
CertificateSpec CaSpec(std::string_view common_name);
// `names` are told apart: IP addresses go among those, all else is a DNS name. The first is the
// common name too.
CertificateSpec ServerSpec(const std::vector<std::string>& names);
CertificateSpec ClientSpec(std::string_view common_name);

struct CrlSpec {
  std::vector<uint64_t> revoked_serials;
  int64_t this_update_s = NowSeconds() - 3600;
  int64_t next_update_s = NowSeconds() + 30 * kDayS;
  bool key_identifier = true;  // authorityKeyIdentifier
};

// A certificate with its private key. A value: copies share what never changes.
class Certificate {
 public:
  static Certificate SelfSigned(const CertificateSpec& spec);
  // Signed by this one, whether or not it may act as a CA.
  Certificate Issue(const CertificateSpec& spec) const;
  // The same certificate with its last byte changed, which is the signature's.
  Certificate WithBrokenSignature() const;
  // A certificate of `spec` for this one's key: another one of the same CA or server.
  Certificate ReissueBy(const Certificate& issuer, const CertificateSpec& spec) const;

  // All PEM.
  std::string pem() const;
  // This one and its issuers up to, and without, the self-signed one: what a server presents.
  std::string chain_pem() const;
  std::string key_pem() const;
  // PKCS #8, encrypted with AES-256-CBC.
  std::string encrypted_key_pem(std::string_view password) const;
  // A list signed by this one.
  std::string CrlPem(const CrlSpec& spec) const;
  // What goes over the wire.
  std::string der() const;

  uint64_t serial() const;
  X509* x509() const;
  EVP_PKEY* key() const;

 private:
  struct Parts;
  explicit Certificate(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  static Certificate Make(const CertificateSpec& spec, bssl::UniquePtr<EVP_PKEY> key,
                          std::shared_ptr<const Parts> issuer);

  std::shared_ptr<const Parts> parts_;
};

}  // namespace sluice::tools

#endif  // SLUICE_TOOLS_CERTIFICATE_MAKER_H_
