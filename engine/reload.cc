#include "engine/reload.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "engine/kept_listeners.h"
#include "engine/privileges.h"
#include "engine/restart_only.h"
#include "engine/system_error.h"

namespace sluice::engine {

using config::LogLevel;
using config::Plan;

namespace {

rlim_t DescriptorLimit() {
  rlimit limit = {};
  // Cannot fail.
  (void)getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::vector<int> CpusOf(const config::Process& process, size_t shard) {
  if (process.shard_cpus.empty()) return {};
  return process.shard_cpus[shard % process.shard_cpus.size()];
}

}  // namespace

absl::StatusOr<LogSets> OpenLogSets(const Plan& plan, Logger& logger) {
  LogSets sets;
  absl::StatusOr<LogSetRef> process = logger.OpenSet(plan.process.error_logs);
  if (!process.ok()) return process.status();
  sets.process = *std::move(process);
  for (const config::Server& server : plan.servers) {
    absl::StatusOr<LogSetRef> set = logger.OpenSet(server.error_logs);
    if (!set.ok()) return set.status();
    sets.by_server.push_back(*std::move(set));
  }
  return sets;
}

absl::StatusOr<std::unique_ptr<Reload>> Reload::Create(Parts parts, LoadPlan load,
                                                       std::shared_ptr<const RuntimePlan> plan) {
  std::unique_ptr<Reload> reload(new Reload(parts, std::move(load), std::move(plan)));
  reload->fd_ = FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!reload->fd_.valid()) return SystemError("eventfd()", errno);
  return reload;
}

Reload::Reload(Parts parts, LoadPlan load, std::shared_ptr<const RuntimePlan> plan)
    : parts_(parts), load_(std::move(load)), plan_(std::move(plan)) {}

Reload::~Reload() {
  CHECK(!is_working());
  if (thread_.joinable()) thread_.join();
}

void Reload::Request() {
  if (abandoned_) return;
  again_ = true;
  // What the one that goes on has read may be older than what is asked for now.
  if (step_ == Step::kNone) Load();
}

void Reload::Abandon() { abandoned_ = true; }

void Reload::Work(std::function<void()> work) {
  thread_done_ = false;
  thread_ = std::thread([this, work = std::move(work)] {
    work();
    thread_done_ = true;
    eventfd_write(fd_.get(), 1);
  });
}

void Reload::Continue(int64_t now_ms) {
  // Only fails when there is nothing to read.
  eventfd_t unused;
  (void)eventfd_read(fd_.get(), &unused);
  switch (step_) {
    case Step::kNone:
      return;
    case Step::kLoading:
    case Step::kBuilding:
      if (!thread_done_) return;
      thread_.join();
      if (abandoned_) {
        parts_.logger.Log(LogLevel::kNotice, "reconfiguring given up: shutting down");
        return Discard();
      }
      if (step_ == Step::kLoading) return Prepare();
      if (!build_status_.ok()) return Fail(build_status_.message());
      return Switch();
    case Step::kSwitching:
      if (num_switching_ == 0) Finish(now_ms);
      return;
  }
}

void Reload::Load() {
  again_ = false;
  parts_.logger.Log(LogLevel::kNotice, "reconfiguring");
  step_ = Step::kLoading;
  Work([this] { loaded_ = load_(); });
}

void Reload::Prepare() {
  LoadedPlan loaded = std::exchange(loaded_, {});
  for (const LoadedPlan::Message& message : loaded.messages) {
    parts_.logger.Log(message.level, message.text);
  }
  if (!loaded.plan.has_value()) return Fail("");
  for (const std::string& line : KeepUntilRestart(plan_->plan(), *loaded.plan)) {
    parts_.logger.Log(LogLevel::kWarn, line);
  }
  const absl::Status status = Open(*std::move(loaded.plan));
  if (!status.ok()) return Fail(status.message());
  Build();
}

absl::Status Reload::Open(Plan plan) {
  absl::Status status = CheckPrivileges(plan);
  if (!status.ok()) return status;
  absl::StatusOr<LogSets> log_sets = OpenLogSets(plan, parts_.logger);
  if (!log_sets.ok()) return log_sets.status();
  absl::StatusOr<KeyLogs> key_logs = OpenKeyLogs(plan, plan_->key_logs());
  if (!key_logs.ok()) return key_logs.status();
  const std::vector<std::string> problems =
      parts_.listener_sockets.Open(plan, parts_.logger, &plan_->plan());
  for (const std::string& problem : problems) parts_.logger.Log(LogLevel::kEmerg, problem);
  if (!problems.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(problems.size(), " of the addresses to listen at cannot be used"));
  }
  absl::StatusOr<AccessLogFiles> access_logs = OpenAccessLogs(plan, parts_.access_logs);
  if (!access_logs.ok()) return access_logs.status();
  process_log_set_ = std::move(log_sets->process);
  next_ = std::make_shared<RuntimePlan>(std::move(plan), std::move(log_sets->by_server),
                                        parts_.tickets, parts_.client_sessions,
                                        *std::move(key_logs), *std::move(access_logs), plan_.get());
  return absl::OkStatus();
}

void Reload::Build() {
  step_ = Step::kBuilding;
  Work([this] {
    build_status_ = absl::OkStatus();
    for (size_t shard = 0; shard < parts_.workers.size(); ++shard) {
      absl::StatusOr<std::shared_ptr<const ShardPlan>> plan = ShardPlan::Create(next_);
      if (!plan.ok()) {
        build_status_ = plan.status();
        return;
      }
      shard_plans_.push_back(*std::move(plan));
    }
  });
}

void Reload::Switch() {
  const Plan& plan = next_->plan();
  const rlim_t limit_before = DescriptorLimit();
  // nginx's workers go on with the limit that they have, too.
  if (const absl::Status status = RaiseDescriptorLimit(plan.process, parts_.logger); !status.ok()) {
    parts_.logger.Log(LogLevel::kAlert, status.message());
  }
  const bool limit_changed = DescriptorLimit() != limit_before;
  // Who connects to a file that is gone is told so; who is in its queue is still taken.
  parts_.listener_sockets.RemoveFilesExcept(plan);
  parts_.logger.UseForProcess(std::exchange(process_log_set_, nullptr));
  const std::vector<int> kept = KeptListeners(plan_->plan(), plan);
  plan_ = std::exchange(next_, nullptr);
  SetAccessLogBuffers(*plan_, parts_.access_logs);
  step_ = Step::kSwitching;
  num_switching_ = static_cast<int>(parts_.workers.size());
  for (size_t shard = 0; shard < parts_.workers.size(); ++shard) {
    parts_.workers[shard]->SwitchPlan(
        {.plan = std::move(shard_plans_[shard]),
         .kept = kept,
         .opened = parts_.listener_sockets.Take(static_cast<int>(shard)),
         .cpus = CpusOf(plan.process, shard),
         .descriptor_limit_changed = limit_changed,
         .on_done = [this] {
           if (--num_switching_ == 0) eventfd_write(fd_.get(), 1);
         }});
  }
  shard_plans_.clear();
}

void Reload::ReopenLogs(int64_t now_ms) {
  // The error logs last: they get what there is to say of the others.
  parts_.access_logs.Reopen(now_ms);
  for (const absl::Status& status : plan_->ReopenKeyLogs()) {
    parts_.logger.Log(LogLevel::kEmerg, status.message());
  }
  parts_.logger.Reopen();
}

void Reload::Finish(int64_t now_ms) {
  // As in nginx, whose new configuration opens all files anew.
  ReopenLogs(now_ms);
  parts_.logger.Log(LogLevel::kNotice,
                    absl::StrCat("reconfigured: ", plan_->plan().listeners.size(), " listeners, ",
                                 plan_->plan().servers.size(), " servers"));
  End();
}

void Reload::Fail(std::string_view text) {
  if (!text.empty()) parts_.logger.Log(LogLevel::kEmerg, text);
  std::string line = "reconfiguring failed: the configuration before stays in use";
  const std::string& user = plan_->plan().process.user;
  if (!user.empty() && geteuid() != 0) {
    absl::StrAppend(&line, "; files are read, and addresses bound, as user \"", user, "\"");
  }
  parts_.logger.Log(LogLevel::kError, line);
  Discard();
}

void Reload::Discard() {
  parts_.listener_sockets.Discard();
  loaded_ = {};
  process_log_set_ = nullptr;
  next_ = nullptr;
  shard_plans_.clear();
  End();
}

void Reload::End() {
  step_ = Step::kNone;
  if (again_ && !abandoned_) Load();
}

}  // namespace sluice::engine
