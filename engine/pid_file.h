// The file that tells other processes which one sluice is.
//
// The number in it is for people and service managers. That a process runs, and which, the lock on
// the file says (fcntl(2), F_SETLK): the kernel takes it away when its holder ends, however that
// happens, so a file left behind never names a stranger who has got the number since.
#ifndef SLUICE_ENGINE_PID_FILE_H_
#define SLUICE_ENGINE_PID_FILE_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/file_descriptor.h"

namespace sluice::engine {

class PidFile {
 public:
  PidFile() = default;
  ~PidFile() { Remove(); }
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

  // Opens `path`, which needs the privileges that Write no longer has, and locks it for the life of
  // this process: not before a fork, and nothing else here may open and close the same file. Fails
  // when another process holds the lock. What stands in the file stays until Write, since it may be
  // that of another program. Once.
  absl::Status Open(const std::string& path);
  // Writes the number of this process. After Open.
  absl::Status Write();
  // Removes the file if it has been made or written here, or empties it where the process may no
  // longer remove it.
  void Remove();

 private:
  std::string path_;
  FileDescriptor fd_;
  bool ours_ = false;  // It was not there before, or has been written.
};

// The process that has `path` as its PidFile.
absl::StatusOr<pid_t> PidFileHolder(const std::string& path);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_PID_FILE_H_
