// The client's side of exchanges (exchange.h): opens connections, keeps a closed or an open loop of
// exchanges going on them, and measures how long each takes. One thread.
#ifndef SLUICE_BENCH_LOAD_CLIENT_H_
#define SLUICE_BENCH_LOAD_CLIENT_H_

#include <netinet/in.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/exchange.h"
#include "bench/load/histogram.h"
#include "bench/load/poller.h"
#include "bench/load/stream.h"
#include "bench/load/tls_stream.h"

namespace sluice::bench {

struct ClientOptions {
  sockaddr_in target = {};
  int num_connections = 1;
  RequestHeader request;
  // Over all connections. Warm-up is a closed loop; its first exchanges go one to each connection.
  uint64_t num_warmup_exchanges = 0;
  uint64_t num_exchanges = 0;
  // Begins exchanges for so long instead. 0: goes by num_exchanges.
  double seconds = 0;
  // Exchanges a second over all connections, evenly spaced and dealt out in turn, whether or not a
  // connection is done with its last (an open loop). 0: each begins its next when done (closed).
  double rate = 0;
  // Body bytes a second, both ways, over all connections; holds back sends and beginnings. 0: no
  // limit. Closed loop only.
  double bulk_rate_bytes = 0;
  // Every exchange has a connection of its own.
  bool new_connections = false;
  // The byte of each request that is sent wrong, for tests.
  std::optional<uint64_t> corrupt_at;
};

struct ClientResult {
  uint64_t exchanges = 0;
  // Exchanges that broke off, mismatched ones too; and connections that did so between exchanges.
  uint64_t failed = 0;
  uint64_t mismatched = 0;
  uint64_t request_bytes = 0;
  uint64_t response_bytes = 0;
  double seconds = 0;
  double cpu_seconds = 0;  // This process's.
  // From when an exchange should have begun to its last byte.
  Histogram latency;
  // With new_connections: from connect() until connected.
  Histogram connect_latency;
};

class Client {
 public:
  // `tls` may be null and outlives this. The limit of open files is the caller's business.
  Client(const ClientOptions& options, TlsEndpoint* tls);
  ~Client();

  // In this order, each once. False: error() says why. In Prepare any failure is final; in Measure
  // failed exchanges are counted, and it is false only if nothing moves any more.
  bool Prepare();  // Opens the connections and does the warm-up.
  bool Measure();
  // Waits for a line, or the end, of `input`. The connections are watched meanwhile.
  void HoldUntilLine(int input);

  const ClientResult& result() const { return result_; }
  // What failed first; empty if nothing has.
  const std::string& error() const { return error_; }

 private:
  struct Connection;
  enum class Phase { kOpening, kWarmup, kMeasured, kHolding };

  // Runs until `finished(now_ns)`. False: stalled, or failed where failures are final.
  template <typename Finished>
  bool RunUntil(Finished finished);
  // Waits for events, at most so long, and deals with them.
  void Step(int64_t timeout_ns);
  void EnterPhase(Phase phase, uint64_t num_total);
  // Gives out what is due by now. Returns when the next is, or INT64_MAX.
  int64_t ReleaseDue(int64_t now_ns);

  // The life of a connection, in this order; Next again after each exchange.
  void Open(Connection* connection);
  void OnConnected(Connection* connection);
  void OnSettled();  // Only while opening: it is ready for Next.
  void Next(Connection* connection, int64_t now_ns);
  void Begin(Connection* connection, int64_t intended_ns);
  void OnDone(Connection* connection);
  // At any time. Closes it.
  void Fail(Connection* connection, const std::string& what, bool mismatched = false);

  // Does what epoll's `events` allow.
  void Drive(Connection* connection, uint32_t events);
  // False: it is closed.
  bool Receive(Connection* connection);
  bool Send(Connection* connection);
  void GoOnLater(Connection* connection);

  bool MayBeginMore(int64_t now_ns) const;
  int64_t IntendedNs(uint64_t exchange) const;
  uint32_t IndexOf(const Connection* connection) const;
  // The bulk rate. False: it has no turn yet, and will be driven when it has.
  bool TakeTurn(Connection* connection, int64_t now_ns);
  void Charge(uint64_t body_bytes, int64_t now_ns);

  const ClientOptions options_;
  TlsEndpoint* const tls_;
  const HeaderBytes header_;
  Poller poller_;
  std::vector<Connection> connections_;
  Phase phase_ = Phase::kOpening;

  // Of this phase.
  uint64_t num_total_ = 0;
  uint64_t num_begun_ = 0;
  uint64_t num_ended_ = 0;
  int64_t phase_began_ns_ = 0;
  int64_t deadline_ns_ = INT64_MAX;
  // Open loop: the next exchange of the schedule.
  uint64_t num_released_ = 0;
  // While opening.
  size_t num_opened_ = 0;
  size_t num_settled_ = 0;

  // Connections that can go on without an event (and, while Step works on them, those of before),
  // that wait for their turn by the bulk rate, and that have failed.
  std::vector<uint32_t> ready_;
  std::vector<uint32_t> turn_;
  std::deque<uint32_t> waiting_;
  std::vector<uint32_t> failed_;
  int64_t next_turn_ns_ = 0;

  const bool cycle_sources_;
  uint32_t next_source_ = 0;
  // Counts what moves, for the watchdog.
  uint64_t num_moves_ = 0;
  ClientResult result_;
  std::string error_;
};

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LOAD_CLIENT_H_
