// least_conn and least_time: the peer with the least load for its weight; among equals, smooth
// weighted round robin, as in nginx.
#ifndef SLUICE_ENGINE_BALANCE_LEAST_H_
#define SLUICE_ENGINE_BALANCE_LEAST_H_

#include <cstdint>

#include "absl/numeric/int128.h"
#include "engine/balance/round_robin.h"

namespace sluice::engine {

// What a peer has to carry, and its weight. Ordered by the one divided by the other.
struct Load {
  int64_t load = 0;
  int64_t weight = 1;  // Above 0.

  friend bool operator<(const Load& a, const Load& b) {
    return absl::int128(a.load) * b.weight < absl::int128(b.load) * a.weight;
  }
  friend bool operator==(const Load& a, const Load& b) {
    return absl::int128(a.load) * b.weight == absl::int128(b.load) * a.weight;
  }
};

// Chooses among the peers for which `eligible(index)` holds; -1 when there is none.
// `load_of(index)` gives a Load, `weight_of(index)` a RoundRobinWeight&, which is left as it is
// where there are no equals.
template <class Eligible, class LoadOf, class WeightOf>
int ChooseLeast(int num_peers, Eligible&& eligible, LoadOf&& load_of, WeightOf&& weight_of) {
  int first = -1;
  Load least;
  bool has_equals = false;
  for (int i = 0; i < num_peers; ++i) {
    if (!eligible(i)) continue;
    const Load load = load_of(i);
    if (first < 0 || load < least) {
      first = i;
      least = load;
      has_equals = false;
    } else if (load == least) {
      has_equals = true;
    }
  }
  if (!has_equals) return first;
  return ChooseRoundRobin(
      num_peers, [&](int i) { return i >= first && eligible(i) && load_of(i) == least; },
      weight_of);
}

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_BALANCE_LEAST_H_
