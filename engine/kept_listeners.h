// Which listeners of a plan go on from the plan before it.
#ifndef SLUICE_ENGINE_KEPT_LISTENERS_H_
#define SLUICE_ENGINE_KEPT_LISTENERS_H_

#include <vector>

#include "config/plan.h"

namespace sluice::engine {

// For each listener of `now` the index of the one of `before` that has the same address;
// config::kNoIndex: none has.
std::vector<int> KeptListeners(const config::Plan& before, const config::Plan& now);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_KEPT_LISTENERS_H_
