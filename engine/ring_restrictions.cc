#include "engine/ring_restrictions.h"

#include <liburing.h>

#include <cstdint>
#include <vector>

namespace sluice::engine {
namespace {

// One for each Prep function of Ring.
constexpr uint8_t kAllowedOperations[] = {
    IORING_OP_ACCEPT, IORING_OP_CONNECT,      IORING_OP_RECV,  IORING_OP_SEND,
    IORING_OP_READ,   IORING_OP_ASYNC_CANCEL, IORING_OP_CLOSE, IORING_OP_POLL_ADD,
};
// What Ring::Enable and ~Ring do.
constexpr uint8_t kAllowedRegistrations[] = {
    IORING_REGISTER_RING_FDS,
    IORING_UNREGISTER_RING_FDS,
    IORING_REGISTER_IOWQ_MAX_WORKERS,
};

}  // namespace

int RestrictRing(io_uring* ring) {
  std::vector<io_uring_restriction> rules;
  for (uint8_t operation : kAllowedOperations) {
    rules.push_back({.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = operation});
  }
  for (uint8_t registration : kAllowedRegistrations) {
    rules.push_back({.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = registration});
  }
  rules.push_back({.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
                   .sqe_flags = IOSQE_CQE_SKIP_SUCCESS | IOSQE_BUFFER_SELECT});
  return io_uring_register_restrictions(ring, rules.data(), rules.size());
}

}  // namespace sluice::engine
