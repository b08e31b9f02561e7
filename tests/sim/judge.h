// Says whether a connection went as it should, given who did what.
#ifndef SLUICE_TESTS_SIM_JUDGE_H_
#define SLUICE_TESTS_SIM_JUDGE_H_

#include <string>

#include "tests/sim/scenario.h"

namespace sluice::sim {

struct Record;

// Empty: all is well.
std::string Judge(const Scenario& scenario, const Record& record);

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_JUDGE_H_
