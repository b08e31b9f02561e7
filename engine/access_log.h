// Access logs: lines of the shards, written by the control thread.
//
// A shard never waits for a disk: a line goes into a queue of bounded size, and what does not fit
// is dropped and counted in the error log. The control thread polls wake_fd(), calls Drain when it
// is readable or due_ms() has come, and holds what a buffered log (buffer=, gzip) has not written
// yet.
#ifndef SLUICE_ENGINE_ACCESS_LOG_H_
#define SLUICE_ENGINE_ACCESS_LOG_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "config/plan.h"
#include "engine/file_descriptor.h"
#include "engine/logger.h"
#include "engine/named_log_files.h"
#include "engine/syslog.h"

namespace sluice::engine {

// A log without variables in its name, or a syslog server. It stays open while anybody holds on to
// it. Nobody but AccessLogs looks inside.
class AccessLogFile {
 public:
  AccessLogFile(std::string path, FileDescriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  explicit AccessLogFile(std::shared_ptr<Syslog> syslog) : syslog_(std::move(syslog)) {}

  const std::string& path() const { return path_; }

 private:
  friend class AccessLogs;

  const std::string path_;  // Empty: `syslog_` it is.
  // The rest is the control thread's.
  const std::shared_ptr<Syslog> syslog_;
  FileDescriptor fd_;
  size_t buffer_bytes_ = 0;  // 0: not buffered.
  int64_t flush_ms_ = 0;     // 0: no bound.
  int gzip_level_ = 0;
  std::string buffer_;
  uint64_t num_buffered_lines_ = 0;
  int64_t buffered_since_ms_ = 0;
};

class AccessLogs {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  // What the queue holds at most. 200 bytes a line are 20,000 lines: a second's worth of one busy
  // shard's new connections.
  static constexpr size_t kQueueBytesMax = 8 << 20;
  // After lines have come, others are waited for so long before these are written together. Waking
  // the control thread for each line would cost more than the line.
  static constexpr int64_t kGatherMs = 10;

  // `logger` outlives the logs; lost lines are told to it, and it has the ways to syslog servers.
  static absl::StatusOr<std::unique_ptr<AccessLogs>> Create(Logger& logger);
  AccessLogs(const AccessLogs&) = delete;
  AccessLogs& operator=(const AccessLogs&) = delete;

  // --- The control thread ---

  // The file of `log`, whose path is constant: one that is open already, as it is, or a new one
  // with the buffer that `log` wants. A syslog server need not be there.
  absl::StatusOr<std::shared_ptr<AccessLogFile>> Open(const config::AccessLog& log);
  // Gives `file`, which Open has returned for `log`, the buffer that `log` wants. What is in the
  // buffer is written.
  void SetBuffer(AccessLogFile& file, const config::AccessLog& log);
  // Readable when there is something to drain.
  int wake_fd() const { return wake_fd_.get(); }
  // When Drain has to be called even if wake_fd() is not readable; monotonic, ms.
  int64_t due_ms() const { return due_ms_; }
  // Writes what is queued, and buffers that are full or old enough.
  void Drain(int64_t now_ms);
  // Writes all there is, and opens every file whose name means another one now. A file that cannot
  // be opened stays as it is, and the error log says so. Sockets of syslog are the logger's.
  void Reopen(int64_t now_ms);
  // Writes all there is. After the last shard has ended.
  void Finish();

  // --- Any thread; never blocks on I/O ---

  // `line` ends in a line feed.
  void Log(std::shared_ptr<AccessLogFile> file, std::string line);
  // To the file at `path`, by a name that has variables in it. `cache` outlives the process's
  // shards.
  void LogByName(std::string path, const config::LogFileCache& cache, std::string line);

 private:
  struct Line {
    std::shared_ptr<AccessLogFile> file;  // Null: `path` says where.
    std::string path;
    config::LogFileCache cache;
    std::string text;
  };

  explicit AccessLogs(Logger& logger) : logger_(logger) {}

  void Enqueue(Line line);
  // Writes what is queued; returns whether there was anything.
  bool WriteQueue(int64_t now_ms);

  void Append(AccessLogFile& file, const std::string& line, int64_t now_ms);
  void Flush(AccessLogFile& file);
  void WriteByName(const std::string& path, const config::LogFileCache& cache,
                   const std::string& text, uint64_t num_lines, int64_t now_ms);
  // Flushes and closes those that nobody else holds on to any more.
  void CloseUnused();
  void ReportLost(int64_t now_ms);

  Logger& logger_;
  FileDescriptor wake_fd_;
  std::vector<std::shared_ptr<AccessLogFile>> files_;  // No syslog servers.
  NamedLogFiles named_files_;
  int64_t due_ms_ = kNever;
  uint64_t num_unwritten_ = 0;
  LogLimiter lost_limiter_;
  LogLimiter open_limiter_;

  absl::Mutex mutex_;
  std::vector<Line> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queue_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t num_dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  // The control thread sleeps until it is woken. Otherwise it comes by itself.
  bool wakes_ ABSL_GUARDED_BY(mutex_) = true;
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_ACCESS_LOG_H_
