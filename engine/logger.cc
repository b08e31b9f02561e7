#include "engine/logger.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/log_file.h"
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
    absl::StatusOr<std::shared_ptr<LogSet::File>> file = OpenFile(log.file);
    if (!file.ok()) return file.status();
    set->outputs_.push_back({.file = *std::move(file), .level = log.level});
    set->level_ = std::max(set->level_, log.level);
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
  if (redirects_stderr_) RedirectStderrNow();
}

void Logger::RedirectStderr() {
  redirects_stderr_ = true;
  RedirectStderrNow();
}

void Logger::RedirectStderrNow() const {
  if (process_set_ == nullptr || process_set_->has_stderr_ || process_set_->outputs_.empty()) {
    return;
  }
  // Fails only for a descriptor that is not open.
  (void)dup2(process_set_->outputs_[0].file->fd, STDERR_FILENO);
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
  if (used != nullptr) Write({std::move(line)});
}

absl::Status Logger::StartQueueing() {
  CHECK(process_set_ != nullptr);
  wake_fd_ = FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_fd_.valid()) {
    return SystemError("eventfd()", errno);
  }
  queueing_ = true;
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
  if (was_empty) (void)eventfd_write(wake_fd_.get(), 1);
}

void Logger::Drain() {
  // Only fails when there is nothing to read.
  eventfd_t unused;
  (void)eventfd_read(wake_fd_.get(), &unused);
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
}

void Logger::StopQueueing() {
  Drain();
  queueing_ = false;
}

void Logger::Write(const std::vector<Line>& lines) {
  struct Batch {
    std::string text;
    uint64_t num_lines = 0;
  };
  std::unordered_map<const LogSet::File*, Batch> batches;
  for (const Line& line : lines) {
    std::string text = absl::StrCat(FormatTime(line.time), " [", config::LogLevelName(line.level),
                                    "] ", getpid(), "#", line.thread_id, ": ");
    if (line.connection != 0) absl::StrAppend(&text, "*", line.connection, " ");
    absl::StrAppend(&text, EscapeForLog(line.message), "\n");
    for (const LogSet::Output& output : (line.set != nullptr ? line.set : process_set_)->outputs_) {
      if (line.level > output.level) continue;
      Batch& batch = batches[output.file.get()];
      batch.text += text;
      ++batch.num_lines;
    }
  }
  for (const auto& [file, batch] : batches) {
    if (!WriteAll(file->fd, batch.text)) num_unwritten_ += batch.num_lines;
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
