// The clocks that sessions and trust go by. Not time(2): it reads a coarse clock, which lags by up
// to a tick behind the one that BoringSSL stamps sessions with, so that a session of this very
// second would look as if it came from the next.
#ifndef SLUICE_TLS_CLOCK_H_
#define SLUICE_TLS_CLOCK_H_

#include <cstdint>

namespace sluice::tls {

// Since 1970. Can be set, forward and back.
int64_t WallSeconds();

// Since boot, time asleep included. Never goes back.
int64_t UptimeSeconds();

}  // namespace sluice::tls

#endif  // SLUICE_TLS_CLOCK_H_
