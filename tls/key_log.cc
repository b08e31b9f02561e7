#include "tls/key_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace sluice::tls {
namespace {

std::string DirectiveName(PeerRole peer) { return absl::StrCat(DirectivePrefix(peer), "key_log"); }

}  // namespace

absl::StatusOr<std::unique_ptr<KeyLog>> KeyLog::Open(const std::string& path, PeerRole peer) {
  // Without O_NONBLOCK the open of a FIFO waits for its reader.
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  const int fd = open(path.c_str(), kFlags, 0600);
  if (fd < 0) {
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("open() \"", path, "\" for ", DirectiveName(peer)));
  }
  std::unique_ptr<KeyLog> key_log(new KeyLog(fd, path, peer));
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat("\"", path, "\" for ", DirectiveName(peer), " is not a regular file"));
  }
  return key_log;
}

KeyLog::~KeyLog() { close(fd_); }

absl::Status KeyLog::Reopen() {
  const auto renewed = Open(path_, peer_);
  if (!renewed.ok()) return renewed.status();
  // For threads that write at this moment the descriptor changes between two writes.
  if (dup3((*renewed)->fd_, fd_, O_CLOEXEC) < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("dup3() of \"", path_, "\""));
  }
  return absl::OkStatus();
}

void KeyLog::Write(std::string_view line) {
  // One write of a whole line: appending threads do not mix.
  const std::string whole = absl::StrCat(line, "\n");
  ssize_t written;
  do {
    written = write(fd_, whole.data(), whole.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(whole.size())) return;
  int none = 0;
  error_.compare_exchange_strong(none, written < 0 ? errno : ENOSPC, std::memory_order_relaxed);
}

absl::Status KeyLog::TakeError() {
  int error = error_.load(std::memory_order_relaxed);
  if (error <= 0 || !error_.compare_exchange_strong(error, kTold, std::memory_order_relaxed)) {
    return absl::OkStatus();
  }
  return absl::ErrnoToStatus(error,
                             absl::StrCat("write() to \"", path_, "\" of ", DirectiveName(peer_),
                                          ": secrets are missing there"));
}

}  // namespace sluice::tls
