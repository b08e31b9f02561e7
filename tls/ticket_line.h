// One shard's share of a TicketPool: sessions ("items") in an array of owning slots.
//
// Why this is right. An item's ownership moves in one of two ways. The owner, which is the one
// thread that ever fills a slot, stores an item into a slot that it has seen empty. Anyone takes an
// item out by exchanging it for null, so exactly one thread gets it and nobody else can see it
// while it is used: no pointer is compared with another that may have come back (no ABA), and there
// is nothing to reclaim later. The release half of the store publishes the item's fields and the
// acquire half of the exchange makes them visible, to the thread that only frees it too. All other
// atomics are hints and sums, for which any value ever written will do.
//
// The owner uses the array as a stack that wraps around: `next_` is where the next item goes, and
// all items are among the `depth_` slots behind it, with holes where thieves have been.
//
// What is an item, and which atomics are used, is up to Traits, so that the model checker
// (tests/model/) runs this very code:
//
//   struct Traits {
//     using Item = ...;
//     template <typename T> using Atomic = std::atomic<T>;
//     static constexpr std::memory_order kPublish = std::memory_order_release;
//     static constexpr std::memory_order kClaim = std::memory_order_acquire;
//     static constexpr std::memory_order kSwap = std::memory_order_acq_rel;  // Both in one.
//     static int64_t Bytes(const Item* item);  // The same for an item whenever it is asked.
//     static void Retain(Item* item);          // One more reference.
//     static void Release(Item* item);         // One less; the last one frees the item.
//   };
#ifndef SLUICE_TLS_TICKET_LINE_H_
#define SLUICE_TLS_TICKET_LINE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::tls {

// "Owner" is the thread of the line's shard. No function blocks or loops for another thread.
template <typename Traits>
class TicketLine {
 public:
  using Item = typename Traits::Item;

  // Room for `num_slots` (at least 1) items and the spare, of `bytes_max` in all.
  TicketLine(size_t num_slots, int64_t bytes_max) : bytes_max_(bytes_max), slots_(num_slots) {}
  // No other thread may be inside any function by now.
  ~TicketLine();
  TicketLine(const TicketLine&) = delete;
  TicketLine& operator=(const TicketLine&) = delete;

  // Takes over a reference to `item`, which nobody may change any more. The oldest ones make room
  // for it; without room for it even so, it is released itself. Returns how many items have been
  // released. Owner only.
  int Put(Item* item);

  // The newest item, with its reference, or null. Owner only.
  Item* Take();

  // The newest item that can be found from outside, with its reference, or null, which a Put or
  // Take of the owner can cause that runs at this moment. Any thread.
  Item* Steal();

  // Like Put, for the one item that can be had any number of times, in place of the last one.
  // Neither is counted in the result. Owner only.
  int SetSpare(Item* item);

  // A reference to the spare item, or null: there is none, or another thread is just copying it.
  // Any thread.
  Item* CopySpare();

  // Releases the spare item if it is `item`, to which the caller holds a reference (so that its
  // address cannot be another's by now). Misses one that another thread is just copying. Any
  // thread.
  void ForgetSpare(const Item* item);

  // What is held here, or a little more while another thread takes out. The owner knows; other
  // threads may read the two sums at different moments and be off by what moved between.
  int64_t bytes_in_use() const {
    return kept_bytes_.load(std::memory_order_relaxed) -
           taken_bytes_.load(std::memory_order_relaxed);
  }

 private:
  template <typename T>
  using Atomic = typename Traits::template Atomic<T>;
  using Slot = Atomic<Item*>;

  // The relaxed look spares an empty slot's cache line the write.
  static Item* TakeOut(Slot& slot) {
    if (slot.load(std::memory_order_relaxed) == nullptr) return nullptr;
    return slot.exchange(nullptr, Traits::kClaim);
  }

  // The slot `distance` (at most the number of slots) behind the slot `next`.
  Slot& SlotBehind(size_t next, size_t distance) {
    return slots_[next >= distance ? next - distance : next + slots_.size() - distance];
  }

  // For the owner, who alone writes what they change.
  void AddKept(int64_t bytes) {
    kept_bytes_.store(kept_bytes_.load(std::memory_order_relaxed) + bytes,
                      std::memory_order_relaxed);
  }
  void SetDepth(size_t depth) { depth_.store(depth, std::memory_order_relaxed); }
  size_t depth() const { return depth_.load(std::memory_order_relaxed); }
  size_t next() const { return next_.load(std::memory_order_relaxed); }

  // For any thread, of an item it has taken out.
  void AddTaken(const Item* item) {
    taken_bytes_.fetch_add(Traits::Bytes(item), std::memory_order_relaxed);
  }

  // Gives the newest slot up, which the owner has seen empty.
  void StepBack() {
    next_.store(next() == 0 ? slots_.size() - 1 : next() - 1, std::memory_order_relaxed);
    SetDepth(depth() - 1);
  }
  // Gives the oldest slot up. Returns how many items that has released: 0 for a hole, or 1.
  int DropOldest();
  // Makes room for `bytes`, as far as releasing everything but the spare can; adds to `released`.
  bool MakeRoom(int64_t bytes, int* released);

  const int64_t bytes_max_;
  std::vector<Slot> slots_;

  // Written by the owner only; hints to the others.
  alignas(64) Atomic<size_t> next_{0};
  Atomic<size_t> depth_{0};
  Atomic<int64_t> kept_bytes_{0};  // All that was put, less what the owner took out.

  // Written by every thread.
  alignas(64) Atomic<int64_t> taken_bytes_{0};  // All that AddTaken was told.
  Slot spare_{nullptr};
};

template <typename Traits>
TicketLine<Traits>::~TicketLine() {
  for (Slot& slot : slots_) {
    if (Item* item = TakeOut(slot)) Traits::Release(item);
  }
  if (Item* item = TakeOut(spare_)) Traits::Release(item);
}

template <typename Traits>
int TicketLine<Traits>::Put(Item* item) {
  const int64_t bytes = Traits::Bytes(item);
  int released = 0;
  if (!MakeRoom(bytes, &released)) {
    Traits::Release(item);
    return released + 1;
  }
  // Thieves leave holes at the top. Filling them keeps the walk of the next thief short.
  while (depth() > 0 && SlotBehind(next(), 1).load(std::memory_order_relaxed) == nullptr)
    StepBack();
  if (depth() == slots_.size()) released += DropOldest();
  // Counted before it can be taken: the sum is never too low.
  AddKept(bytes);
  const size_t index = next();
  slots_[index].store(item, Traits::kPublish);
  next_.store(index + 1 == slots_.size() ? 0 : index + 1, std::memory_order_relaxed);
  SetDepth(depth() + 1);
  return released;
}

template <typename Traits>
typename Traits::Item* TicketLine<Traits>::Take() {
  while (depth() > 0) {
    Item* item = TakeOut(SlotBehind(next(), 1));
    StepBack();
    if (item == nullptr) continue;
    AddKept(-Traits::Bytes(item));
    return item;
  }
  return nullptr;
}

template <typename Traits>
typename Traits::Item* TicketLine<Traits>::Steal() {
  // They need not be of the same moment: each is within its range whenever it was written.
  const size_t next_hint = next();
  const size_t depth_hint = depth();
  for (size_t distance = 1; distance <= depth_hint; ++distance) {
    if (Item* item = TakeOut(SlotBehind(next_hint, distance))) {
      AddTaken(item);
      return item;
    }
  }
  return nullptr;
}

template <typename Traits>
int TicketLine<Traits>::SetSpare(Item* item) {
  const int64_t bytes = Traits::Bytes(item);
  int released = 0;
  // The old one goes first, so that both need not fit.
  if (Item* old = TakeOut(spare_)) {
    AddKept(-Traits::Bytes(old));
    Traits::Release(old);
  }
  if (!MakeRoom(bytes, &released)) {
    Traits::Release(item);
    return released;
  }
  AddKept(bytes);
  // A thread that was copying the old one may have put it back meanwhile. What it did to its
  // reference comes before our release.
  if (Item* old = spare_.exchange(item, Traits::kSwap)) {
    AddKept(-Traits::Bytes(old));
    Traits::Release(old);
  }
  return released;
}

template <typename Traits>
typename Traits::Item* TicketLine<Traits>::CopySpare() {
  Item* item = TakeOut(spare_);
  if (item == nullptr) return nullptr;
  Traits::Retain(item);
  Item* expected = nullptr;
  if (!spare_.compare_exchange_strong(expected, item, Traits::kPublish,
                                      std::memory_order_relaxed)) {
    // A newer one has come meanwhile: that one stays.
    AddTaken(item);
    Traits::Release(item);
  }
  return item;
}

template <typename Traits>
void TicketLine<Traits>::ForgetSpare(const Item* item) {
  Item* expected = const_cast<Item*>(item);
  if (spare_.compare_exchange_strong(expected, nullptr, Traits::kClaim,
                                     std::memory_order_relaxed)) {
    AddTaken(item);
    Traits::Release(const_cast<Item*>(item));
  }
}

template <typename Traits>
int TicketLine<Traits>::DropOldest() {
  Item* item = TakeOut(SlotBehind(next(), depth()));
  SetDepth(depth() - 1);
  if (item == nullptr) return 0;
  AddKept(-Traits::Bytes(item));
  Traits::Release(item);
  return 1;
}

template <typename Traits>
bool TicketLine<Traits>::MakeRoom(int64_t bytes, int* released) {
  if (bytes > bytes_max_) return false;
  while (bytes_in_use() + bytes > bytes_max_) {
    if (depth() == 0) return false;
    *released += DropOldest();
  }
  return true;
}

}  // namespace sluice::tls

#endif  // SLUICE_TLS_TICKET_LINE_H_
