// The bytes of every body: one fixed pattern, made once, so that both ends send straight from it
// and compare what they get with it in large pieces.
//
// The pattern repeats after a prime number of bytes. Buffers and records are powers of two, so
// bytes that a proxy loses, doubles or swaps in such units do not match.
#ifndef SLUICE_BENCH_LOAD_PATTERN_TABLE_H_
#define SLUICE_BENCH_LOAD_PATTERN_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sluice::bench {

inline constexpr size_t kPatternPeriodBytes = 65537;
// At() returns at least so many bytes: a TLS record is always in one piece.
inline constexpr size_t kPatternPieceBytesMin = 16384;

// The pattern from `position` of a body on, as far as it lies in one piece. Static storage.
std::span<const uint8_t> PatternAt(uint64_t position);

// Index of the first byte of `bytes`, which stand at `position` of a body, that is wrong.
std::optional<size_t> FirstMismatch(uint64_t position, std::span<const uint8_t> bytes);

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LOAD_PATTERN_TABLE_H_
