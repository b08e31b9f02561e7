#include "engine/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "absl/log/check.h"

namespace sluice::engine {

TimerNode::~TimerNode() { CHECK(!scheduled()); }

TimerWheel::TimerWheel(uint64_t now_ms) : now_ms_(now_ms) {
  for (Link& bucket : buckets_) bucket.prev = bucket.next = &bucket;
}

TimerWheel::~TimerWheel() {
  for (uint32_t bucket = 0; bucket <= kDue; ++bucket) {
    while (TimerNode* node = First(bucket)) Unlink(*node);
  }
}

void TimerWheel::Schedule(TimerNode& node, uint64_t deadline_ms) {
  Cancel(node);
  node.deadline_ms_ = std::max(deadline_ms, now_ms_);
  Place(node);
}

void TimerWheel::Cancel(TimerNode& node) {
  if (node.scheduled()) Unlink(node);
}

uint64_t TimerWheel::NextDeadlineMs() const {
  uint64_t start_ms;
  return NextBucket(&start_ms) == kDue ? kNever : start_ms;
}

void TimerWheel::Place(TimerNode& node) {
  // The highest bit in which the two differ tells the level. The lowest level is the least there
  // is.
  const uint64_t difference = (now_ms_ ^ node.deadline_ms_) | (kBucketsPerLevel - 1);
  const uint32_t level = (std::bit_width(difference) - 1) / kBitsPerLevel;
  const uint32_t index = (node.deadline_ms_ >> (level * kBitsPerLevel)) % kBucketsPerLevel;
  Append(node, level * kBucketsPerLevel + index);
}

void TimerWheel::Append(TimerNode& node, uint32_t bucket) {
  Link& head = buckets_[bucket];
  node.link_ = {.prev = head.prev, .next = &head, .node = &node};
  head.prev->next = &node.link_;
  head.prev = &node.link_;
  node.bucket_ = bucket;
  if (bucket != kDue) {
    occupied_[bucket / kBucketsPerLevel] |= uint64_t{1} << bucket % kBucketsPerLevel;
  }
}

void TimerWheel::Unlink(TimerNode& node) {
  node.link_.prev->next = node.link_.next;
  node.link_.next->prev = node.link_.prev;
  node.link_ = {};
  if (node.bucket_ != kDue && First(node.bucket_) == nullptr) {
    occupied_[node.bucket_ / kBucketsPerLevel] &= ~(uint64_t{1} << node.bucket_ % kBucketsPerLevel);
  }
}

uint32_t TimerWheel::NextBucket(uint64_t* start_ms) const {
  for (uint32_t level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const uint32_t index = std::countr_zero(occupied_[level]);
    const uint32_t shift = level * kBitsPerLevel;
    // The time that the level's 64 buckets start at; the last level's start at 0.
    const uint64_t base_ms =
        level + 1 == kLevels ? 0 : now_ms_ >> (shift + kBitsPerLevel) << (shift + kBitsPerLevel);
    *start_ms = base_ms + (uint64_t{index} << shift);
    return level * kBucketsPerLevel + index;
  }
  return kDue;
}

void TimerWheel::CollectDue(uint64_t now_ms) {
  uint64_t start_ms;
  uint32_t bucket;
  while ((bucket = NextBucket(&start_ms)) != kDue && start_ms <= now_ms) {
    now_ms_ = start_ms;
    while (TimerNode* node = First(bucket)) {
      Unlink(*node);
      if (node->deadline_ms_ <= now_ms_) {
        Append(*node, kDue);
      } else {
        Place(*node);
      }
    }
  }
  now_ms_ = std::max(now_ms_, now_ms);
}

TimerNode* TimerWheel::TakeFirstDue() {
  TimerNode* node = First(kDue);
  if (node != nullptr) Unlink(*node);
  return node;
}

}  // namespace sluice::engine
