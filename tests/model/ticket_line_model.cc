#include "tests/model/ticket_line_model.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <ostream>
#include <type_traits>

#include "tls/ticket_line.h"

// After everything else: its macros would change what they find.
#include <relacy/relacy.hpp>
#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst

namespace sluice {
namespace {

rl::memory_order ToRelacy(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return rl::mo_relaxed;
    case std::memory_order_acquire:
      return rl::mo_acquire;
    case std::memory_order_release:
      return rl::mo_release;
    default:
      return rl::mo_seq_cst;
  }
}

// Relacy's atomic with the interface of std::atomic.
template <typename T, bool kTornExchange>
class ModelAtomic {
 public:
  ModelAtomic() : ModelAtomic(T{}) {}
  explicit ModelAtomic(T value) : atomic_(value) {}

  T load(std::memory_order order) const { return atomic_.load(ToRelacy(order), $); }
  void store(T value, std::memory_order order) { atomic_.store(value, ToRelacy(order), $); }
  T exchange(T value, std::memory_order order) {
    if constexpr (kTornExchange) {
      const T old = atomic_.load(rl::mo_seq_cst, $);
      atomic_.store(value, rl::mo_seq_cst, $);
      return old;
    }
    return atomic_.exchange(value, ToRelacy(order), $);
  }
  T fetch_add(T value, std::memory_order order) {
    return atomic_.fetch_add(value, ToRelacy(order), $);
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order order,
                               std::memory_order failure_order) {
    return atomic_.compare_exchange_strong(expected, value, ToRelacy(order), $,
                                           ToRelacy(failure_order), $);
  }

 private:
  rl::atomic<T> atomic_;
};

struct ModelItem {
  enum State { kFresh, kFilled, kReleased };

  rl::var<int> state;  // Not atomic: Relacy reports who looks without having been told.
  rl::atomic<int> references;

  void Fill() {
    state($) = kFilled;
    references.store(1, rl::mo_relaxed, $);
  }
  void Use() { RL_ASSERT(state($) == kFilled); }
};

template <Flaw kFlaw>
struct ModelTraits {
  using Item = ModelItem;
  template <typename T>
  using Atomic = ModelAtomic<T, kFlaw == Flaw::kTornExchange>;
  static constexpr std::memory_order kPublish =
      kFlaw == Flaw::kPublishRelaxed ? std::memory_order_relaxed : std::memory_order_release;
  static constexpr std::memory_order kClaim =
      kFlaw == Flaw::kClaimRelaxed ? std::memory_order_relaxed : std::memory_order_acquire;
  static constexpr std::memory_order kSwap = kFlaw == Flaw::kPublishRelaxed ? kClaim
                                             : kFlaw == Flaw::kClaimRelaxed
                                                 ? kPublish
                                                 : std::memory_order_acq_rel;
  static int64_t Bytes(const ModelItem*) { return 1; }
  static void Retain(ModelItem* item) { item->references.fetch_add(1, rl::mo_relaxed, $); }
  static void Release(ModelItem* item) {
    item->Use();
    const int before = item->references.fetch_sub(1, rl::mo_acq_rel, $);
    RL_ASSERT(before >= 1);
    if (before == 1) item->state($) = ModelItem::kReleased;
  }
};

// What both models share: one line, anew for every execution.
template <Flaw kFlaw, int kNumItems>
class Model {
 public:
  void before() {
    for (ModelItem& item : items_) item.state($) = ModelItem::kFresh;
    std::construct_at(&line(), /*num_slots=*/2, /*bytes_max=*/2);
  }
  void after() {
    RL_ASSERT(line().bytes_in_use() <= 2);
    std::destroy_at(&line());
    for (ModelItem& item : items_) RL_ASSERT(item.state($) == ModelItem::kReleased);
  }
  void invariant() {}

 protected:
  using Traits = ModelTraits<kFlaw>;
  using Line = tls::TicketLine<Traits>;

  // In static memory, because Relacy does not align what it allocates; raw, because Relacy leaves
  // an execution that fails without destroying anything.
  static Line& line() {
    alignas(Line) static std::byte memory[sizeof(Line)];
    return reinterpret_cast<Line&>(memory);
  }
  static void UseAndRelease(ModelItem* item) {
    if (item == nullptr) return;
    item->Use();
    Traits::Release(item);
  }

  ModelItem items_[kNumItems];
};

template <Flaw kFlaw>
struct StockModel : Model<kFlaw, 3>, rl::test_suite<StockModel<kFlaw>, 3> {
  using Base = Model<kFlaw, 3>;
  using Base::after;
  using Base::before;
  using Base::invariant;

  void thread(unsigned index) {
    typename Base::Line& line = Base::line();
    if (index > 0) {
      Base::UseAndRelease(line.Steal());
      return;
    }
    for (ModelItem& item : this->items_) {
      item.Fill();
      line.Put(&item);
    }
    Base::UseAndRelease(line.Take());
  }
};

template <Flaw kFlaw>
struct SpareModel : Model<kFlaw, 2>, rl::test_suite<SpareModel<kFlaw>, 3> {
  using Base = Model<kFlaw, 2>;
  using Base::after;
  using Base::before;
  using Base::invariant;

  void thread(unsigned index) {
    typename Base::Line& line = Base::line();
    if (index == 0) {
      for (ModelItem& item : this->items_) {
        item.Fill();
        line.SetSpare(&item);
      }
      Base::UseAndRelease(line.CopySpare());
      return;
    }
    ModelItem* item = line.CopySpare();
    if (index == 1 && item != nullptr) line.ForgetSpare(item);
    Base::UseAndRelease(item);
  }
};

template <typename Suite>
ModelResult Check(Search search, unsigned limit) {
  std::ostream nowhere(
      nullptr);  // What a buffer allocates while Relacy runs cannot be freed later.
  rl::test_params params;
  params.output_stream = &nowhere;
  params.progress_stream = &nowhere;
  if (search == Search::kRandom) {
    params.search_type = rl::random_scheduler_type;
    params.iteration_count = limit;
  } else {
    params.search_type = rl::fair_context_bound_scheduler_type;
    params.context_bound = limit;
  }
  rl::simulate<Suite>(params);
  return {rl::test_result_str(params.test_result), static_cast<uint64_t>(params.stop_iteration)};
}

template <template <Flaw> class Suite>
ModelResult CheckFlawed(Flaw flaw, Search search, unsigned limit) {
  switch (flaw) {
    case Flaw::kNone:
      return Check<Suite<Flaw::kNone>>(search, limit);
    case Flaw::kPublishRelaxed:
      return Check<Suite<Flaw::kPublishRelaxed>>(search, limit);
    case Flaw::kClaimRelaxed:
      return Check<Suite<Flaw::kClaimRelaxed>>(search, limit);
    case Flaw::kTornExchange:
      return Check<Suite<Flaw::kTornExchange>>(search, limit);
  }
  return {"NO SUCH FLAW", 0};
}

}  // namespace

ModelResult CheckStock(Flaw flaw, Search search, unsigned limit) {
  return CheckFlawed<StockModel>(flaw, search, limit);
}

ModelResult CheckSpare(Flaw flaw, Search search, unsigned limit) {
  return CheckFlawed<SpareModel>(flaw, search, limit);
}

}  // namespace sluice
