// The least that a TCP relay on io_uring can do: receive, send, receive again. No timeouts, no
// logs, no limits, no balancing, no TLS; a megabyte of memory for each direction of each
// connection. Not a proxy to be used, but what one is measured against.
#ifndef SLUICE_BENCH_LIMITS_BARE_RELAY_H_
#define SLUICE_BENCH_LIMITS_BARE_RELAY_H_

#include <netinet/in.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <thread>

namespace sluice::bench {

// Runs on a thread and a CPU of its own, from construction to destruction.
class BareRelay {
 public:
  // Each connection that is made to the relay gets one to `upstream`. Aborts when io_uring cannot
  // be used (CheckIoUring).
  BareRelay(int cpu, const sockaddr_in& upstream);
  // Its clients must have closed their connections: the relay ends when it has relayed the rest.
  ~BareRelay();
  BareRelay(const BareRelay&) = delete;
  BareRelay& operator=(const BareRelay&) = delete;

  const sockaddr_in& address() const { return address_; }
  // For CpuTimeNs.
  clockid_t cpu_clock() const { return cpu_clock_; }
  // Sent on, both directions together.
  int64_t num_bytes() const { return num_bytes_.load(std::memory_order_relaxed); }
  int64_t num_sends() const { return num_sends_.load(std::memory_order_relaxed); }
  // Closed, on both sides.
  int64_t num_closed() const { return num_closed_.load(std::memory_order_relaxed); }

 private:
  class Loop;

  sockaddr_in address_;
  clockid_t cpu_clock_;
  std::atomic<int64_t> num_bytes_ = 0;
  std::atomic<int64_t> num_sends_ = 0;
  std::atomic<int64_t> num_closed_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// 0, or the errno of making a ring as the relay's.
int CheckIoUring();

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LIMITS_BARE_RELAY_H_
