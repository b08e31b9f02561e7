// Remembers which certificate chains have been found good, so that a chain is built once and not
// in every handshake that presents it.
//
// Belongs to one Verifier, whose CAs, CRLs and expected name make "good" mean one thing; whoever
// has others has another cache. One thread.
#ifndef SLUICE_TLS_CHAIN_CACHE_H_
#define SLUICE_TLS_CHAIN_CACHE_H_

#include <openssl/base.h>
#include <openssl/pool.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::tls {

// A point in time by both of the clocks that bound trust.
struct Moment {
  int64_t wall_s = 0;    // Since 1970, what certificates go by. Can be set, forward and back.
  int64_t uptime_s = 0;  // Since boot, time asleep included. Never goes back.

  static Moment Now();
};

class ChainCache {
 public:
  // SHA-256 of the certificates' lengths and bytes: chains share a key only if they are equal.
  using Key = std::array<uint8_t, 32>;
  static Key KeyOf(const STACK_OF(CRYPTO_BUFFER) * chain);

  // For a chain that may still count as good at `now`: until when it is trusted, as given to Add.
  // Makes it the most recently used one. Empty: the chain has to be looked at.
  std::optional<int64_t> Find(const Key& key, const Moment& now);

  // Keeps that a chain, which Find does not find, is good at `now` and trusted until
  // `trusted_until_s` (wall clock). When there is no room the least recently used one goes.
  void Add(const Key& key, int64_t trusted_until_s, const Moment& now);

  size_t size() const { return entries_.size(); }

  // More than most upstream groups have servers. An entry takes 56 bytes, so all of them 3.5 KB
  // for each profile and shard, which is still read through in less time than SHA-256 takes for
  // one chain.
  static constexpr size_t kEntriesMax = 64;
  // However long certificates and CRLs last, a chain is looked at again after this time.
  static constexpr int64_t kAgeMaxS = 3600;

 private:
  struct Entry {
    Key key;
    int64_t trusted_until_s;
    Moment made;
  };
  static bool IsFresh(const Entry& entry, const Moment& now);

  std::vector<Entry> entries_;  // The most recently used one first.
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_CHAIN_CACHE_H_
