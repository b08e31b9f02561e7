#include "engine/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/access_log.h"
#include "engine/daemon.h"
#include "engine/file_descriptor.h"
#include "engine/listener_sockets.h"
#include "engine/pid_file.h"
#include "engine/privileges.h"
#include "engine/ring.h"
#include "engine/runtime_plan.h"
#include "engine/signals.h"
#include "engine/system_error.h"
#include "engine/version.h"
#include "engine/worker.h"
#include "tls/ticket_cache.h"

namespace sluice::engine {
namespace {

using config::LogLevel;
using config::Plan;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// The control thread, and everything that lives as long as the process does.
class Server {
 public:
  explicit Server(Logger& logger) : logger_(logger) {}

  // Everything that can fail.
  absl::Status Start(Plan plan);
  // Until all shards have ended.
  void Control();

 private:
  absl::StatusOr<std::vector<LogSetRef>> OpenLogs(const Plan& plan);
  absl::Status Listen(const Plan& plan);
  absl::Status CreateWorkers();
  void StartWorkers();
  // Until the access logs want to be written.
  int PollTimeoutMs() const;
  void OnSignal(int signal);
  void ReopenLogs();
  void RequestStop(bool graceful);
  [[noreturn]] void EndAfterFailure();

  Logger& logger_;
  std::optional<Daemon> daemon_;
  // Ends after the sockets: once it is gone, nothing of this process is in anybody's way.
  PidFile pid_file_;
  ListenerSockets listener_sockets_;
  std::optional<Signals> signals_;
  FileDescriptor all_joined_fd_;  // An eventfd: all shards have ended.
  FileDescriptor failed_fd_;      // An eventfd: a shard can go on no more, and has logged why.
  std::atomic<uint64_t> next_connection_number_ = 1;
  std::unique_ptr<tls::TicketCache> tickets_;
  std::unique_ptr<AccessLogs> access_logs_;
  std::shared_ptr<const RuntimePlan> plan_;  // That new connections get.
  std::vector<std::unique_ptr<Worker>> workers_;
  std::thread joiner_;
};

absl::Status Server::Start(Plan plan) {
  absl::Status status = RaiseDescriptorLimit(plan.process, logger_);
  if (!status.ok()) return status;
  CreateLogsForUser(plan);
  absl::StatusOr<std::vector<LogSetRef>> log_sets = OpenLogs(plan);
  if (!log_sets.ok()) return log_sets.status();
  absl::StatusOr<KeyLogs> key_logs = OpenKeyLogs(plan);
  if (!key_logs.ok()) return key_logs.status();
  auto access_logs = AccessLogs::Create(logger_);
  if (!access_logs.ok()) return access_logs.status();
  access_logs_ = *std::move(access_logs);
  absl::StatusOr<AccessLogFiles> access_log_files = OpenAccessLogs(plan, *access_logs_);
  if (!access_log_files.ok()) return access_log_files.status();
  if (plan.process.daemon) {
    absl::StatusOr<Daemon> daemon = Daemon::Start();
    if (!daemon.ok()) return daemon.status();
    daemon_ = *std::move(daemon);
  }

  // What may need root. The pid file first: when sluice runs already, saying so says more than that
  // its addresses are in use.
  status = pid_file_.Open(plan.process.pid_file);
  if (status.ok()) status = Listen(plan);
  if (status.ok()) status = DropPrivileges(plan);
  if (!status.ok()) return status;

  // What must be done as the user that sluice runs as: locked memory is counted for each user.
  const absl::StatusOr<RingFeatures> features = Ring::Probe(Worker::ring_options());
  if (!features.ok()) return features.status();
  absl::StatusOr<Signals> signals = Signals::Take();
  if (!signals.ok()) return signals.status();
  signals_ = *std::move(signals);
  all_joined_fd_ = FileDescriptor(eventfd(0, EFD_CLOEXEC));
  failed_fd_ = FileDescriptor(eventfd(0, EFD_CLOEXEC));
  if (!all_joined_fd_.valid() || !failed_fd_.valid()) return SystemError("eventfd()", errno);
  const int num_shards = plan.process.num_shards;
  const size_t num_listeners = plan.listeners.size();
  tickets_ = std::make_unique<tls::TicketCache>(num_shards);
  plan_ = std::make_shared<RuntimePlan>(std::move(plan), *std::move(log_sets), *tickets_,
                                        *std::move(key_logs), *std::move(access_log_files));
  status = CreateWorkers();
  if (status.ok()) status = pid_file_.Write();
  if (status.ok()) status = logger_.StartQueueing();
  if (!status.ok()) return status;

  logger_.Log(LogLevel::kNotice, absl::StrCat(kServerVersion, " starts: ", num_shards, " shards, ",
                                              num_listeners, " listeners, ", features->ToString()));
  StartWorkers();
  if (daemon_.has_value()) {
    daemon_->Ready();
    logger_.RedirectStderr();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<LogSetRef>> Server::OpenLogs(const Plan& plan) {
  absl::StatusOr<LogSetRef> process_set = logger_.OpenSet(plan.process.error_logs);
  if (!process_set.ok()) return process_set.status();
  logger_.UseForProcess(*std::move(process_set));
  std::vector<LogSetRef> set_by_server;
  for (const config::Server& server : plan.servers) {
    absl::StatusOr<LogSetRef> set = logger_.OpenSet(server.error_logs);
    if (!set.ok()) return set.status();
    set_by_server.push_back(*std::move(set));
  }
  return set_by_server;
}

absl::Status Server::Listen(const Plan& plan) {
  const std::vector<std::string> problems = listener_sockets_.Open(plan, logger_);
  for (const std::string& problem : problems) logger_.Log(LogLevel::kEmerg, problem);
  if (problems.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(problems.size(), " of ", plan.listeners.size(), " addresses cannot be used"));
}

absl::Status Server::CreateWorkers() {
  const config::Process& process = plan_->plan().process;
  for (int shard = 0; shard < process.num_shards; ++shard) {
    WorkerOptions options = {.shard = shard,
                             .plan = plan_,
                             .listeners = listener_sockets_.Take(shard),
                             .logger = &logger_,
                             .access_logs = access_logs_.get(),
                             .next_connection_number = &next_connection_number_};
    if (!process.shard_cpus.empty()) {
      options.cpus = process.shard_cpus[shard % process.shard_cpus.size()];
    }
    options.on_fatal = [this, shard](const absl::Status& status) {
      logger_.Log(LogLevel::kEmerg, absl::StrCat("shard ", shard, ": ", status.message()));
      eventfd_write(failed_fd_.get(), 1);
      // The control thread ends the process.
      while (true) pause();
    };
    absl::StatusOr<std::unique_ptr<Worker>> worker = Worker::Create(std::move(options));
    if (!worker.ok()) return worker.status();
    workers_.push_back(*std::move(worker));
  }
  return absl::OkStatus();
}

void Server::StartWorkers() {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->Start();
  // Waiting for a shard to end blocks, and a graceful end can take hours: not for this thread.
  joiner_ = std::thread([this] {
    for (const std::unique_ptr<Worker>& worker : workers_) worker->Join();
    eventfd_write(all_joined_fd_.get(), 1);
  });
}

void Server::Control() {
  pollfd fds[] = {{.fd = signals_->fd(), .events = POLLIN},
                  {.fd = logger_.wake_fd(), .events = POLLIN},
                  {.fd = access_logs_->wake_fd(), .events = POLLIN},
                  {.fd = failed_fd_.get(), .events = POLLIN},
                  {.fd = all_joined_fd_.get(), .events = POLLIN}};
  const auto& [signal, log, access_log, failed, all_joined] = fds;
  while (all_joined.revents == 0) {
    // A failure (no memory in the kernel) is passing; nothing is due then.
    if (poll(fds, std::size(fds), PollTimeoutMs()) < 0) continue;
    if (access_log.revents != 0 || NowMs() >= access_logs_->due_ms()) access_logs_->Drain(NowMs());
    if (log.revents != 0) logger_.Drain();
    if (failed.revents != 0) EndAfterFailure();
    if (signal.revents != 0) {
      while (const std::optional<int> number = signals_->Next()) OnSignal(*number);
    }
  }
  joiner_.join();
  access_logs_->Finish();
  logger_.StopQueueing();
  logger_.Log(LogLevel::kNotice, "exit");
}

int Server::PollTimeoutMs() const {
  if (access_logs_->due_ms() == AccessLogs::kNever) return -1;
  const int64_t wait_ms = access_logs_->due_ms() - NowMs();
  return static_cast<int>(std::clamp<int64_t>(wait_ms, 0, std::numeric_limits<int>::max()));
}

void Server::OnSignal(int signal) {
  const std::string what =
      absl::StrCat("signal ", signal, " (SIG", sigabbrev_np(signal), ") received, ");
  switch (signal) {
    case SIGTERM:
    case SIGINT:
      logger_.Log(LogLevel::kNotice, absl::StrCat(what, "exiting"));
      RequestStop(/*graceful=*/false);
      break;
    case SIGQUIT:
      logger_.Log(LogLevel::kNotice, absl::StrCat(what, "shutting down"));
      RequestStop(/*graceful=*/true);
      break;
    case SIGHUP:
      logger_.Log(LogLevel::kError, absl::StrCat(what,
                                                 "and ignored: reloading arrives with a later "
                                                 "version of sluice"));
      break;
    case SIGUSR1:
      logger_.Log(LogLevel::kNotice, absl::StrCat(what, "reopening logs"));
      ReopenLogs();
      break;
    default:
      logger_.Log(LogLevel::kInfo, absl::StrCat(what, "and ignored"));
      break;
  }
}

void Server::ReopenLogs() {
  logger_.Log(LogLevel::kNotice, "reopening logs");
  // The error logs last: they get what there is to say of the others.
  access_logs_->Reopen(NowMs());
  for (const absl::Status& status : plan_->ReopenKeyLogs()) {
    logger_.Log(LogLevel::kEmerg, status.message());
  }
  logger_.Reopen();
}

void Server::RequestStop(bool graceful) {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->RequestStop(graceful);
}

void Server::EndAfterFailure() {
  // The other shards are still at work, so their memory stays: only the files go.
  access_logs_->Finish();
  logger_.Drain();
  listener_sockets_.RemoveFiles();
  pid_file_.Remove();
  _exit(EXIT_FAILURE);
}

}  // namespace

int RunServer(Plan plan, Logger& logger) {
  Server server(logger);
  const absl::Status status = server.Start(std::move(plan));
  if (!status.ok()) {
    // Before `server` ends, and with it the wait of a daemon's parent.
    logger.Log(LogLevel::kEmerg, status.message());
    return EXIT_FAILURE;
  }
  server.Control();
  return EXIT_SUCCESS;
}

}  // namespace sluice::engine
