// What it costs to choose an upstream peer and to release it, by the number of peers; alone, and
// from several shards at once, which share the group's mutex.

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "config/plan.h"
#include "engine/upstream_group.h"

namespace sluice::engine {
namespace {

config::Upstream MakeUpstream(int64_t num_peers) {
  config::Upstream upstream;
  for (int64_t i = 0; i < num_peers; ++i) {
    upstream.peers.push_back(
        {.name = absl::StrCat("peer", i), .weight = 1 + static_cast<int>(i % 5)});
  }
  return upstream;
}

struct Group {
  explicit Group(int64_t num_peers) : upstream(MakeUpstream(num_peers)) {}

  const config::Upstream upstream;
  UpstreamGroup group{upstream};
};

// Shared by the threads of one run.
Group* shared = nullptr;

void SetUp(const benchmark::State& state) { shared = new Group(state.range(0)); }
void TearDown(const benchmark::State&) {
  delete shared;
  shared = nullptr;
}

void BM_ChooseAndRelease(benchmark::State& state) {
  for (auto _ : state) {
    PeerAttempts attempts;
    const int peer = shared->group.Choose(attempts, /*now_ms=*/1000);
    CHECK_NE(peer, kNoPeer);
    shared->group.OnConnected(peer);
    shared->group.Release(peer, /*failed=*/false, /*now_ms=*/1000);
  }
}
BENCHMARK(BM_ChooseAndRelease)
    ->Setup(SetUp)
    ->Teardown(TearDown)
    ->Arg(1)
    ->Arg(3)
    ->Arg(100)
    ->ThreadRange(1, 2)
    ->UseRealTime();

}  // namespace
}  // namespace sluice::engine
