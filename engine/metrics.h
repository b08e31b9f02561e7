// The numbers a shard keeps, from metrics.def, and connections ended by reason.
//
// Written by the shard's thread only, read by any: relaxed atomics with a single writer, which
// cost what plain variables cost.
#ifndef SLUICE_ENGINE_METRICS_H_
#define SLUICE_ENGINE_METRICS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "engine/close_reason.h"

namespace sluice::engine {

// One number. Add and Subtract are for the owning thread.
class MetricValue {
 public:
  void Add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void Subtract(uint64_t n = 1) { Add(-n); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct alignas(64) Metrics {
#define METRIC(name, kind, help) MetricValue name;
#include "engine/metrics.def"
#undef METRIC
  // By CloseReason: how the connections of this shard ended.
  std::array<MetricValue, kNumCloseReasons> closed_total;
};

// A description of one row of metrics.def.
struct MetricInfo {
  const char* name;
  const char* kind;  // "counter" or "gauge".
  const char* help;
  MetricValue Metrics::*value;
};

// All rows, in order.
std::span<const MetricInfo> MetricInfos();

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_METRICS_H_
