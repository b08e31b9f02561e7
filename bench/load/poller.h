// What has happened to descriptors, in batches: epoll, edge-triggered.
#ifndef SLUICE_BENCH_LOAD_POLLER_H_
#define SLUICE_BENCH_LOAD_POLLER_H_

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "engine/file_descriptor.h"

namespace sluice::bench {

// CLOCK_MONOTONIC.
int64_t NowNs();

class Poller {
 public:
  Poller();

  // Readable when Wait would return at once.
  int fd() const { return epoll_.get(); }

  // Reports `id` (epoll_event.data.u64) whenever `fd` becomes readable or writable, or its peer
  // ends, until it is closed. False: errno says why.
  bool Add(int fd, uint64_t id);

  // Waits for at most `timeout_ns`, or for ever if that is negative. Valid until the next call.
  std::span<const epoll_event> Wait(int64_t timeout_ns);

 private:
  engine::FileDescriptor epoll_;
  std::array<epoll_event, 512> events_;
};

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LOAD_POLLER_H_
