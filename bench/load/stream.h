// A connection's bytes, with or without TLS. This is the seam between what an exchange is and how
// it travels.
#ifndef SLUICE_BENCH_LOAD_STREAM_H_
#define SLUICE_BENCH_LOAD_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/functional/function_ref.h"
#include "engine/file_descriptor.h"

namespace sluice::bench {

// The most that one system call moves.
inline constexpr size_t kIoBytes = 256 * 1024;

// What is to be sent: first `head`, then `body_bytes` of the pattern from `body_position` on.
struct Outgoing {
  std::span<const uint8_t> head;
  uint64_t body_position = 0;
  uint64_t body_bytes = 0;

  uint64_t size() const { return head.size() + body_bytes; }
};

// How a step ended. After kFailed errno says why, or is 0 (TLS).
enum class Progress {
  kMore,     // There may be more to be done at once.
  kBlocked,  // An event of the descriptor will tell.
  kEnded,    // The peer has ended its side.
  kFailed,
};

class Stream {
 public:
  // Returns false to stop: nothing more is wanted of this connection.
  using Sink = absl::FunctionRef<bool(std::span<const uint8_t>)>;

  virtual ~Stream() = default;

  // Receives once, at most kIoBytes, and hands what has come to `sink` in pieces that live as long
  // as the call. kMore also when the sink has stopped it.
  virtual Progress Receive(Sink sink) = 0;

  // Sends at most kIoBytes and sets `*taken` to how many bytes need not be offered again.
  virtual Progress Send(const Outgoing& outgoing, size_t* taken) = 0;

  // Bytes that were taken wait for the socket; Send, of nothing if need be, sends them.
  virtual bool has_unsent() const { return false; }

  // Says that nothing more follows, as far as that goes without waiting.
  virtual void End() {}
};

// TCP as it is.
class PlainStream : public Stream {
 public:
  // `fd` does not block.
  explicit PlainStream(engine::FileDescriptor fd) : fd_(std::move(fd)) {}

  Progress Receive(Sink sink) override;
  Progress Send(const Outgoing& outgoing, size_t* taken) override;

 private:
  const engine::FileDescriptor fd_;
};

// Receives once into `room`. kMore: `room` is full. kBlocked: it is not, there is no more for now.
// `*received` may be non-zero with both.
Progress ReceiveOnce(int fd, std::span<uint8_t> room, size_t* received);

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LOAD_STREAM_H_
