#include "bench/load/histogram.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace sluice::bench {
namespace {

TEST(Histogram, PercentilesAreWithinOnePercent) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> distribution(11, 2);
  std::vector<int64_t> durations_ns;
  Histogram histogram;
  for (int i = 0; i < 100'000; ++i) {
    durations_ns.push_back(static_cast<int64_t>(distribution(random)));
    histogram.Add(durations_ns.back());
  }
  std::sort(durations_ns.begin(), durations_ns.end());
  for (const double percent : {0.1, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto rank = static_cast<size_t>(std::ceil(percent / 100 * 100'000));
    const int64_t exact_ns = durations_ns[rank - 1];
    const int64_t got_ns = histogram.PercentileNs(percent);
    EXPECT_GE(got_ns, exact_ns) << percent;
    EXPECT_LE(static_cast<double>(got_ns), static_cast<double>(exact_ns) * 1.01) << percent;
  }
  EXPECT_EQ(histogram.count(), 100'000u);
  EXPECT_EQ(histogram.min_ns(), durations_ns.front());
  EXPECT_EQ(histogram.max_ns(), durations_ns.back());
}

// At every power of two the width of the buckets changes.
TEST(Histogram, HasNoGapAndNoOverlap) {
  for (int bits = 0; bits < 40; ++bits) {
    for (const int64_t offset : {-1, 0, 1}) {
      const int64_t duration_ns = (int64_t{1} << bits) + offset;
      Histogram histogram;
      histogram.Add(duration_ns);
      histogram.Add(int64_t{1} << 39);
      const int64_t got_ns = histogram.PercentileNs(50);
      EXPECT_GE(got_ns, duration_ns);
      EXPECT_LE(static_cast<double>(got_ns), static_cast<double>(duration_ns) * 1.01);
    }
  }
}

TEST(Histogram, TakesWhatIsOutOfRangeForTheLimit) {
  Histogram histogram;
  histogram.Add(-5);
  histogram.Add(INT64_MAX);
  EXPECT_EQ(histogram.PercentileNs(50), 0);
  EXPECT_EQ(histogram.max_ns(), (int64_t{1} << 40) - 1);
}

TEST(Histogram, OfNothingIsZero) {
  EXPECT_EQ(Histogram().SummaryJson(),
            "{\"min\":0.000,\"mean\":0.000,\"p50\":0.000,\"p90\":0.000,\"p99\":0.000,"
            "\"p99.9\":0.000,\"max\":0.000}");
  EXPECT_EQ(Histogram().BucketsJson(), "[]");
}

TEST(Histogram, PrintsMicroseconds) {
  Histogram histogram;
  histogram.Add(100);
  histogram.Add(100);
  histogram.Add(2'000'000);
  EXPECT_EQ(histogram.BucketsJson(), "[[0.100,2],[2007.039,1]]");
  EXPECT_EQ(histogram.SummaryJson(),
            "{\"min\":0.100,\"mean\":666.733,\"p50\":0.100,\"p90\":2000.000,\"p99\":2000.000,"
            "\"p99.9\":2000.000,\"max\":2000.000}");
}

}  // namespace
}  // namespace sluice::bench
