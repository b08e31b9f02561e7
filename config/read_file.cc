#include "config/read_file.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "config/limits.h"

namespace sluice::config {
namespace {

absl::Status ErrnoStatus(const char* call, int error) {
  return absl::NotFoundError(absl::StrCat(call, " failed (", error, ": ", strerror(error), ")"));
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  // O_NONBLOCK: opening a FIFO nobody writes to would wait for ever.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return ErrnoStatus("open()", errno);
  absl::Cleanup close_fd = [fd] { close(fd); };

  struct stat info;
  if (fstat(fd, &info) != 0) return ErrnoStatus("fstat()", errno);
  if (S_ISDIR(info.st_mode)) return ErrnoStatus("read()", EISDIR);
  // A character device is let in for /dev/null, which nginx configurations do name.
  if (!S_ISREG(info.st_mode) && !S_ISCHR(info.st_mode)) {
    return absl::InvalidArgumentError("not a regular file");
  }

  std::string contents;
  char buffer[64 << 10];
  for (;;) {
    const ssize_t n = read(fd, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus("read()", errno);
    if (n == 0) return contents;
    contents.append(buffer, static_cast<size_t>(n));
    if (contents.size() > kFileBytesMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("larger than ", kFileBytesMax >> 20, " MiB, the most a file may have"));
    }
  }
}

absl::StatusOr<std::vector<std::string>> MatchFiles(const std::string& pattern) {
  glob_t matches = {};
  const int result = glob(pattern.c_str(), /*flags=*/0, /*errfunc=*/nullptr, &matches);
  absl::Cleanup free_matches = [&matches] { globfree(&matches); };
  if (result == GLOB_NOMATCH) return std::vector<std::string>();
  if (result != 0) return absl::UnavailableError("glob() failed");
  return std::vector<std::string>(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
}

std::string ResolvePath(std::string_view directory, std::string_view path) {
  if (path.starts_with('/') || directory.empty()) return std::string(path);
  return absl::StrCat(directory, directory.ends_with('/') ? "" : "/", path);
}

std::string DirectoryOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return "";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace sluice::config
