// Plan -> text, for people and for golden tests.
#ifndef SLUICE_CONFIG_PLAN_DUMP_H_
#define SLUICE_CONFIG_PLAN_DUMP_H_

#include <string>

#include "config/plan.h"

namespace sluice::config {

// Every field of `plan`, defaults included, in the order of plan.h; a listener and a peer are one
// line each. Equal plans give
// equal text. Files show as path and size, passwords as their number: no secret is in it.
std::string DumpPlan(const Plan& plan);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_PLAN_DUMP_H_
