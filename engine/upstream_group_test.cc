#include "engine/upstream_group.h"

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

// Chooses for a new connection and leaves it open.
char ChooseOne(UpstreamGroup& group, int64_t now_ms) {
  PeerAttempts attempts;
  const int peer = group.Choose(attempts, now_ms);
  return peer == kNoPeer ? '-' : static_cast<char>('a' + peer);
}

void Succeed(UpstreamGroup& group, int peer, int64_t now_ms) {
  group.OnConnected(peer);
  group.Release(peer, /*failed=*/false, now_ms);
}

std::string ChooseMany(UpstreamGroup& group, int times, int64_t now_ms) {
  std::string order;
  for (int i = 0; i < times; ++i) {
    order += ChooseOne(group, now_ms);
    if (order.back() != '-') Succeed(group, order.back() - 'a', now_ms);
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
  PeerAttempts attempts;
  EXPECT_EQ(group.Choose(attempts, 1000), 0);
  EXPECT_EQ(group.Choose(attempts, 1000), 1);
  EXPECT_EQ(group.Choose(attempts, 1000), kNoPeer);
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
  ASSERT_EQ(ChooseOne(group, 1000), 'a');
  EXPECT_TRUE(group.Release(0, /*failed=*/true, 1000));
  EXPECT_EQ(ChooseMany(group, 2, 1001), "bb");
}

TEST(UpstreamGroup, PeerIsOutForFailTimeoutAfterMaxFails) {
  const auto upstream = Peers({{.max_fails = 2, .fail_timeout_ms = 10'000}, {}});
  UpstreamGroup group(upstream);
  PeerAttempts first;
  ASSERT_EQ(group.Choose(first, 50'000), 0);
  EXPECT_FALSE(group.Release(0, /*failed=*/true, 50'000));
  PeerAttempts second{.tried = {false, true}};
  ASSERT_EQ(group.Choose(second, 50'001), 0);
  EXPECT_TRUE(group.Release(0, /*failed=*/true, 50'001));
  EXPECT_EQ(ChooseMany(group, 3, 60'001), "bbb");
  EXPECT_NE(ChooseMany(group, 3, 60'002).find('a'), std::string::npos);
}

TEST(UpstreamGroup, SuccessAfterTheFailureClearsTheCount) {
  const auto upstream = Peers({{.max_fails = 2, .fail_timeout_ms = 10'000}, {.down = true}});
  UpstreamGroup group(upstream);
  PeerAttempts attempts;
  ASSERT_EQ(group.Choose(attempts, 50'000), 0);
  group.Release(0, /*failed=*/true, 50'000);
  EXPECT_EQ(ChooseMany(group, 1, 61'000), "a");  // Checked again after fail_timeout, and well.
  attempts = {};
  ASSERT_EQ(group.Choose(attempts, 61'001), 0);
  EXPECT_FALSE(group.Release(0, /*failed=*/true, 61'001)) << "the old failure still counts";
}

TEST(UpstreamGroup, PeerIsBackAsSoonAsAConnectionStandsNotWhenItEnds) {
  const auto upstream = Peers({{.max_fails = 1, .fail_timeout_ms = 1'000}, {}});
  UpstreamGroup group(upstream);
  ASSERT_EQ(ChooseOne(group, 50'000), 'a');
  EXPECT_TRUE(group.Release(0, /*failed=*/true, 50'000));
  // After fail_timeout one connection tries it, and stays.
  PeerAttempts attempts{.tried = {false, true}};
  ASSERT_EQ(group.Choose(attempts, 51'001), 0);
  group.OnConnected(0);
  EXPECT_NE(ChooseMany(group, 2, 51'002).find('a'), std::string::npos);
}

TEST(UpstreamGroup, MaxFailsZeroNeverTakesAPeerOut) {
  const auto upstream = Peers({{.max_fails = 0}, {.down = true}});
  UpstreamGroup group(upstream);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(ChooseOne(group, 1000), 'a');
    EXPECT_FALSE(group.Release(0, /*failed=*/true, 1000));
  }
}

TEST(UpstreamGroup, OnlyPeerIsNeverTakenOut) {
  const auto upstream = Peers({{.max_fails = 1}});
  UpstreamGroup group(upstream);
  ASSERT_EQ(ChooseOne(group, 1000), 'a');
  EXPECT_FALSE(group.Release(0, /*failed=*/true, 1000));
  EXPECT_EQ(ChooseOne(group, 1000), 'a');
}

TEST(UpstreamGroup, MaxConnsIsExactAndFreedByRelease) {
  const auto upstream = Peers({{.max_conns = 2}});
  UpstreamGroup group(upstream);
  EXPECT_EQ(ChooseOne(group, 1000), 'a');
  EXPECT_EQ(ChooseOne(group, 1000), 'a');
  EXPECT_EQ(ChooseOne(group, 1000), '-');
  group.Release(0, /*failed=*/false, 1000);
  EXPECT_EQ(ChooseOne(group, 1000), 'a');
}

TEST(UpstreamGroup, MaxConnsHoldsOverManyShards) {
  const auto upstream = Peers({{.max_conns = 3}, {.max_conns = 4}});
  UpstreamGroup group(upstream);
  std::vector<std::thread> shards;
  for (int shard = 0; shard < 4; ++shard) {
    shards.emplace_back([&group] {
      for (int i = 0; i < 2000; ++i) {
        PeerAttempts attempts;
        const int peer = group.Choose(attempts, 1000);
        if (peer == kNoPeer) continue;
        EXPECT_LE(group.num_connections(peer), peer == 0 ? 3 : 4);
        group.Release(peer, /*failed=*/false, 1000);
      }
    });
  }
  for (std::thread& shard : shards) shard.join();
  EXPECT_EQ(group.num_connections(0), 0);
  EXPECT_EQ(group.num_connections(1), 0);
}

}  // namespace
}  // namespace sluice::engine
