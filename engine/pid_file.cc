#include "engine/pid_file.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/system_error.h"

namespace sluice::engine {

void PidFile::Remove() {
  if (!std::exchange(ours_, false) || unlink(path_.c_str()) == 0) return;
  // Without the right to remove it, an empty file is the next best: no number, nobody to signal.
  // When even that fails, `-s` will find that there is no such process.
  (void)!ftruncate(fd_.get(), 0);
}

absl::Status PidFile::Open(const std::string& path) {
  path_ = path;
  constexpr int kFlags = O_WRONLY | O_CREAT | O_CLOEXEC;
  fd_ = FileDescriptor(open(path.c_str(), kFlags | O_EXCL, 0644));
  ours_ = fd_.valid();
  if (!ours_) fd_ = FileDescriptor(open(path.c_str(), kFlags, 0644));
  if (!fd_.valid()) return SystemError(absl::StrCat("open() \"", path, "\""), errno);
  return absl::OkStatus();
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

absl::StatusOr<pid_t> ReadPidFile(const std::string& path) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    const int error = errno;
    std::string text = SystemErrorText(absl::StrCat("open() \"", path, "\""), error);
    if (error == ENOENT) absl::StrAppend(&text, ": sluice is not running");
    return absl::FailedPreconditionError(text);
  }
  char text[32];
  const ssize_t len = read(fd.get(), text, sizeof(text));
  if (len < 0) return SystemError(absl::StrCat("read() \"", path, "\""), errno);
  const std::string_view number = absl::StripAsciiWhitespace(std::string_view(text, len));
  if (number.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("sluice is not running: \"", path, "\" is empty"));
  }
  pid_t pid;
  if (!absl::SimpleAtoi(number, &pid) || pid <= 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("invalid PID number \"", number, "\" in \"", path, "\""));
  }
  // EPERM: it exists, and is somebody else's.
  if (kill(pid, 0) != 0 && errno == ESRCH) {
    return absl::FailedPreconditionError(absl::StrCat(
        "sluice is not running: \"", path, "\" names process ", pid, ", which does not exist"));
  }
  return pid;
}

}  // namespace sluice::engine
