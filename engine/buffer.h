// Bytes in one slab: received at the tail, sent from the head.
//
//   |  done  |  bytes()         |  room()      |
//   0        head               tail           size
//
// The kernel may hold a part of each end: a receive in flight fills room(), a send in flight reads
// from the start of bytes(). While it does, the slab is pinned: it can neither go back to the pool
// nor be moved. That is checked, because a slab that goes back too early is written by the kernel
// after it has become somebody else's.
#ifndef SLUICE_ENGINE_BUFFER_H_
#define SLUICE_ENGINE_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "absl/log/check.h"
#include "engine/slab_pool.h"

namespace sluice::engine {

class Buffer {
 public:
  bool has_slab() const { return static_cast<bool>(slab_); }
  bool empty() const { return head_ == tail_; }
  size_t num_bytes() const { return tail_ - head_; }
  size_t num_room_bytes() const { return slab_.size() - tail_; }
  size_t slab_bytes() const { return slab_.size(); }

  std::span<const uint8_t> bytes() const { return {slab_.data() + head_, num_bytes()}; }
  // Only while no send reads them.
  std::span<uint8_t> mutable_bytes() {
    DCHECK(!sending_);
    return {slab_.data() + head_, num_bytes()};
  }
  std::span<uint8_t> room() const { return {slab_.data() + tail_, num_room_bytes()}; }

  // `n` bytes have been written to the start of room().
  void Commit(size_t n) {
    DCHECK_LE(n, num_room_bytes());
    tail_ += n;
  }

  // The first `n` of bytes() are done with.
  void Consume(size_t n) {
    CHECK_LE(n, num_bytes());
    head_ += n;
    // A receive in flight holds the place of its room; otherwise an empty buffer starts over.
    if (empty() && !receiving_) head_ = tail_ = 0;
  }

  // Copies `bytes` to the tail. There must be room.
  void Append(std::span<const uint8_t> bytes) {
    CHECK_LE(bytes.size(), num_room_bytes());
    if (bytes.empty()) return;
    std::memcpy(slab_.data() + tail_, bytes.data(), bytes.size());
    tail_ += bytes.size();
  }

  // Copies `bytes` in front of all others. There must be room, and nothing may hold the slab.
  void Prepend(std::span<const uint8_t> bytes) {
    CHECK(!pinned());
    CHECK_LE(bytes.size(), num_room_bytes());
    std::memmove(slab_.data() + head_ + bytes.size(), slab_.data() + head_, num_bytes());
    std::memcpy(slab_.data() + head_, bytes.data(), bytes.size());
    tail_ += bytes.size();
  }

  // Makes sure that there is a slab; a buffer that nothing holds gets one of the size that fits
  // `bytes`, in place of a smaller one, if it is empty or holds `num_moved_max` bytes at most.
  void Reserve(SlabPool& pool, size_t bytes, size_t num_moved_max = 0) {
    if (slab_ && (num_bytes() > num_moved_max || pinned() || slab_.size() >= bytes ||
                  slab_.size() == kLargestSlabBytes)) {
      return;
    }
    Slab larger = pool.Acquire(bytes);
    const size_t num_moved = num_bytes();
    if (num_moved > 0) {
      if (larger.size() <= slab_.size()) return;  // The budget is spent.
      std::memcpy(larger.data(), slab_.data() + head_, num_moved);
    }
    ReleaseSlab();
    slab_ = std::move(larger);
    tail_ = num_moved;
  }

  // Moves all bytes to the start of the slab, so that the room behind them is as large as can be.
  void Compact() {
    CHECK(!pinned());
    if (head_ == 0) return;
    std::memmove(slab_.data(), slab_.data() + head_, num_bytes());
    tail_ -= head_;
    head_ = 0;
  }

  // Forgets all bytes that no send in flight reads.
  void Discard() {
    if (sending_) {
      tail_ = receiving_ ? tail_ : head_ + sending_bytes_;
    } else {
      Consume(num_bytes());
    }
  }

  // Gives the slab back when it is empty and nothing holds it.
  void ReleaseIfIdle() {
    if (slab_ && empty() && !pinned()) ReleaseSlab();
  }

  // The kernel is given room(), or has given it back.
  void set_receiving(bool receiving) {
    receiving_ = receiving;
    if (!receiving && empty() && !sending_) head_ = tail_ = 0;
  }
  // The kernel is given the first `n` of bytes(), or (n == 0) has given them back.
  void set_sending(size_t n) {
    sending_ = n > 0;
    sending_bytes_ = n;
  }
  bool receiving() const { return receiving_; }
  bool pinned() const { return receiving_ || sending_; }

 private:
  void ReleaseSlab() {
    CHECK(!pinned());
    slab_ = Slab();
    head_ = tail_ = 0;
  }

  Slab slab_;
  size_t head_ = 0;
  size_t tail_ = 0;
  size_t sending_bytes_ = 0;
  bool receiving_ = false;  // True exactly while a receive into room() is in flight.
  bool sending_ = false;    // True exactly while a send from bytes() is in flight.
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_BUFFER_H_
