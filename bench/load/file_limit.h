// Tens of thousands of connections need more descriptors than a shell gives.
#ifndef SLUICE_BENCH_LOAD_FILE_LIMIT_H_
#define SLUICE_BENCH_LOAD_FILE_LIMIT_H_

#include <sys/resource.h>

#include <algorithm>

namespace sluice::bench {

// Tries to have `wanted` descriptors, the hard limit raised where that is allowed. Returns how many
// there are.
inline rlim_t RaiseFileLimit(rlim_t wanted) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  rlimit raised = {.rlim_cur = wanted, .rlim_max = std::max(wanted, limit.rlim_max)};
  if (setrlimit(RLIMIT_NOFILE, &raised) != 0) {
    raised = {.rlim_cur = std::min(wanted, limit.rlim_max), .rlim_max = limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
  }
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LOAD_FILE_LIMIT_H_
