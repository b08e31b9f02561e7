// The least that passing bytes on without copying them can do: one connection, from the client to
// the upstream only, by splice(2) through a pipe. What a proxy is measured against.
#ifndef SLUICE_BENCH_LIMITS_SPLICE_RELAY_H_
#define SLUICE_BENCH_LIMITS_SPLICE_RELAY_H_

#include <netinet/in.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "engine/file_descriptor.h"

namespace sluice::bench {

// Runs on a thread and a CPU of its own, from construction to destruction.
class SpliceRelay {
 public:
  // Connects the first who comes to `upstream`.
  SpliceRelay(int cpu, const sockaddr_in& upstream);
  // Its client must have come, and closed its connection.
  ~SpliceRelay();
  SpliceRelay(const SpliceRelay&) = delete;
  SpliceRelay& operator=(const SpliceRelay&) = delete;

  const sockaddr_in& address() const { return address_; }
  // For CpuTimeNs.
  clockid_t cpu_clock() const { return cpu_clock_; }
  int64_t num_bytes() const { return num_bytes_.load(std::memory_order_relaxed); }

 private:
  void Run(const engine::FileDescriptor& listener, const sockaddr_in& upstream);

  sockaddr_in address_;
  clockid_t cpu_clock_;
  std::atomic<int64_t> num_bytes_ = 0;
  std::thread thread_;
};

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LIMITS_SPLICE_RELAY_H_
