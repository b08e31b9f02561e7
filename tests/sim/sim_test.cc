// Random scenarios, one for each seed. A failure names its seed:
//
//   SIM_SEED=123 bazel test //tests/sim:sim_test --test_env=SIM_SEED --test_output=all
//
// runs that one alone and prints what happens in it. SIM_SEEDS=N runs N of them.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "absl/strings/numbers.h"
#include "engine/close_reason.h"
#include "gtest/gtest.h"
#include "tests/sim/crash_report.h"
#include "tests/sim/scenario.h"
#include "tests/sim/world.h"

namespace sluice::sim {
namespace {

constexpr uint64_t kNumSeeds = 10'000;
// The seeds are dealt out to so many tests, for bazel to run side by side.
constexpr uint64_t kNumParts = 4;

uint64_t NumberFromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  uint64_t number;
  return text != nullptr && absl::SimpleAtoi(text, &number) ? number : otherwise;
}

class Sim : public ::testing::TestWithParam<uint64_t> {};

TEST_P(Sim, EverySeedEndsWell) {
  if (const uint64_t seed = NumberFromEnvironment("SIM_SEED", 0)) {
    if (GetParam() != 0) GTEST_SKIP();
    SetCrashSeed(seed);
    const Scenario scenario = RandomScenario(seed);
    std::fprintf(stderr, "%s\n", Describe(scenario).c_str());
    EXPECT_EQ(World(scenario, /*trace=*/true).Run(), "");
    return;
  }
  const uint64_t num_seeds = NumberFromEnvironment("SIM_SEEDS", kNumSeeds);
  for (uint64_t seed = 1 + GetParam(); seed <= num_seeds; seed += kNumParts) {
    SetCrashSeed(seed);
    const std::string error = World(RandomScenario(seed)).Run();
    ASSERT_EQ(error, "") << "replay: SIM_SEED=" << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Parts, Sim, ::testing::Range<uint64_t>(0, kNumParts));

// A simulator that is always kind proves nothing.
TEST(SimItself, EveryKindOfEndAndOfUnkindnessComesAbout) {
  if (NumberFromEnvironment("SIM_SEED", 0) != 0) GTEST_SKIP();
  std::set<engine::CloseReason> reasons;
  SimKernel::Counts total;
  uint64_t num_resumed = 0;
  uint64_t num_retried = 0;
  for (uint64_t seed = 1; seed <= 600; ++seed) {
    SetCrashSeed(seed);
    World world(RandomScenario(seed));
    ASSERT_EQ(world.Run(), "") << "replay: SIM_SEED=" << seed;
    for (const Record& record : world.records()) {
      reasons.insert(record.reason);
      num_retried += record.attempts.size() > 1;
      num_resumed += !record.attempts.empty() && record.attempts.back().peer != nullptr &&
                     record.attempts.back().peer->resumed();
    }
    const SimKernel::Counts& counts = world.counts();
    total.short_sends += counts.short_sends;
    total.sends_at_once += counts.sends_at_once;
    total.full_sends_at_once += counts.full_sends_at_once;
    total.short_receives += counts.short_receives;
    total.no_buffers += counts.no_buffers;
    total.cancelled += counts.cancelled;
    total.lost_cancels += counts.lost_cancels;
    total.hot_receives += counts.hot_receives;
    total.cold_receives += counts.cold_receives;
    total.fills += counts.fills;
    total.drains += counts.drains;
    total.short_drains += counts.short_drains;
  }
  for (int reason = 1; reason < engine::kNumCloseReasons; ++reason) {
    EXPECT_EQ(reasons.count(static_cast<engine::CloseReason>(reason)), 1u)
        << engine::CloseReasonName(static_cast<engine::CloseReason>(reason));
  }
  EXPECT_GT(num_retried, 0u);
  EXPECT_GT(num_resumed, 0u);
  EXPECT_GT(total.short_sends, 0u);
  EXPECT_GT(total.sends_at_once, 0u);
  EXPECT_GT(total.full_sends_at_once, 0u);
  EXPECT_GT(total.short_receives, 0u);
  EXPECT_GT(total.no_buffers, 0u);
  EXPECT_GT(total.cancelled, 0u);
  EXPECT_GT(total.lost_cancels, 0u);
  EXPECT_GT(total.hot_receives, 0u);
  EXPECT_GT(total.cold_receives, 0u);
  EXPECT_GT(total.fills, 0u);
  EXPECT_GT(total.drains, 0u);
  EXPECT_GT(total.short_drains, 0u);
}

}  // namespace
}  // namespace sluice::sim
