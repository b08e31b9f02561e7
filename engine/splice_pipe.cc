#include "engine/splice_pipe.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/log/check.h"

namespace sluice::engine {
namespace {

// Returns bytes or -errno.
int SpliceNow(int from, int to, size_t num_bytes) {
  const ssize_t n =
      splice(from, nullptr, to, nullptr, num_bytes, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  return n < 0 ? -errno : static_cast<int>(n);
}

// Whether a receive from `fd` would get something now.
bool HasBytes(int fd) {
  char byte;
  return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

}  // namespace

std::unique_ptr<SplicePipe> SplicePipe::Create() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return nullptr;
  FileDescriptor read_end(ends[0]);
  FileDescriptor write_end(ends[1]);
  // An unprivileged user who has much in pipes already (pipe-user-pages-soft) gets smaller ones.
  // One that is not worth it is none.
  constexpr int kBytesMin = 64 * 1024;  // The usual pipe.
  int num_bytes = static_cast<int>(kBytes);
  while (num_bytes > kBytesMin && fcntl(write_end.get(), F_SETPIPE_SZ, num_bytes) < 0) {
    num_bytes /= 4;
  }
  if (fcntl(write_end.get(), F_GETPIPE_SZ) < kBytesMin) return nullptr;
  return std::unique_ptr<SplicePipe>(new SplicePipe(std::move(read_end), std::move(write_end)));
}

int SplicePipe::Fill(int fd, size_t bytes_max) {
  CHECK_EQ(num_bytes_, 0u);
  int result = SpliceNow(fd, write_end_.get(), std::min(bytes_max, kBytes));
  // In front of urgent data splice tells the end, too, if FIN has arrived by then (Linux 6.18,
  // tcp_splice_read).
  if (result == 0 && HasBytes(fd)) result = -EAGAIN;
  num_bytes_ = static_cast<size_t>(std::max(result, 0));
  return result;
}

int SplicePipe::Drain(int fd) {
  CHECK_GT(num_bytes_, 0u);
  const int result = SpliceNow(read_end_.get(), fd, num_bytes_);
  num_bytes_ -= static_cast<size_t>(std::max(result, 0));
  return result;
}

void SplicePipe::FillWith(std::span<const uint8_t> bytes) {
  CHECK_EQ(num_bytes_, 0u);
  CHECK_EQ(write(write_end_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  num_bytes_ = bytes.size();
}

void SplicePipe::DrainInto(std::span<uint8_t> room) {
  CHECK_EQ(read(read_end_.get(), room.data(), num_bytes_), static_cast<ssize_t>(num_bytes_));
  num_bytes_ = 0;
}

std::unique_ptr<SplicePipe> SplicePipes::Acquire() {
  if (!available()) return nullptr;
  std::unique_ptr<SplicePipe> pipe;
  if (free_.empty()) {
    pipe = SplicePipe::Create();
  } else {
    pipe = std::move(free_.back());
    free_.pop_back();
  }
  if (pipe != nullptr) ++num_in_use_;
  return pipe;
}

void SplicePipes::Release(std::unique_ptr<SplicePipe> pipe) {
  CHECK_NE(pipe.get(), nullptr);
  --num_in_use_;
  if (pipe->num_bytes() == 0) free_.push_back(std::move(pipe));
}

}  // namespace sluice::engine
