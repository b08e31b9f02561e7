// A reload, step by step: a new plan beside the one that runs, until every shard has changed over.
//
// Reading the configuration and making TLS contexts can take long (host names are resolved, CA
// files parsed), so both are done in a thread of their own; the control thread goes on with signals
// and logs, and calls Continue when fd() is readable. What can fail is done before anything is
// changed: a reload happens as a whole or not at all.
#ifndef SLUICE_ENGINE_RELOAD_H_
#define SLUICE_ENGINE_RELOAD_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "config/plan.h"
#include "engine/access_log.h"
#include "engine/file_descriptor.h"
#include "engine/listener_sockets.h"
#include "engine/logger.h"
#include "engine/runtime_plan.h"
#include "engine/worker.h"
#include "tls/server_session_cache.h"
#include "tls/ticket_cache.h"

namespace sluice::engine {

// What reading the configuration again has come to.
struct LoadedPlan {
  struct Message {
    config::LogLevel level;
    std::string text;
  };
  std::optional<config::Plan> plan;  // None: it is not good.
  std::vector<Message> messages;     // For the log.
};

// Any thread; may block.
using LoadPlan = std::function<LoadedPlan()>;

// The log sets of a plan: the process's own, and those of its servers.
struct LogSets {
  LogSetRef process;
  std::vector<LogSetRef> by_server;
};

// Opens what `plan` logs errors to.
absl::StatusOr<LogSets> OpenLogSets(const config::Plan& plan, Logger& logger);

// The control thread's.
class Reload {
 public:
  // All outlive the reload. `workers` do not change.
  struct Parts {
    Logger& logger;
    AccessLogs& access_logs;
    ListenerSockets& listener_sockets;
    tls::TicketCache& tickets;
    tls::ServerSessionCache& client_sessions;
    const std::vector<std::unique_ptr<Worker>>& workers;
  };

  // `plan` is what runs now.
  static absl::StatusOr<std::unique_ptr<Reload>> Create(Parts parts, LoadPlan load,
                                                        std::shared_ptr<const RuntimePlan> plan);
  // Not while is_working().
  ~Reload();
  Reload(const Reload&) = delete;
  Reload& operator=(const Reload&) = delete;

  // Begins one; or, while one goes on, has another follow it.
  void Request();
  // Readable when there is something to continue.
  int fd() const { return fd_.get(); }
  void Continue(int64_t now_ms);
  // sluice is stopping: shards are not to be told of another plan any more.
  void Abandon();
  // The thread is at work. Nothing ends it before its time.
  bool is_working() const { return thread_.joinable() && !thread_done_; }

  // Opens all logs by their names again, where these mean other files now. Logs what cannot be
  // opened.
  void ReopenLogs(int64_t now_ms);

  // What new connections get.
  const std::shared_ptr<const RuntimePlan>& plan() const { return plan_; }

 private:
  enum class Step : uint8_t {
    // None goes on.
    kNone,
    // The configuration is read: the thread.
    kLoading,
    // Each shard's part of the plan is made: the thread.
    kBuilding,
    // The shards change over.
    kSwitching,
  };

  Reload(Parts parts, LoadPlan load, std::shared_ptr<const RuntimePlan> plan);

  void Work(std::function<void()> work);
  void Load();
  void Prepare();
  // Opens everything that `plan` needs, and puts it together as next_.
  absl::Status Open(config::Plan plan);
  void Build();
  void Switch();
  void Finish(int64_t now_ms);
  void Fail(std::string_view text);
  // Ends this reload without a trace.
  void Discard();
  void End();

  const Parts parts_;
  const LoadPlan load_;
  std::shared_ptr<const RuntimePlan> plan_;
  FileDescriptor fd_;  // An eventfd.
  Step step_ = Step::kNone;
  bool again_ = false;
  bool abandoned_ = false;

  std::thread thread_;
  std::atomic<bool> thread_done_ = false;

  // --- Of the reload that goes on ---
  LoadedPlan loaded_;
  LogSetRef process_log_set_;
  std::shared_ptr<const RuntimePlan> next_;
  std::vector<std::shared_ptr<const ShardPlan>> shard_plans_;
  absl::Status build_status_;
  std::atomic<int> num_switching_ = 0;  // Shards that have not changed over yet.
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_RELOAD_H_
