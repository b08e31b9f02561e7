// Who the process is and what it may use: `user` and worker_rlimit_nofile.
#ifndef SLUICE_ENGINE_PRIVILEGES_H_
#define SLUICE_ENGINE_PRIVILEGES_H_

#include "absl/status/status.h"
#include "config/plan.h"
#include "engine/logger.h"

namespace sluice::engine {

// Sets the number of descriptors that may be open to worker_rlimit_nofile or, without it, as high
// as it goes without privileges. Warns when that is less than worker_connections needs.
absl::Status RaiseDescriptorLimit(const config::Process& process, Logger& logger);

// Makes the logs of `plan` that are not there yet, as files of the user that the process is about
// to become: only so can they be opened again by their names later (SIGUSR1). Files that are there
// stay as they are: a folder that others can write to might hold a link to one of root's. Does
// nothing where DropPrivileges would do nothing. A log that cannot be made is left to whoever opens
// it.
void CreateLogsForUser(const config::Plan& plan);

// Becomes the user and group that `plan` names, for good, if it names one and the process runs as
// root; otherwise does nothing. Everything that needs root has been opened by now, but for one
// thing: `proxy_bind ... transparent` needs CAP_NET_RAW for each connection. Where a server has it,
// that capability alone is kept, as nginx does. No other thread yet.
absl::Status DropPrivileges(const config::Plan& plan);

// Whether `plan` can run with the privileges that the process has left: `proxy_bind ...
// transparent` may have come up after they were dropped.
absl::Status CheckPrivileges(const config::Plan& plan);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_PRIVILEGES_H_
