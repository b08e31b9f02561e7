#include "tls/key_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace sluice::tls {

absl::StatusOr<std::unique_ptr<KeyLog>> KeyLog::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
  if (fd < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("open() \"", path, "\" for proxy_ssl_key_log"));
  }
  return std::unique_ptr<KeyLog>(new KeyLog(fd));
}

KeyLog::~KeyLog() { close(fd_); }

void KeyLog::Write(std::string_view line) {
  // One write of a whole line: appending threads do not mix.
  const std::string whole = absl::StrCat(line, "\n");
  ssize_t written;
  do {
    written = write(fd_, whole.data(), whole.size());
  } while (written < 0 && errno == EINTR);
}

}  // namespace sluice::tls
