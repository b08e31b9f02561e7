// slow_start: the weight of a peer that has been away grows from nothing to what it was.
#ifndef SLUICE_ENGINE_BALANCE_SLOW_START_H_
#define SLUICE_ENGINE_BALANCE_SLOW_START_H_

#include <algorithm>
#include <cstdint>

#include "absl/numeric/int128.h"

namespace sluice::engine {

// The part of `weight` that counts `elapsed_ms` after the peer has come back, in a straight line
// over `slow_start_ms`, which is above 0. Never 0, so that it can still be divided by.
inline int64_t SlowStartWeight(int64_t weight, int64_t elapsed_ms, int64_t slow_start_ms) {
  const int64_t counting_ms = std::clamp<int64_t>(elapsed_ms, 0, slow_start_ms);
  const absl::int128 part = absl::int128(weight) * counting_ms / slow_start_ms;
  return std::max<int64_t>(static_cast<int64_t>(part), 1);
}

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_BALANCE_SLOW_START_H_
