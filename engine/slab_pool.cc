#include "engine/slab_pool.h"

#include <cstdlib>

#include "absl/log/check.h"

namespace sluice::engine {
namespace {

// Page aligned: the kernel copies whole pages fastest, and large slabs may use huge pages.
constexpr size_t kAlignmentBytes = 4096;

}  // namespace

int SlabClassFor(size_t bytes) {
  int size_class = 0;
  while (size_class + 1 < kNumSlabClasses && kSlabClassBytes[size_class] < bytes) ++size_class;
  return size_class;
}

Slab& Slab::operator=(Slab&& other) noexcept {
  if (this != &other) {
    Release();
    pool_ = std::exchange(other.pool_, nullptr);
    data_ = std::exchange(other.data_, nullptr);
    size_class_ = other.size_class_;
  }
  return *this;
}

void Slab::Release() {
  if (data_ != nullptr) pool_->Return(std::exchange(data_, nullptr), size_class_);
}

SlabPool::~SlabPool() {
  CHECK_EQ(num_in_use_, 0);
  for (auto& list : free_) {
    for (uint8_t* data : list) std::free(data);
  }
}

Slab SlabPool::Acquire(size_t bytes) {
  int size_class = SlabClassFor(bytes);
  while (size_class > 0 && budget_used_bytes_ + kSlabClassBytes[size_class] > budget_bytes_) {
    --size_class;
  }
  if (size_class > 0) budget_used_bytes_ += kSlabClassBytes[size_class];
  ++num_in_use_;
  auto& list = free_[size_class];
  if (!list.empty()) {
    uint8_t* data = list.back();
    list.pop_back();
    return Slab(this, data, size_class);
  }
  void* data = std::aligned_alloc(kAlignmentBytes, kSlabClassBytes[size_class]);
  CHECK(data != nullptr) << "out of memory for a slab of " << kSlabClassBytes[size_class];
  return Slab(this, static_cast<uint8_t*>(data), size_class);
}

void SlabPool::Return(uint8_t* data, int size_class) {
  --num_in_use_;
  if (size_class > 0) budget_used_bytes_ -= kSlabClassBytes[size_class];
  auto& list = free_[size_class];
  if ((list.size() + 1) * kSlabClassBytes[size_class] > kSlabsKeptBytes) {
    std::free(data);
    return;
  }
  list.push_back(data);
}

}  // namespace sluice::engine
