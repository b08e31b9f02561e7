#include "bench/limits/relay_limits.h"

#include <time.h>

#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "absl/log/check.h"
#include "bench/limits/bare_relay.h"
#include "bench/limits/relay_load.h"
#include "bench/limits/splice_relay.h"

namespace sluice::bench {
namespace {

constexpr int kBulkConnections = 4;
constexpr int kSmallConnections = 64;
constexpr int kChurnConcurrency = 16;
constexpr size_t kMessageBytes = 64;

// CPU nanoseconds of the relay with `cpu_clock` for each step of `counter`, under the load that
// runs.
double NsPerStep(double seconds, clockid_t cpu_clock, const std::function<int64_t()>& counter) {
  const auto slice = std::chrono::duration<double>(seconds / kNumSlices);
  std::vector<double> slices;
  // The first slice warms up.
  for (int i = 0; i <= kNumSlices; ++i) {
    const int64_t cpu_before_ns = CpuTimeNs(cpu_clock);
    const int64_t count_before = counter();
    std::this_thread::sleep_for(slice);
    // A slice without a step says nothing: it goes on until there is one.
    while (counter() == count_before) std::this_thread::sleep_for(slice / 10);
    const int64_t count = counter() - count_before;
    const int64_t cpu_ns = CpuTimeNs(cpu_clock) - cpu_before_ns;
    if (i > 0) slices.push_back(static_cast<double>(cpu_ns) / static_cast<double>(count));
  }
  return Median(std::move(slices));
}

}  // namespace

Figures MeasureRelay(const MeasureOptions& options) {
  Figures figures;
  {
    const UpstreamServer upstream(UpstreamServer::Kind::kSink, options.peer_cpu);
    const BareRelay relay(options.cpu, upstream.address());
    const BulkClients clients(relay.address(), kBulkConnections, options.peer_cpu);
    figures.push_back({"bulk_s_per_gb", NsPerStep(options.seconds, relay.cpu_clock(),
                                                  [&] { return relay.num_bytes(); })});
  }
  {
    const UpstreamServer upstream(UpstreamServer::Kind::kSink, options.peer_cpu);
    const SpliceRelay relay(options.cpu, upstream.address());
    const BulkClients client(relay.address(), 1, options.peer_cpu);
    figures.push_back({"splice_s_per_gb", NsPerStep(options.seconds, relay.cpu_clock(),
                                                    [&] { return relay.num_bytes(); })});
  }
  {
    const UpstreamServer upstream(UpstreamServer::Kind::kEcho, options.peer_cpu);
    const BareRelay relay(options.cpu, upstream.address());
    const EchoClients clients(relay.address(), kSmallConnections, kMessageBytes, options.peer_cpu);
    // An exchange is two sends, a message each.
    figures.push_back({"small_us", NsPerStep(options.seconds, relay.cpu_clock(), [&] {
                                     return relay.num_sends() / 2;
                                   }) / 1000});
  }
  {
    const UpstreamServer upstream(UpstreamServer::Kind::kEcho, options.peer_cpu);
    const BareRelay relay(options.cpu, upstream.address());
    const ChurnClients clients(relay.address(), kChurnConcurrency, kMessageBytes, options.peer_cpu);
    figures.push_back({"churn_us", NsPerStep(options.seconds, relay.cpu_clock(), [&] {
                                     return relay.num_closed();
                                   }) / 1000});
  }
  return figures;
}

}  // namespace sluice::bench
