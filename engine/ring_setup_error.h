// Why io_uring cannot be used, in words that tell the operator what to do.
#ifndef SLUICE_ENGINE_RING_SETUP_ERROR_H_
#define SLUICE_ENGINE_RING_SETUP_ERROR_H_

#include <cstdint>
#include <optional>
#include <string>

namespace sluice::engine {

// The first of io_uring's three system calls: the one that kernel.io_uring_disabled is about.
inline constexpr char kRingSetupCall[] = "io_uring_setup()";

// What decides whether a ring can be created and used.
struct RingSetupFacts {
  std::string call = kRingSetupCall;     // What failed.
  int error = 0;                         // errno of `call`.
  std::string kernel_release;            // As uname -r: "6.1.0-13-amd64".
  std::optional<int> io_uring_disabled;  // sysctl kernel.io_uring_disabled (Linux 6.6).
  uint64_t memlock_limit_bytes = 0;      // RLIMIT_MEMLOCK, RLIM_INFINITY: none.
  uint64_t nofile_limit = 0;             // RLIMIT_NOFILE.
};

RingSetupFacts GatherRingSetupFacts(std::string call, int error);

// One line: cause and cure.
std::string ExplainRingSetupError(const RingSetupFacts& facts);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_RING_SETUP_ERROR_H_
