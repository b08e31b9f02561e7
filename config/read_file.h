// Reads files that the configuration names.
#ifndef SLUICE_CONFIG_READ_FILE_H_
#define SLUICE_CONFIG_READ_FILE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace sluice::config {

// The whole contents of `path`. Fails, never blocks, on what is missing, unreadable, a directory, a
// pipe or socket, or larger than kFileBytesMax. The message is in nginx's words, without the
// path: "open() failed (2: No such file or directory)".
absl::StatusOr<std::string> ReadFile(const std::string& path);

// The files that `pattern` matches, sorted: glob(3). None if there are none.
absl::StatusOr<std::vector<std::string>> MatchFiles(const std::string& pattern);

// `path` itself if it is absolute, else behind `directory`. An empty `directory` is the current
// one.
std::string ResolvePath(std::string_view directory, std::string_view path);

// What stands before the last '/' of `path`: "/" for "/x", "" if there is none.
std::string DirectoryOf(std::string_view path);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_READ_FILE_H_
