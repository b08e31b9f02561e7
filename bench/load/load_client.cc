// Puts load on a proxy with load_upstream behind it, checks every byte and says how it went.
//
//   load_client --target=127.0.0.1:PORT --connections=64 --exchanges=100000 --response_bytes=1024
//
// The kinds of load: a closed loop (the default), an open loop (--rate), a connection for every
// exchange (--new_connections), many connections that do nothing (--idle).
//
// With --wait it prints "ready" after the warm-up and waits for a line on stdin; prints "done" as
// soon as the measured work is done, and waits for another line. So the caller can read other
// processes' CPU time at both. The last line on stdout is JSON:
//   {"exchanges":..,"failed":..,"mismatched":..,"request_bytes":..,"response_bytes":..,"seconds":..,
//    "cpu_seconds":..,"latency_us":{"min":..,"mean":..,"p50":..,"p90":..,"p99":..,"p99.9":..,
//    "max":..},"histogram":[[upper_us,count],..],"connect_latency_us":{..},
//    "connect_histogram":[..]}
// the last two with --new_connections only.
//
// 1: an exchange failed, bytes were wrong, or nothing moved for 20 s. 2: a flag is wrong.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/load/client.h"
#include "bench/load/file_limit.h"
#include "bench/load/tls_stream.h"

ABSL_FLAG(std::string, target, "", "Where to connect to: an IPv4 address and a port.");
ABSL_FLAG(int, connections, 1, "How many connections there are at a time.");
ABSL_FLAG(uint64_t, request_bytes, 0, "Body bytes of each request.");
ABSL_FLAG(uint64_t, response_bytes, 1, "Body bytes of each response, at least 1.");
ABSL_FLAG(bool, respond_at_once, false,
          "Whether the response comes while the request is sent, and not after it.");
ABSL_FLAG(uint64_t, exchanges, 0, "How many exchanges are measured, over all connections.");
ABSL_FLAG(double, seconds, 0, "For how long exchanges are begun, instead of --exchanges.");
ABSL_FLAG(uint64_t, warmup_exchanges, 0, "How many exchanges go first, over all connections.");
ABSL_FLAG(double, rate, 0,
          "Exchanges a second over all connections, whether or not they are done in time; latency "
          "counts from when each was due. 0: a connection begins its next when it is done.");
ABSL_FLAG(double, bulk_rate_bytes, 0,
          "The most body bytes a second, both ways, over all connections. 0: no limit.");
ABSL_FLAG(bool, new_connections, false, "Whether every exchange has a connection of its own.");
ABSL_FLAG(bool, idle, false,
          "Opens all connections, has one exchange on each, and holds them; with --wait. "
          "--exchanges, if any, follow at the end.");
ABSL_FLAG(bool, wait, false, "Whether to print \"ready\" and \"done\", and wait at each.");
ABSL_FLAG(bool, tls, false, "Whether to speak TLS; certificates are not looked at.");
ABSL_FLAG(std::string, tls_min_version, "TLSv1.2", "The oldest version of TLS that is offered.");
ABSL_FLAG(std::string, tls_max_version, "TLSv1.3", "The newest version of TLS that is offered.");
ABSL_FLAG(bool, tls_session_reuse, true, "Whether sessions are resumed.");
ABSL_FLAG(int64_t, corrupt_byte_at, -1,
          "For tests: which byte of each request is sent wrong. -1: none.");

namespace sluice::bench {
namespace {

// Descriptors that are not connections.
constexpr rlim_t kOtherFiles = 32;

std::optional<sockaddr_in> ParseTarget(const std::string& text) {
  const size_t colon = text.rfind(':');
  uint32_t port = 0;
  sockaddr_in target = {.sin_family = AF_INET};
  if (colon == std::string::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) || port == 0 ||
      port > 65535 || inet_pton(AF_INET, text.substr(0, colon).c_str(), &target.sin_addr) != 1) {
    return std::nullopt;
  }
  target.sin_port = htons(static_cast<uint16_t>(port));
  return target;
}

// What is wrong with the flags; empty if nothing is.
std::string FirstWrongFlag() {
  const int num_connections = absl::GetFlag(FLAGS_connections);
  const uint64_t num_exchanges = absl::GetFlag(FLAGS_exchanges);
  const double seconds = absl::GetFlag(FLAGS_seconds);
  const double rate = absl::GetFlag(FLAGS_rate);
  const double bulk_rate_bytes = absl::GetFlag(FLAGS_bulk_rate_bytes);
  const bool idle = absl::GetFlag(FLAGS_idle);
  if (!ParseTarget(absl::GetFlag(FLAGS_target)).has_value()) {
    return absl::StrCat("--target=", absl::GetFlag(FLAGS_target),
                        ": give an IPv4 address and a port, as in 127.0.0.1:12345");
  }
  if (num_connections < 1) {
    return absl::StrCat("--connections=", num_connections, ": give at least 1");
  }
  const rlim_t files_wanted = static_cast<rlim_t>(num_connections) + kOtherFiles;
  if (const rlim_t files = RaiseFileLimit(files_wanted); files < files_wanted) {
    return absl::StrCat("--connections=", num_connections, ": give at most ", files - kOtherFiles,
                        ", or raise the limit of open files (ulimit -n)");
  }
  if (absl::GetFlag(FLAGS_response_bytes) == 0) {
    return "--response_bytes=0: give at least 1, by which the end of an exchange is seen";
  }
  if (seconds < 0) return absl::StrCat("--seconds=", seconds, ": give 0 or more");
  if (rate < 0) return absl::StrCat("--rate=", rate, ": give 0 or more");
  if (bulk_rate_bytes < 0) {
    return absl::StrCat("--bulk_rate_bytes=", bulk_rate_bytes, ": give 0 or more");
  }
  if (bulk_rate_bytes > 0 && rate > 0) {
    return absl::StrCat("--bulk_rate_bytes=", bulk_rate_bytes, ": leave out it or --rate");
  }
  if (idle) {
    if (!absl::GetFlag(FLAGS_wait)) return "--idle=true: give --wait too, which ends it";
    if (absl::GetFlag(FLAGS_new_connections)) {
      return "--idle=true: leave out it or --new_connections";
    }
    if (absl::GetFlag(FLAGS_warmup_exchanges) > 0) {
      return absl::StrCat("--warmup_exchanges=", absl::GetFlag(FLAGS_warmup_exchanges),
                          ": leave it out, with --idle it is one for each connection");
    }
  }
  if (num_exchanges > 0 && seconds > 0) {
    return absl::StrCat("--seconds=", seconds, ": leave out it or --exchanges");
  }
  if (num_exchanges == 0 && seconds == 0 && !idle) {
    return "--exchanges=0: give how many, or --seconds";
  }
  return "";
}

ClientOptions OptionsFromFlags() {
  const int64_t corrupt_at = absl::GetFlag(FLAGS_corrupt_byte_at);
  ClientOptions options = {
      .target = *ParseTarget(absl::GetFlag(FLAGS_target)),
      .num_connections = absl::GetFlag(FLAGS_connections),
      .request = {.flags = absl::GetFlag(FLAGS_respond_at_once) ? uint32_t{kRespondAtOnce} : 0,
                  .request_bytes = absl::GetFlag(FLAGS_request_bytes),
                  .response_bytes = absl::GetFlag(FLAGS_response_bytes)},
      .num_warmup_exchanges = absl::GetFlag(FLAGS_warmup_exchanges),
      .num_exchanges = absl::GetFlag(FLAGS_exchanges),
      .seconds = absl::GetFlag(FLAGS_seconds),
      .rate = absl::GetFlag(FLAGS_rate),
      .bulk_rate_bytes = absl::GetFlag(FLAGS_bulk_rate_bytes),
      .new_connections = absl::GetFlag(FLAGS_new_connections),
  };
  if (absl::GetFlag(FLAGS_idle)) {
    options.num_warmup_exchanges = static_cast<uint64_t>(options.num_connections);
  }
  if (corrupt_at >= 0) options.corrupt_at = static_cast<uint64_t>(corrupt_at);
  return options;
}

std::string Json(const ClientResult& result, bool new_connections) {
  std::string json = absl::StrFormat(
      "{\"exchanges\":%d,\"failed\":%d,\"mismatched\":%d,\"request_bytes\":%d,"
      "\"response_bytes\":%d,\"seconds\":%.6f,\"cpu_seconds\":%.6f,\"latency_us\":%s,"
      "\"histogram\":%s",
      result.exchanges, result.failed, result.mismatched, result.request_bytes,
      result.response_bytes, result.seconds, result.cpu_seconds, result.latency.SummaryJson(),
      result.latency.BucketsJson());
  if (new_connections) {
    absl::StrAppend(&json, ",\"connect_latency_us\":", result.connect_latency.SummaryJson(),
                    ",\"connect_histogram\":", result.connect_latency.BucketsJson());
  }
  return json + "}";
}

void PrintLine(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

int Run() {
  if (const std::string wrong = FirstWrongFlag(); !wrong.empty()) {
    std::fprintf(stderr, "load_client: %s\n", wrong.c_str());
    return 2;
  }
  const bool wait = absl::GetFlag(FLAGS_wait);
  const ClientOptions options = OptionsFromFlags();
  std::unique_ptr<TlsEndpoint> tls;
  if (absl::GetFlag(FLAGS_tls)) {
    absl::StatusOr<std::unique_ptr<TlsEndpoint>> made =
        TlsEndpoint::Client({.min_version = absl::GetFlag(FLAGS_tls_min_version),
                             .max_version = absl::GetFlag(FLAGS_tls_max_version),
                             .session_reuse = absl::GetFlag(FLAGS_tls_session_reuse)});
    if (!made.ok()) {
      std::fprintf(stderr, "load_client: %s\n", std::string(made.status().message()).c_str());
      return 2;
    }
    tls = *std::move(made);
  }
  std::string error;
  {
    Client client(options, tls.get());
    bool moved = client.Prepare();
    if (moved) {
      if (wait) {
        PrintLine("ready");
        client.HoldUntilLine(STDIN_FILENO);
      }
      moved = client.Measure();
      if (wait && moved) {
        PrintLine("done");
        client.HoldUntilLine(STDIN_FILENO);
      }
    }
    error = client.error();
    PrintLine(Json(client.result(), options.new_connections));
  }
  if (error.empty()) return 0;
  std::fprintf(stderr, "load_client: %s: %s\n", absl::GetFlag(FLAGS_target).c_str(), error.c_str());
  return 1;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return sluice::bench::Run();
}
