#include "engine/runtime_plan.h"

#include <utility>

#include "absl/log/check.h"

namespace sluice::engine {

RuntimePlan::RuntimePlan(config::Plan plan, int num_shards, std::vector<int> log_set_by_server)
    : plan_(std::move(plan)), log_set_by_server_(std::move(log_set_by_server)) {
  CHECK_EQ(log_set_by_server_.size(), plan_.servers.size());
  for (const config::Upstream& upstream : plan_.upstreams) {
    groups_.push_back(std::make_unique<UpstreamGroup>(upstream));
  }
  std::vector<tls::Fingerprint> fingerprints;
  for (const tls::Settings& settings : plan_.tls_profiles) {
    fingerprints.push_back(tls::FingerprintOf(settings));
  }
  for (const config::Server& server : plan_.servers) {
    auto& pools = tickets_by_server_.emplace_back();
    if (server.tls_profile == config::kNoIndex ||
        !plan_.tls_profiles[server.tls_profile].session_reuse) {
      continue;
    }
    for (const config::Peer& peer : plan_.upstreams[server.upstream].peers) {
      auto& pool = pools_[{fingerprints[server.tls_profile], peer.address.text}];
      if (pool == nullptr) pool = std::make_unique<tls::TicketPool>(num_shards);
      pools.push_back(pool.get());
    }
  }
}

absl::StatusOr<std::shared_ptr<const ShardPlan>> ShardPlan::Create(
    std::shared_ptr<const RuntimePlan> runtime) {
  auto shard_plan = std::make_shared<ShardPlan>();
  for (const tls::Settings& settings : runtime->plan().tls_profiles) {
    auto context = tls::Context::Create(settings);
    if (!context.ok()) return context.status();
    shard_plan->tls_contexts.push_back(*std::move(context));
  }
  shard_plan->runtime = std::move(runtime);
  return shard_plan;
}

}  // namespace sluice::engine
