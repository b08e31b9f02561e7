#include "bench/load/pattern_table.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace sluice::bench {
namespace {

using Table = std::array<uint8_t, kPatternPeriodBytes + kPatternPieceBytesMin>;

// A linear congruential generator (Knuth's MMIX), of which the high bits are good enough.
const Table& TheTable() {
  static const Table table = [] {
    Table made;
    uint64_t state = 0x736c75696365;
    for (size_t i = 0; i < kPatternPeriodBytes; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      made[i] = static_cast<uint8_t>(state >> 56);
    }
    std::copy_n(made.begin(), kPatternPieceBytesMin, made.begin() + kPatternPeriodBytes);
    return made;
  }();
  return table;
}

}  // namespace

std::span<const uint8_t> PatternAt(uint64_t position) {
  return std::span(TheTable()).subspan(position % kPatternPeriodBytes);
}

std::optional<size_t> FirstMismatch(uint64_t position, std::span<const uint8_t> bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const std::span<const uint8_t> wanted = PatternAt(position + done);
    const size_t piece_len = std::min(wanted.size(), bytes.size() - done);
    const uint8_t* const got = bytes.data() + done;
    if (std::memcmp(got, wanted.data(), piece_len) != 0) {
      const auto [at, unused] = std::mismatch(got, got + piece_len, wanted.begin());
      return done + static_cast<size_t>(at - got);
    }
    done += piece_len;
  }
  return std::nullopt;
}

}  // namespace sluice::bench
