#include "engine/balance/least_time.h"

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

PeerTimes Took(int64_t ms) {
  PeerTimes times;
  times.Add(ms);
  return times;
}

TEST(MovingAverage, StartsAtTheFirstValueAndMovesByATwentieth) {
  MovingAverage average;
  EXPECT_EQ(average.value(), 0);
  average.Add(100);
  EXPECT_EQ(average.value(), 100);
  average.Add(200);
  EXPECT_DOUBLE_EQ(average.value(), 105);
  average.Add(105);
  EXPECT_DOUBLE_EQ(average.value(), 105);
}

TEST(MovingAverage, ZeroIsAValue) {
  MovingAverage average;
  average.Add(0);
  average.Add(100);
  EXPECT_DOUBLE_EQ(average.value(), 5);
}

TEST(PeerTimes, TimesAreTakenInStepsOf20Ms) {
  EXPECT_EQ(PeerTimes().Load(0, 0), 20);
  EXPECT_EQ(Took(19).Load(0, 0), 20);
  EXPECT_EQ(Took(20).Load(0, 0), 40);
  EXPECT_EQ(Took(4999).Load(0, 0), 5000);
}

TEST(PeerTimes, AboveFiveSecondsAllAreEquallySlow) {
  EXPECT_EQ(Took(5000).Load(0, 0), 5000);
  EXPECT_EQ(Took(1'000'000'000).Load(0, 0), 5000);
}

TEST(PeerTimes, EveryConnectionAndTheOneToComeTakesTheTime) {
  EXPECT_EQ(Took(100).Load(0, 0), 120);
  EXPECT_EQ(Took(100).Load(3, 0), 480);
  EXPECT_EQ(Took(6000).Load(1 << 30, 0), 5000 * (int64_t{1} + (1 << 30)));
}

TEST(PeerTimes, EachHalvingHalvesTheAverage) {
  EXPECT_EQ(Took(4000).Load(0, 1), 2020);
  EXPECT_EQ(Took(4000).Load(0, 2), 1020);
  EXPECT_EQ(Took(4000).Load(0, int64_t{1} << 40), 20);
}

TEST(PeerTimes, ConnectionsThatWaitLongMakeAPeerSlow) {
  PeerTimes times = Took(100);
  times.OnStarted(1000);
  times.Observe(1000);
  EXPECT_EQ(times.Load(1, 0), 2 * 120);
  // Two in flight, 4000 and 2000 ms old; the mean is taken down with a weight of a twentieth.
  times.OnStarted(3000);
  for (int i = 0; i < 200; ++i) times.Observe(5000);
  EXPECT_EQ(times.Load(2, 0), 3 * 3000);
}

TEST(PeerTimes, NoneInFlightIsNoWaiting) {
  PeerTimes times = Took(100);
  times.OnStarted(1000);
  for (int i = 0; i < 200; ++i) times.Observe(4000);
  EXPECT_EQ(times.Load(1, 0), 2 * 3020);
  times.OnSettled(/*age_ms=*/3000, 4000);
  times.Observe(9000);
  EXPECT_EQ(times.Load(0, 0), 120);
}

TEST(PeerTimes, ASettledConnectionTakesItsAgeWithIt) {
  PeerTimes times;
  times.OnStarted(0);
  times.OnStarted(1000);
  times.OnSettled(/*age_ms=*/2000, 2000);  // The first one.
  times.Observe(2500);                     // The other is 1500 ms old.
  EXPECT_EQ(times.Load(1, 0), 2 * 1520);
}

}  // namespace
}  // namespace sluice::engine
