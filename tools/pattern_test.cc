#include "tools/pattern.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"

namespace sluice::tools {
namespace {

std::vector<uint8_t> Pattern(uint64_t seed, uint64_t offset, size_t size) {
  std::vector<uint8_t> bytes(size);
  FillPattern(seed, offset, bytes);
  return bytes;
}

TEST(PatternTest, IsTheSameStreamHoweverItIsCut) {
  const std::vector<uint8_t> whole = Pattern(7, 0, 100);
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    std::vector<uint8_t> joined = Pattern(7, 0, cut);
    const std::vector<uint8_t> rest = Pattern(7, cut, whole.size() - cut);
    joined.insert(joined.end(), rest.begin(), rest.end());
    EXPECT_EQ(whole, joined) << "cut at " << cut;
  }
}

TEST(PatternTest, DiffersBySeedAndByPosition) {
  EXPECT_NE(Pattern(1, 0, 64), Pattern(2, 0, 64));
  EXPECT_NE(Pattern(1, 0, 64), Pattern(1, 64, 64));
  EXPECT_NE(Pattern(1, 0, 64), Pattern(1, 1, 64));
}

TEST(PatternTest, FindsEveryFlippedBit) {
  for (size_t at = 0; at < 33; ++at) {
    std::vector<uint8_t> bytes = Pattern(3, 5, 33);
    EXPECT_EQ(std::nullopt, FirstPatternMismatch(3, 5, bytes));
    bytes[at] ^= 0x10;
    EXPECT_EQ(at, FirstPatternMismatch(3, 5, bytes));
  }
}

}  // namespace
}  // namespace sluice::tools
