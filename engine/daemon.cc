#include "engine/daemon.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "engine/system_error.h"

namespace sluice::engine {
namespace {

// Ends as the child says, without running anything that belongs to the child by now.
[[noreturn]] void WaitAsParent(int child) {
  char ready;
  ssize_t count;
  do {
    count = read(child, &ready, 1);
  } while (count < 0 && errno == EINTR);
  _exit(count == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

}  // namespace

absl::StatusOr<Daemon> Daemon::Start() {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return SystemError("pipe2()", errno);
  FileDescriptor child(pipe_ends[0]);
  FileDescriptor parent(pipe_ends[1]);
  const pid_t pid = fork();
  if (pid < 0) return SystemError("fork()", errno);
  if (pid > 0) {
    // Otherwise the end of the child would not end the pipe.
    parent = FileDescriptor();
    WaitAsParent(child.get());
  }
  if (setsid() < 0) return SystemError("setsid()", errno);
  FileDescriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return SystemError("open() \"/dev/null\"", errno);
  for (int fd : {STDIN_FILENO, STDOUT_FILENO}) {
    if (dup2(null.get(), fd) < 0) return SystemError("dup2()", errno);
  }
  return Daemon(std::move(parent));
}

void Daemon::Ready() {
  // Fails only when the parent has been killed; then nobody waits.
  (void)!write(parent_.get(), "1", 1);
  parent_ = FileDescriptor();
}

}  // namespace sluice::engine
