// Moves bytes from one socket to another without copying them: splice(2) through a pipe.
#ifndef SLUICE_ENGINE_SPLICE_PIPE_H_
#define SLUICE_ENGINE_SPLICE_PIPE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/file_descriptor.h"

namespace sluice::engine {

// A pipe that is filled from one socket, drained into another, and filled again when it is empty:
// so that a socket that has nothing can be told from a pipe that takes no more. Neither ever waits.
// The sockets must be non-blocking: SPLICE_F_NONBLOCK is about the pipe only.
class SplicePipe {
 public:
  // Room for as many pieces of packets as this has pages: 1 to 32 KB each.
  static constexpr size_t kBytes = 1024 * 1024;

  // Null when no descriptor or memory is left.
  static std::unique_ptr<SplicePipe> Create();
  SplicePipe(const SplicePipe&) = delete;
  SplicePipe& operator=(const SplicePipe&) = delete;

  // Takes up to `bytes_max` that have arrived at socket `fd`. Only while empty. Returns their
  // number, 0 for the end of the stream, or -errno; -EAGAIN: nothing has arrived, or urgent data
  // stands in front, which cannot be spliced.
  int Fill(int fd, size_t bytes_max);
  // Sends what is here to socket `fd`, not empty. Returns how many bytes found room, or -errno;
  // -EAGAIN: none. SIGPIPE must be ignored.
  int Drain(int fd);

  size_t num_bytes() const { return num_bytes_; }

  // For kernels that are simulated: as Fill and Drain, from and to memory. `room` takes all there
  // is, at least num_bytes().
  void FillWith(std::span<const uint8_t> bytes);
  void DrainInto(std::span<uint8_t> room);

 private:
  SplicePipe(FileDescriptor read_end, FileDescriptor write_end)
      : read_end_(std::move(read_end)), write_end_(std::move(write_end)) {}

  FileDescriptor read_end_;
  FileDescriptor write_end_;
  size_t num_bytes_ = 0;
};

// The pipes of one shard: a bounded number of them, the idle ones kept for the next user.
class SplicePipes {
 public:
  // At most `num_max`, for streams of which `run_bytes_min` have come in bulk.
  SplicePipes(int num_max, uint64_t run_bytes_min)
      : num_max_(num_max), run_bytes_min_(run_bytes_min) {}
  SplicePipes(const SplicePipes&) = delete;
  SplicePipes& operator=(const SplicePipes&) = delete;

  // A stream of which `run_bytes` have come in bulk should have one.
  bool AreFor(uint64_t run_bytes) const { return run_bytes >= run_bytes_min_; }
  // There may be one: none of the shard's bound is left otherwise.
  bool available() const { return num_in_use_ < num_max_; }
  // An empty pipe; null when it cannot be had. Goes back by Release.
  std::unique_ptr<SplicePipe> Acquire();
  // Bytes in it are lost.
  void Release(std::unique_ptr<SplicePipe> pipe);

  int num_in_use() const { return num_in_use_; }

 private:
  const int num_max_;
  const uint64_t run_bytes_min_;
  int num_in_use_ = 0;
  std::vector<std::unique_ptr<SplicePipe>> free_;
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_SPLICE_PIPE_H_
