#include "engine/privileges.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/file_descriptor.h"
#include "engine/system_error.h"

namespace sluice::engine {
namespace {

// What setuid has left of the capabilities: CAP_NET_RAW, and only that. There is no wrapper for
// capset in the C library.
absl::Status KeepOnlyNetRaw() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  sets[CAP_TO_INDEX(CAP_NET_RAW)].effective = CAP_TO_MASK(CAP_NET_RAW);
  sets[CAP_TO_INDEX(CAP_NET_RAW)].permitted = CAP_TO_MASK(CAP_NET_RAW);
  if (syscall(SYS_capset, &header, sets) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(SystemErrorText("capset(CAP_NET_RAW)", errno),
                   ": \"proxy_bind ... transparent\" needs it; start sluice with it"));
}

bool BindsTransparently(const config::Plan& plan) {
  return std::any_of(plan.servers.begin(), plan.servers.end(), [](const config::Server& server) {
    return server.bind.has_value() && server.bind->transparent;
  });
}

struct Identity {
  uid_t uid;
  gid_t gid;
};

bool WillChangeUser(const config::Process& process) {
  return !process.user.empty() && geteuid() == 0;
}

// Who `process` names.
absl::StatusOr<Identity> FindIdentity(const config::Process& process) {
  errno = 0;  // Stays 0 when there is no such user.
  const passwd* user = getpwnam(process.user.c_str());
  if (user == nullptr) {
    if (errno != 0) return SystemError(absl::StrCat("getpwnam(\"", process.user, "\")"), errno);
    return absl::FailedPreconditionError(
        absl::StrCat("user \"", process.user, "\" does not exist: create it or change \"user\""));
  }
  Identity identity{.uid = user->pw_uid, .gid = user->pw_gid};
  if (!process.group.empty()) {
    errno = 0;
    const group* group = getgrnam(process.group.c_str());
    if (group == nullptr) {
      if (errno != 0) return SystemError(absl::StrCat("getgrnam(\"", process.group, "\")"), errno);
      return absl::FailedPreconditionError(absl::StrCat(
          "group \"", process.group, "\" does not exist: create it or change \"user\""));
    }
    identity.gid = group->gr_gid;
  }
  return identity;
}

}  // namespace

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

void CreateLogsForUser(const config::Plan& plan) {
  if (!WillChangeUser(plan.process)) return;
  const absl::StatusOr<Identity> identity = FindIdentity(plan.process);
  if (!identity.ok()) return;  // DropPrivileges tells.
  const auto create = [&](const std::string& path, mode_t mode) {
    const FileDescriptor fd(
        open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (fd.valid()) (void)!fchown(fd.get(), identity->uid, identity->gid);
  };
  const auto create_error_logs = [&](const std::vector<config::ErrorLog>& logs) {
    for (const config::ErrorLog& log : logs) {
      if (log.file.starts_with('/')) create(log.file, 0644);
    }
  };
  create_error_logs(plan.process.error_logs);
  for (const config::Server& server : plan.servers) {
    create_error_logs(server.error_logs);
    for (const config::AccessLog& log : server.access_logs) {
      if (log.path.constant() && !log.syslog.has_value()) create(log.path.text(), 0644);
    }
  }
  for (const tls::Settings& settings : plan.tls_profiles) {
    if (!settings.key_log_path.empty()) create(settings.key_log_path, 0600);
  }
  for (const tls::ServerSettings& settings : plan.client_tls_profiles) {
    if (!settings.key_log_path.empty()) create(settings.key_log_path, 0600);
  }
}

absl::Status CheckPrivileges(const config::Plan& plan) {
  if (!BindsTransparently(plan)) return absl::OkStatus();
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, sets) != 0) return SystemError("capget()", errno);
  if (sets[CAP_TO_INDEX(CAP_NET_RAW)].effective & CAP_TO_MASK(CAP_NET_RAW)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      "\"proxy_bind ... transparent\" needs CAP_NET_RAW, which this process does not have (any "
      "more): restart sluice");
}

absl::Status DropPrivileges(const config::Plan& plan) {
  const config::Process& process = plan.process;
  if (!WillChangeUser(process)) return absl::OkStatus();
  const absl::StatusOr<Identity> identity = FindIdentity(process);
  if (!identity.ok()) return identity.status();
  const auto [uid, gid] = *identity;
  // In this order: only root may change groups.
  if (initgroups(process.user.c_str(), gid) != 0) {
    return SystemError(absl::StrCat("initgroups(", process.user, ", ", gid, ")"), errno);
  }
  if (setgid(gid) != 0) return SystemError(absl::StrCat("setgid(", gid, ")"), errno);
  const bool transparent = BindsTransparently(plan);
  if (transparent && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
    return SystemError("prctl(PR_SET_KEEPCAPS, 1)", errno);
  }
  if (setuid(uid) != 0) return SystemError(absl::StrCat("setuid(", uid, ")"), errno);
  if (transparent) {
    if (absl::Status status = KeepOnlyNetRaw(); !status.ok()) return status;
    if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) {
      return SystemError("prctl(PR_SET_KEEPCAPS, 0)", errno);
    }
  }
  // Changing the user has done this already; said here because private keys are in memory: no core
  // file, and no tracing by others that run as this user.
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return SystemError("prctl(PR_SET_DUMPABLE)", errno);
  return absl::OkStatus();
}

}  // namespace sluice::engine
