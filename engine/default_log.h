// The error log that nobody has asked for: sluice's own default, for a configuration without any.
#ifndef SLUICE_ENGINE_DEFAULT_LOG_H_
#define SLUICE_ENGINE_DEFAULT_LOG_H_

#include <string>

#include "absl/status/status.h"
#include "config/plan.h"
#include "engine/logger.h"

namespace sluice::engine {

// Does nothing unless `plan` logs to `path`, the default. Otherwise makes its folder (only that
// one, not the folder's parents) where it is missing. When the file cannot be opened even so, a
// daemon must not start, since nobody would see its errors; in the foreground they go to stderr
// instead, with a warning in `logger`.
absl::Status PrepareDefaultLog(const std::string& path, config::Plan& plan, Logger& logger);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_DEFAULT_LOG_H_
