// The server's side of exchanges (exchange.h), for any number of connections in one thread.
#ifndef SLUICE_BENCH_LOAD_UPSTREAM_H_
#define SLUICE_BENCH_LOAD_UPSTREAM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/exchange.h"
#include "bench/load/poller.h"
#include "bench/load/stream.h"
#include "bench/load/tls_stream.h"
#include "engine/file_descriptor.h"

namespace sluice::bench {

struct UpstreamTotals {
  uint64_t connections = 0;
  uint64_t exchanges = 0;
  uint64_t request_bytes = 0;
  uint64_t response_bytes = 0;
  // Requests with a wrong byte.
  uint64_t mismatches = 0;
  // Connections that broke off in an exchange or a handshake, or sent what is no request.
  uint64_t errors = 0;
};

class Upstream {
 public:
  // Serves `listener`, which does not block. `tls` may be null and outlives this. `corrupt_at`: the
  // byte of each response that is sent wrong, for tests.
  Upstream(engine::FileDescriptor listener, TlsEndpoint* tls, std::optional<uint64_t> corrupt_at);
  ~Upstream();

  // Serves until `stop`, a descriptor, becomes readable.
  void Run(int stop);

  const UpstreamTotals& totals() const { return totals_; }

 private:
  struct Connection;

  void Accept();
  // Does what epoll's `events` allow; closes it if that was the last.
  void Drive(Connection* connection, uint32_t events);
  void GoOnLater(Connection* connection);
  // False: it is to be closed.
  bool Receive(Connection* connection);
  bool Take(Connection* connection, std::span<const uint8_t> bytes);
  bool BeginExchange(Connection* connection);
  void EndExchangeIfDone(Connection* connection);
  bool Send(Connection* connection);
  void Close(Connection* connection);

  const engine::FileDescriptor listener_;
  TlsEndpoint* const tls_;
  const std::optional<uint64_t> corrupt_at_;
  Poller poller_;
  // By descriptor.
  std::vector<std::unique_ptr<Connection>> connections_;
  // Those that can go on without an event.
  std::vector<int> ready_;
  bool accept_more_ = false;
  UpstreamTotals totals_;
};

// Listens on 127.0.0.1 and sets `*port` to which one; 0 takes a free one. Not valid: errno says
// why.
engine::FileDescriptor ListenOnLoopback(uint16_t* port);

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LOAD_UPSTREAM_H_
