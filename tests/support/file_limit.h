// Tests with many connections need more descriptors than a shell gives.
#ifndef SLUICE_TESTS_SUPPORT_FILE_LIMIT_H_
#define SLUICE_TESTS_SUPPORT_FILE_LIMIT_H_

#include <sys/resource.h>

namespace sluice::testing {

// Raises this process's soft limit to the hard one. Returns it.
inline rlim_t RaiseFileLimit() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_SUPPORT_FILE_LIMIT_H_
