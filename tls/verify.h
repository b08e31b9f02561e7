// Decides whether an upstream's certificate chain is to be trusted, and for whom.
#ifndef SLUICE_TLS_VERIFY_H_
#define SLUICE_TLS_VERIFY_H_

#include <openssl/base.h>
#include <openssl/pool.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "tls/outcome.h"
#include "tls/peer_name.h"
#include "tls/settings.h"

namespace sluice::tls {

// What became of one chain.
struct Verdict {
  bool trusted = false;
  // Trusted: when the first certificate or CRL involved runs out, in seconds since 1970.
  int64_t trusted_until_s = 0;
  // Not trusted: why, and the alert that tells the peer (RFC 8446 6.2).
  Failure failure;
  uint8_t alert = 0;
};

// Immutable once made; the certificate store inside takes a lock for every lookup, so each shard
// has its own.
class Verifier {
 public:
  // Reads `settings.trusted_certificate` and `settings.crl`. Null if one of them is unusable; then
  // a fatal problem says why.
  static std::unique_ptr<Verifier> Create(const Settings& settings, std::vector<Problem>* problems);

  // `chain` is what the peer sent, leaf first.
  Verdict Verify(const STACK_OF(CRYPTO_BUFFER) * chain) const;

 private:
  Verifier(const Settings& settings, bssl::UniquePtr<X509_STORE> store);

  bssl::UniquePtr<X509_STORE> store_;
  const PeerName name_;
  const int depth_;
  int64_t crls_good_until_s_;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_VERIFY_H_
