// nginx's smooth weighted round robin.
//
// Each choice raises every candidate's current weight by its effective weight, takes the
// candidate with the highest and lowers that one's by the sum. Weights 5, 1, 1 give
// a a b a c a a rather than a a a a a b c.
#ifndef SLUICE_ENGINE_BALANCE_ROUND_ROBIN_H_
#define SLUICE_ENGINE_BALANCE_ROUND_ROBIN_H_

#include <algorithm>
#include <cstdint>

namespace sluice::engine {

// A configured weight of 1. Weights are counted in parts of it, because a peer may have less than
// that for a while (slow_start).
inline constexpr int64_t kWeightUnit = 1000;

// What round robin remembers of one peer. 64 bits, so that the sum over any group fits.
struct RoundRobinWeight {
  int64_t weight = kWeightUnit;  // As configured, or what of it counts at the moment.
  // Falls with each failure and climbs back to `weight`, one unit a choice.
  int64_t effective_weight = kWeightUnit;
  int64_t current_weight = 0;
};

// Chooses among the peers for which `eligible(index)` holds and updates the weights of those.
// Returns the index, or -1 when none is eligible. `weight_of(index)` gives a RoundRobinWeight&.
// The first of equals wins, as in nginx.
template <class Eligible, class WeightOf>
int ChooseRoundRobin(int num_peers, Eligible&& eligible, WeightOf&& weight_of) {
  int best = -1;
  int64_t total = 0;
  for (int i = 0; i < num_peers; ++i) {
    if (!eligible(i)) continue;
    RoundRobinWeight& peer = weight_of(i);
    peer.current_weight += peer.effective_weight;
    total += peer.effective_weight;
    peer.effective_weight = std::min(peer.effective_weight + kWeightUnit, peer.weight);
    if (best < 0 || peer.current_weight > weight_of(best).current_weight) best = i;
  }
  if (best >= 0) weight_of(best).current_weight -= total;
  return best;
}

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_BALANCE_ROUND_ROBIN_H_
