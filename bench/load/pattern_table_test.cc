#include "bench/load/pattern_table.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"

namespace sluice::bench {
namespace {

std::vector<uint8_t> Body(uint64_t position, size_t len) {
  std::vector<uint8_t> body;
  while (body.size() < len) {
    const auto piece = PatternAt(position + body.size());
    body.insert(body.end(), piece.begin(),
                piece.begin() + static_cast<ptrdiff_t>(std::min(piece.size(), len - body.size())));
  }
  return body;
}

TEST(PatternTable, PiecesAreNeverShorterThanARecord) {
  for (uint64_t position = 0; position <= kPatternPeriodBytes; ++position) {
    ASSERT_GE(PatternAt(position).size(), kPatternPieceBytesMin) << position;
  }
}

TEST(PatternTable, RepeatsAfterItsPeriod) {
  const std::vector<uint8_t> body = Body(0, 3 * kPatternPeriodBytes);
  EXPECT_TRUE(std::equal(body.begin(), body.end() - kPatternPeriodBytes,
                         body.begin() + kPatternPeriodBytes));
  EXPECT_EQ(FirstMismatch(0, body), std::nullopt);
  EXPECT_EQ(FirstMismatch(kPatternPeriodBytes, body), std::nullopt);
}

TEST(PatternTable, FindsEveryWrongByte) {
  constexpr uint64_t kPosition = 60000;
  std::vector<uint8_t> body = Body(kPosition, 200'000);
  for (size_t at = 0; at < body.size(); at += 997) {
    body[at] ^= 1;
    EXPECT_EQ(FirstMismatch(kPosition, body), at);
    body[at] ^= 1;
  }
  EXPECT_EQ(FirstMismatch(kPosition, body), std::nullopt);
}

TEST(PatternTable, FindsBytesThatMovedByAPowerOfTwo) {
  const std::vector<uint8_t> body = Body(0, 4096);
  for (uint64_t moved = 1; moved < uint64_t{1} << 40; moved *= 2) {
    EXPECT_NE(FirstMismatch(moved, body), std::nullopt) << moved;
  }
}

}  // namespace
}  // namespace sluice::bench
