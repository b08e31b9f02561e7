// The process from start to end: from a plan to running shards, and from a signal to their end.
#ifndef SLUICE_ENGINE_SERVER_H_
#define SLUICE_ENGINE_SERVER_H_

#include "config/plan.h"
#include "engine/logger.h"
#include "engine/reload.h"

namespace sluice::engine {

// Runs `plan` until a signal ends it: SIGTERM and SIGINT close all connections, SIGQUIT waits for
// them to end. SIGHUP has `load` read the configuration again. The calling thread, the only one so
// far, becomes the control thread. Opens the plan's error logs in `logger`, which has no set yet.
//
// With `daemon on` this returns in the child process only. Returns the process's exit code; why
// sluice could not start has been logged.
int RunServer(config::Plan plan, Logger& logger, LoadPlan load);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_SERVER_H_
