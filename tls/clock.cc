#include "tls/clock.h"

#include <time.h>

#include "absl/log/check.h"

namespace sluice::tls {
namespace {

int64_t SecondsOf(clockid_t clock) {
  timespec now;
  CHECK_EQ(clock_gettime(clock, &now), 0);
  return now.tv_sec;
}

}  // namespace

int64_t WallSeconds() { return SecondsOf(CLOCK_REALTIME); }

int64_t UptimeSeconds() { return SecondsOf(CLOCK_BOOTTIME); }

}  // namespace sluice::tls
