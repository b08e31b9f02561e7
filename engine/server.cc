#include "engine/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
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
#include "engine/monotonic_clock.h"
#include "engine/pid_file.h"
#include "engine/privileges.h"
#include "engine/ring.h"
#include "engine/runtime_plan.h"
#include "engine/signals.h"
#include "engine/system_error.h"
#include "engine/version.h"
#include "engine/worker.h"
#include "tls/server_session_cache.h"
#include "tls/ticket_cache.h"

namespace sluice::engine {
namespace {

using config::LogLevel;
using config::Plan;

// The control thread, and everything that lives as long as the process does.
class Server {
 public:
  Server(Logger& logger, LoadPlan load) : logger_(logger), load_(std::move(load)) {}

  // Everything that can fail.
  absl::Status Start(Plan plan);
  // Until all shards have ended. Does not return if a reload is then still at work on something
  // that cannot be broken off, such as a host name: the process ends instead.
  void Control();

 private:
  absl::Status Listen(const Plan& plan);
  absl::Status CreateWorkers(const std::shared_ptr<const RuntimePlan>& plan);
  void StartWorkers();
  // Until the access logs want to be written.
  int PollTimeoutMs() const;
  void OnSignal(int signal);
  void RequestStop(bool graceful);
  [[noreturn]] void EndAfterFailure();
  [[noreturn]] void End(int exit_code);

  Logger& logger_;
  const LoadPlan load_;
  std::optional<Daemon> daemon_;
  // Ends after the sockets: once it is gone, nothing of this process is in anybody's way.
  PidFile pid_file_;
  ListenerSockets listener_sockets_;
  std::optional<Signals> signals_;
  FileDescriptor all_joined_fd_;  // An eventfd: all shards have ended.
  FileDescriptor failed_fd_;      // An eventfd: a shard can go on no more, and has logged why.
  std::atomic<uint64_t> next_connection_number_ = 1;
  std::unique_ptr<tls::TicketCache> tickets_;
  tls::ServerSessionCache client_sessions_;
  std::unique_ptr<AccessLogs> access_logs_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Reload> reload_;
  bool stopping_ = false;
  std::thread joiner_;
};

absl::Status Server::Start(Plan plan) {
  absl::Status status = RaiseDescriptorLimit(plan.process, logger_);
  if (!status.ok()) return status;
  CreateLogsForUser(plan);
  absl::StatusOr<LogSets> log_sets = OpenLogSets(plan, logger_);
  if (!log_sets.ok()) return log_sets.status();
  logger_.UseForProcess(std::move(log_sets->process));
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
  auto runtime_plan = std::make_shared<const RuntimePlan>(
      std::move(plan), std::move(log_sets->by_server), *tickets_, client_sessions_,
      *std::move(key_logs), *std::move(access_log_files));
  status = CreateWorkers(runtime_plan);
  if (!status.ok()) return status;
  auto reload = Reload::Create({.logger = logger_,
                                .access_logs = *access_logs_,
                                .listener_sockets = listener_sockets_,
                                .tickets = *tickets_,
                                .client_sessions = client_sessions_,
                                .workers = workers_},
                               load_, std::move(runtime_plan));
  if (!reload.ok()) return reload.status();
  reload_ = *std::move(reload);
  status = pid_file_.Write();
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

absl::Status Server::Listen(const Plan& plan) {
  const std::vector<std::string> problems = listener_sockets_.Open(plan, logger_);
  for (const std::string& problem : problems) logger_.Log(LogLevel::kEmerg, problem);
  if (problems.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(problems.size(), " of ", plan.listeners.size(), " addresses cannot be used"));
}

absl::Status Server::CreateWorkers(const std::shared_ptr<const RuntimePlan>& plan) {
  const config::Process& process = plan->plan().process;
  for (int shard = 0; shard < process.num_shards; ++shard) {
    WorkerOptions options = {.shard = shard,
                             .plan = plan,
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
                  {.fd = reload_->fd(), .events = POLLIN},
                  {.fd = failed_fd_.get(), .events = POLLIN},
                  {.fd = all_joined_fd_.get(), .events = POLLIN}};
  const auto& [signal, log, access_log, reload, failed, all_joined] = fds;
  while (all_joined.revents == 0) {
    // A failure (no memory in the kernel) is passing; nothing is due then.
    if (poll(fds, std::size(fds), PollTimeoutMs()) < 0) continue;
    if (access_log.revents != 0 || MonotonicMs() >= access_logs_->due_ms())
      access_logs_->Drain(MonotonicMs());
    if (log.revents != 0) logger_.Drain();
    if (failed.revents != 0) EndAfterFailure();
    if (reload.revents != 0) reload_->Continue(MonotonicMs());
    if (signal.revents != 0) {
      while (const std::optional<int> number = signals_->Next()) OnSignal(*number);
    }
  }
  joiner_.join();
  access_logs_->Finish();
  if (reload_->is_working()) {
    logger_.Log(LogLevel::kNotice, "exit");
    End(EXIT_SUCCESS);
  }
  logger_.StopQueueing();
  logger_.Log(LogLevel::kNotice, "exit");
}

int Server::PollTimeoutMs() const {
  if (access_logs_->due_ms() == AccessLogs::kNever) return -1;
  const int64_t wait_ms = access_logs_->due_ms() - MonotonicMs();
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
      if (stopping_) {
        logger_.Log(LogLevel::kNotice, absl::StrCat(what, "and ignored: shutting down"));
        break;
      }
      logger_.Log(LogLevel::kNotice, absl::StrCat(what, "reconfiguring"));
      reload_->Request();
      break;
    case SIGUSR1:
      logger_.Log(LogLevel::kNotice, absl::StrCat(what, "reopening logs"));
      logger_.Log(LogLevel::kNotice, "reopening logs");
      reload_->ReopenLogs(MonotonicMs());
      break;
    default:
      logger_.Log(LogLevel::kInfo, absl::StrCat(what, "and ignored"));
      break;
  }
}

void Server::RequestStop(bool graceful) {
  stopping_ = true;
  reload_->Abandon();
  for (const std::unique_ptr<Worker>& worker : workers_) worker->RequestStop(graceful);
}

void Server::EndAfterFailure() {
  access_logs_->Finish();
  End(EXIT_FAILURE);
}

void Server::End(int exit_code) {
  // Other threads are still at work, so their memory stays: only the files go.
  logger_.Drain();
  listener_sockets_.RemoveFiles();
  pid_file_.Remove();
  _exit(exit_code);
}

}  // namespace

int RunServer(Plan plan, Logger& logger, LoadPlan load) {
  Server server(logger, std::move(load));
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
