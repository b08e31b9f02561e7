// The two ends of a proxied connection.
#ifndef SLUICE_ENGINE_SIDE_H_
#define SLUICE_ENGINE_SIDE_H_

#include <cstdint>

namespace sluice::engine {

// The client connected to us; we connected to the upstream.
enum class Side : uint8_t { kClient = 0, kUpstream = 1 };

inline constexpr Side Opposite(Side side) {
  return side == Side::kClient ? Side::kUpstream : Side::kClient;
}

inline constexpr int Index(Side side) { return static_cast<int>(side); }

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_SIDE_H_
