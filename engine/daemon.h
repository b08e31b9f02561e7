// Going into the background.
#ifndef SLUICE_ENGINE_DAEMON_H_
#define SLUICE_ENGINE_DAEMON_H_

#include <utility>

#include "absl/status/statusor.h"
#include "engine/file_descriptor.h"

namespace sluice::engine {

// Goes on as a child process in a session of its own. The parent stays until the child calls
// Ready, and exits with 0 then; if the child ends before, the parent exits with 1. So everything
// that fails while starting is seen on the terminal, and whoever has started sluice can use it as
// soon as the command returns.
class Daemon {
 public:
  // Returns in the child only. No other thread yet. stdin and stdout are /dev/null from here on;
  // stderr is still that of the parent.
  static absl::StatusOr<Daemon> Start();

  // Lets the parent go. Once.
  void Ready();

 private:
  explicit Daemon(FileDescriptor parent) : parent_(std::move(parent)) {}

  FileDescriptor parent_;  // The pipe that the parent waits on.
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_DAEMON_H_
