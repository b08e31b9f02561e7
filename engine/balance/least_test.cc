#include "engine/balance/least.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

struct Peer {
  int64_t load = 0;
  int weight = 1;
  bool eligible = true;
};

class Peers {
 public:
  explicit Peers(std::vector<Peer> peers) : peers_(std::move(peers)) {
    for (const Peer& peer : peers_) {
      weights_.push_back(
          {.weight = peer.weight * kWeightUnit, .effective_weight = peer.weight * kWeightUnit});
    }
  }

  // Each choice adds `step` to the load of the peer that is chosen.
  std::string Choose(int times, int64_t step) {
    std::string order;
    for (int i = 0; i < times; ++i) {
      const int chosen = ChooseLeast(
          static_cast<int>(peers_.size()), [&](int peer) { return peers_[peer].eligible; },
          [&](int peer) {
            return Load{peers_[peer].load, weights_[peer].weight};
          },
          [&](int peer) -> RoundRobinWeight& { return weights_[peer]; });
      order += chosen < 0 ? '-' : static_cast<char>('a' + chosen);
      if (chosen >= 0) peers_[chosen].load += step;
    }
    return order;
  }

  const RoundRobinWeight& weight(int peer) const { return weights_[peer]; }

 private:
  std::vector<Peer> peers_;
  std::vector<RoundRobinWeight> weights_;
};

TEST(Least, TheLeastLoadedIsChosen) {
  Peers peers({{3}, {1}, {2}});
  EXPECT_EQ(peers.Choose(3, 0), "bbb");
}

TEST(Least, LoadIsSeenInRelationToWeight) {
  // 3 of 4 is less than 1 of 1.
  Peers peers({{1, 1}, {3, 4}});
  EXPECT_EQ(peers.Choose(1, 0), "b");
}

TEST(Least, EqualsTakeTurnsByWeight) {
  Peers peers({{0, 5}, {0, 1}, {0, 1}});
  EXPECT_EQ(peers.Choose(14, 0), "aabacaaaabacaa");
}

TEST(Least, LongLivedConnectionsAreSpreadByWeight) {
  Peers peers({{0, 2}, {0, 1}});
  EXPECT_EQ(peers.Choose(9, 1), "ababaaaba");
}

TEST(Least, ALeastWithoutEqualsLeavesTheTurnsAlone) {
  Peers peers({{1}, {0}});
  EXPECT_EQ(peers.Choose(3, 0), "bbb");
  EXPECT_EQ(peers.weight(1).current_weight, 0);
}

TEST(Least, OnlyEligiblePeersCount) {
  Peers peers({{1}, {0, 1, false}, {1}});
  EXPECT_EQ(peers.Choose(4, 0), "acac");
  Peers none({{0, 1, false}});
  EXPECT_EQ(none.Choose(1, 0), "-");
}

TEST(Least, TheGreatestLoadsAndWeightsAreComparedExactly) {
  const int64_t load = int64_t{5000} << 30;
  const int64_t weight = 65'535 * kWeightUnit;
  EXPECT_TRUE((Load{load, weight} < Load{load + 1, weight}));
  EXPECT_FALSE((Load{load, weight} < Load{load, weight}));
  EXPECT_TRUE((Load{load, weight} == Load{load, weight}));
}

}  // namespace
}  // namespace sluice::engine
