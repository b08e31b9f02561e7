#include "tls/verify_rules.h"

#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/obj.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sluice::tls {
namespace {

// NIST SP 800-57 part 1, table 2: what is as strong as 112 bits, which is today's least.
constexpr int kRsaBitsMin = 2048;
constexpr int kCurveBitsMin = 256;  // NIST P-256; the next smaller one is P-224.

// Clients have no ssl_verify_legacy.
std::string_view RemedyOfWeakness(PeerRole role) {
  return role == PeerRole::kUpstream
             ? "; replace it, or set proxy_ssl_verify_legacy on to accept it"
             : "; replace it";
}

// X509_V_ERR_* of OpenSSL 3's x509_vfy.h.
BrokenRule KeyTooWeak(int depth, std::string detail) {
  return {.error = depth == 0 ? 66 : 67,
          .words = depth == 0 ? "EE certificate key too weak" : "CA certificate key too weak",
          .alert = SSL_AD_BAD_CERTIFICATE,
          .depth = depth,
          .detail = std::move(detail)};
}

BrokenRule DigestTooWeak(int depth, std::string detail) {
  return {.error = 68,
          .words = "CA signature digest algorithm too weak",
          .alert = SSL_AD_BAD_CERTIFICATE,
          .depth = depth,
          .detail = std::move(detail)};
}

BrokenRule RuleOf(int error, int depth, std::string detail = "") {
  return {.error = error,
          .words = X509_verify_cert_error_string(error),
          .alert = static_cast<uint8_t>(SSL_alert_from_verify_result(error)),
          .depth = depth,
          .detail = std::move(detail)};
}

// NID_undef: the algorithm does not name one (Ed25519; RSA-PSS, where BoringSSL takes SHA-256 and
// better only).
int DigestNidOf(const X509* certificate) {
  int digest_nid = NID_undef;
  int key_nid = NID_undef;
  OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest_nid, &key_nid);
  return digest_nid;
}

// A root from the days before basicConstraints were required, which says in its key usage that it
// is one. OpenSSL takes it too.
bool IsOldRoot(X509* certificate) {
  constexpr uint32_t kSelfSignedWithUsage = EXFLAG_SS | EXFLAG_KUSAGE;
  const uint32_t flags = X509_get_extension_flags(certificate);
  return (flags & (kSelfSignedWithUsage | EXFLAG_BCONS | EXFLAG_INVALID)) == kSelfSignedWithUsage &&
         (X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) != 0;
}

// As far as the extended key usage goes.
bool MayBeUsedBy(PeerRole role, X509* certificate) {
  const uint32_t usage = role == PeerRole::kUpstream ? XKU_SSL_SERVER : XKU_SSL_CLIENT;
  return (X509_get_extended_key_usage(certificate) & usage) != 0;
}

// RFC 5280 4.2.1.9. Empty: any number of CAs may follow.
std::optional<int64_t> PathLengthOf(const X509* certificate) {
  const bssl::UniquePtr<BASIC_CONSTRAINTS> constraints(static_cast<BASIC_CONSTRAINTS*>(
      X509_get_ext_d2i(certificate, NID_basic_constraints, nullptr, nullptr)));
  int64_t path_len;
  if (constraints == nullptr || constraints->pathlen == nullptr ||
      ASN1_INTEGER_get_int64(&path_len, constraints->pathlen) != 1) {
    return std::nullopt;
  }
  return path_len;
}

}  // namespace

std::optional<BrokenRule> FindBrokenRule(const STACK_OF(X509) * chain, PeerRole role) {
  const int purpose =
      role == PeerRole::kUpstream ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT;
  int64_t num_cas_below = 0;  // Without those that a CA has issued to itself.
  for (int depth = 0; depth < static_cast<int>(sk_X509_num(chain)); ++depth) {
    X509* certificate = sk_X509_value(chain, depth);
    const uint32_t flags = X509_get_extension_flags(certificate);
    const bool is_ca = depth > 0;
    if ((flags & EXFLAG_CRITICAL) != 0) {
      return RuleOf(X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, depth);
    }
    const bool is_last = depth + 1 == static_cast<int>(sk_X509_num(chain));
    if (is_ca && !(is_last ? MayAnchor(certificate) : X509_check_ca(certificate) == 1)) {
      return RuleOf(X509_V_ERR_INVALID_CA, depth, LacksOfPurpose(certificate, depth, role));
    }
    const bool fits =
        is_ca ? MayBeUsedBy(role, certificate) : X509_check_purpose(certificate, purpose, 0) == 1;
    if (!fits) {
      return RuleOf(X509_V_ERR_INVALID_PURPOSE, depth, LacksOfPurpose(certificate, depth, role));
    }
    if (!is_ca) continue;
    const std::optional<int64_t> path_len = PathLengthOf(certificate);
    if (path_len.has_value() && num_cas_below > *path_len) {
      return RuleOf(X509_V_ERR_PATH_LENGTH_EXCEEDED, depth);
    }
    if ((flags & EXFLAG_SI) == 0) ++num_cas_below;
  }
  return std::nullopt;
}

std::optional<BrokenRule> FindWeakness(const STACK_OF(X509) * chain, PeerRole role) {
  const int num_certificates = static_cast<int>(sk_X509_num(chain));
  for (int depth = 0; depth < num_certificates; ++depth) {
    X509* certificate = sk_X509_value(chain, depth);
    const std::string weakness = WeaknessOfKey(certificate);
    if (!weakness.empty()) return KeyTooWeak(depth, absl::StrCat(weakness, RemedyOfWeakness(role)));
    if (depth + 1 < num_certificates && DigestNidOf(certificate) == NID_sha1) {
      return DigestTooWeak(depth, absl::StrCat("signed over SHA-1", RemedyOfWeakness(role)));
    }
  }
  return std::nullopt;
}

bool MayAnchor(X509* certificate) {
  return X509_check_ca(certificate) == 1 || IsOldRoot(certificate);
}

std::string WeaknessOfKey(X509* certificate) {
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(certificate));
  if (key == nullptr) return "a key of an unknown kind";
  const int bits = EVP_PKEY_bits(key.get());
  switch (EVP_PKEY_id(key.get())) {
    case EVP_PKEY_RSA:
      if (bits >= kRsaBitsMin) return "";
      return absl::StrCat("an RSA key of ", bits, " bits where ", kRsaBitsMin, " are required");
    case EVP_PKEY_EC:
      if (bits >= kCurveBitsMin) return "";
      return absl::StrCat("a key on a curve of ", bits, " bits where ", kCurveBitsMin,
                          " are required");
    case EVP_PKEY_ED25519:
      return "";
    default:
      return "a key that is neither RSA nor ECDSA nor Ed25519";
  }
}

std::string LacksOfPurpose(X509* certificate, int depth, PeerRole role) {
  if (depth > 0 && !MayAnchor(certificate)) {
    return "its basicConstraints lack CA:TRUE, so that it may not issue certificates; have the one "
           "below it issued by a CA";
  }
  if (!MayBeUsedBy(role, certificate)) {
    return absl::StrCat("its extendedKeyUsage lacks ",
                        role == PeerRole::kUpstream ? "serverAuth" : "clientAuth",
                        "; have it reissued with it, or without the extension");
  }
  constexpr uint32_t kTlsUsages = KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT;
  if (depth == 0 && (X509_get_key_usage(certificate) & kTlsUsages) == 0) {
    return "its keyUsage lacks digitalSignature; have it reissued with it";
  }
  return "";
}

bool SignedWithMd5(const X509* certificate) {
  const int digest_nid = DigestNidOf(certificate);
  return digest_nid == NID_md5 || digest_nid == NID_md4;
}

BrokenRule Md5Rule(int depth) {
  return DigestTooWeak(depth, "signed over MD5, which is never accepted; replace it");
}

}  // namespace sluice::tls
