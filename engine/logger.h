// Error logs, in nginx's line format: "2026/11/23 12:00:00 [error] PID#TID: *CONNECTION message".
//
// A log set is what one error_log list of the configuration says: some files (or stderr) and syslog
// servers, each with its level. The process has one of its own; servers may have others. Whoever
// logs into a set holds on to it, and what nobody holds on to any more is closed.
//
// While the process starts and ends, a line is written by the thread that logs it. In between,
// lines are queued, so that no shard ever waits for a disk: the control thread polls wake_fd() and
// calls Drain. What does not fit into the queue is dropped, and counted in the log. What does not
// get to a syslog server is counted in the process's other logs, or on stderr where these are no
// files.
#ifndef SLUICE_ENGINE_LOGGER_H_
#define SLUICE_ENGINE_LOGGER_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "config/plan.h"
#include "engine/file_descriptor.h"
#include "engine/syslog.h"

namespace sluice::engine {

// `text` with every byte that is not printable ASCII as \xNN, so that nobody can forge lines, move
// a terminal's cursor or write letters that look like others. The logger does this to every
// message.
std::string EscapeForLog(std::string_view text);

// A set of logs. Only the Logger looks inside.
class LogSet {
 private:
  friend class Logger;

  // Its descriptor is the control thread's once there are others.
  struct File {
    std::string path;
    FileDescriptor owned_fd;  // Invalid for stderr.
    int fd = -1;
  };
  struct Output {
    std::shared_ptr<File> file;  // One of the two, the other is null.
    std::shared_ptr<Syslog> syslog;
    config::LogLevel level;
  };

  // Whether a line of `level` gets into a file, or to stderr.
  bool HasFileFor(config::LogLevel level) const;

  std::vector<Output> outputs_;
  config::LogLevel level_ = config::LogLevel::kEmerg;  // The most verbose of the outputs'.
  bool has_stderr_ = false;
};

// Null: the process's own.
using LogSetRef = std::shared_ptr<const LogSet>;

class Logger {
 public:
  // What the queue holds at most, messages and bookkeeping. At 200 bytes a line it is 5,000 lines:
  // far more than control needs a moment for, and nothing that would be missed.
  static constexpr size_t kQueueBytesMax = 1 << 20;

  // While starting and ending, lines of this level and above also go to stderr, as
  // "sluice: [warn] message".
  static constexpr config::LogLevel kTerminalLevel = config::LogLevel::kWarn;

  // How long syslog servers that do not read may put off the end of the process.
  static constexpr int64_t kSyslogPatienceMs = 1000;

  // Without a set yet: lines go to stderr only.
  Logger() = default;
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  // --- The control thread ---

  // Opens the files of `logs` for appending. Files that are open already are shared. A FIFO needs a
  // reader by now; lines that it has no room for are lost, and counted. A syslog server need not be
  // there.
  absl::StatusOr<LogSetRef> OpenSet(const std::vector<config::ErrorLog>& logs);
  // Makes `set` the process's own from here on, for lines that are queued already, too. `set` has
  // been opened here.
  void UseForProcess(LogSetRef set);
  // Writes what is queued, and opens every file whose name means another one now. A file that
  // cannot be opened stays as it is, and says so. Sockets of syslog are opened anew.
  void Reopen();
  // Makes the first file of the process's set what stderr is, now and after every change, unless
  // stderr is one of its logs: for what the run-time library has to say in a process without a
  // terminal.
  void RedirectStderr();

  // From here on lines are queued. The process has a set, and no other thread logs yet.
  absl::Status StartQueueing();
  // Becomes readable when there is something to drain.
  int wake_fd() const { return wake_fd_.get(); }
  // Writes what is queued.
  void Drain();
  // Drains, and writes at once from here on. After all other threads have ended.
  void StopQueueing();

  // A way to a syslog server, for logs of another kind: the one that is open already, or a new one.
  // After something was sent there, ContinueSyslog has to be called.
  std::shared_ptr<Syslog> OpenSyslog(const config::SyslogTarget& target);
  // Sends what syslog servers had no room for, and has wake_fd() become readable once they have
  // some for the rest; tells of what was lost.
  void ContinueSyslog();

  // --- Any thread ---

  // Whether a line of `level` is written anywhere.
  bool enabled(config::LogLevel level, const LogSetRef& set = nullptr) const {
    return level <= (set == nullptr ? process_level_.load(std::memory_order_relaxed) : set->level_);
  }

  // Logs `message`, one line. `connection`: its number, 0: none. Never blocks on I/O between
  // StartQueueing and StopQueueing. Outside of that only from one thread.
  void Log(config::LogLevel level, std::string_view message, uint64_t connection = 0,
           const LogSetRef& set = nullptr);

 private:
  struct Line {
    LogSetRef set;
    config::LogLevel level;
    pid_t thread_id;
    time_t time;
    uint64_t connection;
    std::string message;
  };

  absl::StatusOr<std::shared_ptr<LogSet::File>> OpenFile(const std::string& path);
  // Closes what nobody else holds on to and nothing waits for.
  void CloseUnusedSyslogs();
  // At the end: waits for servers to read what has not been sent yet, until syslog_deadline_ms_.
  void FinishSyslog();
  void Enqueue(Line line);
  // `not_to`: gets none of them; null: none is left out.
  void Write(const std::vector<Line>& lines, const Syslog* not_to = nullptr);
  // Tells what did not get to syslog servers, of each at most once a second unless `at_end`.
  void ReportLostToSyslog(bool at_end);
  void RedirectStderrNow() const;

  std::vector<std::weak_ptr<LogSet::File>> files_;  // By name each is open only once.
  std::vector<std::shared_ptr<Syslog>> syslogs_;    // For each target there is one.
  LogSetRef process_set_;
  std::atomic<config::LogLevel> process_level_ = kTerminalLevel;
  bool redirects_stderr_ = false;
  bool queueing_ = false;
  int64_t syslog_deadline_ms_ = 0;  // Since StopQueueing: how long syslog servers are waited for.
  FileDescriptor queue_fd_;         // An eventfd.
  FileDescriptor wake_fd_;  // An epoll instance: of queue_fd_, and of syslog servers without room.
  // Lines that could not be written. The control thread's.
  uint64_t num_unwritten_ = 0;

  absl::Mutex mutex_;
  std::vector<Line> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queue_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t num_dropped_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Lets one line in a second through, for errors that can come thousands of times: one instance for
// each kind of line and thread.
class LogLimiter {
 public:
  // Null: not now. Otherwise the number of lines held back since the latest one that was allowed.
  std::optional<uint64_t> Allow(uint64_t now_ms);

 private:
  static constexpr uint64_t kIntervalMs = 1000;

  uint64_t next_ms_ = 0;
  uint64_t num_suppressed_ = 0;
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_LOGGER_H_
