#include "engine/runtime_plan.h"

#include <utility>

#include "absl/log/check.h"
#include "tls/fingerprint.h"
#include "tls/peer_role.h"

namespace sluice::engine {

absl::StatusOr<KeyLogs> OpenKeyLogs(const config::Plan& plan, const KeyLogs& before) {
  std::vector<std::pair<std::string, tls::PeerRole>> paths;
  for (const tls::Settings& settings : plan.tls_profiles) {
    paths.emplace_back(settings.key_log_path, tls::PeerRole::kUpstream);
  }
  for (const tls::ServerSettings& settings : plan.client_tls_profiles) {
    paths.emplace_back(settings.key_log_path, tls::PeerRole::kClient);
  }
  KeyLogs key_logs;
  for (const auto& [path, peer] : paths) {
    if (path.empty() || key_logs.contains(path)) continue;
    if (const auto known = before.find(path); known != before.end()) {
      key_logs.insert(*known);
      continue;
    }
    auto key_log = tls::KeyLog::Open(path, peer);
    if (!key_log.ok()) return key_log.status();
    key_logs.emplace(path, *std::move(key_log));
  }
  return key_logs;
}

absl::StatusOr<AccessLogFiles> OpenAccessLogs(const config::Plan& plan, AccessLogs& logs) {
  AccessLogFiles files;
  for (const config::Server& server : plan.servers) {
    auto& of_server = files.emplace_back();
    for (const config::AccessLog& log : server.access_logs) {
      auto& file = of_server.emplace_back();
      if (!log.path.constant()) continue;
      auto opened = logs.Open(log);
      if (!opened.ok()) return opened.status();
      file = *std::move(opened);
    }
  }
  return files;
}

RuntimePlan::RuntimePlan(config::Plan plan, std::vector<LogSetRef> log_set_by_server,
                         tls::TicketCache& tickets, tls::ServerSessionCache& client_sessions,
                         KeyLogs key_logs, AccessLogFiles access_log_files,
                         const RuntimePlan* before)
    : plan_(std::move(plan)),
      log_set_by_server_(std::move(log_set_by_server)),
      key_logs_(std::move(key_logs)),
      access_log_files_(std::move(access_log_files)) {
  CHECK_EQ(log_set_by_server_.size(), plan_.servers.size());
  CHECK(access_log_files_.empty() || access_log_files_.size() == plan_.servers.size());
  for (const config::Upstream& upstream : plan_.upstreams) {
    groups_.push_back(std::make_unique<UpstreamGroup>(
        upstream, before == nullptr ? nullptr : before->FindGroup(upstream)));
  }
  std::vector<tls::Fingerprint> fingerprints;
  for (const tls::Settings& settings : plan_.tls_profiles) {
    fingerprints.push_back(tls::FingerprintOf(settings));
  }
  for (const config::Server& server : plan_.servers) {
    auto& pools = tickets_by_server_.emplace_back();
    if (server.upstream == config::kNoIndex || server.tls_profile == config::kNoIndex ||
        !plan_.tls_profiles[server.tls_profile].session_reuse) {
      continue;
    }
    const tls::Settings& settings = plan_.tls_profiles[server.tls_profile];
    for (const config::Peer& peer : plan_.upstreams[server.upstream].peers) {
      pools.push_back(
          tickets.PoolFor(fingerprints[server.tls_profile], peer.address.text, settings));
    }
  }
  for (const tls::ServerSettings& settings : plan_.client_tls_profiles) {
    client_resumption_.push_back(tls::ServerResumption::Of(settings, client_sessions));
  }
}

UpstreamGroup* RuntimePlan::FindGroup(const config::Upstream& upstream) const {
  for (const auto& group : groups_) {
    const config::Upstream& known = group->upstream();
    if (known.name == upstream.name && known.implicit == upstream.implicit) return group.get();
  }
  return nullptr;
}

tls::KeyLog* RuntimePlan::key_log(const std::string& path) const {
  const auto known = key_logs_.find(path);
  return known == key_logs_.end() ? nullptr : known->second.get();
}

std::vector<absl::Status> RuntimePlan::ReopenKeyLogs() const {
  std::vector<absl::Status> problems;
  for (const auto& [path, key_log] : key_logs_) {
    if (absl::Status status = key_log->Reopen(); !status.ok()) problems.push_back(status);
  }
  return problems;
}

void SetAccessLogBuffers(const RuntimePlan& plan, AccessLogs& logs) {
  const std::vector<config::Server>& servers = plan.plan().servers;
  for (size_t server = 0; server < servers.size(); ++server) {
    const std::vector<config::AccessLog>& of_server = servers[server].access_logs;
    for (size_t i = 0; i < of_server.size(); ++i) {
      const auto& file = plan.access_log_file(static_cast<int>(server), static_cast<int>(i));
      if (file != nullptr) logs.SetBuffer(*file, of_server[i]);
    }
  }
}

absl::StatusOr<std::shared_ptr<const ShardPlan>> ShardPlan::Create(
    std::shared_ptr<const RuntimePlan> runtime) {
  auto shard_plan = std::make_shared<ShardPlan>();
  for (const tls::Settings& settings : runtime->plan().tls_profiles) {
    auto context = tls::Context::Create(settings, runtime->key_log(settings.key_log_path));
    if (!context.ok()) return context.status();
    shard_plan->tls_contexts.push_back(*std::move(context));
  }
  const std::vector<tls::ServerSettings>& client_profiles = runtime->plan().client_tls_profiles;
  for (size_t i = 0; i < client_profiles.size(); ++i) {
    auto context = tls::ServerContext::Create(client_profiles[i], runtime->client_resumption(i),
                                              runtime->key_log(client_profiles[i].key_log_path));
    if (!context.ok()) return context.status();
    shard_plan->client_tls_contexts.push_back(*std::move(context));
  }
  shard_plan->runtime = std::move(runtime);
  return shard_plan;
}

}  // namespace sluice::engine
