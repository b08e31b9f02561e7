// Closes a ring to every operation that shards do not do.
//
// A seccomp filter does not see what is asked for through a ring. With this, whoever takes over a
// shard's thread still cannot open files through it.
#ifndef SLUICE_ENGINE_RING_RESTRICTIONS_H_
#define SLUICE_ENGINE_RING_RESTRICTIONS_H_

struct io_uring;  // liburing's.

namespace sluice::engine {

// For a ring that is still disabled; holds from when it is enabled, for good. Returns 0 or -errno.
int RestrictRing(io_uring* ring);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_RING_RESTRICTIONS_H_
