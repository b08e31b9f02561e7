// How often sessions are resumed under concurrency, and what a connection costs.
//
//   bazel run --config=opt //bench/handshakes
//
// Prints two tables. First: of many new connections, so many at a time, how many resume a TLS
// session, for sluice and nginx with 1, 2 and 4 workers, in front of upstreams on OpenSSL and on
// BoringSSL. Second: CPU time of the proxy for each connection, full and resumed, sluice and nginx
// by turns, medians.
#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "bench/handshakes/churn.h"
#include "bench/handshakes/processes.h"
#include "tests/support/deadline.h"

ABSL_FLAG(int, connections, 2000, "Connections of one measurement.");
ABSL_FLAG(int, rounds, 5, "Measurements of CPU time whose median is shown.");
ABSL_FLAG(bool, rates, true, "Whether to measure how often sessions are resumed.");
ABSL_FLAG(bool, cpu, true, "Whether to measure CPU time.");

namespace sluice::bench {
namespace {

constexpr std::string_view kVersions[] = {"TLSv1.2", "TLSv1.3"};

std::string ProxySsl(std::string_view version, const Certificates& certificates) {
  return absl::StrCat("proxy_ssl on; proxy_ssl_protocols ", version,
                      "; proxy_ssl_verify on; proxy_ssl_trusted_certificate ",
                      certificates.File("ca"), "; proxy_ssl_name backend;");
}

// What is compared for how often it resumes sessions.
struct Contender {
  const char* name;
  Proxy::Kind kind;
  const char* directives;
};
constexpr Contender kContenders[] = {
    {"sluice", Proxy::Kind::kSluice, ""},
    {"sluice, single_use", Proxy::Kind::kSluice, "proxy_ssl_session_tickets single_use;"},
    {"nginx", Proxy::Kind::kNginx, ""},
};

void Run(const Proxy& proxy, int num_connections, int concurrency) {
  const ChurnResult result = Churn(proxy.address(), num_connections, concurrency, kRequest,
                                   static_cast<int>(kRequest.size()));
  CHECK_EQ(result.num_failed, 0) << "of " << num_connections << " connections";
}

// Waits until the upstream has told of `num_connections`.
Upstream::Counts CountsOf(const Upstream& upstream, int num_connections) {
  Upstream::Counts counts;
  CHECK(testing::Eventually([&] {
    counts = upstream.CountConnections();
    return counts.num_connections >= num_connections;
  }));
  CHECK_EQ(counts.num_connections, num_connections);
  return counts;
}

// Percent of connections resumed after as many as are open at a time have warmed the cache.
double ResumptionRate(const Contender& contender, int workers, Upstream::Kind upstream_kind,
                      std::string_view version, int concurrency, const Certificates& certificates) {
  const Upstream upstream(upstream_kind, version, certificates);
  const Proxy proxy(contender.kind, workers, upstream.address(),
                    absl::StrCat(ProxySsl(version, certificates), contender.directives));
  const int num_warm = std::max(concurrency, workers);
  Run(proxy, num_warm, concurrency);
  const int resumed_before = CountsOf(upstream, num_warm).num_resumed;
  const int num_connections = absl::GetFlag(FLAGS_connections);
  Run(proxy, num_connections, concurrency);
  const int num_resumed =
      CountsOf(upstream, num_warm + num_connections).num_resumed - resumed_before;
  return 100.0 * num_resumed / num_connections;
}

void PrintRates(const Certificates& certificates) {
  constexpr int kConcurrency[] = {1, 16, 64, 256};
  std::printf("Sessions resumed, percent of %d connections\n\n", absl::GetFlag(FLAGS_connections));
  std::printf("| upstream | version | proxy | workers |");
  for (const int concurrency : kConcurrency) std::printf(" %d at a time |", concurrency);
  std::printf("\n| --- | --- | --- | --: | --: | --: | --: | --: |\n");
  for (const Upstream::Kind upstream : {Upstream::Kind::kOpenssl, Upstream::Kind::kBoringssl}) {
    for (const std::string_view version : kVersions) {
      for (const Contender& proxy : kContenders) {
        for (const int workers : {1, 2, 4}) {
          std::printf("| %s | %s | %s | %d |",
                      upstream == Upstream::Kind::kOpenssl ? "OpenSSL" : "BoringSSL",
                      std::string(version).c_str(), proxy.name, workers);
          for (const int concurrency : kConcurrency) {
            std::printf(" %.1f |", ResumptionRate(proxy, workers, upstream, version, concurrency,
                                                  certificates));
            std::fflush(stdout);
          }
          std::printf("\n");
        }
      }
    }
  }
  std::printf("\n");
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Microseconds of CPU for each of the connections of one run.
double CpuMicroseconds(Proxy::Kind kind, const Upstream& upstream, const std::string& proxy_ssl) {
  constexpr int kConcurrency = 16;
  const Proxy proxy(kind, 1, upstream.address(), proxy_ssl);
  Run(proxy, 4 * kConcurrency, kConcurrency);
  const int64_t before_ns = proxy.CpuTimeNs();
  const int num_connections = absl::GetFlag(FLAGS_connections);
  Run(proxy, num_connections, kConcurrency);
  return static_cast<double>(proxy.CpuTimeNs() - before_ns) / 1000 / num_connections;
}

void PrintCpu(const Certificates& certificates) {
  std::printf("CPU time of the proxy, microseconds a connection, medians of %d runs by turns\n\n",
              absl::GetFlag(FLAGS_rounds));
  std::printf("| handshake | version | sluice | nginx | nginx / sluice (min to max) |\n");
  std::printf("| --- | --- | --: | --: | --: |\n");
  for (const bool resumed : {false, true}) {
    for (const std::string_view version : kVersions) {
      const Upstream upstream(Upstream::Kind::kOpenssl, version, certificates);
      const std::string proxy_ssl = absl::StrCat(ProxySsl(version, certificates),
                                                 resumed ? "" : "proxy_ssl_session_reuse off;");
      std::vector<double> sluice, nginx, ratios;
      for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
        sluice.push_back(CpuMicroseconds(Proxy::Kind::kSluice, upstream, proxy_ssl));
        nginx.push_back(CpuMicroseconds(Proxy::Kind::kNginx, upstream, proxy_ssl));
        ratios.push_back(nginx.back() / sluice.back());
      }
      const auto [min, max] = std::minmax_element(ratios.begin(), ratios.end());
      std::printf("| %s | %s | %.0f | %.0f | %.2f (%.2f to %.2f) |\n", resumed ? "resumed" : "full",
                  std::string(version).c_str(), Median(sluice), Median(nginx), Median(ratios), *min,
                  *max);
      std::fflush(stdout);
    }
  }
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const sluice::bench::Certificates certificates;
  if (absl::GetFlag(FLAGS_rates)) sluice::bench::PrintRates(certificates);
  if (absl::GetFlag(FLAGS_cpu)) sluice::bench::PrintCpu(certificates);
  return 0;
}
