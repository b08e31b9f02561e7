#include "engine/metrics.h"

namespace sluice::engine {

std::span<const MetricInfo> MetricInfos() {
  static constexpr MetricInfo kInfos[] = {
#define METRIC(name, kind, help) {#name, #kind, help, &Metrics::name},
#include "engine/metrics.def"
#undef METRIC
  };
  return kInfos;
}

}  // namespace sluice::engine
