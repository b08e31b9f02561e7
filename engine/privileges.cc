#include "engine/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "engine/system_error.h"

namespace sluice::engine {

absl::Status RaiseDescriptorLimit(const config::Process& process, Logger& logger) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return SystemError("getrlimit(RLIMIT_NOFILE)", errno);
  if (process.nofile_limit > 0) {
    limit.rlim_cur = limit.rlim_max = process.nofile_limit;
  } else {
    limit.rlim_cur = limit.rlim_max;
  }
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        SystemErrorText(absl::StrCat("setrlimit(RLIMIT_NOFILE, ", limit.rlim_cur, ")"), errno),
        ": worker_rlimit_nofile above the hard limit needs root, and above fs.nr_open is not "
        "possible"));
  }
  // In nginx each worker process has a limit of its own; here the shards have one together.
  const uint64_t needed = uint64_t{1} * process.worker_connections * process.num_shards;
  if (needed > limit.rlim_cur) {
    logger.Log(config::LogLevel::kWarn,
               absl::StrCat(needed, " connections (worker_connections ", process.worker_connections,
                            " for each of ", process.num_shards,
                            " worker_processes) exceed the open file resource limit: ",
                            limit.rlim_cur, "; raise worker_rlimit_nofile"));
  }
  return absl::OkStatus();
}

absl::Status DropPrivileges(const config::Process& process) {
  if (process.user.empty() || geteuid() != 0) return absl::OkStatus();
  errno = 0;  // Stays 0 when there is no such user.
  const passwd* user = getpwnam(process.user.c_str());
  if (user == nullptr) {
    if (errno != 0) return SystemError(absl::StrCat("getpwnam(\"", process.user, "\")"), errno);
    return absl::FailedPreconditionError(
        absl::StrCat("user \"", process.user, "\" does not exist: create it or change \"user\""));
  }
  const uid_t uid = user->pw_uid;
  gid_t gid = user->pw_gid;
  if (!process.group.empty()) {
    errno = 0;
    const group* group = getgrnam(process.group.c_str());
    if (group == nullptr) {
      if (errno != 0) return SystemError(absl::StrCat("getgrnam(\"", process.group, "\")"), errno);
      return absl::FailedPreconditionError(absl::StrCat(
          "group \"", process.group, "\" does not exist: create it or change \"user\""));
    }
    gid = group->gr_gid;
  }
  // In this order: only root may change groups.
  if (initgroups(process.user.c_str(), gid) != 0) {
    return SystemError(absl::StrCat("initgroups(", process.user, ", ", gid, ")"), errno);
  }
  if (setgid(gid) != 0) return SystemError(absl::StrCat("setgid(", gid, ")"), errno);
  if (setuid(uid) != 0) return SystemError(absl::StrCat("setuid(", uid, ")"), errno);
  // Changing the user has done this already; said here because private keys are in memory: no core
  // file, and no tracing by others that run as this user.
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return SystemError("prctl(PR_SET_DUMPABLE)", errno);
  return absl::OkStatus();
}

}  // namespace sluice::engine
