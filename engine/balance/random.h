// random: any peer, the more likely the greater its weight; random two: the less loaded of two.
#ifndef SLUICE_ENGINE_BALANCE_RANDOM_H_
#define SLUICE_ENGINE_BALANCE_RANDOM_H_

#include "engine/balance/misses.h"
#include "engine/balance/weight_table.h"

namespace sluice::engine {

// Chooses a peer for which `eligible(peer)` holds. `draw(n)` gives a random number from 0 to n - 1.
// `num_misses` is kept over the attempts of a connection, from 0. -1: too many were not eligible;
// round robin is to choose, from now on.
template <class Draw, class Eligible>
int ChooseRandom(const WeightTable& weights, int& num_misses, Draw&& draw, Eligible&& eligible) {
  while (num_misses <= kMissesMax) {
    const int peer = weights.PeerAt(draw(weights.total()));
    if (eligible(peer)) return peer;
    ++num_misses;
  }
  return -1;
}

// The same for the better of two different peers. `load_of(peer)` gives a Load. Of equals the
// second one drawn wins, as in nginx.
template <class Draw, class Eligible, class LoadOf>
int ChooseRandomOfTwo(const WeightTable& weights, int& num_misses, Draw&& draw, Eligible&& eligible,
                      LoadOf&& load_of) {
  const int first = ChooseRandom(weights, num_misses, draw, eligible);
  if (first < 0) return -1;
  const int second = ChooseRandom(weights, num_misses, draw,
                                  [&](int peer) { return peer != first && eligible(peer); });
  if (second < 0) return -1;
  return load_of(first) < load_of(second) ? first : second;
}

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_BALANCE_RANDOM_H_
