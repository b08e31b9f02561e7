// How the limits are measured: CPU time of one thread, medians of short slices.
#ifndef SLUICE_BENCH_LIMITS_MEASURE_H_
#define SLUICE_BENCH_LIMITS_MEASURE_H_

#include <time.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sluice::bench {

// One number of the report. `name` ends with its unit.
struct Figure {
  std::string name;
  double value;
};
using Figures = std::vector<Figure>;

struct MeasureOptions {
  int cpu = 0;       // Where what is measured runs.
  int peer_cpu = 0;  // Where those it talks to run.
  double seconds = 0.5;
};

// A figure is the median of so many slices of the time it has: one slice that somebody else's work
// fell into changes nothing.
inline constexpr int kNumSlices = 5;

// The CPUs that this process may run on, ascending.
std::vector<int> UsableCpus();
// From here on the calling thread runs on `cpu` only, and so do the threads it starts.
void PinThread(int cpu);

// CPU time used so far by the thread that `clock` belongs to (pthread_getcpuclockid), user and
// kernel.
int64_t CpuTimeNs(clockid_t clock);
inline int64_t ThreadCpuNs() { return CpuTimeNs(CLOCK_THREAD_CPUTIME_ID); }

double Median(std::vector<double> values);

// CPU time of one call of `operation`, in nanoseconds. Calls it for about `seconds`.
double NsPerCall(double seconds, const std::function<void()>& operation);

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LIMITS_MEASURE_H_
