// What a TLS handshake costs the client's side, which is sluice's: CPU time of everything that
// tls::Session does until the session tickets are read, without the server's share. That is the
// column Time; the column CPU has the server in it.
//
// X25519, a P-256 certificate behind its root, verified, with the chain remembered as it is from
// the second connection to an upstream on (//tls:verify_bench measures the first).
#include <time.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/log/check.h"
#include "bench/micro/tls_peer.h"
#include "benchmark/benchmark.h"
#include "tls/context.h"
#include "tls/session.h"
#include "tls/testing/test_link.h"
#include "tls/testing/test_server.h"
#include "tls/ticket_pool.h"

namespace sluice::bench {
namespace {

constexpr int64_t kPoolBytes = 1024 * 1024;

// Counts the CPU time of what it is told to run.
class Stopwatch {
 public:
  template <typename Step>
  auto Run(Step step) {
    const Reading reading(&seconds_);
    return step();
  }
  double seconds() const { return seconds_; }

 private:
  struct Reading {
    explicit Reading(double* sum) : sum(sum), began(Now()) {}
    ~Reading() { *sum += Now() - began; }
    static double Now() {
      timespec now;
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
      return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
    }
    double* sum;
    double began;
  };

  double seconds_ = 0;
};

// One connection up to the first bytes of the server, which follow the tickets. Returns the
// client's CPU time.
double Connect(const tls::Context& context, tls::TicketPool* tickets, tls::TestServer& server,
               bool expect_resumed) {
  const auto server_side = server.Accept();
  Stopwatch stopwatch;
  std::vector<uint8_t> to_server(tls::kRecordWireBytesMax), to_client;
  std::unique_ptr<tls::Session> session =
      stopwatch.Run([&] { return tls::Session::Create(context, tickets, 0); });
  for (tls::Outcome outcome = tls::Outcome::kNeedInput; outcome != tls::Outcome::kDone;) {
    tls::Ciphertext io{.input = to_client, .output = to_server};
    outcome = stopwatch.Run([&] { return session->Handshake(io); });
    CHECK(outcome == tls::Outcome::kDone || outcome == tls::Outcome::kNeedInput)
        << session->failure().text;
    to_client.erase(to_client.begin(), to_client.begin() + static_cast<ptrdiff_t>(io.consumed));
    const auto answer = server_side->Feed(std::span(to_server).first(io.produced));
    to_client.insert(to_client.end(), answer.begin(), answer.end());
  }
  const auto hello = server_side->Write("hello");
  to_client.insert(to_client.end(), hello.begin(), hello.end());
  tls::Ciphertext io{.input = to_client};
  size_t opened;
  CHECK(stopwatch.Run([&] { return session->Open(io, to_server, &opened); }) ==
        tls::Outcome::kNeedInput);
  CHECK_EQ(opened, 5u);
  CHECK_EQ(session->resumed(), expect_resumed);
  stopwatch.Run([&] { session.reset(); });
  return stopwatch.seconds();
}

void BM_Full(benchmark::State& state, tls::Version version) {
  const auto context = tls::MakeContext(ClientSettings(version));
  tls::TestServer server(ServerOptions(version));
  for (auto _ : state) {
    tls::TicketPool nothing_yet(1, tls::TicketUse::kReuse, kPoolBytes);
    state.SetIterationTime(Connect(*context, &nothing_yet, server, /*expect_resumed=*/false));
  }
}
BENCHMARK_CAPTURE(BM_Full, tls12, tls::Version::kTls12)->UseManualTime();
BENCHMARK_CAPTURE(BM_Full, tls13, tls::Version::kTls13)->UseManualTime();

void BM_Resumed(benchmark::State& state, tls::Version version) {
  const auto context = tls::MakeContext(ClientSettings(version));
  tls::TestServer server(ServerOptions(version));
  tls::TicketPool tickets(1, tls::TicketUse::kReuse, kPoolBytes);
  Connect(*context, &tickets, server, /*expect_resumed=*/false);
  for (auto _ : state) {
    state.SetIterationTime(Connect(*context, &tickets, server, /*expect_resumed=*/true));
  }
}
BENCHMARK_CAPTURE(BM_Resumed, tls12, tls::Version::kTls12)->UseManualTime();
BENCHMARK_CAPTURE(BM_Resumed, tls13, tls::Version::kTls13)->UseManualTime();

}  // namespace
}  // namespace sluice::bench
