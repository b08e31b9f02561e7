// When the process dies of a failed CHECK or a sanitizer, says which simulation it died in.
#ifndef SLUICE_TESTS_SIM_CRASH_REPORT_H_
#define SLUICE_TESTS_SIM_CRASH_REPORT_H_

#include <cstdint>

namespace sluice::sim {

// `seed` is what runs from now on.
void SetCrashSeed(uint64_t seed);

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_CRASH_REPORT_H_
