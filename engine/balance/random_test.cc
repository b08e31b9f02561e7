#include "engine/balance/random.h"

#include <cstdint>
#include <string>
#include <vector>

#include "engine/balance/least.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

WeightTable Table(const std::vector<int>& weights) {
  WeightTable table;
  for (size_t i = 0; i < weights.size(); ++i) table.Add(static_cast<int>(i), weights[i]);
  return table;
}

// Draws what it is told, in turn, from the start again behind the last.
class Draws {
 public:
  explicit Draws(std::vector<int64_t> draws) : draws_(std::move(draws)) {}

  int64_t operator()(int64_t bound) {
    const int64_t draw = draws_[num_drawn_++ % draws_.size()];
    EXPECT_LT(draw, bound);
    return draw;
  }
  int num_drawn() const { return static_cast<int>(num_drawn_); }

 private:
  std::vector<int64_t> draws_;
  size_t num_drawn_ = 0;
};

bool Any(int) { return true; }

TEST(Random, EveryPeerIsAsLikelyAsItsWeight) {
  const WeightTable weights = Table({1, 3});
  Draws draws({0, 1, 2, 3});
  std::string chosen;
  for (int i = 0; i < 4; ++i) {
    int num_misses = 0;
    chosen += static_cast<char>('a' + ChooseRandom(weights, num_misses, draws, Any));
  }
  EXPECT_EQ(chosen, "abbb");
}

TEST(Random, ItIsDrawnAgainUntilAPeerIsEligible) {
  const WeightTable weights = Table({1, 1, 1});
  Draws draws({0, 1, 2});
  int num_misses = 0;
  EXPECT_EQ(ChooseRandom(weights, num_misses, draws, [](int peer) { return peer == 2; }), 2);
  EXPECT_EQ(num_misses, 2);
}

TEST(Random, After21MissesRoundRobinIsToChooseForGood) {
  const WeightTable weights = Table({1, 1});
  Draws draws({0});
  int num_misses = 0;
  EXPECT_EQ(ChooseRandom(weights, num_misses, draws, [](int) { return false; }), -1);
  EXPECT_EQ(draws.num_drawn(), 21);
  EXPECT_EQ(ChooseRandom(weights, num_misses, draws, Any), -1);
}

int ChooseOfTwo(std::vector<int64_t> drawn, const std::vector<Load>& loads, int* misses = nullptr) {
  WeightTable weights;
  for (size_t i = 0; i < loads.size(); ++i) {
    weights.Add(static_cast<int>(i), static_cast<int>(loads[i].weight));
  }
  Draws draws(std::move(drawn));
  int num_misses = 0;
  const int chosen =
      ChooseRandomOfTwo(weights, num_misses, draws, Any, [&](int peer) { return loads[peer]; });
  if (misses != nullptr) *misses = num_misses;
  return chosen;
}

TEST(RandomOfTwo, TheLessLoadedForItsWeightWins) {
  EXPECT_EQ(ChooseOfTwo({0, 1}, {{2, 1}, {1, 1}, {0, 1}}), 1);
  EXPECT_EQ(ChooseOfTwo({1, 0}, {{2, 1}, {1, 1}, {0, 1}}), 1);
  EXPECT_EQ(ChooseOfTwo({0, 3}, {{2, 3}, {1, 1}}), 0);
}

TEST(RandomOfTwo, OfEqualsTheSecondWins) {
  EXPECT_EQ(ChooseOfTwo({0, 1}, {{1, 1}, {1, 1}}), 1);
  EXPECT_EQ(ChooseOfTwo({1, 0}, {{1, 1}, {1, 1}}), 0);
}

TEST(RandomOfTwo, AreTwoDifferentPeers) {
  int num_misses = 0;
  EXPECT_EQ(ChooseOfTwo({0, 0, 0, 1}, {{1, 1}, {0, 1}}, &num_misses), 1);
  EXPECT_EQ(num_misses, 2);
}

TEST(RandomOfTwo, WithoutASecondPeerRoundRobinIsToChoose) {
  EXPECT_EQ(ChooseOfTwo({0}, {{0, 1}, {0, 1}}), -1);
}

}  // namespace
}  // namespace sluice::engine
