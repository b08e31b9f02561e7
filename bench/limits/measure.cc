#include "bench/limits/measure.h"

#include <sched.h>

#include <algorithm>
#include <utility>

#include "absl/log/check.h"

namespace sluice::bench {

std::vector<int> UsableCpus() {
  cpu_set_t set;
  CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

void PinThread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0) << "CPU " << cpu;
}

int64_t CpuTimeNs(clockid_t clock) {
  timespec now;
  CHECK_EQ(clock_gettime(clock, &now), 0);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

double Median(std::vector<double> values) {
  CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double NsPerCall(double seconds, const std::function<void()>& operation) {
  const double slice_ns = seconds / kNumSlices * 1e9;
  const auto run = [&operation](int64_t num_calls) {
    const int64_t began_ns = ThreadCpuNs();
    for (int64_t i = 0; i < num_calls; ++i) operation();
    return static_cast<double>(ThreadCpuNs() - began_ns);
  };
  // Warms up, and finds how many calls a slice takes.
  int64_t num_calls = 1;
  double warm_ns = run(num_calls);
  while (warm_ns < slice_ns / 10) warm_ns = run(num_calls *= 2);
  num_calls = std::max<int64_t>(
      1, static_cast<int64_t>(slice_ns / warm_ns * static_cast<double>(num_calls)));
  std::vector<double> slices;
  for (int i = 0; i < kNumSlices; ++i) {
    slices.push_back(run(num_calls) / static_cast<double>(num_calls));
  }
  return Median(std::move(slices));
}

}  // namespace sluice::bench
