// Opening log files and writing to them, as all logs do.
#ifndef SLUICE_ENGINE_LOG_FILE_H_
#define SLUICE_ENGINE_LOG_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/file_descriptor.h"

namespace sluice::engine {

// Opens `path` for appending, and makes it if it is missing. Waits neither for the reader of a FIFO
// now nor, later, for it to read: a FIFO has to have a reader by now.
absl::StatusOr<FileDescriptor> OpenLogFile(const std::string& path);

// Whether `path` still leads to the file that is open as `fd`.
bool IsSameFile(const std::string& path, int fd);

// Opens `path` again in place of `fd`, which was opened there, if it leads to another file by now.
// A failure leaves `fd` as it is.
absl::Status ReopenLogFile(const std::string& path, FileDescriptor& fd);

// False if some of `text` could not be written: the disk is full, say, or a FIFO is.
bool WriteAll(int fd, std::string_view text);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_LOG_FILE_H_
