// A plan together with what changes while it runs and belongs to no single shard.
#ifndef SLUICE_ENGINE_RUNTIME_PLAN_H_
#define SLUICE_ENGINE_RUNTIME_PLAN_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "config/plan.h"
#include "engine/access_log.h"
#include "engine/logger.h"
#include "engine/upstream_group.h"
#include "tls/context.h"
#include "tls/key_log.h"
#include "tls/server_context.h"
#include "tls/server_session_cache.h"
#include "tls/ticket_cache.h"
#include "tls/ticket_pool.h"

namespace sluice::engine {

// The files of proxy_ssl_key_log and ssl_key_log, by path.
using KeyLogs = std::map<std::string, std::shared_ptr<tls::KeyLog>>;

// Opens all of `plan`, and shares those that are in `before`.
absl::StatusOr<KeyLogs> OpenKeyLogs(const config::Plan& plan, const KeyLogs& before = {});

// The files of a plan's access logs: by server, then by its access_logs. Null where the path has
// variables in it.
using AccessLogFiles = std::vector<std::vector<std::shared_ptr<AccessLogFile>>>;

// Opens all of `plan`. Files that another plan has, too, keep its buffers: see SetAccessLogBuffers.
absl::StatusOr<AccessLogFiles> OpenAccessLogs(const config::Plan& plan, AccessLogs& logs);

// Shared by all shards; itself immutable once made, its parts safe for every thread. Freed after
// the last connection that runs on it.
class RuntimePlan {
 public:
  // `log_set_by_server`: the Logger's set for each server's error_log; null: the process's own.
  // `tickets`: the process's; used only here, and gives sessions of the plan before to those who
  // may have them. `client_sessions`: likewise, of clients. `key_logs`: what OpenKeyLogs has opened
  // for `plan`. `access_log_files`: what OpenAccessLogs has; none, and sessions are logged by name
  // only. `before`: the plan that this one follows, or null; what is known of upstream peers that
  // are in both goes over.
  RuntimePlan(config::Plan plan, std::vector<LogSetRef> log_set_by_server,
              tls::TicketCache& tickets, tls::ServerSessionCache& client_sessions,
              KeyLogs key_logs = {}, AccessLogFiles access_log_files = {},
              const RuntimePlan* before = nullptr);
  RuntimePlan(const RuntimePlan&) = delete;
  RuntimePlan& operator=(const RuntimePlan&) = delete;

  const config::Plan& plan() const { return plan_; }
  UpstreamGroup& group(int upstream) const { return *groups_[upstream]; }
  // Sessions with peer `peer` of the group of server `server`. Null where there is no TLS or no
  // session reuse.
  tls::TicketPool* tickets(int server, int peer) const {
    const auto& pools = tickets_by_server_[server];
    return pools.empty() ? nullptr : pools[peer].get();
  }
  const LogSetRef& log_set(int server) const { return log_set_by_server_[server]; }
  // Null: access log `log` of `server` has variables in its path.
  const std::shared_ptr<AccessLogFile>& access_log_file(int server, int log) const {
    return access_log_files_[server][log];
  }
  const KeyLogs& key_logs() const { return key_logs_; }
  // The file at `path`, where connections write their secrets. Null: there is none.
  tls::KeyLog* key_log(const std::string& path) const;
  // By client TLS profile.
  const tls::ServerResumption& client_resumption(int profile) const {
    return client_resumption_[profile];
  }
  // Opens the files of all key logs by their names again. Returns what went wrong; those files stay
  // as they are.
  std::vector<absl::Status> ReopenKeyLogs() const;

 private:
  // The group that is called as `upstream`; null: there is none.
  UpstreamGroup* FindGroup(const config::Upstream& upstream) const;

  const config::Plan plan_;
  const std::vector<LogSetRef> log_set_by_server_;
  const KeyLogs key_logs_;
  const AccessLogFiles access_log_files_;
  std::vector<std::unique_ptr<UpstreamGroup>> groups_;
  std::vector<std::vector<std::shared_ptr<tls::TicketPool>>> tickets_by_server_;
  std::vector<tls::ServerResumption> client_resumption_;
};

// Gives the files of `plan`'s access logs the buffers that it wants: once it is certain to be used.
void SetAccessLogBuffers(const RuntimePlan& plan, AccessLogs& logs);

// One shard's part of a RuntimePlan: what is used so often, or locks so much inside, that each
// core has its own.
struct ShardPlan {
  std::shared_ptr<const RuntimePlan> runtime;
  std::vector<std::unique_ptr<tls::Context>> tls_contexts;               // By TLS profile.
  std::vector<std::unique_ptr<tls::ServerContext>> client_tls_contexts;  // By client TLS profile.

  const config::Plan& plan() const { return runtime->plan(); }

  // Fails when a TLS profile cannot be used.
  static absl::StatusOr<std::shared_ptr<const ShardPlan>> Create(
      std::shared_ptr<const RuntimePlan> runtime);
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_RUNTIME_PLAN_H_
