#include "engine/balance/ketama.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

// Peers of a ring, with what ChooseByKetama asks about them.
class Peers {
 public:
  explicit Peers(const std::vector<KetamaRing::Member>& members)
      : ring_(members), eligible_(members.size(), true), weights_(members.size()) {}

  void SetEligible(int peer, bool eligible) { eligible_[peer] = eligible; }
  const KetamaRing& ring() const { return ring_; }

  int Choose(HashAttempts& attempts) {
    return ChooseByKetama(
        ring_, attempts, [&](int peer) { return bool{eligible_[peer]}; },
        [&](int peer) -> RoundRobinWeight& { return weights_[peer]; });
  }
  // For a new connection: a letter.
  char Choose(std::string key) {
    HashAttempts attempts{.key = std::move(key)};
    const int chosen = Choose(attempts);
    return chosen < 0 ? '-' : static_cast<char>('a' + chosen);
  }
  // For the keys "0", "1" and so on.
  std::string ChooseMany(int count) {
    std::string chosen;
    for (int i = 0; i < count; ++i) chosen += Choose(std::to_string(i));
    return chosen;
  }

 private:
  KetamaRing ring_;
  std::vector<bool> eligible_;
  std::vector<RoundRobinWeight> weights_;
};

// Expectations with literals in them were computed from the definition in ketama.h, with zlib.

TEST(Ketama, PlacementIsThatOfCacheMemcachedFast) {
  Peers peers({{"backend1.example.com:12345", 5, 0},
               {"backend2.example.com:12345", 1, 1},
               {"unix:/tmp/backend3", 1, 2}});
  EXPECT_EQ(peers.ring().num_points(), 7u * 160);
  EXPECT_EQ(peers.ChooseMany(40), "caaaaaaacaaaacbacaabaaababbaaaaaaaabaaab");
}

TEST(Ketama, WeightsAreSharesOfTheKeys) {
  Peers peers({{"127.0.0.1:1", 1, 0}, {"127.0.0.1:2", 3, 1}});
  const std::string chosen = peers.ChooseMany(4000);
  EXPECT_NEAR(std::count(chosen.begin(), chosen.end(), 'b'), 3000, 200);
}

TEST(Ketama, WithoutAPeerOnlyItsKeysMove) {
  Peers peers({{"127.0.0.1:1", 1, 0}, {"127.0.0.1:2", 1, 1}, {"127.0.0.1:3", 1, 2}});
  const std::string before = peers.ChooseMany(1000);
  peers.SetEligible(1, false);
  const std::string without = peers.ChooseMany(1000);
  Peers fewer({{"127.0.0.1:1", 1, 0}, {"127.0.0.1:3", 1, 1}});
  const std::string never = fewer.ChooseMany(1000);
  for (int i = 0; i < 1000; ++i) {
    if (before[i] != 'b') {
      EXPECT_EQ(without[i], before[i]) << i;
      EXPECT_EQ(never[i], before[i] == 'c' ? 'b' : 'a') << i;
    } else {
      EXPECT_NE(without[i], 'b') << i;
    }
  }
}

TEST(Ketama, TheAddressesOfAHostTakeTurnsAtItsPoints) {
  Peers peers({{"localhost:1", 1, 0}, {"localhost:1", 1, 1}, {"127.0.0.1:2", 1, 2}});
  EXPECT_EQ(peers.ring().num_points(), 2u * 160);
  Peers one({{"localhost:1", 1, 0}, {"127.0.0.1:2", 1, 1}});
  for (int i = 0; i < 100; ++i) {
    const std::string key = std::to_string(i);
    const bool first = one.Choose(key) == 'a';
    const char chosen = peers.Choose(key);
    const char next = peers.Choose(key);
    if (first) {
      EXPECT_EQ(std::set({chosen, next}), std::set({'a', 'b'})) << key;
    } else {
      EXPECT_EQ(chosen, 'c') << key;
    }
  }
}

TEST(Ketama, AnotherAttemptGoesOnWhereTheLastOneWas) {
  Peers peers({{"127.0.0.1:1", 1, 0}, {"127.0.0.1:2", 1, 1}, {"127.0.0.1:3", 1, 2}});
  HashAttempts attempts{.key = "key"};
  const int first = peers.Choose(attempts);
  const uint32_t point = attempts.position;
  peers.SetEligible(first, false);
  const int second = peers.Choose(attempts);
  EXPECT_NE(first, second);
  EXPECT_GT(attempts.position, point);
}

TEST(Ketama, BehindTheLastPointTheRingStartsAgain) {
  const std::vector<KetamaRing::Member> members = {{"127.0.0.1:1", 1, 0}, {"127.0.0.1:2", 1, 1}};
  const KetamaRing ring(members);
  bool any = false;
  for (int i = 0; i < 10'000 && !any; ++i) {
    const uint32_t point = ring.Find(std::to_string(i));
    if (point != ring.num_points()) continue;
    any = true;
    EXPECT_EQ(ring.PeersAt(point)[0], ring.PeersAt(0)[0]);
  }
  EXPECT_TRUE(any);
}

TEST(Ketama, After21PointsInVainRoundRobinIsToChooseForGood) {
  Peers peers({{"127.0.0.1:1", 1, 0}});
  peers.SetEligible(0, false);
  HashAttempts attempts{.key = "key"};
  EXPECT_EQ(peers.Choose(attempts), -1);
  EXPECT_EQ(attempts.num_misses, 21);
  peers.SetEligible(0, true);
  EXPECT_EQ(peers.Choose(attempts), -1);
}

TEST(Ketama, NamesAreSplitAsInNginx) {
  // A socket's path and a host without a port have no port; the letters of "unix:" do not matter.
  const auto placement = [](std::string_view name) {
    return Peers({{name, 1, 0}, {"127.0.0.1:9", 1, 1}}).ChooseMany(100);
  };
  EXPECT_EQ(placement("unix:/tmp/x"), placement("UNIX:/tmp/x"));
  EXPECT_NE(placement("unix:/tmp/x:1"), placement("/tmp/x:1"));
  EXPECT_EQ(placement("host"), placement("host:"));
  EXPECT_NE(placement("[::1]"), placement("[::1]:1"));
}

}  // namespace
}  // namespace sluice::engine
