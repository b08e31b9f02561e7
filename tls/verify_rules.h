// What we ask of a chain beyond what BoringSSL asks: the rules that OpenSSL has and BoringSSL has
// not.
//
// - No key is weak: RSA of 2048 bits or more, a curve of P-256's size or more, Ed25519. No
//   signature is made over SHA-1. BoringSSL takes RSA from 512 bits on, P-224, and SHA-1.
// - A root without basicConstraints is a CA if its key usage says so, as with OpenSSL.
// - CA certificates that come from the trusted file obey their own extensions (path length, usage,
//   critical ones) as those do that the peer sends. BoringSSL looks at the latter only.
#ifndef SLUICE_TLS_VERIFY_RULES_H_
#define SLUICE_TLS_VERIFY_RULES_H_

#include <openssl/base.h>
#include <openssl/x509.h>

#include <cstdint>
#include <optional>
#include <string>

#include "tls/peer_role.h"

namespace sluice::tls {

struct BrokenRule {
  // Number and words of OpenSSL 3 (X509_V_ERR_*), where 66, 67 and 68 mean something else than in
  // BoringSSL, and the alert that it sends.
  int error;
  const char* words;
  uint8_t alert;
  int depth;           // Which certificate of the chain.
  std::string detail;  // What is wrong in figures and what to do. May be empty.
};

// The first rule that `chain`, of `role`, breaks. It is a chain that BoringSSL has found good: leaf
// first, each one signed by the next, the last one trusted.
std::optional<BrokenRule> FindBrokenRule(const STACK_OF(X509) * chain, PeerRole role);

// The same for weak keys and signatures, which `proxy_ssl_verify_legacy` allows. The key of the
// last certificate counts (who can compute it is the CA), its signature does not: nobody looks at
// it.
std::optional<BrokenRule> FindWeakness(const STACK_OF(X509) * chain, PeerRole role);

// Whether `certificate` may be the last one of a chain that is longer than itself.
bool MayAnchor(X509* certificate);

// What makes its key weak ("an RSA key of 1024 bits where 2048 are required"); empty if it is not.
std::string WeaknessOfKey(X509* certificate);

// Which usage `certificate` lacks to stand at `depth` of a chain of `role`, and what to do. Empty
// if none that is known here.
std::string LacksOfPurpose(X509* certificate, int depth, PeerRole role);

// Whether `certificate` is signed over MD4 or MD5, which BoringSSL refuses as if the signature were
// wrong.
bool SignedWithMd5(const X509* certificate);
BrokenRule Md5Rule(int depth);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_VERIFY_RULES_H_
