#include "engine/upstream_group.h"

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

config::Upstream Peers(std::vector<config::Peer> peers) {
  config::Upstream upstream;
  upstream.name = "backend";
  upstream.peers = std::move(peers);
  return upstream;
}

// A connection of one client.
class TestConnection {
 public:
  explicit TestConnection(UpstreamGroup& group, PeerAttempts attempts = {})
      : group_(group), attempts_(std::move(attempts)) {}

  // The peer chosen, as a letter from 'a' on; '-': none.
  char Choose(int64_t now_ms) {
    peer_ = group_.Choose(attempts_, now_ms);
    return peer_ == kNoPeer ? '-' : static_cast<char>('a' + peer_);
  }
  void Connect(int64_t now_ms) { group_.OnConnected(peer_, attempts_, now_ms); }
  void GetFirstByte(int64_t now_ms) { group_.OnFirstByte(peer_, attempts_, now_ms); }
  void End(int64_t now_ms) { group_.Release(peer_, attempts_, /*failed=*/false, now_ms); }
  // Whether the peer was thereby taken out.
  bool Fail(int64_t now_ms) { return group_.Release(peer_, attempts_, /*failed=*/true, now_ms); }

 private:
  UpstreamGroup& group_;
  PeerAttempts attempts_;
  int peer_ = kNoPeer;
};

// Chooses for a new connection and leaves it open.
char ChooseOne(UpstreamGroup& group, int64_t now_ms) {
  return TestConnection(group).Choose(now_ms);
}

// Chooses for one connection after the other; each is served.
std::string ChooseMany(UpstreamGroup& group, int times, int64_t now_ms) {
  std::string order;
  for (int i = 0; i < times; ++i) {
    TestConnection connection(group);
    order += connection.Choose(now_ms);
    if (order.back() == '-') continue;
    connection.Connect(now_ms);
    connection.End(now_ms);
  }
  return order;
}

TEST(UpstreamGroup, ConnectionsTakeTurns) {
  const auto upstream = Peers({{}, {}, {}});
  UpstreamGroup group(upstream);
  EXPECT_EQ(ChooseMany(group, 6, 1000), "abcabc");
}

TEST(UpstreamGroup, OneConnectionNeverTriesAPeerTwice) {
  const auto upstream = Peers({{}, {}});
  UpstreamGroup group(upstream);
  TestConnection connection(group);
  EXPECT_EQ(connection.Choose(1000), 'a');
  EXPECT_EQ(connection.Choose(1000), 'b');
  EXPECT_EQ(connection.Choose(1000), '-');
}

config::Peer Named(const std::string& name, int max_conns = 0, int weight = 1) {
  config::Peer peer{.name = name, .weight = weight, .max_conns = max_conns};
  peer.address.text = name;
  return peer;
}

TEST(UpstreamGroup, NextPlansGroupGoesOnWithThePeersThatItHas) {
  const auto before = Peers({Named("a"), Named("b"), Named("c")});
  UpstreamGroup group(before);
  EXPECT_EQ(ChooseMany(group, 1, 1000), "a");
  const auto after = Peers({Named("a"), Named("b"), Named("c")});
  UpstreamGroup next(after, &group);
  EXPECT_EQ(ChooseMany(next, 3, 1000), "bca");
}

TEST(UpstreamGroup, ConnectionsOfBothPlansCountTowardsMaxConns) {
  const auto before = Peers({Named("a", 2), Named("b")});
  UpstreamGroup group(before);
  PeerAttempts attempts;
  ASSERT_EQ(group.Choose(attempts, 1000), 0);
  // In another place, with another bound.
  const auto after = Peers({Named("new"), Named("a", 1)});
  UpstreamGroup next(after, &group);
  EXPECT_EQ(next.num_connections(1), 1);
  EXPECT_EQ(ChooseMany(next, 3, 1000), "aaa");
  group.Release(0, attempts, /*failed=*/false, 1000);
  EXPECT_EQ(next.num_connections(1), 0);
  EXPECT_EQ(ChooseMany(next, 2, 1000), "ab");
}

TEST(UpstreamGroup, FailureOfAPeerIsKnownToTheNextPlan) {
  const auto before = Peers({Named("a"), Named("b")});
  UpstreamGroup group(before);
  PeerAttempts attempts;
  ASSERT_EQ(group.Choose(attempts, 1000), 0);
  group.Release(0, attempts, /*failed=*/true, 1000);
  const auto after = Peers({Named("a"), Named("c")});
  UpstreamGroup next(after, &group);
  EXPECT_EQ(ChooseMany(next, 2, 1000), "bb");
}

TEST(UpstreamGroup, EqualPeersOfOneGroupKeepStatesOfTheirOwn) {
  const auto before = Peers({Named("a", 1), Named("a", 1)});
  UpstreamGroup group(before);
  PeerAttempts attempts;
  ASSERT_EQ(group.Choose(attempts, 1000), 0);
  const auto after = Peers({Named("a", 1), Named("a", 1), Named("a", 1)});
  UpstreamGroup next(after, &group);
  EXPECT_EQ(next.num_connections(0), 1);
  EXPECT_EQ(next.num_connections(1), 0);
  EXPECT_EQ(next.num_connections(2), 0);
  group.Release(0, attempts, /*failed=*/false, 1000);
}

TEST(UpstreamGroup, AnotherWeightHoldsFromTheNextPlanOn) {
  const auto before = Peers({Named("a"), Named("b")});
  UpstreamGroup group(before);
  const auto after = Peers({Named("a", 0, 3), Named("b")});
  UpstreamGroup next(after, &group);
  EXPECT_EQ(ChooseMany(next, 4, 1000), "aaba");
}

TEST(UpstreamGroup, DownPeerIsNeverChosen) {
  const auto upstream = Peers({{.down = true}, {}});
  UpstreamGroup group(upstream);
  EXPECT_EQ(ChooseMany(group, 3, 1000), "bbb");
}

TEST(UpstreamGroup, BackupsServeOnlyWhenNoOtherCan) {
  const auto upstream = Peers({{}, {.backup = true}});
  UpstreamGroup group(upstream);
  EXPECT_EQ(ChooseMany(group, 3, 1000), "aaa");
  TestConnection connection(group);
  ASSERT_EQ(connection.Choose(1000), 'a');
  EXPECT_TRUE(connection.Fail(1000));
  EXPECT_EQ(ChooseMany(group, 2, 1001), "bb");
}

TEST(UpstreamGroup, PeerIsOutForFailTimeoutAfterMaxFails) {
  const auto upstream = Peers({{.max_fails = 2, .fail_timeout_ms = 10'000}, {}});
  UpstreamGroup group(upstream);
  TestConnection first(group);
  ASSERT_EQ(first.Choose(50'000), 'a');
  EXPECT_FALSE(first.Fail(50'000));
  TestConnection second(group, {.tried = {false, true}});
  ASSERT_EQ(second.Choose(50'001), 'a');
  EXPECT_TRUE(second.Fail(50'001));
  EXPECT_EQ(ChooseMany(group, 3, 60'001), "bbb");
  EXPECT_NE(ChooseMany(group, 3, 60'002).find('a'), std::string::npos);
}

TEST(UpstreamGroup, SuccessAfterTheFailureClearsTheCount) {
  const auto upstream = Peers({{.max_fails = 2, .fail_timeout_ms = 10'000}, {.down = true}});
  UpstreamGroup group(upstream);
  TestConnection first(group);
  ASSERT_EQ(first.Choose(50'000), 'a');
  first.Fail(50'000);
  EXPECT_EQ(ChooseMany(group, 1, 61'000), "a");  // Checked again after fail_timeout, and well.
  TestConnection second(group);
  ASSERT_EQ(second.Choose(61'001), 'a');
  EXPECT_FALSE(second.Fail(61'001)) << "the old failure still counts";
}

TEST(UpstreamGroup, FailureInTheCheckAfterFailTimeoutTakesThePeerOutAgain) {
  const auto upstream = Peers({{.max_fails = 1, .fail_timeout_ms = 1'000}, {.down = true}});
  UpstreamGroup group(upstream);
  for (int64_t now_ms : {50'000, 51'001, 52'002}) {
    TestConnection check(group);
    ASSERT_EQ(check.Choose(now_ms), 'a');
    EXPECT_EQ(ChooseOne(group, now_ms), now_ms == 50'000 ? 'a' : '-') << "one check at a time";
    EXPECT_TRUE(check.Fail(now_ms));
    EXPECT_EQ(ChooseOne(group, now_ms + 1'000), '-');
  }
}

TEST(UpstreamGroup, PeerIsBackAsSoonAsAConnectionStandsNotWhenItEnds) {
  const auto upstream = Peers({{.max_fails = 1, .fail_timeout_ms = 1'000}, {}});
  UpstreamGroup group(upstream);
  TestConnection failure(group);
  ASSERT_EQ(failure.Choose(50'000), 'a');
  EXPECT_TRUE(failure.Fail(50'000));
  // After fail_timeout one connection tries it, and stays.
  TestConnection check(group, {.tried = {false, true}});
  ASSERT_EQ(check.Choose(51'001), 'a');
  check.Connect(51'001);
  EXPECT_NE(ChooseMany(group, 2, 51'002).find('a'), std::string::npos);
}

TEST(UpstreamGroup, MaxFailsZeroNeverTakesAPeerOut) {
  const auto upstream = Peers({{.max_fails = 0}, {.down = true}});
  UpstreamGroup group(upstream);
  for (int i = 0; i < 5; ++i) {
    TestConnection connection(group);
    ASSERT_EQ(connection.Choose(1000), 'a');
    EXPECT_FALSE(connection.Fail(1000));
  }
}

TEST(UpstreamGroup, OnlyPeerIsNeverTakenOut) {
  const auto upstream = Peers({{.max_fails = 1}});
  UpstreamGroup group(upstream);
  TestConnection connection(group);
  ASSERT_EQ(connection.Choose(1000), 'a');
  EXPECT_FALSE(connection.Fail(1000));
  EXPECT_EQ(ChooseOne(group, 1000), 'a');
}

TEST(UpstreamGroup, MaxConnsIsExactAndFreedByRelease) {
  const auto upstream = Peers({{.max_conns = 2}});
  UpstreamGroup group(upstream);
  TestConnection first(group);
  EXPECT_EQ(first.Choose(1000), 'a');
  EXPECT_EQ(ChooseOne(group, 1000), 'a');
  EXPECT_EQ(ChooseOne(group, 1000), '-');
  first.End(1000);
  EXPECT_EQ(ChooseOne(group, 1000), 'a');
}

// Every method, with what it needs to choose.
struct MethodCase {
  const char* name;
  config::Balance::Method method;
};

config::Template Constant(std::string_view text) { return *config::Template::Parse(text); }

class EveryMethod : public testing::TestWithParam<MethodCase> {
 protected:
  config::Upstream Peers(std::vector<config::Peer> peers) const {
    config::Upstream upstream = engine::Peers(std::move(peers));
    for (size_t i = 0; i < upstream.peers.size(); ++i) {
      upstream.peers[i].name = "peer" + std::to_string(i) + ":1";
    }
    upstream.balance = {.method = GetParam().method, .hash_key = Constant("key")};
    return upstream;
  }
  // Of a connection whose key is its number.
  static PeerAttempts Attempts(int number) { return {.hash = {.key = std::to_string(number)}}; }
};

TEST_P(EveryMethod, MaxConnsHoldsOverManyShards) {
  const auto upstream = Peers({{.max_conns = 3}, {.max_conns = 4}});
  UpstreamGroup group(upstream);
  std::vector<std::thread> shards;
  for (int shard = 0; shard < 4; ++shard) {
    shards.emplace_back([&group] {
      for (int i = 0; i < 2000; ++i) {
        PeerAttempts attempts = Attempts(i);
        const int peer = group.Choose(attempts, 1000);
        if (peer == kNoPeer) continue;
        EXPECT_LE(group.num_connections(peer), peer == 0 ? 3 : 4);
        group.Release(peer, attempts, /*failed=*/false, 1000);
      }
    });
  }
  for (std::thread& shard : shards) shard.join();
  EXPECT_EQ(group.num_connections(0), 0);
  EXPECT_EQ(group.num_connections(1), 0);
}

TEST_P(EveryMethod, AllRoomThatThereIsIsUsed) {
  const auto upstream = Peers({{.max_conns = 3}, {.max_conns = 4}, {.max_conns = 1}});
  UpstreamGroup group(upstream);
  std::string chosen;
  for (int i = 0; i < 9; ++i) chosen += TestConnection(group, Attempts(i)).Choose(1000);
  EXPECT_EQ(chosen.back(), '-');
  std::sort(chosen.begin(), chosen.end());
  EXPECT_EQ(chosen, "-aaabbbbc");
}

TEST_P(EveryMethod, OneConnectionTriesEveryPeerOnce) {
  const auto upstream = Peers({{}, {.weight = 5}, {}, {.weight = 2}, {}});
  UpstreamGroup group(upstream);
  for (int i = 0; i < 20; ++i) {
    TestConnection connection(group, Attempts(i));
    std::string tried;
    for (int attempt = 0; attempt < 5; ++attempt) {
      tried += connection.Choose(1000);
      connection.End(1000);
    }
    std::sort(tried.begin(), tried.end());
    EXPECT_EQ(tried, "abcde");
    EXPECT_EQ(connection.Choose(1000), '-');
  }
}

TEST_P(EveryMethod, DownPeersAreNeverChosen) {
  const auto upstream = Peers({{.down = true}, {}, {.weight = 100, .down = true}});
  UpstreamGroup group(upstream);
  for (int i = 0; i < 50; ++i) {
    TestConnection connection(group, Attempts(i));
    EXPECT_EQ(connection.Choose(1000), 'b');
    connection.End(1000);
  }
}

TEST_P(EveryMethod, FailedPeersAreLeftAloneForFailTimeoutAndComeBack) {
  const auto upstream = Peers({{.fail_timeout_ms = 1'000}, {.down = true}});
  UpstreamGroup group(upstream);
  TestConnection failure(group, Attempts(0));
  ASSERT_EQ(failure.Choose(50'000), 'a');
  EXPECT_TRUE(failure.Fail(50'000));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(TestConnection(group, Attempts(i)).Choose(51'000), '-');
  }
  TestConnection check(group, Attempts(1));
  EXPECT_EQ(check.Choose(51'001), 'a');
  EXPECT_EQ(TestConnection(group, Attempts(2)).Choose(51'001), '-') << "one check at a time";
  check.Connect(51'002);
  EXPECT_EQ(TestConnection(group, Attempts(2)).Choose(51'002), 'a');
}

TEST_P(EveryMethod, BackupsServeOnlyWhenNoOtherCan) {
  const auto upstream = Peers({{}, {.backup = true}, {.max_conns = 1}, {.backup = true}});
  UpstreamGroup group(upstream);
  std::string served;
  for (int i = 0; i < 50; ++i) {
    TestConnection connection(group, Attempts(i));
    served += connection.Choose(1000);
    connection.End(1000);
  }
  EXPECT_EQ(served.find_first_of("bd-"), served.npos) << served;
  TestConnection connection(group, Attempts(0));
  for (int i = 0; i < 2; ++i) {
    connection.Choose(1000);
    connection.Fail(1000);
  }
  EXPECT_EQ(connection.Choose(1000), 'b');
  EXPECT_EQ(connection.Choose(1000), 'd');
  EXPECT_EQ(connection.Choose(1000), '-');
  const char other = TestConnection(group, Attempts(3)).Choose(1000);
  EXPECT_TRUE(other == 'b' || other == 'd') << other;
}

INSTANTIATE_TEST_SUITE_P(UpstreamGroup, EveryMethod,
                         testing::ValuesIn<MethodCase>({
                             {"RoundRobin", config::Balance::Method::kRoundRobin},
                             {"Hash", config::Balance::Method::kHash},
                             {"ConsistentHash", config::Balance::Method::kConsistentHash},
                             {"LeastConn", config::Balance::Method::kLeastConn},
                             {"LeastTime", config::Balance::Method::kLeastTime},
                             {"Random", config::Balance::Method::kRandom},
                             {"RandomLeastConn", config::Balance::Method::kRandomLeastConn},
                             {"RandomLeastTime", config::Balance::Method::kRandomLeastTime},
                         }),
                         [](const auto& info) { return std::string(info.param.name); });

// --- What is special about each ------------------------------------------------------------------

config::Upstream Balanced(config::Balance balance, std::vector<config::Peer> peers) {
  config::Upstream upstream = Peers(std::move(peers));
  upstream.balance = std::move(balance);
  return upstream;
}

TEST(UpstreamGroupHash, WithoutAKeyConnectionsTakeTurns) {
  for (const auto method :
       {config::Balance::Method::kHash, config::Balance::Method::kConsistentHash}) {
    const auto upstream = Balanced({.method = method}, {{.name = "x:1"}, {.name = "y:1"}});
    UpstreamGroup group(upstream);
    EXPECT_EQ(ChooseMany(group, 4, 1000), "abab");
  }
}

TEST(UpstreamGroupHash, BackupsHaveNoShareOfTheKeys) {
  for (const auto method :
       {config::Balance::Method::kHash, config::Balance::Method::kConsistentHash}) {
    const auto with =
        Balanced({.method = method},
                 {{.name = "x:1"}, {.name = "b:1", .weight = 9, .backup = true}, {.name = "y:1"}});
    const auto without = Balanced({.method = method}, {{.name = "x:1"}, {.name = "y:1"}});
    UpstreamGroup group_with(with);
    UpstreamGroup group_without(without);
    for (int i = 0; i < 100; ++i) {
      const PeerAttempts attempts{.hash = {.key = std::to_string(i)}};
      EXPECT_EQ(TestConnection(group_with, attempts).Choose(1000) == 'a',
                TestConnection(group_without, attempts).Choose(1000) == 'a');
    }
  }
}

TEST(UpstreamGroupLeastConn, ConnectionsOfAllShardsCount) {
  const auto upstream =
      Balanced({.method = config::Balance::Method::kLeastConn}, {{}, {.weight = 2}});
  UpstreamGroup group(upstream);
  TestConnection first(group);
  EXPECT_EQ(first.Choose(1000), 'b');  // Equal: by weight.
  EXPECT_EQ(ChooseOne(group, 1000), 'a');
  EXPECT_EQ(ChooseOne(group, 1000), 'b');
  first.End(1000);
  EXPECT_EQ(ChooseOne(group, 1000), 'b');
}

TEST(UpstreamGroupRandom, SharesAreThoseOfTheWeights) {
  const auto upstream = Balanced({.method = config::Balance::Method::kRandom}, {{}, {.weight = 3}});
  UpstreamGroup group(upstream);
  const std::string chosen = ChooseMany(group, 10'000, 1000);
  // Ten standard deviations.
  EXPECT_NEAR(std::count(chosen.begin(), chosen.end(), 'b'), 7'500, 433);
}

TEST(UpstreamGroupRandom, OfTwoTheOneWithFewerConnectionsIsChosen) {
  const auto upstream = Balanced({.method = config::Balance::Method::kRandomLeastConn}, {{}, {}});
  UpstreamGroup group(upstream);
  // With two peers, both are always drawn.
  std::string chosen;
  for (int i = 0; i < 100; ++i) chosen += ChooseOne(group, 1000);
  EXPECT_EQ(std::count(chosen.begin(), chosen.end(), 'a'), 50);
}

class LeastTime : public testing::Test {
 protected:
  static constexpr int64_t kNowMs = 1'000'000;

  void Start(config::Balance balance, std::vector<config::Peer> peers = {{}, {}},
             int64_t fail_timeout_ms = 1'000'000'000) {
    for (config::Peer& peer : peers) peer.fail_timeout_ms = fail_timeout_ms;
    upstream_ = Balanced(std::move(balance), std::move(peers));
    group_.emplace(upstream_);
  }

  // A connection to `peer` that takes its time.
  void Serve(char peer, int64_t connect_ms, int64_t first_byte_ms, int64_t last_byte_ms) {
    TestConnection connection(*group_, {.tried = {peer != 'a', peer != 'b'}});
    ASSERT_EQ(connection.Choose(kNowMs), peer);
    connection.Connect(kNowMs + connect_ms);
    connection.GetFirstByte(kNowMs + first_byte_ms);
    connection.End(kNowMs + last_byte_ms);
  }

  // For connections that end before there is a time to count.
  std::string Choose(int times, int64_t now_ms = kNowMs) {
    std::string order;
    for (int i = 0; i < times; ++i) {
      TestConnection connection(*group_);
      order += connection.Choose(now_ms);
      connection.End(now_ms);
    }
    return order;
  }

  config::Upstream upstream_;
  std::optional<UpstreamGroup> group_;
};

constexpr auto kLeastTime = config::Balance::Method::kLeastTime;

TEST_F(LeastTime, TheTimeThatWasAskedForDecides) {
  const struct {
    config::Balance::Time time;
    const char* chosen;
  } kCases[] = {{config::Balance::Time::kConnect, "a"},
                {config::Balance::Time::kFirstByte, "b"},
                {config::Balance::Time::kLastByte, "a"}};
  for (const auto& test : kCases) {
    for (const auto method : {kLeastTime, config::Balance::Method::kRandomLeastTime}) {
      Start({.method = method, .time = test.time});
      Serve('a', 10, 500, 600);
      Serve('b', 100, 200, 1000);
      EXPECT_EQ(Choose(1), test.chosen);
    }
  }
}

TEST_F(LeastTime, PeersAboutAsFastTakeTurns) {
  Start({.method = kLeastTime, .time = config::Balance::Time::kConnect});
  Serve('a', 101, 101, 101);
  Serve('b', 118, 118, 118);
  EXPECT_EQ(Choose(4), "abab");
}

TEST_F(LeastTime, ConnectionsMakeAPeerSlower) {
  Start({.method = kLeastTime, .time = config::Balance::Time::kConnect});
  Serve('a', 10, 10, 10);
  Serve('b', 50, 50, 50);
  // 20 ms against 60 ms for each connection: three to a make as much as one to b.
  std::string chosen;
  for (int i = 0; i < 12; ++i) chosen += ChooseOne(*group_, kNowMs);
  EXPECT_EQ(std::count(chosen.begin(), chosen.end(), 'b'), 3) << chosen;
  EXPECT_EQ(chosen.substr(0, 2), "aa");
}

TEST_F(LeastTime, FailuresAndUnfinishedConnectsAreNoTimes) {
  Start({.method = kLeastTime, .time = config::Balance::Time::kLastByte},
        {{.max_fails = 0}, {.max_fails = 0}});
  Serve('b', 100, 100, 100);
  TestConnection failure(*group_, {.tried = {false, true}});
  failure.Choose(kNowMs);
  failure.Fail(kNowMs + 4000);
  TestConnection given_up(*group_, {.tried = {false, true}});
  given_up.Choose(kNowMs);
  given_up.End(kNowMs + 4000);
  EXPECT_EQ(Choose(1), "a");
}

TEST_F(LeastTime, WithoutInflightATimeCountsAtTheEndOfItsConnection) {
  Start({.method = kLeastTime, .time = config::Balance::Time::kConnect});
  Serve('b', 100, 100, 100);
  TestConnection connection(*group_, {.tried = {false, true}});
  ASSERT_EQ(connection.Choose(kNowMs), 'a');
  connection.Connect(kNowMs + 4000);
  EXPECT_EQ(Choose(1), "a");
  connection.End(kNowMs + 5000);
  EXPECT_EQ(Choose(1), "b");
}

TEST_F(LeastTime, WithInflightATimeCountsAsSoonAsItIsKnown) {
  Start({.method = kLeastTime, .time = config::Balance::Time::kConnect, .inflight = true});
  Serve('b', 100, 100, 100);
  TestConnection connection(*group_, {.tried = {false, true}});
  ASSERT_EQ(connection.Choose(kNowMs), 'a');
  connection.Connect(kNowMs + 4000);
  EXPECT_EQ(Choose(1), "b");
}

TEST_F(LeastTime, WithInflightAPeerThatKeepsConnectionsWaitingIsAvoided) {
  Start({.method = kLeastTime, .time = config::Balance::Time::kFirstByte, .inflight = true});
  Serve('a', 10, 10, 10);
  Serve('b', 10, 50, 50);
  TestConnection waiting(*group_, {.tried = {false, true}});
  ASSERT_EQ(waiting.Choose(kNowMs), 'a');
  waiting.Connect(kNowMs);
  EXPECT_EQ(Choose(1), "a");
  EXPECT_EQ(Choose(3, kNowMs + 4000).back(), 'b');
  waiting.End(kNowMs + 4000);
  EXPECT_EQ(Choose(1, kNowMs + 4000), "a") << "nobody waits any more";
}

TEST_F(LeastTime, ASlowPeerIsTriedAgainAfterSomeFailTimeouts) {
  Start({.method = kLeastTime, .time = config::Balance::Time::kConnect}, {{}, {}},
        /*fail_timeout_ms=*/10'000);
  Serve('a', 1000, 1000, 1000);
  Serve('b', 10, 10, 10);
  EXPECT_EQ(Choose(3), "bbb");
  EXPECT_NE(Choose(3, kNowMs + 200'000).find('a'), std::string::npos);
}

TEST_F(LeastTime, APlanThatFollowsAndAsksForAnotherTimeBeginsWithoutOne) {
  Start({.method = kLeastTime, .time = config::Balance::Time::kConnect});
  Serve('a', 1000, 1000, 1000);
  Serve('b', 10, 10, 10);
  EXPECT_EQ(Choose(1), "b");
  const auto upstream =
      Balanced({.method = kLeastTime, .time = config::Balance::Time::kLastByte}, upstream_.peers);
  UpstreamGroup group(upstream, &*group_);
  std::string chosen = ChooseMany(group, 2, kNowMs);
  std::sort(chosen.begin(), chosen.end());
  EXPECT_EQ(chosen, "ab");
  // Where the same is asked for, it goes on.
  UpstreamGroup same(upstream_, &*group_);
  EXPECT_EQ(ChooseMany(same, 2, kNowMs), "bb");
}

TEST(UpstreamGroupSlowStart, AWeightGrowsFromNothingAfterAPeerHasComeBack) {
  for (const auto method :
       {config::Balance::Method::kRoundRobin, config::Balance::Method::kLeastConn}) {
    const auto upstream = Balanced(
        {.method = method},
        {{.fail_timeout_ms = 1'000, .slow_start_ms = 100'000}, {.fail_timeout_ms = 1'000}});
    UpstreamGroup group(upstream);
    TestConnection failure(group, {.tried = {false, true}});
    ASSERT_EQ(failure.Choose(50'000), 'a');
    failure.Fail(50'000);
    TestConnection check(group, {.tried = {false, true}});
    ASSERT_EQ(check.Choose(60'000), 'a');
    check.Connect(60'000);
    check.End(60'000);

    const auto share_of_a = [&](int64_t now_ms) {
      const std::string chosen = ChooseMany(group, 300, now_ms);
      return std::count(chosen.begin(), chosen.end(), 'a');
    };
    EXPECT_LE(share_of_a(60'000), 2);
    EXPECT_NEAR(share_of_a(110'000), 100, 3);  // Half of its weight: one in three.
    EXPECT_NEAR(share_of_a(160'000), 150, 3);
    EXPECT_NEAR(share_of_a(500'000), 150, 1);
  }
}

TEST(UpstreamGroupSlowStart, APeerThatWasNeverOutHasItsWholeWeight) {
  const auto upstream = Peers({{.max_fails = 2, .slow_start_ms = 100'000}, {}});
  UpstreamGroup group(upstream);
  EXPECT_EQ(ChooseMany(group, 4, 1000), "abab");
  TestConnection failure(group);
  failure.Choose(1000);
  failure.Fail(1000);
  // Its effective weight, which has fallen, is back after a turn.
  ChooseMany(group, 2, 20'000);
  const std::string chosen = ChooseMany(group, 10, 20'000);
  EXPECT_EQ(std::count(chosen.begin(), chosen.end(), 'a'), 5);
}

TEST(UpstreamGroupSlowStart, AnOnlyPeerHasNone) {
  const auto upstream = Peers({{.slow_start_ms = 100'000}});
  UpstreamGroup group(upstream);
  TestConnection failure(group);
  ASSERT_EQ(failure.Choose(1000), 'a');
  EXPECT_FALSE(failure.Fail(1000));
  EXPECT_EQ(ChooseMany(group, 3, 1001), "aaa");
}

}  // namespace
}  // namespace sluice::engine
