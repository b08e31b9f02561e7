// What one recv(2) and one send(2) over loopback TCP cost.
#ifndef SLUICE_BENCH_LIMITS_SOCKETS_H_
#define SLUICE_BENCH_LIMITS_SOCKETS_H_

#include "bench/limits/measure.h"

namespace sluice::bench {

// Microseconds of CPU of the calling thread for each call, by size. The peer is another thread.
//
// Up to 64 KiB the two take turns: what is received has arrived, and who is sent to does not read
// meanwhile, so that neither sleeps nor wakes the other. More than that does not fit into a socket;
// there the peer reads or writes at the same time, and waiting for it (though not the time slept)
// is part of the figure.
Figures MeasureSockets(const MeasureOptions& options);

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LIMITS_SOCKETS_H_
