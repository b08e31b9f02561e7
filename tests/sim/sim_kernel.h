// A kernel with a ring, in memory: takes operations, lets them happen late and in any order, and
// hands out completions.
//
// As with the real ring, an operation is executed at some moment, its completion waits in a queue
// that keeps the order of execution, and is read later: a cancel may come too late, and memory is
// the kernel's until the completion has been read. The kernel watches over that memory: a receive's
// room holds a pattern that nobody may touch, a send's bytes may not change. What it finds wrong is
// error().
#ifndef SLUICE_TESTS_SIM_SIM_KERNEL_H_
#define SLUICE_TESTS_SIM_SIM_KERNEL_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/op.h"
#include "engine/splice_pipe.h"
#include "tests/sim/random.h"
#include "tests/sim/sim_socket.h"

namespace sluice::sim {

// How unkind the kernel is, in percent. As given here it is as kind as can be.
struct SimFaults {
  int late = 0;           // What could be done, or told, is not in this turn.
  int short_receive = 0;  // A receive takes a part of what is there.
  int no_buffer = 0;      // -ENOBUFS, though a buffer would be free.
  int again = 0;          // -EAGAIN, or -EINTR.
  int pessimistic = 0;    // "There is more" is said though there is not.
  int cancel_loses = 0;   // What can still be done is, in spite of a cancel.
  int num_buffers = 8;    // Provided buffers.
};

// How a connect ends.
struct SimConnect {
  int error = 0;  // 0: it succeeds.
  int64_t at_ms = 0;
};
inline constexpr int64_t kNeverMs = INT64_MAX;

struct SimCompletion {
  engine::Token token;
  int result = 0;
  bool nonempty = false;
  int buffer = -1;  // Index of a provided buffer, -1: none.
};

class SimKernel {
 public:
  SimKernel(Random& random, const SimFaults& faults);
  // Nothing may be in flight.
  ~SimKernel();
  SimKernel(const SimKernel&) = delete;
  SimKernel& operator=(const SimKernel&) = delete;

  // --- System calls ---

  int OpenSocket(const SimSocket::Sizes& sizes, const SimConnect& connect);
  SimSocket& socket(int fd);
  void ShutdownWrite(int fd);
  int NumUndelivered(int fd) { return socket(fd).num_undelivered(); }

  // --- The ring ---

  void Connect(int fd, engine::Token token);
  void Receive(int fd, std::span<uint8_t> room, engine::Token token, bool poll_first);
  void ReceiveProvided(int fd, engine::Token token, bool poll_first);
  void Send(int fd, std::span<const uint8_t> bytes, engine::Token token, bool at_once);
  // Completes when `fd` can be received from, or sent to, as the operation of `token` says.
  void Poll(int fd, engine::Token token);
  // What splice(2) does, through a pipe. Returns bytes, 0 for the end, or -errno.
  int Fill(int fd, engine::SplicePipe& pipe, size_t bytes_max);
  int Drain(int fd, engine::SplicePipe& pipe);
  void Cancel(engine::Token token);
  // The socket lives on for its far end.
  void Close(int fd, bool reset);

  // Lets what can happen by now happen, or a part of it. False: nothing could.
  bool Run(int64_t now_ms);
  // When something will happen by itself.
  int64_t next_ms(int64_t now_ms) const;
  // The oldest completion that has not been read; nothing: not now. Its memory is given back,
  // except for a provided buffer.
  std::optional<SimCompletion> TakeCompletion();
  bool has_completions() const { return !completions_.empty(); }
  // A send at once that has done all it had to, which the kernel does not tell. Nothing: there is
  // none, or not every completion has been read.
  std::optional<SimCompletion> TakeUntold();
  std::span<uint8_t> Buffer(int buffer, int result);
  // The kernel writes over it.
  void ReturnBuffer(int buffer);

  // Operations of `slot` whose completions have not been read.
  int num_in_flight(uint32_t slot) const;
  // A receive or a send on `fd` could be executed, or bytes are on their way.
  bool busy(int fd) const;
  // When bytes last moved between a socket and sluice.
  int64_t last_moved_ms() const { return last_moved_ms_; }

  // Empty: all is well.
  const std::string& error() const { return error_; }
  void Fail(std::string error);

  // How often each of these has happened.
  struct Counts {
    uint64_t short_sends = 0;
    uint64_t sends_at_once = 0;
    uint64_t full_sends_at_once = 0;  // Fell short for want of room.
    uint64_t short_receives = 0;
    uint64_t no_buffers = 0;
    uint64_t cancelled = 0;
    uint64_t lost_cancels = 0;  // The operation was done in spite of the cancel.
    uint64_t hot_receives = 0;
    uint64_t cold_receives = 0;
    uint64_t fills = 0;
    uint64_t drains = 0;
    uint64_t short_drains = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Operation {
    engine::Token token;
    int fd = -1;
    bool cancelled = false;
    bool executed = false;
    bool poll_first = false;
    bool provided = false;
    bool at_once = false;
    bool poll = false;
    std::span<uint8_t> room;
    std::span<const uint8_t> bytes;
    std::vector<uint8_t> shadow;  // What `bytes` were; what was received into `room`.
    size_t num_sent = 0;
    SimConnect connect;
  };
  struct File {
    std::unique_ptr<SimSocket> socket;
    SimConnect connect;
    bool open = true;
  };

  Operation& Add(int fd, engine::Token token);
  bool CanExecute(const Operation& operation, int64_t now_ms) const;
  void Execute(Operation& operation, int64_t now_ms);
  void ExecuteReceive(Operation& operation);
  void ExecuteSend(Operation& operation);
  void ExecuteSendAtOnce(Operation& operation);
  void Complete(Operation& operation, int result, bool nonempty = false, int buffer = -1);
  // The operation has ended, and whoever has asked for it knows.
  void Remove(engine::Token token);
  void GiveBack(const Operation& operation);
  int TakeBuffer();

  Random& random_;
  const SimFaults faults_;
  std::vector<File> files_;
  std::vector<std::unique_ptr<Operation>> operations_;
  std::deque<SimCompletion> completions_;
  std::deque<SimCompletion> untold_;
  std::vector<std::vector<uint8_t>> buffers_;
  std::vector<int> free_buffers_;
  int64_t now_ms_ = 0;
  int64_t last_moved_ms_ = 0;
  std::string error_;
  Counts counts_;
};

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_SIM_KERNEL_H_
