#include "engine/logger.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

absl::StatusOr<int> Logger::OpenFile(const std::string& path) {
  for (size_t i = 0; i < files_.size(); ++i) {
    if (files_[i].path == path) return i;
  }
  if (path == kStderr) {
    files_.push_back({.path = path, .fd = STDERR_FILENO});
  } else {
    absl::StatusOr<FileDescriptor> fd = OpenLogFile(path);
    if (!fd.ok()) return fd.status();
    const int number = fd->get();
    files_.push_back({.path = path, .owned_fd = *std::move(fd), .fd = number});
  }
  return files_.size() - 1;
}

absl::StatusOr<int> Logger::AddSet(const std::vector<config::ErrorLog>& logs) {
  Set set;
  for (const config::ErrorLog& log : logs) {
    const absl::StatusOr<int> file = OpenFile(log.file);
    if (!file.ok()) return file.status();
    set.outputs.push_back({.file = *file, .level = log.level});
    set.level = std::max(set.level, log.level);
    set.has_stderr |= log.file == kStderr;
  }
  sets_.push_back(std::move(set));
  return sets_.size() - 1;
}

void Logger::Log(LogLevel level, std::string_view message, uint64_t connection, int set) {
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
  if (level <= kTerminalLevel && (sets_.empty() || !sets_[set].has_stderr)) {
    // Nobody can be told when stderr is gone.
    (void)WriteAll(STDERR_FILENO, absl::StrCat("sluice: [", config::LogLevelName(level), "] ",
                                               EscapeForLog(message), "\n"));
  }
  if (!sets_.empty()) Write({std::move(line)});
}

absl::Status Logger::StartQueueing() {
  CHECK(!sets_.empty());
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
    lines.push_back({.set = 0,
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
  std::vector<Batch> batches(files_.size());
  for (const Line& line : lines) {
    std::string text = absl::StrCat(FormatTime(line.time), " [", config::LogLevelName(line.level),
                                    "] ", getpid(), "#", line.thread_id, ": ");
    if (line.connection != 0) absl::StrAppend(&text, "*", line.connection, " ");
    absl::StrAppend(&text, EscapeForLog(line.message), "\n");
    for (const Output& output : sets_[line.set].outputs) {
      if (line.level > output.level) continue;
      batches[output.file].text += text;
      ++batches[output.file].num_lines;
    }
  }
  for (size_t i = 0; i < batches.size(); ++i) {
    if (!WriteAll(files_[i].fd, batches[i].text)) num_unwritten_ += batches[i].num_lines;
  }
}

void Logger::RedirectStderr() const {
  if (sets_.empty() || sets_[0].has_stderr || sets_[0].outputs.empty()) return;
  // Fails only for a descriptor that is not open.
  (void)dup2(files_[sets_[0].outputs[0].file].fd, STDERR_FILENO);
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
