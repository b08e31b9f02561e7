// hash KEY: a key always goes to the same peer while the group is the same.
//
// The hash of Cache::Memcached, as in nginx: ((crc32(KEY) >> 16) & 0x7fff) modulo the sum of all
// weights. Where it meets a peer that is not eligible, the hash of "1KEY" is added, then that of
// "2KEY", and so on.
#ifndef SLUICE_ENGINE_BALANCE_HASH_H_
#define SLUICE_ENGINE_BALANCE_HASH_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/balance/misses.h"
#include "engine/balance/weight_table.h"

namespace sluice::engine {

// What is remembered of one connection over its attempts, by hash and by hash consistent.
struct HashAttempts {
  std::string key;
  // hash: the sum of all hashes so far. hash consistent: a point of the ring.
  uint32_t position = 0;
  int num_hashes = 0;
  int num_misses = 0;
};

// The hash of `key` at try number `rehash`, from 0: 15 bits.
uint32_t MemcachedHash(int rehash, std::string_view key);

// Chooses a peer for which `eligible(peer)` holds. -1: too many were not; round robin is to choose,
// from now on.
template <class Eligible>
int ChooseByHash(const WeightTable& weights, HashAttempts& attempts, Eligible&& eligible) {
  while (attempts.num_misses <= kMissesMax) {
    attempts.position += MemcachedHash(attempts.num_hashes++, attempts.key);
    const int peer = weights.PeerAt(attempts.position % weights.total());
    if (eligible(peer)) return peer;
    ++attempts.num_misses;
  }
  return -1;
}

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_BALANCE_HASH_H_
