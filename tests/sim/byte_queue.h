// Bytes in order: in at the back, out at the front.
#ifndef SLUICE_TESTS_SIM_BYTE_QUEUE_H_
#define SLUICE_TESTS_SIM_BYTE_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::sim {

class ByteQueue {
 public:
  bool empty() const { return size() == 0; }
  size_t size() const { return bytes_.size() - head_; }
  std::span<const uint8_t> bytes() const { return std::span(bytes_).subspan(head_); }

  void Push(std::span<const uint8_t> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void Pop(size_t n) {
    head_ += n;
    if (head_ == bytes_.size()) {
      Clear();
    } else if (head_ >= kCompactBytes && head_ >= size()) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<ptrdiff_t>(head_));
      head_ = 0;
    }
  }
  void Clear() {
    bytes_.clear();
    head_ = 0;
  }

 private:
  // What is popped stays until it is as much as is left: each byte moves at most once.
  static constexpr size_t kCompactBytes = 64 * 1024;

  std::vector<uint8_t> bytes_;
  size_t head_ = 0;
};

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_BYTE_QUEUE_H_
