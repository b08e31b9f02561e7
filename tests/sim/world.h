// Runs a scenario: connections of the engine, driven as a worker drives them, between simulated
// clients and upstreams, on a simulated kernel, in virtual time.
//
// After every turn, what must hold is checked; at the end, judge.h looks at how each connection
// went. The same scenario runs the same way each time.
#ifndef SLUICE_TESTS_SIM_WORLD_H_
#define SLUICE_TESTS_SIM_WORLD_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/close_reason.h"
#include "engine/connection.h"
#include "engine/op.h"
#include "engine/runtime_plan.h"
#include "tests/sim/random.h"
#include "tests/sim/scenario.h"
#include "tests/sim/sim_kernel.h"
#include "tests/sim/sim_peer.h"

namespace sluice::sim {

// How one connection went.
struct Record {
  struct Attempt {
    Fate fate;
    std::unique_ptr<SimPeer> peer;  // Null: there was no socket.
  };

  std::unique_ptr<SimPeer> client;
  std::vector<Attempt> attempts;
  engine::CloseReason reason = engine::CloseReason::kNone;
  bool stopped = false;
  int64_t closed_at_ms = -1;
  engine::RelayBytes bytes;
};

class World {
 public:
  // Prints what happens to stderr if `trace`.
  explicit World(const Scenario& scenario, bool trace = false);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // To the end. Empty: all is well.
  std::string Run();

  const std::vector<Record>& records() const { return records_; }
  const engine::Metrics& metrics() const { return context_->metrics; }
  const SimKernel::Counts& counts() const { return kernel_.counts(); }
  int64_t now_ms() const { return now_ms_; }

 private:
  struct Slot {
    std::optional<engine::Connection> connection;
    bool started = false;
    bool touched = false;
    int64_t timer_ms = kNeverMs;
  };

  // --- As a worker does (engine/worker.cc) ---
  void Start(uint32_t slot);
  void OnCompletion(const SimCompletion& completion);
  void Touch(uint32_t slot);
  void AdvanceConnection(uint32_t slot);
  // False: how one of them ended is known already, and the connection has been told.
  bool Submit(uint32_t slot, engine::Side side, const engine::Operations::End& operations);
  // False: it has been drained, and the connection told.
  bool Drain(uint32_t slot, engine::Side side, engine::SplicePipe& pipe);
  void CloseSocket(uint32_t slot, engine::Side side, const engine::Operations::End& operations);
  bool ConnectUpstream(uint32_t slot);

  bool Turn();
  int64_t NextMs() const;
  bool all_closed() const;
  void CheckIdle(int64_t until_ms);
  void CheckTotals();
  void Fail(const std::string& error);
  template <typename... Args>
  void Trace(const Args&... args) const;

  const Scenario scenario_;
  const bool trace_;
  Random random_;
  SimKernel kernel_;
  std::shared_ptr<const engine::ShardPlan> plan_;
  std::atomic<uint64_t> next_connection_number_{1};
  std::unique_ptr<engine::ShardContext> context_;
  int64_t now_ms_ = 1'000'000;
  const int64_t start_ms_ = now_ms_;
  bool stopped_ = false;
  int64_t last_bytes_ms_ = 0;
  int num_spins_ = 0;
  std::vector<Record> records_;
  std::vector<uint32_t> touched_;
  std::vector<Slot> slots_;
  std::string error_;
};

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_WORLD_H_
