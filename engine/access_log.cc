#include "engine/access_log.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "engine/gzip.h"
#include "engine/log_file.h"
#include "engine/system_error.h"

namespace sluice::engine {

using config::LogLevel;

absl::StatusOr<std::unique_ptr<AccessLogs>> AccessLogs::Create(Logger& logger) {
  std::unique_ptr<AccessLogs> logs(new AccessLogs(logger));
  logs->wake_fd_ = FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!logs->wake_fd_.valid()) return SystemError("eventfd()", errno);
  return logs;
}

absl::StatusOr<std::shared_ptr<AccessLogFile>> AccessLogs::Open(const config::AccessLog& log) {
  if (log.syslog.has_value()) {
    return std::make_shared<AccessLogFile>(logger_.OpenSyslog(*log.syslog));
  }
  const std::string& path = log.path.text();
  const auto known = std::find_if(files_.begin(), files_.end(),
                                  [&](const auto& file) { return file->path() == path; });
  if (known == files_.end()) {
    absl::StatusOr<FileDescriptor> fd = OpenLogFile(path);
    if (!fd.ok()) return fd.status();
    files_.push_back(std::make_shared<AccessLogFile>(path, *std::move(fd)));
    SetBuffer(*files_.back(), log);
    return files_.back();
  }
  return *known;
}

void AccessLogs::SetBuffer(AccessLogFile& file, const config::AccessLog& log) {
  Flush(file);
  file.buffer_bytes_ = static_cast<size_t>(log.buffer_bytes);
  file.flush_ms_ = log.flush_ms;
  file.gzip_level_ = log.gzip_level;
}

// --- Queueing ------------------------------------------------------------------------------------

void AccessLogs::Log(std::shared_ptr<AccessLogFile> file, std::string line) {
  Enqueue({.file = std::move(file), .text = std::move(line)});
}

void AccessLogs::LogByName(std::string path, const config::LogFileCache& cache, std::string line) {
  Enqueue({.path = std::move(path), .cache = cache, .text = std::move(line)});
}

void AccessLogs::Enqueue(Line line) {
  const size_t bytes = sizeof(Line) + line.path.size() + line.text.size();
  bool wakes;
  {
    absl::MutexLock lock(&mutex_);
    if (queue_bytes_ + bytes > kQueueBytesMax) {
      ++num_dropped_;
      return;
    }
    queue_bytes_ += bytes;
    queue_.push_back(std::move(line));
    wakes = std::exchange(wakes_, false);
  }
  // Only fails when the counter would overflow: then the control thread has been woken often.
  if (wakes) (void)eventfd_write(wake_fd_.get(), 1);
}

// --- Writing -------------------------------------------------------------------------------------

void AccessLogs::Drain(int64_t now_ms) {
  // Only fails when there is nothing to read.
  eventfd_t unused;
  (void)eventfd_read(wake_fd_.get(), &unused);
  const bool wrote = WriteQueue(now_ms);
  CloseUnused();
  due_ms_ = wrote ? now_ms + kGatherMs : kNever;
  for (const auto& file : files_) {
    if (file->buffer_.empty() || file->flush_ms_ == 0) continue;
    const int64_t flush_at_ms = file->buffered_since_ms_ + file->flush_ms_;
    if (now_ms >= flush_at_ms) {
      Flush(*file);
    } else {
      due_ms_ = std::min(due_ms_, flush_at_ms);
    }
  }
  ReportLost(now_ms);
}

bool AccessLogs::WriteQueue(int64_t now_ms) {
  std::vector<Line> lines;
  {
    absl::MutexLock lock(&mutex_);
    lines.swap(queue_);
    queue_bytes_ = 0;
    num_unwritten_ += std::exchange(num_dropped_, 0);
    // Where lines have come, this comes back by itself soon.
    wakes_ = lines.empty();
  }
  struct Batch {
    std::string text;
    uint64_t num_lines = 0;
    config::LogFileCache cache;
  };
  std::unordered_map<std::string, Batch> by_name;
  for (const Line& line : lines) {
    if (line.file != nullptr) {
      Append(*line.file, line.text, now_ms);
      continue;
    }
    Batch& batch = by_name[line.path];
    batch.text += line.text;
    ++batch.num_lines;
    batch.cache = line.cache;
  }
  for (const auto& file : files_) {
    if (file->buffer_bytes_ == 0) Flush(*file);
  }
  for (const auto& [path, batch] : by_name) {
    WriteByName(path, batch.cache, batch.text, batch.num_lines, now_ms);
  }
  logger_.ContinueSyslog();
  return !lines.empty();
}

void AccessLogs::Append(AccessLogFile& file, const std::string& line, int64_t now_ms) {
  if (file.syslog_ != nullptr) {
    file.syslog_->Send(file.syslog_->target().severity, std::time(nullptr),
                       absl::StripSuffix(line, "\n"));
    return;
  }
  // What has to stay in the buffer does so as a whole line, as in nginx.
  if (file.buffer_bytes_ > 0 && file.buffer_.size() + line.size() > file.buffer_bytes_) Flush(file);
  if (file.buffer_.empty()) file.buffered_since_ms_ = now_ms;
  file.buffer_ += line;
  ++file.num_buffered_lines_;
}

void AccessLogs::Flush(AccessLogFile& file) {
  if (file.buffer_.empty()) return;
  const bool written = WriteAll(
      file.fd_.get(), file.gzip_level_ > 0 ? Gzip(file.buffer_, file.gzip_level_) : file.buffer_);
  if (!written) num_unwritten_ += file.num_buffered_lines_;
  file.buffer_.clear();
  file.num_buffered_lines_ = 0;
}

void AccessLogs::WriteByName(const std::string& path, const config::LogFileCache& cache,
                             const std::string& text, uint64_t num_lines, int64_t now_ms) {
  const absl::Status status = named_files_.Use(path, cache, now_ms, [&](int fd) {
    if (!WriteAll(fd, text)) num_unwritten_ += num_lines;
  });
  if (status.ok()) return;
  num_unwritten_ += num_lines;
  if (const auto suppressed = open_limiter_.Allow(now_ms)) {
    logger_.Log(LogLevel::kCrit, *suppressed > 0 ? absl::StrCat(status.message(), ", and ",
                                                                *suppressed, " others before")
                                                 : status.message());
  }
}

void AccessLogs::CloseUnused() {
  std::erase_if(files_, [this](const std::shared_ptr<AccessLogFile>& file) {
    // Nobody else can begin to hold on to it: only Open, in this thread, hands it out.
    if (file.use_count() > 1) return false;
    Flush(*file);
    return true;
  });
}

void AccessLogs::ReportLost(int64_t now_ms) {
  if (num_unwritten_ == 0 || !lost_limiter_.Allow(now_ms).has_value()) return;
  logger_.Log(LogLevel::kError,
              absl::StrCat(std::exchange(num_unwritten_, 0),
                           " lines of access logs were lost: they came faster than they could be "
                           "written, or could not be written at all"));
}

void AccessLogs::Reopen(int64_t now_ms) {
  WriteQueue(now_ms);
  named_files_.Clear();
  for (const auto& file : files_) {
    Flush(*file);
    const absl::Status status = ReopenLogFile(file->path(), file->fd_);
    if (!status.ok()) logger_.Log(LogLevel::kEmerg, status.message());
  }
}

void AccessLogs::Finish() {
  WriteQueue(/*now_ms=*/0);
  for (const auto& file : files_) Flush(*file);
  if (num_unwritten_ > 0) {
    lost_limiter_ = {};
    ReportLost(/*now_ms=*/0);
  }
}

}  // namespace sluice::engine
