// Why a ring could not be created, in words that tell the operator what to do.
#ifndef SLUICE_ENGINE_RING_SETUP_ERROR_H_
#define SLUICE_ENGINE_RING_SETUP_ERROR_H_

#include <cstdint>
#include <optional>
#include <string>

namespace sluice::engine {

// What decides whether a ring can be created.
struct RingSetupFacts {
  int error = 0;                         // errno of the setup.
  std::string kernel_release;            // As uname -r: "6.1.0-13-amd64".
  std::optional<int> io_uring_disabled;  // sysctl kernel.io_uring_disabled (Linux 6.6).
  uint64_t memlock_limit_bytes = 0;      // RLIMIT_MEMLOCK, RLIM_INFINITY: none.
  uint64_t nofile_limit = 0;             // RLIMIT_NOFILE.
};

RingSetupFacts GatherRingSetupFacts(int error);

// One line: cause and cure.
std::string ExplainRingSetupError(const RingSetupFacts& facts);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_RING_SETUP_ERROR_H_
