// What of a configuration a reload cannot bring about.
#ifndef SLUICE_ENGINE_RESTART_ONLY_H_
#define SLUICE_ENGINE_RESTART_ONLY_H_

#include <string>
#include <vector>

#include "config/plan.h"

namespace sluice::engine {

// Puts what only a restart can change of `running` into `next`. Returns a line for each difference
// that this took away, and for each parameter of a listener that cannot be changed while it
// listens.
std::vector<std::string> KeepUntilRestart(const config::Plan& running, config::Plan& next);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_RESTART_ONLY_H_
