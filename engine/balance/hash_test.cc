#include "engine/balance/hash.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

WeightTable Table(const std::vector<int>& weights) {
  WeightTable table;
  for (size_t i = 0; i < weights.size(); ++i) table.Add(static_cast<int>(i), weights[i]);
  return table;
}

// All attempts of one connection, each peer at most once. '-': round robin was to choose.
std::string Attempts(const WeightTable& weights, std::string key, std::vector<bool> eligible) {
  HashAttempts attempts{.key = std::move(key)};
  std::string order;
  do {
    const int chosen =
        ChooseByHash(weights, attempts, [&](int peer) { return bool{eligible[peer]}; });
    order += chosen < 0 ? '-' : static_cast<char>('a' + chosen);
    if (chosen >= 0) eligible[chosen] = false;
  } while (order.back() != '-');
  return order;
}

TEST(Hash, IsThatOfCacheMemcached) {
  // (crc32 >> 16) & 0x7fff of "key", "1key" and "12key".
  EXPECT_EQ(MemcachedHash(0, "key"), 2704u);
  EXPECT_EQ(MemcachedHash(1, "key"), 7170u);
  EXPECT_EQ(MemcachedHash(12, "key"), 30096u);
}

TEST(Hash, AKeyAlwaysGoesToTheSamePeer) {
  const WeightTable weights = Table({1, 1, 1});
  EXPECT_EQ(Attempts(weights, "key", {true, true, true})[0],
            Attempts(weights, "key", {true, true, true})[0]);
}

TEST(Hash, TheHashesOfOneConnectionAddUp) {
  // Weights so large that the sum of hashes is the place itself.
  const WeightTable weights = Table({2704, 1, 7169, 1, 1'000'000});
  EXPECT_EQ(Attempts(weights, "key", {true, true, true, true, false}), "bd-");
}

TEST(Hash, WeightsAreSharesOfTheKeys) {
  const WeightTable weights = Table({1, 3});
  int count = 0;
  for (int i = 0; i < 4000; ++i) {
    HashAttempts attempts{.key = std::to_string(i)};
    count += ChooseByHash(weights, attempts, [](int) { return true; });
  }
  EXPECT_NEAR(count, 3000, 100);
}

TEST(Hash, PeersThatAreNotEligibleKeepTheirKeys) {
  const WeightTable weights = Table({1, 1, 1});
  for (int i = 0; i < 300; ++i) {
    const std::string key = std::to_string(i);
    const char usual = Attempts(weights, key, {true, true, true})[0];
    const char now = Attempts(weights, key, {true, false, true})[0];
    if (usual != 'b') {
      EXPECT_EQ(now, usual) << key;
    } else {
      EXPECT_TRUE(now == 'a' || now == 'c') << key;
    }
  }
}

TEST(Hash, After21MissesRoundRobinIsToChooseForGood) {
  const WeightTable weights = Table({1, 1});
  HashAttempts attempts{.key = "key"};
  int num_asked = 0;
  EXPECT_EQ(ChooseByHash(weights, attempts,
                         [&](int) {
                           ++num_asked;
                           return false;
                         }),
            -1);
  EXPECT_EQ(num_asked, 21);
  EXPECT_EQ(ChooseByHash(weights, attempts, [](int) { return true; }), -1);
}

}  // namespace
}  // namespace sluice::engine
