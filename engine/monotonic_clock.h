// The one clock of the engine: monotonic, so that times can be compared across threads.
#ifndef SLUICE_ENGINE_MONOTONIC_CLOCK_H_
#define SLUICE_ENGINE_MONOTONIC_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace sluice::engine {

inline int64_t MonotonicUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline int64_t MonotonicMs() { return MonotonicUs() / 1000; }

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_MONOTONIC_CLOCK_H_
