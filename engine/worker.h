// One shard: a thread with its own ring, listeners, connections, buffers, timers and numbers.
//
// A turn is one system call: submit what the connections want, wait, take completions, fire
// timers, ask each connection touched what it wants now. Everything here belongs to the shard's
// thread, except Post and the functions that use it.
#ifndef SLUICE_ENGINE_WORKER_H_
#define SLUICE_ENGINE_WORKER_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "engine/access_log.h"
#include "engine/connection.h"
#include "engine/file_descriptor.h"
#include "engine/logger.h"
#include "engine/metrics.h"
#include "engine/op.h"
#include "engine/ring.h"
#include "engine/runtime_plan.h"
#include "engine/timer_wheel.h"

namespace sluice::engine {

struct WorkerOptions {
  int shard = 0;
  // CPUs that the thread may run on; empty: any.
  std::vector<int> cpus;
  std::shared_ptr<const RuntimePlan> plan;
  // One listening socket for each listener of the plan, in its order, this shard's own.
  std::vector<FileDescriptor> listeners;
  // Outlive the worker.
  Logger* logger = nullptr;
  AccessLogs* access_logs = nullptr;  // Null: sessions are not logged.
  std::atomic<uint64_t>* next_connection_number = nullptr;
  // Called on the shard's thread when its ring has failed: nothing can be served any more. Must
  // not return.
  std::function<void(const absl::Status&)> on_fatal;
};

// A plan that takes the place of the one that new connections get, and what the shard needs for it.
struct PlanSwitch {
  std::shared_ptr<const ShardPlan> plan;
  // By listener of the plan: the listener of the plan before that has the same address and goes on,
  // or kNoIndex: then `opened` has this shard's socket.
  std::vector<int> kept;
  std::vector<FileDescriptor> opened;
  // As in WorkerOptions.
  std::vector<int> cpus;
  // RLIMIT_NOFILE is another one.
  bool descriptor_limit_changed = false;
  // Called on the shard's thread once the listeners that the plan does not have are closed.
  std::function<void()> on_done;
};

class Worker {
 public:
  // What a worker's ring needs of the kernel, to be probed before there is a worker.
  static RingOptions ring_options();

  // Sets everything up on the calling thread, so that errors are known before a thread starts.
  static absl::StatusOr<std::unique_ptr<Worker>> Create(WorkerOptions options);
  // After Join, or without Start.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Starts the thread.
  void Start();
  // Graceful: accepts no more, and ends when the last connection has ended. Otherwise ends all
  // connections now. Any thread, and more than once: a fast stop overtakes a graceful one.
  void RequestStop(bool graceful);
  // New connections get another plan, live ones keep theirs. Listeners that go on are not closed,
  // and whoever waits in the queue of one that does not is taken first, for the plan before. Any
  // thread; not again before `on_done`, nor after RequestStop.
  void SwitchPlan(PlanSwitch change);
  // Waits for the thread to end.
  void Join();

  // Any thread.
  const Metrics& metrics() const { return context_.metrics; }

 private:
  // What a TimerNode of this shard belongs to.
  struct Timer : TimerNode {
    enum class Owner : uint8_t { kSlot, kListener, kShutdown, kOldPlan };
    explicit Timer(Owner owner) : owner(owner) {}
    const Owner owner;
  };

  // A place for a connection. Its address and index stay; its generation tells its users apart.
  struct Slot : Timer {
    explicit Slot(uint32_t index) : Timer(Owner::kSlot), index(index) {}
    const uint32_t index;
    uint32_t generation = 0;
    bool touched = false;          // In touched_.
    size_t at_once_bytes[2] = {};  // By Side: of a send at once that is not known to have failed.
    RecvWish paced[2];             // By Side: a receive held back; kNone: there is none.
    std::optional<Connection> connection;
  };

  struct Listener : Timer {
    explicit Listener(uint32_t slot) : Timer(Owner::kListener), slot(slot) {}
    const uint32_t slot;                    // In listeners_.
    std::shared_ptr<const ShardPlan> plan;  // For whom it accepts,
    int index = 0;                          // and which of the plan's listeners it is.
    bool removed = false;                   // Not in plan_: it is being closed.
    FileDescriptor socket;
    bool accept_in_flight = false;
    LogLimiter error_limiter;
  };

  // Connections of a plan that another one has replaced, until its worker_shutdown_timeout is over.
  struct OldPlan : Timer {
    explicit OldPlan(std::weak_ptr<const ShardPlan> plan)
        : Timer(Owner::kOldPlan), plan(std::move(plan)) {}
    const std::weak_ptr<const ShardPlan> plan;
  };

  // In the order in which one may overtake another.
  enum class Stop : uint8_t { kNo, kGraceful, kFast };

  explicit Worker(WorkerOptions options);

  void Post(absl::AnyInvocable<void()> message);

  void Run();
  // How long nothing is to be done unless something happens.
  int64_t TimeoutUs() const;
  // Told to stop, and nothing is left that could make work.
  bool idle_for_good() const;
  void OnCompletion(const Completion& completion);
  void OnTimer(Timer& timer);
  void OnWake();

  // Binds the thread to its CPUs; to all that the process may use if there are none.
  void SetAffinity();
  void OnPlanSwitch(PlanSwitch change);
  Listener& AddListener(FileDescriptor socket, int index);
  void UpdateListener(Listener& listener, int index);
  void RemoveListener(Listener& listener);
  void Accept(Listener& listener);
  void OnAccept(Listener& listener, const Completion& completion);
  void AddConnection(Listener& listener, FileDescriptor client);
  void CloseListener(Listener& listener);
  void StopAccepting(Stop stop);
  void StopConnections();
  // worker_shutdown_timeout has passed.
  void EndShutdown();
  // The same for the connections of a plan that has been replaced.
  void EndOldPlan(OldPlan& old_plan);

  void OnConnectionCompletion(const Completion& completion);
  void Touch(Slot& slot);
  void AdvanceTouched();
  // Asks the connection what it wants, submits that, and frees the slot if it is done.
  void AdvanceConnection(Slot& slot);
  // False: how one of them ended is known already, and the connection has been told.
  bool Submit(Slot& slot, Side side, const Operations::End& operations);
  void SubmitReceive(Slot& slot, Side side, const RecvWish& wish, bool poll_first);
  // Drains the pipe, or waits until there is room. False: that is done, and the connection told.
  bool Drain(Slot& slot, Side side, SplicePipe& pipe);
  // The socket is ready for the pipe that its operation waits to fill, or drain; or -errno.
  void OnReadyToFill(Slot& slot, Side side, int result);
  void OnReadyToDrain(Slot& slot, Side side, int result);
  void CloseSocket(Slot& slot, Side side, const Operations::End& operations);
  // False: how it ended is known already, and the connection has been told.
  bool ConnectUpstream(Slot& slot);
  void LogConnected(const Slot& slot) const;
  Token TokenFor(const Slot& slot, Op op, Side side) const;

  // Holds a receive back until it is due (RecvWish::paced).
  void Pace(Slot& slot, Side side, const RecvWish& wish);
  // Tells of the sends at once that have gone well: of all that did not fail.
  void ConcludeSends();
  // Submits the receives that are due, and those that nearly are.
  void SubmitPaced(int64_t now_us);
  // Submits the one of this end now, if it is held back.
  void SubmitPaced(Slot& slot, Side side);

  WorkerOptions options_;
  ShardContext context_;
  std::shared_ptr<const ShardPlan> plan_;
  std::unique_ptr<Ring> ring_;
  std::thread thread_;

  int64_t now_ms_;
  TimerWheel timers_;
  std::vector<std::unique_ptr<Listener>> listeners_;  // Null: the place is free.
  int num_closing_listeners_ = 0;                     // Those that are `removed`.
  std::function<void()> on_switched_;                 // PlanSwitch::on_done, if it is still due.
  std::vector<std::unique_ptr<OldPlan>> old_plans_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> free_slots_;
  std::vector<Slot*> touched_;
  // Whoever has at_once_bytes, and perhaps others.
  struct AtOnce {
    Slot* slot;
    Side side;
  };
  std::vector<AtOnce> at_once_;
  // Receives held back, the one that is due first in front. Those submitted before they were due
  // are left here: a later one of the same end is then submitted early, too.
  struct Paced {
    Slot* slot;
    Side side;
    int64_t due_us;
  };
  std::deque<Paced> paced_;
  int num_connections_ = 0;
  Stop stop_ = Stop::kNo;
  Timer shutdown_timer_{Timer::Owner::kShutdown};  // Of a graceful stop.
  LogLimiter connections_limiter_;

  // --- Messages from other threads ---
  FileDescriptor wake_fd_;
  std::array<uint8_t, 8> wake_count_;  // The kernel's while a read is in flight.
  bool wake_in_flight_ = false;
  absl::Mutex mailbox_mutex_;
  std::vector<absl::AnyInvocable<void()>> mailbox_ ABSL_GUARDED_BY(mailbox_mutex_);
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_WORKER_H_
