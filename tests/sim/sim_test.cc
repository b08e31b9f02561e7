// Random scenarios, one for each seed. A failure names its seed:
//
//   SIM_SEED=123 bazel test //tests/sim:sim_test --test_env=SIM_SEED --test_output=all
//
// runs that one alone and prints what happens in it. SIM_SEEDS=N runs N of them.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/numbers.h"
#include "gtest/gtest.h"
#include "tests/sim/crash_report.h"
#include "tests/sim/scenario.h"
#include "tests/sim/world.h"

namespace sluice::sim {
namespace {

uint64_t NumberFromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  uint64_t number;
  return text != nullptr && absl::SimpleAtoi(text, &number) ? number : otherwise;
}

TEST(Sim, EverySeedEndsWell) {
  if (const uint64_t seed = NumberFromEnvironment("SIM_SEED", 0)) {
    SetCrashSeed(seed);
    const Scenario scenario = RandomScenario(seed);
    fprintf(stderr, "%s\n", Describe(scenario).c_str());
    EXPECT_EQ(RunScenario(scenario, /*trace=*/true), "");
    return;
  }
  const uint64_t num_shards = NumberFromEnvironment("TEST_TOTAL_SHARDS", 1);
  const uint64_t shard = NumberFromEnvironment("TEST_SHARD_INDEX", 0);
  const uint64_t num_seeds = NumberFromEnvironment("SIM_SEEDS", 10'000);
  const uint64_t max_failures = NumberFromEnvironment("SIM_FAILURES", 1);
  uint64_t num_failures = 0;
  for (uint64_t seed = 1 + shard; seed <= num_seeds; seed += num_shards) {
    SetCrashSeed(seed);
    const std::string error = RunScenario(RandomScenario(seed));
    EXPECT_EQ(error, "") << "replay: SIM_SEED=" << seed;
    if (!error.empty() && ++num_failures >= max_failures) break;
  }
}

}  // namespace
}  // namespace sluice::sim
