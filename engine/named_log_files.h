// Log files that are named with variables: which of them stay open (open_log_file_cache).
#ifndef SLUICE_ENGINE_NAMED_LOG_FILES_H_
#define SLUICE_ENGINE_NAMED_LOG_FILES_H_

#include <cstdint>
#include <string>
#include <unordered_map>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "config/plan.h"
#include "engine/file_descriptor.h"

namespace sluice::engine {

// The control thread's.
class NamedLogFiles {
 public:
  // Calls `use` with a descriptor of the file at `path`, open for appending. It is kept open when
  // `settings` wants it so: `max` at most, of which the one that was not used for longest goes
  // first; not longer than `inactive_ms` without a use, nor after fewer than `min_uses` uses in
  // that time; and after `valid_ms` only if the name still means the same file. `now_ms` is
  // monotonic. Fails where the file cannot be opened.
  absl::Status Use(const std::string& path, const config::LogFileCache& settings, int64_t now_ms,
                   absl::FunctionRef<void(int fd)> use);

  // Closes all of them.
  void Clear() { files_.clear(); }

  int num_open() const;

 private:
  struct File {
    FileDescriptor fd;  // Invalid: not used often enough yet to stay open.
    int num_uses = 0;
    int64_t used_ms = 0;
    int64_t checked_ms = 0;
    int64_t inactive_ms = 0;
  };

  void DropInactive(int64_t now_ms);
  void DropOldest();

  std::unordered_map<std::string, File> files_;
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_NAMED_LOG_FILES_H_
