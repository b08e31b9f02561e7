// How much CPU a process has used.
#ifndef SLUICE_BENCH_HANDSHAKES_CPU_TIME_H_
#define SLUICE_BENCH_HANDSHAKES_CPU_TIME_H_

#include <sys/types.h>

#include <cstdint>

namespace sluice::bench {

// Nanoseconds that the threads `pid` has now have run, user and kernel (/proc/PID/task/*/schedstat;
// the clock ticks of /proc/PID/stat are too coarse for a short run). Not those of its children.
int64_t CpuTimeNs(pid_t pid);

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_HANDSHAKES_CPU_TIME_H_
