#include "engine/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "engine/system_error.h"

namespace sluice::engine {

absl::StatusOr<Signals> Signals::Take() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH}) {
    sigaddset(&signals, signal);
  }
  if (const int error = pthread_sigmask(SIG_BLOCK, &signals, nullptr); error != 0) {
    return SystemError("pthread_sigmask()", error);
  }
  if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) return SystemError("signal(SIGPIPE)", errno);
  FileDescriptor fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return SystemError("signalfd()", errno);
  return Signals(std::move(fd));
}

std::optional<int> Signals::Next() {
  signalfd_siginfo info;
  if (read(fd_.get(), &info, sizeof(info)) != sizeof(info)) return std::nullopt;
  return info.ssi_signo;
}

}  // namespace sluice::engine
