// What relaying without TLS costs at the least.
#ifndef SLUICE_BENCH_LIMITS_RELAY_LIMITS_H_
#define SLUICE_BENCH_LIMITS_RELAY_LIMITS_H_

#include "bench/limits/measure.h"

namespace sluice::bench {

// CPU time of BareRelay: `bulk_s_per_gb` (seconds for 10^9 bytes one way, few connections),
// `small_us` (64 bytes there and back, many connections that are open already), `churn_us` (accept,
// connect, 64 bytes there and back, close of both).
Figures MeasureRelay(const MeasureOptions& options);

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LIMITS_RELAY_LIMITS_H_
