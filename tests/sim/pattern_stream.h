// Endless streams of bytes, each its own, in which every position can be checked at once.
#ifndef SLUICE_TESTS_SIM_PATTERN_STREAM_H_
#define SLUICE_TESTS_SIM_PATTERN_STREAM_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "tests/sim/random.h"

namespace sluice::sim {

class PatternStream {
 public:
  explicit PatternStream(uint64_t id) : start_(Random(id).Below(kTableBytes)) {}

  // The bytes of the stream from `offset` on, at most `n`.
  std::span<const uint8_t> At(uint64_t offset, size_t n) const {
    const size_t position = (start_ + offset) % kTableBytes;
    return std::span<const uint8_t>(Table()).subspan(position, std::min(n, kTableBytes - position));
  }

  // Whether `bytes` are those of the stream from `offset` on.
  bool Matches(uint64_t offset, std::span<const uint8_t> bytes) const {
    while (!bytes.empty()) {
      const auto expected = At(offset, bytes.size());
      if (std::memcmp(expected.data(), bytes.data(), expected.size()) != 0) return false;
      offset += expected.size();
      bytes = bytes.subspan(expected.size());
    }
    return true;
  }

 private:
  // A prime: no size of buffer, record or slab divides it.
  static constexpr size_t kTableBytes = 1'048'573;

  static const std::vector<uint8_t>& Table() {
    static const auto* const table = [] {
      auto* made = new std::vector<uint8_t>(kTableBytes);
      Random random(1);
      for (uint8_t& byte : *made) byte = static_cast<uint8_t>(random.Next());
      return made;
    }();
    return *table;
  }

  const uint64_t start_;
};

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_PATTERN_STREAM_H_
