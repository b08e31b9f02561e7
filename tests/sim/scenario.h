// What a simulation is about: a configuration, clients and upstreams with their scripts, and how
// unkind the kernel is.
#ifndef SLUICE_TESTS_SIM_SCENARIO_H_
#define SLUICE_TESTS_SIM_SCENARIO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/sim_kernel.h"
#include "tests/sim/sim_peer.h"
#include "tests/sim/sim_socket.h"

namespace sluice::sim {

enum class Transport : uint8_t { kPlain, kTls12, kTls13 };
const char* TransportName(Transport transport);

struct ConnectionScript {
  int64_t start_ms = 0;
  PeerScript client;
  Fate client_fate = Fate::kGood;  // Another one only if clients speak TLS.
  PeerScript upstream;             // Of a good one.
  SimSocket::Sizes client_sizes;
  SimSocket::Sizes upstream_sizes;
  int64_t connect_ms = 1;  // What an upstream takes to answer.
};

// The PROXY header that clients are to send.
enum class ClientHeader : uint8_t {
  kNone,  // None is expected.
  kGood,
  kBroken,   // They begin without one.
  kMissing,  // They send nothing at all.
};

struct Scenario {
  uint64_t seed = 0;
  Transport transport = Transport::kPlain;  // To upstreams.
  Transport client_transport = Transport::kPlain;
  bool verify_client = false;  // Clients must have a certificate.
  // The server that clients speak with is found by the name in their ClientHello.
  bool selects_by_name = false;
  bool half_close = false;
  bool session_reuse = true;
  int64_t buffer_bytes = 0;  // 0: not given.
  size_t slab_budget_bytes = 64 << 20;
  int splice_pipes_max = 64;
  uint64_t splice_run_bytes_min = 1'000'000;
  int64_t timeout_ms = 30'000;
  int64_t connect_timeout_ms = 5'000;
  int64_t client_handshake_timeout_ms = 10'000;
  bool next_upstream = true;
  int next_upstream_tries = 0;
  int64_t next_upstream_timeout_ms = 0;
  std::vector<Fate> fates = {Fate::kGood};  // By peer.
  std::vector<ConnectionScript> connections;
  ClientHeader client_header = ClientHeader::kNone;
  bool sends_header = false;  // Upstreams are sent a PROXY header.
  // Not 0: there is no upstream, and `return` gives the one client so many bytes.
  size_t num_returned_bytes = 0;
  int64_t stop_at_ms = kNeverMs;
  SimFaults faults;
};

// The scenario of `seed`: always the same one.
Scenario RandomScenario(uint64_t seed);

std::string Describe(const Scenario& scenario);

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_SCENARIO_H_
