// What a process has used so far, as the kernel counts it.
#ifndef SLUICE_TESTS_HOSTILE_PROCESS_USAGE_H_
#define SLUICE_TESTS_HOSTILE_PROCESS_USAGE_H_

#include <sys/types.h>

#include <cstdint>

namespace sluice::testing {

struct ProcessUsage {
  double cpu_s;            // User and system time of all its threads.
  int64_t resident_bytes;  // Memory it holds now.
};

// Of a process that lives.
ProcessUsage UsageOf(pid_t pid);

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_HOSTILE_PROCESS_USAGE_H_
