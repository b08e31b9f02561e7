#include "engine/logger.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/log_file.h"
#include "engine/monotonic_clock.h"
#include "engine/system_error.h"

namespace sluice::engine {
namespace {

using config::LogLevel;

constexpr std::string_view kStderr = "stderr";

std::string FormatTime(time_t time) {
  tm local;
  localtime_r(&time, &local);
  return absl::StrFormat("%04d/%02d/%02d %02d:%02d:%02d", local.tm_year + 1900, local.tm_mon + 1,
                         local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
}

}  // namespace

std::string EscapeForLog(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const unsigned char c : text) {
    if (c < 0x20 || c >= 0x7f) {
      absl::StrAppendFormat(&escaped, "\\x%02X", c);
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// --- Sets ----------------------------------------------------------------------------------------

bool LogSet::HasFileFor(LogLevel level) const {
  return std::any_of(outputs_.begin(), outputs_.end(), [&](const Output& output) {
    return output.file != nullptr && level <= output.level;
  });
}

absl::StatusOr<std::shared_ptr<LogSet::File>> Logger::OpenFile(const std::string& path) {
  std::erase_if(files_, [](const auto& file) { return file.expired(); });
  for (const auto& known : files_) {
    // A shard may let go of the last set that has it at this moment.
    if (auto file = known.lock(); file != nullptr && file->path == path) return file;
  }
  auto file = std::make_shared<LogSet::File>(LogSet::File{.path = path, .fd = STDERR_FILENO});
  if (path != kStderr) {
    absl::StatusOr<FileDescriptor> fd = OpenLogFile(path);
    if (!fd.ok()) return fd.status();
    file->owned_fd = *std::move(fd);
    file->fd = file->owned_fd.get();
  }
  files_.push_back(file);
  return file;
}

absl::StatusOr<LogSetRef> Logger::OpenSet(const std::vector<config::ErrorLog>& logs) {
  auto set = std::make_shared<LogSet>();
  for (const config::ErrorLog& log : logs) {
    LogSet::Output& output = set->outputs_.emplace_back();
    output.level = log.level;
    set->level_ = std::max(set->level_, log.level);
    if (log.syslog.has_value()) {
      output.syslog = OpenSyslog(*log.syslog);
      continue;
    }
    absl::StatusOr<std::shared_ptr<LogSet::File>> file = OpenFile(log.file);
    if (!file.ok()) return file.status();
    output.file = *std::move(file);
    set->has_stderr_ |= log.file == kStderr;
  }
  return set;
}

void Logger::UseForProcess(LogSetRef set) {
  process_level_.store(set->level_, std::memory_order_relaxed);
  process_set_ = std::move(set);
  if (redirects_stderr_) RedirectStderrNow();
}

void Logger::Reopen() {
  if (queueing_) Drain();
  for (const auto& known : files_) {
    const std::shared_ptr<LogSet::File> file = known.lock();
    if (file == nullptr || !file->owned_fd.valid()) continue;
    const absl::Status status = ReopenLogFile(file->path, file->owned_fd);
    if (!status.ok()) Log(LogLevel::kEmerg, status.message());
    file->fd = file->owned_fd.get();
  }
  for (const auto& syslog : syslogs_) syslog->Reopen();
  ContinueSyslog();
  if (redirects_stderr_) RedirectStderrNow();
}

void Logger::RedirectStderr() {
  redirects_stderr_ = true;
  RedirectStderrNow();
}

void Logger::RedirectStderrNow() const {
  if (process_set_ == nullptr || process_set_->has_stderr_) return;
  for (const LogSet::Output& output : process_set_->outputs_) {
    if (output.file == nullptr) continue;
    // Fails only for a descriptor that is not open.
    (void)dup2(output.file->fd, STDERR_FILENO);
    return;
  }
}

// --- Lines ---------------------------------------------------------------------------------------

void Logger::Log(LogLevel level, std::string_view message, uint64_t connection,
                 const LogSetRef& set) {
  if (!enabled(level, set)) return;
  Line line = {.set = set,
               .level = level,
               .thread_id = gettid(),
               .time = std::time(nullptr),
               .connection = connection,
               .message = std::string(message)};
  if (queueing_) {
    Enqueue(std::move(line));
    return;
  }
  const LogSetRef& used = set != nullptr ? set : process_set_;
  if (level <= kTerminalLevel && (used == nullptr || !used->has_stderr_)) {
    // Nobody can be told when stderr is gone.
    (void)WriteAll(STDERR_FILENO, absl::StrCat("sluice: [", config::LogLevelName(level), "] ",
                                               EscapeForLog(message), "\n"));
  }
  if (used == nullptr) return;
  Write({std::move(line)});
  if (syslog_deadline_ms_ > 0) {
    FinishSyslog();
  } else {
    ContinueSyslog();
  }
}

absl::Status Logger::StartQueueing() {
  CHECK(process_set_ != nullptr);
  queue_fd_ = FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!queue_fd_.valid()) return SystemError("eventfd()", errno);
  wake_fd_ = FileDescriptor(epoll_create1(EPOLL_CLOEXEC));
  if (!wake_fd_.valid()) return SystemError("epoll_create1()", errno);
  epoll_event lines_have_come = {.events = EPOLLIN, .data = {}};
  if (epoll_ctl(wake_fd_.get(), EPOLL_CTL_ADD, queue_fd_.get(), &lines_have_come) != 0) {
    return SystemError("epoll_ctl()", errno);
  }
  queueing_ = true;
  // For what has been waiting since before.
  ContinueSyslog();
  return absl::OkStatus();
}

void Logger::Enqueue(Line line) {
  const size_t bytes = sizeof(Line) + line.message.size();
  bool was_empty;
  {
    absl::MutexLock lock(&mutex_);
    if (queue_bytes_ + bytes > kQueueBytesMax) {
      ++num_dropped_;
      return;
    }
    was_empty = queue_.empty();
    queue_bytes_ += bytes;
    queue_.push_back(std::move(line));
  }
  // Only fails when the counter would overflow: then the control thread has been woken often.
  if (was_empty) (void)eventfd_write(queue_fd_.get(), 1);
}

void Logger::Drain() {
  // Only fails when there is nothing to read.
  eventfd_t unused;
  (void)eventfd_read(queue_fd_.get(), &unused);
  std::vector<Line> lines;
  uint64_t num_dropped;
  {
    absl::MutexLock lock(&mutex_);
    lines.swap(queue_);
    queue_bytes_ = 0;
    num_dropped = std::exchange(num_dropped_, 0);
  }
  num_dropped += std::exchange(num_unwritten_, 0);
  if (num_dropped > 0) {
    lines.push_back({.set = nullptr,
                     .level = LogLevel::kError,
                     .thread_id = gettid(),
                     .time = std::time(nullptr),
                     .connection = 0,
                     .message = absl::StrCat(num_dropped,
                                             " log lines were lost: they came faster than they "
                                             "could be written, or the disk was full")});
  }
  Write(lines);
  ContinueSyslog();
}

void Logger::StopQueueing() {
  Drain();
  queueing_ = false;
  syslog_deadline_ms_ = MonotonicMs() + kSyslogPatienceMs;
  FinishSyslog();
}

void Logger::Write(const std::vector<Line>& lines, const Syslog* not_to) {
  struct Batch {
    std::string text;
    uint64_t num_lines = 0;
  };
  std::unordered_map<const LogSet::File*, Batch> batches;
  for (const Line& line : lines) {
    std::string text = absl::StrCat(FormatTime(line.time), " [", config::LogLevelName(line.level),
                                    "] ", getpid(), "#", line.thread_id, ": ");
    if (line.connection != 0) absl::StrAppend(&text, "*", line.connection, " ");
    absl::StrAppend(&text, EscapeForLog(line.message));
    const std::string_view syslog_text =
        std::string_view(text).substr(0, Syslog::kErrorLineBytesMax);
    for (const LogSet::Output& output : (line.set != nullptr ? line.set : process_set_)->outputs_) {
      if (line.level > output.level) continue;
      if (output.syslog != nullptr) {
        if (output.syslog.get() != not_to) output.syslog->Send(line.level, line.time, syslog_text);
        continue;
      }
      Batch& batch = batches[output.file.get()];
      absl::StrAppend(&batch.text, text, "\n");
      ++batch.num_lines;
    }
  }
  for (const auto& [file, batch] : batches) {
    if (!WriteAll(file->fd, batch.text)) num_unwritten_ += batch.num_lines;
  }
}

// --- Syslog --------------------------------------------------------------------------------------

std::shared_ptr<Syslog> Logger::OpenSyslog(const config::SyslogTarget& target) {
  CloseUnusedSyslogs();
  for (const auto& known : syslogs_) {
    if (known->target() == target) return known;
  }
  return syslogs_.emplace_back(std::make_shared<Syslog>(target));
}

void Logger::CloseUnusedSyslogs() {
  // Nobody else can begin to hold on to one: only OpenSyslog, in this thread, hands it out.
  std::erase_if(syslogs_, [](const std::shared_ptr<Syslog>& syslog) {
    return syslog.use_count() == 1 && !syslog->waits();
  });
}

void Logger::ContinueSyslog() {
  // Of those that have room each is told once, and asked for again below if that was not enough.
  epoll_event have_room[16];
  (void)epoll_wait(wake_fd_.get(), have_room, std::size(have_room), /*timeout=*/0);
  for (const auto& syslog : syslogs_) syslog->SendWaiting();
  ReportLostToSyslog(/*at_end=*/false);
  for (const auto& syslog : syslogs_) {
    if (!syslog->waits()) continue;
    epoll_event has_room = {.events = EPOLLOUT | EPOLLONESHOT, .data = {}};
    if (epoll_ctl(wake_fd_.get(), EPOLL_CTL_MOD, syslog->fd(), &has_room) != 0) {
      // Its socket is a new one. Where the kernel has no memory the next line tries again.
      (void)epoll_ctl(wake_fd_.get(), EPOLL_CTL_ADD, syslog->fd(), &has_room);
    }
  }
  CloseUnusedSyslogs();
}

void Logger::FinishSyslog() {
  ContinueSyslog();
  const auto waits = [](const auto& syslog) { return syslog->waits(); };
  while (std::any_of(syslogs_.begin(), syslogs_.end(), waits)) {
    const int64_t wait_ms = syslog_deadline_ms_ - MonotonicMs();
    if (wait_ms <= 0) break;
    pollfd room = {.fd = wake_fd_.get(), .events = POLLIN};
    // A failure is passing.
    (void)poll(&room, 1, static_cast<int>(wait_ms));
    ContinueSyslog();
  }
  for (const auto& syslog : syslogs_) syslog->DropWaiting();
  ReportLostToSyslog(/*at_end=*/true);
}

void Logger::ReportLostToSyslog(bool at_end) {
  const int64_t now_ms = MonotonicMs();
  for (const auto& syslog : syslogs_) {
    if (!at_end && !syslog->report_is_due(now_ms)) continue;
    const std::string report = syslog->TakeReport(now_ms);
    if (report.empty()) continue;
    // Goes to other syslog servers, too. What these lose of it is told the next time.
    if (process_set_ != nullptr) {
      Write({{.set = process_set_,
              .level = LogLevel::kError,
              .thread_id = gettid(),
              .time = std::time(nullptr),
              .connection = 0,
              .message = report}},
            syslog.get());
    }
    if (process_set_ == nullptr || !process_set_->HasFileFor(LogLevel::kError)) {
      // Nobody can be told when stderr is gone.
      (void)WriteAll(STDERR_FILENO, absl::StrCat("sluice: [error] ", report, "\n"));
    }
  }
}

std::optional<uint64_t> LogLimiter::Allow(uint64_t now_ms) {
  if (now_ms < next_ms_) {
    ++num_suppressed_;
    return std::nullopt;
  }
  next_ms_ = now_ms + kIntervalMs;
  return std::exchange(num_suppressed_, 0);
}

}  // namespace sluice::engine
