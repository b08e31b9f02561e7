// The file that tells other processes which one sluice is.
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

  // Opens `path`, which needs the privileges that Write no longer has. What another process has
  // left there stays until Write. Once.
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

// The number in `path`, and a process of that number exists.
absl::StatusOr<pid_t> ReadPidFile(const std::string& path);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_PID_FILE_H_
