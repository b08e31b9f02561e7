// Many short connections: each sends a request, reads the start of its response and closes.
#ifndef SLUICE_BENCH_HANDSHAKES_CHURN_H_
#define SLUICE_BENCH_HANDSHAKES_CHURN_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::bench {

struct ChurnResult {
  int num_completed = 0;
  // Refused, reset, or ended before the response.
  int num_failed = 0;
  double seconds = 0;
};

// Opens `num_connections` connections to `address` ("127.0.0.1:80"), `concurrency` of them at a
// time: when one ends the next begins. A connection is complete once it has sent `request` and read
// `response_bytes`. Closed loop, one thread.
ChurnResult Churn(const std::string& address, int num_connections, int concurrency,
                  std::string_view request, int response_bytes);

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_HANDSHAKES_CHURN_H_
