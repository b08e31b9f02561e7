#include "engine/balance/round_robin.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

std::string Choose(std::vector<RoundRobinWeight>& peers, int times,
                   const std::vector<bool>& eligible = {}) {
  std::string order;
  for (int i = 0; i < times; ++i) {
    const int chosen = ChooseRoundRobin(
        static_cast<int>(peers.size()),
        [&](int peer) { return eligible.empty() || eligible[peer]; },
        [&](int peer) -> RoundRobinWeight& { return peers[peer]; });
    order += chosen < 0 ? '-' : static_cast<char>('a' + chosen);
  }
  return order;
}

std::vector<RoundRobinWeight> Weights(std::initializer_list<int> weights) {
  std::vector<RoundRobinWeight> peers;
  for (int weight : weights) {
    peers.push_back({.weight = weight * kWeightUnit, .effective_weight = weight * kWeightUnit});
  }
  return peers;
}

TEST(RoundRobin, EqualWeightsTakeTurnsInOrder) {
  auto peers = Weights({1, 1, 1});
  EXPECT_EQ(Choose(peers, 7), "abcabca");
}

TEST(RoundRobin, WeightsAreSpreadSmoothly) {
  auto peers = Weights({5, 1, 1});
  EXPECT_EQ(Choose(peers, 14), "aabacaaaabacaa");
}

TEST(RoundRobin, IneligiblePeersAreSkippedAndKeepTheirWeight) {
  auto peers = Weights({1, 1, 1});
  EXPECT_EQ(Choose(peers, 4, {true, false, true}), "acac");
  EXPECT_EQ(peers[1].current_weight, 0);
}

TEST(RoundRobin, NoEligiblePeerIsNoChoice) {
  auto peers = Weights({1, 1});
  EXPECT_EQ(Choose(peers, 2, {false, false}), "--");
}

TEST(RoundRobin, LoweredEffectiveWeightClimbsBackOneStepAChoice) {
  auto peers = Weights({3, 1});
  peers[0].effective_weight = 0;
  EXPECT_EQ(Choose(peers, 1), "b");
  EXPECT_EQ(peers[0].effective_weight, kWeightUnit);
  Choose(peers, 5);
  EXPECT_EQ(peers[0].effective_weight, 3 * kWeightUnit);
}

TEST(RoundRobin, APartOfAWeightIsARarerTurn) {
  auto peers = Weights({1, 1});
  peers[0].weight = peers[0].effective_weight = kWeightUnit / 4;
  EXPECT_EQ(Choose(peers, 10), "bbabbbbabb");
}

TEST(RoundRobin, SumsOfTheGreatestWeightsDoNotOverflow) {
  std::vector<RoundRobinWeight> peers(100'000);
  for (RoundRobinWeight& peer : peers) {
    peer.weight = peer.effective_weight = 65'535 * kWeightUnit;
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ChooseRoundRobin(
                  static_cast<int>(peers.size()), [](int) { return true; },
                  [&](int peer) -> RoundRobinWeight& { return peers[peer]; }),
              i);
  }
}

}  // namespace
}  // namespace sluice::engine
