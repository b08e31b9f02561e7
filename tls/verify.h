// Decides whether a peer's certificate chain is to be trusted, and for whom.
#ifndef SLUICE_TLS_VERIFY_H_
#define SLUICE_TLS_VERIFY_H_

#include <openssl/base.h>
#include <openssl/pool.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tls/chain_cache.h"
#include "tls/peer_name.h"
#include "tls/peer_role.h"
#include "tls/settings.h"
#include "tls/verify_verdict.h"

namespace sluice::tls {

// What a chain is judged by.
struct TrustSettings {
  PeerRole role = PeerRole::kUpstream;
  std::vector<const File*> trusted;  // PEM, the CAs; those not given are left out.
  const File* crl = nullptr;         // PEM; not given: no certificate needs one.
  std::string name;                  // That an upstream's certificate must carry.
  int depth = 1;                     // As Settings::verify_depth.
  bool legacy = false;               // As Settings::verify_legacy.
  // What problems with a file of `trusted`, in its order, are told under.
  std::vector<Field> trusted_fields = {Field::kTrustedCertificate};
};

// One profile's judgement of its peers. Remembers the chains it has found good, and the
// certificate store inside takes a lock for every lookup: one thread, so each shard has its own.
class Verifier {
 public:
  // Reads the files of `settings`. Null if one of them is unusable; then a fatal problem says why.
  static std::unique_ptr<Verifier> Create(const TrustSettings& settings,
                                          std::vector<Problem>* problems);
  // Of upstreams.
  static std::unique_ptr<Verifier> Create(const Settings& settings, std::vector<Problem>* problems);

  // `chain` is what the peer sent, leaf first. A chain that was good a while ago (chain_cache.h)
  // costs one hash; all others are built, and refused with the certificate at fault named. Const in
  // that the verdict is the same either way. Tests give times of their own.
  Verdict Verify(const STACK_OF(CRYPTO_BUFFER) * chain, const Moment& now = Moment::Now()) const;

  // How often Verify has not found its answer remembered.
  int64_t num_chains_built() const { return num_chains_built_; }

 private:
  Verifier(const TrustSettings& settings, bssl::UniquePtr<X509_STORE> store,
           std::vector<bssl::UniquePtr<X509_CRL>> crls);

  Verdict Build(const STACK_OF(CRYPTO_BUFFER) * chain, int64_t now_s) const;

  const bssl::UniquePtr<X509_STORE> store_;
  const std::vector<bssl::UniquePtr<X509_CRL>> crls_;  // What `store_` holds too.
  const PeerRole role_;
  const PeerName name_;
  const int depth_;  // The number of CA certificates allowed.
  const bool legacy_;
  mutable ChainCache cache_;
  mutable int64_t num_chains_built_ = 0;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_VERIFY_H_
