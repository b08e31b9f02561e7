// What it costs to choose an upstream peer and to release it, by method and number of peers; alone,
// and from several shards at once, which share the group's mutex. And what it costs to lay out the
// ring of hash consistent, once for each plan.

#include <iterator>
#include <vector>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "config/plan.h"
#include "engine/balance/ketama.h"
#include "engine/upstream_group.h"

namespace sluice::engine {
namespace {

using Method = config::Balance::Method;

constexpr struct {
  Method method;
  const char* name;
} kMethods[] = {
    {Method::kRoundRobin, "round robin"},
    {Method::kHash, "hash"},
    {Method::kConsistentHash, "hash consistent"},
    {Method::kLeastConn, "least_conn"},
    {Method::kLeastTime, "least_time"},
    {Method::kRandom, "random"},
    {Method::kRandomLeastConn, "random two least_conn"},
};

config::Upstream MakeUpstream(Method method, int64_t num_peers) {
  config::Upstream upstream;
  upstream.balance.method = method;
  for (int64_t i = 0; i < num_peers; ++i) {
    upstream.peers.push_back(
        {.name = absl::StrCat("192.0.2.", i, ":12345"), .weight = 1 + static_cast<int>(i % 5)});
  }
  return upstream;
}

struct Group {
  Group(Method method, int64_t num_peers) : upstream(MakeUpstream(method, num_peers)) {}

  const config::Upstream upstream;
  UpstreamGroup group{upstream};
};

// Shared by the threads of one run.
Group* shared = nullptr;

void SetUp(const benchmark::State& state) {
  shared = new Group(kMethods[state.range(0)].method, state.range(1));
}
void TearDown(const benchmark::State&) {
  delete shared;
  shared = nullptr;
}

void BM_ChooseAndRelease(benchmark::State& state) {
  state.SetLabel(kMethods[state.range(0)].name);
  const Method method = kMethods[state.range(0)].method;
  const bool hashes = method == Method::kHash || method == Method::kConsistentHash;
  uint32_t client = 0;
  for (auto _ : state) {
    PeerAttempts attempts;
    if (hashes) attempts.hash.key = absl::StrCat("10.0.0.", client++ % 256);
    const int peer = shared->group.Choose(attempts, /*now_ms=*/1000);
    CHECK_NE(peer, kNoPeer);
    shared->group.OnConnected(peer, attempts, /*now_ms=*/1000);
    shared->group.OnFirstByte(peer, attempts, /*now_ms=*/1000);
    shared->group.Release(peer, attempts, /*failed=*/false, /*now_ms=*/1000);
  }
}
BENCHMARK(BM_ChooseAndRelease)
    ->ArgNames({"method", "peers"})
    ->ArgsProduct({benchmark::CreateDenseRange(0, std::size(kMethods) - 1, 1), {1, 3, 100}})
    ->Setup(SetUp)
    ->Teardown(TearDown)
    ->ThreadRange(1, 2)
    ->UseRealTime();

// By the weight of all servers together.
void BM_LayOutRing(benchmark::State& state) {
  const std::vector<KetamaRing::Member> members = {
      {.name = "192.0.2.1:12345", .weight = static_cast<int>(state.range(0)), .peer = 0}};
  for (auto _ : state) {
    KetamaRing ring(members);
    benchmark::DoNotOptimize(ring);
  }
}
BENCHMARK(BM_LayOutRing)->Arg(10)->Arg(1000)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::engine
