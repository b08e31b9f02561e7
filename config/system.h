// What the compiler asks of the machine. Tests answer from tables.
#ifndef SLUICE_CONFIG_SYSTEM_H_
#define SLUICE_CONFIG_SYSTEM_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/address.h"
#include "config/read_file.h"

namespace sluice::config {

struct System {
  // Contents of a file, and the files that a pattern matches: as read_file.h says.
  std::function<absl::StatusOr<std::string>(const std::string& path)> read_file = ReadFile;
  std::function<absl::StatusOr<std::vector<std::string>>(const std::string& pattern)> match_files =
      MatchFiles;
  // All addresses of a host name, port 0, IPv4 first; never an empty list. The message of a failure
  // says why: "Name or service not known".
  std::function<absl::StatusOr<std::vector<Address>>(const std::string& host)> resolve;
  std::function<bool(const std::string& name)> user_exists;
  std::function<bool(const std::string& name)> group_exists;
  // What stands at `path`, behind symbolic links, and who may use it: st_mode of inode(7). Fails
  // with NotFound if nothing does; the message is in nginx's words, without the path: "stat()
  // failed (13: Permission denied)".
  std::function<absl::StatusOr<mode_t>(const std::string& path)> mode_of;
  // The CPUs this process may run on, ascending; at least one.
  std::vector<int> usable_cpus;
  // Whether the process may change its user.
  bool is_privileged = false;
};

// This machine, asked by getaddrinfo(3), getpwnam(3), getgrnam(3), stat(2),
// sched_getaffinity(2) and geteuid(2). `resolve` blocks.
System ThisSystem();

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_SYSTEM_H_
