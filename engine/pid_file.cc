#include "engine/pid_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/system_error.h"

namespace sluice::engine {
namespace {

absl::Status NotARegularFile(const std::string& path) {
  return absl::FailedPreconditionError(absl::StrCat(
      "\"", path, "\" is not a regular file: remove it, or name another with \"pid\""));
}

// Never waits: not for the other end of a FIFO, either. Fails for all but regular files.
absl::StatusOr<FileDescriptor> OpenRegular(const std::string& path, int flags) {
  FileDescriptor fd(open(path.c_str(), flags | O_NONBLOCK | O_CLOEXEC, 0644));
  if (!fd.valid()) {
    // A FIFO without a reader, a socket, a device without a driver.
    if (errno == ENXIO) return NotARegularFile(path);
    const int error = errno;
    std::string text = SystemErrorText(absl::StrCat("open() \"", path, "\""), error);
    if (error == ENOENT && (flags & O_CREAT) == 0) {
      absl::StrAppend(&text, ": sluice is not running");
    }
    return absl::FailedPreconditionError(text);
  }
  struct stat file;
  if (fstat(fd.get(), &file) != 0)
    return SystemError(absl::StrCat("fstat() \"", path, "\""), errno);
  if (!S_ISREG(file.st_mode)) return NotARegularFile(path);
  return fd;
}

// Who holds the lock; 0: nobody; below 0: somebody outside of this process's PID namespace.
absl::StatusOr<pid_t> LockHolder(int fd, const std::string& path) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(fd, F_GETLK, &lock) != 0) {
    return SystemError(absl::StrCat("fcntl(F_GETLK) \"", path, "\""), errno);
  }
  if (lock.l_type == F_UNLCK) return 0;
  return lock.l_pid > 0 ? lock.l_pid : -1;
}

}  // namespace

void PidFile::Remove() {
  if (!std::exchange(ours_, false) || unlink(path_.c_str()) == 0) return;
  // Without the right to remove it, an empty file is the next best: no number, nobody to signal.
  (void)!ftruncate(fd_.get(), 0);
}

absl::Status PidFile::Open(const std::string& path) {
  path_ = path;
  while (true) {
    absl::StatusOr<FileDescriptor> fd = OpenRegular(path, O_WRONLY | O_CREAT | O_EXCL);
    ours_ = fd.ok();
    if (!ours_) fd = OpenRegular(path, O_WRONLY | O_CREAT);
    if (!fd.ok()) return fd.status();
    fd_ = *std::move(fd);

    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd_.get(), F_SETLK, &lock) != 0) {
      ours_ = false;
      if (errno != EACCES && errno != EAGAIN) {
        return SystemError(absl::StrCat("fcntl(F_SETLK) \"", path, "\""), errno);
      }
      const absl::StatusOr<pid_t> holder = LockHolder(fd_.get(), path);
      return absl::FailedPreconditionError(
          absl::StrCat("another sluice runs with the pid file \"", path, "\"",
                       holder.ok() && *holder > 0 ? absl::StrCat(": process ", *holder) : "",
                       "; stop it, or give this one another \"pid\""));
    }
    // Its holder may have removed the file between our open and our lock.
    struct stat file;
    if (fstat(fd_.get(), &file) != 0) {
      return SystemError(absl::StrCat("fstat() \"", path, "\""), errno);
    }
    if (file.st_nlink > 0) return absl::OkStatus();
  }
}

absl::Status PidFile::Write() {
  const std::string text = absl::StrCat(getpid(), "\n");
  ours_ = true;
  if (ftruncate(fd_.get(), 0) != 0 ||
      write(fd_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return SystemError(absl::StrCat("write() to \"", path_, "\""), errno);
  }
  return absl::OkStatus();
}

absl::StatusOr<pid_t> PidFileHolder(const std::string& path) {
  const absl::StatusOr<FileDescriptor> fd = OpenRegular(path, O_RDONLY);
  if (!fd.ok()) return fd.status();
  const absl::StatusOr<pid_t> holder = LockHolder(fd->get(), path);
  if (!holder.ok() || *holder > 0) return holder;
  return absl::FailedPreconditionError(
      *holder == 0 ? absl::StrCat("sluice is not running: no process holds the lock on \"", path,
                                  "\", which one that was killed may have left behind")
                   : absl::StrCat("the sluice with the pid file \"", path,
                                  "\" runs in another PID namespace: signal it there"));
}

}  // namespace sluice::engine
