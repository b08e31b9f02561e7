// What stands behind a proxy that is measured: answers the exchanges of load_client, checks every
// byte.
//
//   load_upstream [--port=0] [--tls_certificate=server.crt --tls_key=server.key]
//
// Listens on 127.0.0.1 and prints "port N". At SIGTERM or SIGINT prints one line of JSON and ends
// with 0:
//   {"connections":..,"handshakes":..,"resumed":..,"exchanges":..,"request_bytes":..,
//    "response_bytes":..,"mismatches":..,"errors":..,"cpu_seconds":..}
// One thread. 1: it cannot listen. 2: a flag is wrong.
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/statusor.h"
#include "bench/load/file_limit.h"
#include "bench/load/tls_stream.h"
#include "bench/load/upstream.h"

ABSL_FLAG(uint16_t, port, 0, "Where to listen, on 127.0.0.1. 0: a free port.");
ABSL_FLAG(std::string, tls_certificate, "",
          "PEM file with the server's certificate and its chain. Empty: no TLS.");
ABSL_FLAG(std::string, tls_key, "", "PEM file with the certificate's private key.");
ABSL_FLAG(std::string, tls_min_version, "TLSv1.2", "The oldest version of TLS that is accepted.");
ABSL_FLAG(std::string, tls_max_version, "TLSv1.3", "The newest version of TLS that is accepted.");
ABSL_FLAG(std::string, tls_ciphers, "",
          "Ciphers of TLS 1.2 by OpenSSL's names, with colons between. Empty: BoringSSL's choice.");
ABSL_FLAG(size_t, record_bytes, 16384, "The most plaintext of a TLS record that is sent.");
ABSL_FLAG(int64_t, corrupt_byte_at, -1,
          "For tests: which byte of each response is sent wrong. -1: none.");

namespace sluice::bench {
namespace {

constexpr rlim_t kFilesMax = 300'000;

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int Run() {
  std::unique_ptr<TlsEndpoint> tls;
  if (!absl::GetFlag(FLAGS_tls_certificate).empty() || !absl::GetFlag(FLAGS_tls_key).empty()) {
    absl::StatusOr<std::unique_ptr<TlsEndpoint>> made =
        TlsEndpoint::Server({.certificate = absl::GetFlag(FLAGS_tls_certificate),
                             .key = absl::GetFlag(FLAGS_tls_key),
                             .min_version = absl::GetFlag(FLAGS_tls_min_version),
                             .max_version = absl::GetFlag(FLAGS_tls_max_version),
                             .ciphers = absl::GetFlag(FLAGS_tls_ciphers),
                             .record_bytes = absl::GetFlag(FLAGS_record_bytes)});
    if (!made.ok()) {
      std::fprintf(stderr, "load_upstream: %s\n", std::string(made.status().message()).c_str());
      return 2;
    }
    tls = *std::move(made);
  }
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  sigaddset(&stop_signals, SIGINT);
  sigprocmask(SIG_BLOCK, &stop_signals, nullptr);
  const engine::FileDescriptor stop(signalfd(-1, &stop_signals, SFD_CLOEXEC));

  RaiseFileLimit(kFilesMax);
  uint16_t port = absl::GetFlag(FLAGS_port);
  engine::FileDescriptor listener = ListenOnLoopback(&port);
  if (!listener.valid()) {
    std::fprintf(stderr, "load_upstream: listen on 127.0.0.1:%d: %s\n", port, std::strerror(errno));
    return 1;
  }
  const int64_t corrupt_at = absl::GetFlag(FLAGS_corrupt_byte_at);
  Upstream upstream(
      std::move(listener), tls.get(),
      corrupt_at < 0 ? std::nullopt : std::optional<uint64_t>(static_cast<uint64_t>(corrupt_at)));
  std::printf("port %d\n", port);
  std::fflush(stdout);
  upstream.Run(stop.get());

  const UpstreamTotals& totals = upstream.totals();
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "{\"connections\":%llu,\"handshakes\":%llu,\"resumed\":%llu,\"exchanges\":%llu,"
      "\"request_bytes\":%llu,\"response_bytes\":%llu,\"mismatches\":%llu,\"errors\":%llu,"
      "\"cpu_seconds\":%.6f}\n",
      number(totals.connections), number(tls != nullptr ? tls->num_handshakes() : 0),
      number(tls != nullptr ? tls->num_resumed() : 0), number(totals.exchanges),
      number(totals.request_bytes), number(totals.response_bytes), number(totals.mismatches),
      number(totals.errors), CpuSeconds());
  std::fflush(stdout);
  // To close tens of thousands of connections one by one is the kernel's business.
  std::_Exit(0);
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return sluice::bench::Run();
}
