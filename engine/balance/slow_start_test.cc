#include "engine/balance/slow_start.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

TEST(SlowStart, WeightGrowsInAStraightLine) {
  EXPECT_EQ(SlowStartWeight(4000, 0, 10'000), 1);
  EXPECT_EQ(SlowStartWeight(4000, 2500, 10'000), 1000);
  EXPECT_EQ(SlowStartWeight(4000, 5000, 10'000), 2000);
  EXPECT_EQ(SlowStartWeight(4000, 10'000, 10'000), 4000);
  EXPECT_EQ(SlowStartWeight(4000, 20'000, 10'000), 4000);
}

TEST(SlowStart, IsNeverNothing) {
  EXPECT_EQ(SlowStartWeight(1000, 1, int64_t{1} << 40), 1);
  EXPECT_EQ(SlowStartWeight(1000, -5, 10), 1);
}

TEST(SlowStart, TenYearsDoNotOverflow) {
  const int64_t ten_years_ms = int64_t{10} * 365 * 24 * 60 * 60 * 1000;
  EXPECT_EQ(SlowStartWeight(65'535'000, ten_years_ms - 1, ten_years_ms), 65'534'999);
}

}  // namespace
}  // namespace sluice::engine
