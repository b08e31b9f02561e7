// Who talks through a relay: upstreams and clients, cheap enough that the relay, on another CPU, is
// what is measured. All run from construction to destruction on `cpu`.
#ifndef SLUICE_BENCH_LIMITS_RELAY_LOAD_H_
#define SLUICE_BENCH_LIMITS_RELAY_LOAD_H_

#include <netinet/in.h>

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "engine/file_descriptor.h"

namespace sluice::bench {

// Accepts connections, and closes each when its client has.
class UpstreamServer {
 public:
  enum class Kind {
    kEcho,  // Sends back what it gets, which must be little at a time.
    kSink,  // Throws away what it gets, without even copying it out of the kernel.
  };

  UpstreamServer(Kind kind, int cpu);
  ~UpstreamServer();
  const sockaddr_in& address() const { return address_; }

 private:
  void Run(Kind kind, int listener);

  sockaddr_in address_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// Connections that send as much as they can.
class BulkClients {
 public:
  BulkClients(const sockaddr_in& address, int num_connections, int cpu);
  ~BulkClients();

 private:
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};

// Connections that each send a message, wait for its echo and send the next.
class EchoClients {
 public:
  EchoClients(const sockaddr_in& address, int num_connections, size_t message_bytes, int cpu);
  ~EchoClients();

 private:
  void Run(size_t message_bytes);

  std::vector<engine::FileDescriptor> connections_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// One connection after the other, `concurrency` at a time: connect, one message and its echo,
// close.
class ChurnClients {
 public:
  ChurnClients(const sockaddr_in& address, int concurrency, size_t message_bytes, int cpu);
  ~ChurnClients();

 private:
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LIMITS_RELAY_LOAD_H_
