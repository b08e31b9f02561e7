#include "tls/chain_cache.h"

#include <openssl/sha.h>

#include <algorithm>

#include "tls/clock.h"

namespace sluice::tls {
Moment Moment::Now() { return {.wall_s = WallSeconds(), .uptime_s = UptimeSeconds()}; }

ChainCache::Key ChainCache::KeyOf(const STACK_OF(CRYPTO_BUFFER) * chain) {
  SHA256_CTX hash;
  SHA256_Init(&hash);
  for (const CRYPTO_BUFFER* certificate : chain) {
    // The length in front keeps bytes from moving over to a neighbour.
    const uint64_t num_bytes = CRYPTO_BUFFER_len(certificate);
    SHA256_Update(&hash, &num_bytes, sizeof(num_bytes));
    SHA256_Update(&hash, CRYPTO_BUFFER_data(certificate), num_bytes);
  }
  Key key;
  SHA256_Final(key.data(), &hash);
  return key;
}

// A wall clock that stands before the day the chain was looked at says nothing about validity
// since: the chain may not be valid yet.
bool ChainCache::IsFresh(const Entry& entry, const Moment& now) {
  return entry.made.wall_s <= now.wall_s && now.wall_s < entry.trusted_until_s &&
         now.wall_s - entry.made.wall_s < kAgeMaxS && now.uptime_s - entry.made.uptime_s < kAgeMaxS;
}

std::optional<int64_t> ChainCache::Find(const Key& key, const Moment& now) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&key](const Entry& entry) { return entry.key == key; });
  if (found == entries_.end()) return std::nullopt;
  if (!IsFresh(*found, now)) {
    entries_.erase(found);
    return std::nullopt;
  }
  std::rotate(entries_.begin(), found, found + 1);
  return entries_.front().trusted_until_s;
}

void ChainCache::Add(const Key& key, int64_t trusted_until_s, const Moment& now) {
  if (entries_.size() == kEntriesMax) entries_.pop_back();
  entries_.insert(entries_.begin(), {.key = key, .trusted_until_s = trusted_until_s, .made = now});
}

}  // namespace sluice::tls
