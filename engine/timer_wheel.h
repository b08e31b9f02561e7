// Deadlines of one shard: a hierarchical timing wheel with intrusive nodes.
//
// Knows no clock: time is handed in, in milliseconds that never go back. Scheduling and cancelling
// cost a few instructions however many timers there are, and allocate nothing. A deadline is never
// met early, and late only by how late Advance is called.
//
// A deadline that mostly moves away (an idle timeout) is best kept by its owner and not
// re-scheduled with every byte: when the node fires, the owner looks whether the real deadline has
// come, and schedules the node again if not.
#ifndef SLUICE_ENGINE_TIMER_WHEEL_H_
#define SLUICE_ENGINE_TIMER_WHEEL_H_

#include <array>
#include <cstdint>

namespace sluice::engine {

// Lives in what it times. Must not move or die while it is scheduled.
class TimerNode {
 public:
  TimerNode() = default;
  ~TimerNode();
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;

  bool scheduled() const { return link_.next != nullptr; }
  // When it fires. Meaningful while scheduled, and when it has just fired.
  uint64_t deadline_ms() const { return deadline_ms_; }

 private:
  friend class TimerWheel;

  // A ring of these runs through the nodes of a bucket and the bucket itself.
  struct Link {
    Link* prev = nullptr;
    Link* next = nullptr;
    TimerNode* node = nullptr;  // Null in a bucket.
  };

  Link link_;
  uint64_t deadline_ms_ = 0;
  uint32_t bucket_ = 0;
};

class TimerWheel {
 public:
  static constexpr uint64_t kNever = UINT64_MAX;

  explicit TimerWheel(uint64_t now_ms);
  // Unschedules all nodes.
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Schedules `node`, or moves its deadline if it is scheduled. A deadline that has passed becomes
  // the time of the latest Advance.
  void Schedule(TimerNode& node, uint64_t deadline_ms);
  // `node` need not be scheduled.
  void Cancel(TimerNode& node);

  // Unschedules every node whose deadline is not later than `now_ms` and calls `fire(TimerNode&)`
  // for it, in the order of deadlines. `fire` may schedule and cancel any node, and destroy those
  // it has cancelled or was called for. What it schedules fires with the next Advance at the
  // earliest.
  template <typename Fire>
  void Advance(uint64_t now_ms, Fire&& fire) {
    CollectDue(now_ms);
    while (TimerNode* node = TakeFirstDue()) fire(*node);
  }

  // When Advance has to be called next: kNever if nothing is scheduled. Never later than the
  // earliest deadline, but it can be before it, since far deadlines are known only coarsely.
  uint64_t NextDeadlineMs() const;

 private:
  using Link = TimerNode::Link;

  // A bucket of level n holds the deadlines of 64^n ms; a level has 64 of them. Eleven levels hold
  // every 64-bit deadline. A node stands in the lowest level whose 64 buckets hold both `now_ms_`
  // and its deadline, so the first occupied bucket of the first occupied level is the next one due,
  // and when time reaches it its nodes move to lower levels.
  static constexpr uint32_t kBitsPerLevel = 6;
  static constexpr uint32_t kBucketsPerLevel = 1 << kBitsPerLevel;
  static constexpr uint32_t kLevels = 11;
  // Stands behind the buckets: what the Advance that is going on has still to fire.
  static constexpr uint32_t kDue = kLevels * kBucketsPerLevel;

  void Place(TimerNode& node);
  void Append(TimerNode& node, uint32_t bucket);
  void Unlink(TimerNode& node);
  // The first node of `bucket`, or null.
  TimerNode* First(uint32_t bucket) const { return buckets_[bucket].next->node; }
  // The occupied bucket that is due next, kDue if there is none, and the time that its span starts.
  uint32_t NextBucket(uint64_t* start_ms) const;
  void CollectDue(uint64_t now_ms);
  TimerNode* TakeFirstDue();

  uint64_t now_ms_;
  std::array<Link, kDue + 1> buckets_;
  // One bit for each bucket of a level that holds a node.
  std::array<uint64_t, kLevels> occupied_ = {};
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_TIMER_WHEEL_H_
