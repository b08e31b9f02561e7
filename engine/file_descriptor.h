// Owns a file descriptor: closes it when it dies.
#ifndef SLUICE_ENGINE_FILE_DESCRIPTOR_H_
#define SLUICE_ENGINE_FILE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace sluice::engine {

class FileDescriptor {
 public:
  // Owns nothing.
  FileDescriptor() = default;
  // Takes ownership of `fd`; a negative one, as failing calls return, is nothing.
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (valid()) close(fd_);
  }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }
  // Hands ownership to the caller.
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_FILE_DESCRIPTOR_H_
