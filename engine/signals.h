// The signals that control the process, read like a file instead of interrupting a thread.
#ifndef SLUICE_ENGINE_SIGNALS_H_
#define SLUICE_ENGINE_SIGNALS_H_

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "engine/file_descriptor.h"

namespace sluice::engine {

class Signals {
 public:
  // Blocks SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2 and SIGWINCH in the calling thread
  // and in all that it starts from here on, and ignores SIGPIPE. Before there is another thread.
  static absl::StatusOr<Signals> Take();

  // Readable when a signal waits.
  int fd() const { return fd_.get(); }
  // The next signal that waits, if one does. Never blocks.
  std::optional<int> Next();

 private:
  explicit Signals(FileDescriptor fd) : fd_(std::move(fd)) {}

  FileDescriptor fd_;
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_SIGNALS_H_
