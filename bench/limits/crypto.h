// What BoringSSL's primitives cost without TLS around them.
#ifndef SLUICE_BENCH_LIMITS_CRYPTO_H_
#define SLUICE_BENCH_LIMITS_CRYPTO_H_

#include "bench/limits/measure.h"

namespace sluice::bench {

// The AEADs of TLS 1.3 with its 5 bytes of additional data: GB (10^9 bytes of plaintext) a second.
Figures MeasureAeads(double seconds);

// What handshakes are made of: microseconds each.
Figures MeasurePrimitives(double seconds);

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LIMITS_CRYPTO_H_
