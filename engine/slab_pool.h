// Memory for bytes on their way, in a few sizes, owned by one shard.
#ifndef SLUICE_ENGINE_SLAB_POOL_H_
#define SLUICE_ENGINE_SLAB_POOL_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/limits.h"

namespace sluice::engine {

class SlabPool;

// Owns one piece of memory of a SlabPool and gives it back when destroyed. Movable only. The pool
// outlives it.
class Slab {
 public:
  Slab() = default;
  ~Slab() { Release(); }
  Slab(Slab&& other) noexcept { *this = std::move(other); }
  Slab& operator=(Slab&& other) noexcept;

  // Null when empty.
  uint8_t* data() const { return data_; }
  size_t size() const { return data_ == nullptr ? 0 : kSlabClassBytes[size_class_]; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  friend class SlabPool;
  Slab(SlabPool* pool, uint8_t* data, int size_class)
      : pool_(pool), data_(data), size_class_(size_class) {}
  void Release();

  SlabPool* pool_ = nullptr;
  uint8_t* data_ = nullptr;
  int size_class_ = 0;
};

class SlabPool {
 public:
  // `budget_bytes` bounds the slabs above the small class that are in use at once.
  explicit SlabPool(size_t budget_bytes = kSlabBudgetBytes) : budget_bytes_(budget_bytes) {}
  // Every Slab must be back.
  ~SlabPool();
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;

  // The smallest slab of at least `bytes` (the largest there is, if `bytes` is more), or a smaller
  // one when the budget is spent. Never empty: running out of memory ends the process.
  Slab Acquire(size_t bytes);

  // Slabs handed out and not yet back.
  int num_in_use() const { return num_in_use_; }

 private:
  friend class Slab;
  void Return(uint8_t* data, int size_class);

  size_t budget_bytes_;
  size_t budget_used_bytes_ = 0;
  int num_in_use_ = 0;
  std::vector<uint8_t*> free_[kNumSlabClasses];
};

// The class that Acquire(bytes) would choose within budget.
int SlabClassFor(size_t bytes);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_SLAB_POOL_H_
