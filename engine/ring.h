// One shard's io_uring: the only door to liburing.
//
// A Ring is created, disabled, on the main thread, so that every error is reported before a thread
// starts. The shard's thread enables it and from then on is the only one to touch it. The Prep
// functions queue operations; SubmitAndWait hands all of them to the kernel in one system call and
// waits for completions; ForEachCompletion reads those. Needs Linux 6.1.
//
//   ring->PrepRecv(fd, room, token, /*poll_first=*/true);
//   status = ring->SubmitAndWait(timeout_us);
//   ring->ForEachCompletion(256, [&](const Completion& completion) { ... });
//
// Memory given to a Prep function belongs to the kernel until the operation's last completion
// (the one without `more`) has been read. This holds after a cancel and after the descriptor was
// closed, too. Before a Ring is destroyed no operation may be in flight.
#ifndef SLUICE_ENGINE_RING_H_
#define SLUICE_ENGINE_RING_H_

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/op.h"

struct io_uring;           // liburing's.
struct io_uring_buf_ring;  // liburing's.
struct io_uring_sqe;       // liburing's.

namespace sluice::engine {

struct RingOptions {
  // Operations queued before the kernel is entered out of turn. A power of two.
  unsigned submissions = 512;
  // Completions that wait in the shared ring before the kernel has to keep them elsewhere, which
  // is slow. A power of two, 16 bytes each.
  unsigned completions = 16384;
  // Provided receive buffers. A power of two, at most 32768; 0: none.
  unsigned num_buffers = 0;
  size_t buffer_bytes = 0;
};

// What the kernel has told about one operation.
struct Completion {
  Token token;
  // >= 0: bytes, or the accepted descriptor. < 0: -errno.
  int32_t result = 0;
  // The operation (a multishot one) is still in flight.
  bool more = false;
  // Receive: the socket held more bytes than the receive took, when it took them.
  bool nonempty = false;
  // `buffer_id` names a provided buffer, which is the reader's until ReturnBuffer. Its first
  // `result` bytes are filled.
  bool has_buffer = false;
  uint16_t buffer_id = 0;
};

// What this kernel offers beyond what is needed, for the log and for -V.
struct RingFeatures {
  std::string kernel_release;    // As uname -r.
  bool min_wait = false;         // 6.12: wait a little for more completions.
  bool no_iowait = false;        // 6.15: an idle shard is not accounted as waiting for I/O.
  bool recv_byte_limit = false;  // 6.17: a multishot receive ends after a number of bytes.

  // "Linux 6.12.1, min_wait, no_iowait".
  std::string ToString() const;
};

class Ring {
 public:
  // Waits until there is a completion.
  static constexpr int64_t kNoTimeout = -1;
  // How long a wait lasts when the kernel had no memory: long enough not to burn the CPU that could
  // free some, too short for a client to notice.
  static constexpr int64_t kNoMemoryWaitUs = 10'000;

  // A disabled ring, on any thread. Errors are one line with cause and cure.
  static absl::StatusOr<std::unique_ptr<Ring>> Create(const RingOptions& options);
  // Not before the shard's thread has ended, if it is not that thread.
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // "2.9".
  static std::string LiburingVersion();

  // What the kernel has, found by creating a ring with `options` and using it: where this succeeds
  // nothing forbids one of io_uring's system calls. Errors as of Create.
  static absl::StatusOr<RingFeatures> Probe(const RingOptions& options);

  // Makes the calling thread the ring's only user. Once, before anything below. From here on the
  // kernel refuses every kind of operation that has no Prep function.
  absl::Status Enable();

  // Each queues one operation, which completes with `token`. They never fail and never wait: when
  // the queue is full it is submitted, and what the kernel does not take then waits here for the
  // next SubmitAndWait. The kernel gets operations in the order in which they were queued. It waits
  // for non-blocking sockets as for others.

  // One completion, with a new close-on-exec and non-blocking descriptor, for each connection. When
  // `more` is not set the accept has ended and has to be queued again. Descriptors that still
  // arrive after a cancel are real and must be closed. -EMFILE comes as soon as no descriptor is
  // left, connection or not; the limit (RLIMIT_NOFILE) is the one that holds when the accept is
  // submitted.
  void PrepAcceptMultishot(int fd, Token token);
  void PrepConnect(int fd, const sockaddr* address, socklen_t address_len, Token token);
  // Receives once, as much as there is, into `room`. Result 0: the peer will send no more.
  // `poll_first`: do not try at once, because there is known to be nothing yet.
  void PrepRecv(int fd, std::span<uint8_t> room, Token token, bool poll_first);
  // As PrepRecv, into a provided buffer that the kernel picks when bytes have arrived; as much as
  // it holds. -ENOBUFS: no buffer was free. Nothing is lost, the bytes wait in the socket. Without
  // `poll_first` that happens at once, bytes or no bytes.
  void PrepRecvProvided(int fd, Token token, bool poll_first);
  // Sends all of `bytes`: a result between 0 and their number means that the socket has failed
  // (or the send was cancelled), and the next send tells the error.
  void PrepSend(int fd, std::span<const uint8_t> bytes, Token token);
  // Sends what there is room for, at once. Completes only when that was not all of `bytes`: with
  // the number that was sent, or with -EAGAIN for none, or with the error. Otherwise it has
  // succeeded when all_submitted() and every completion has been read after that.
  void PrepSendAtOnce(int fd, std::span<const uint8_t> bytes, Token token);
  // Completes with the poll(2) events that have come about once one of `events`, POLLHUP or POLLERR
  // has, at once if it has already.
  void PrepPoll(int fd, unsigned events, Token token);
  // Reads once, at the file's own position. For eventfds: `room` is 8 bytes.
  void PrepRead(int fd, std::span<uint8_t> room, Token token);
  // Cancels the operation that was queued with `target`. Result 0: cancelled; -ENOENT: it had
  // completed; -EALREADY: too late to stop. In any case the completion of `target` is the truth.
  void PrepCancel(Token target, Token token);
  // Closes `fd`. Completes only when that fails. Nothing may be in flight on `fd`: the kernel would
  // not close the socket, and no FIN would be sent, until that had completed.
  void PrepClose(int fd, Token token);

  // Submits everything queued and waits for `min_completions`, or for `timeout_us`, whichever
  // comes first; a signal also ends the wait. 0: does not wait. `min_wait_us`: after this long one
  // completion is enough (Linux 6.12; where it is missing one completion always is).
  // When the kernel has no memory for new operations they stay queued for the next call, and this
  // one waits for completions, at most kNoMemoryWaitUs: each gives memory back.
  // An error means that the ring can no longer be used.
  absl::Status SubmitAndWait(int64_t timeout_us, unsigned min_completions = 1,
                             uint32_t min_wait_us = 0);

  // The kernel has taken everything that was queued.
  bool all_submitted() const;

  // Calls `handle(const Completion&)` for the completions that have arrived, oldest first, at most
  // `max` of them. Returns their number. `handle` may queue operations and return buffers.
  template <typename Handler>
  unsigned ForEachCompletion(unsigned max, Handler&& handle) {
    unsigned total = 0;
    while (total < max) {
      std::array<Completion, 64> batch;
      const unsigned count =
          ReadCompletions(std::span(batch).first(std::min<size_t>(batch.size(), max - total)));
      if (count == 0) break;
      for (unsigned i = 0; i < count; ++i) handle(std::as_const(batch[i]));
      total += count;
    }
    return total;
  }

  // The whole provided buffer `id`, for as long as the reader holds it.
  std::span<uint8_t> Buffer(uint16_t id);
  // Gives a buffer back to the kernel, at the latest with the next SubmitAndWait.
  void ReturnBuffer(uint16_t id);
  // Buffers that no completion has handed to the reader.
  unsigned num_free_buffers() const { return options_.num_buffers - num_held_buffers_; }

 private:
  explicit Ring(const RingOptions& options);

  absl::Status SetUp();
  absl::Status SetUpBuffers();
  io_uring_sqe* NextSqe(Token token);
  // Moves operations from the backlog to the queue while there is room.
  void RefillQueue();
  // The number of queued operations that the kernel has not taken yet, now visible to it.
  unsigned FlushQueue();
  // Both return what io_uring_enter does, or -errno: the first offers the queue to the kernel; the
  // second also has it make completions and waits for `num_wait` of them, or for `timeout_us`.
  int Submit();
  int Enter(unsigned num_submit, unsigned num_wait, int64_t timeout_us, uint32_t min_wait_us);
  void PublishReturnedBuffers();
  unsigned ReadCompletions(std::span<Completion> completions);

  const RingOptions options_;
  std::unique_ptr<io_uring> ring_;
  bool ring_is_open_ = false;
  unsigned enter_flags_ = 0;
  // Operations that the queue had no room for, oldest first: the kernel took nothing just then.
  std::list<io_uring_sqe> backlog_;

  io_uring_buf_ring* buffer_ring_ = nullptr;
  uint8_t* buffer_memory_ = nullptr;
  std::vector<bool> buffer_is_held_;
  unsigned num_held_buffers_ = 0;
  unsigned num_returned_buffers_ = 0;  // Not yet visible to the kernel.
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_RING_H_
