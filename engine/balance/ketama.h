// hash KEY consistent: when a peer comes or goes, only the keys of that peer move.
//
// Each server has 160 points for each unit of weight on a ring of 32 bits; a key goes to the next
// point at or behind its own CRC-32. Points are those of Cache::Memcached::Fast with ketama_points
// 160, as in nginx: crc32(HOST \0 PORT PREVIOUS), where PREVIOUS is the server's point before, in
// four bytes, the lowest first, and 0 in the beginning.
#ifndef SLUICE_ENGINE_BALANCE_KETAMA_H_
#define SLUICE_ENGINE_BALANCE_KETAMA_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/balance/hash.h"
#include "engine/balance/misses.h"
#include "engine/balance/round_robin.h"

namespace sluice::engine {

class KetamaRing {
 public:
  struct Member {
    // As the configuration writes it: "backend1.example.com:12345". The addresses of one host are
    // peers that share a name, and so their points.
    std::string_view name;
    int weight;
    int peer;
  };

  // `members` in the order of the file: where points coincide, the first has it. Takes 8 bytes for
  // a point (config::kHashRingWeightMax). There is one member at least.
  explicit KetamaRing(std::span<const Member> members);

  // The number of the point that `key` belongs to. It may be one too high: at the end, the ring
  // starts again.
  uint32_t Find(std::string_view key) const;

  // The peers of the server that has point `point`, taken around the ring.
  std::span<const int> PeersAt(uint32_t point) const {
    return servers_[points_[point % points_.size()].server];
  }

  size_t num_points() const { return points_.size(); }

 private:
  struct Point {
    uint32_t hash;
    uint32_t server;  // Index into servers_.
  };

  std::vector<Point> points_;  // By hash, each hash once.
  std::vector<std::vector<int>> servers_;
};

// Chooses among the peers of the server at the key's point, by round robin (the arguments are
// ChooseRoundRobin's); where none of them is eligible, at the next point. -1: too many points were
// in vain; round robin is to choose among all, from now on.
template <class Eligible, class WeightOf>
int ChooseByKetama(const KetamaRing& ring, HashAttempts& attempts, Eligible&& eligible,
                   WeightOf&& weight_of) {
  if (attempts.num_hashes == 0) {
    attempts.num_hashes = 1;
    attempts.position = ring.Find(attempts.key);
  }
  while (attempts.num_misses <= kMissesMax) {
    const std::span<const int> peers = ring.PeersAt(attempts.position);
    const int chosen = ChooseRoundRobin(
        static_cast<int>(peers.size()), [&](int i) { return eligible(peers[i]); },
        [&](int i) -> RoundRobinWeight& { return weight_of(peers[i]); });
    if (chosen >= 0) return peers[chosen];
    ++attempts.position;
    ++attempts.num_misses;
  }
  return -1;
}

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_BALANCE_KETAMA_H_
