#include "engine/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/system_error.h"

namespace sluice::engine {

absl::StatusOr<FileDescriptor> OpenLogFile(const std::string& path) {
  FileDescriptor fd(
      open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0644));
  if (fd.valid()) return fd;
  const int error = errno;
  struct stat file;
  const bool unread = error == ENXIO && stat(path.c_str(), &file) == 0 && S_ISFIFO(file.st_mode);
  return absl::FailedPreconditionError(
      absl::StrCat(SystemErrorText(absl::StrCat("open() \"", path, "\""), error),
                   unread ? ": nobody reads this FIFO; start its reader first" : ""));
}

bool IsSameFile(const std::string& path, int fd) {
  struct stat by_name;
  struct stat open;
  return stat(path.c_str(), &by_name) == 0 && fstat(fd, &open) == 0 &&
         by_name.st_dev == open.st_dev && by_name.st_ino == open.st_ino;
}

absl::Status ReopenLogFile(const std::string& path, FileDescriptor& fd) {
  if (IsSameFile(path, fd.get())) return absl::OkStatus();
  absl::StatusOr<FileDescriptor> renewed = OpenLogFile(path);
  if (!renewed.ok()) return renewed.status();
  fd = *std::move(renewed);
  return absl::OkStatus();
}

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(written);
  }
  return true;
}

}  // namespace sluice::engine
