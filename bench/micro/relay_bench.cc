// What one turn of a relay costs, without kernel and sockets: bytes have arrived, what is due is
// taken and said to be sent.
//
// Small pieces come as cold receives, which are lent for the turn; large ones as hot receives,
// straight into the relay's slab. Plain, sealed for the upstream, opened for the client (TLS 1.3).
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/log/check.h"
#include "bench/micro/tls_peer.h"
#include "benchmark/benchmark.h"
#include "engine/limits.h"
#include "engine/relay.h"
#include "engine/slab_pool.h"
#include "tls/context.h"
#include "tls/session.h"
#include "tls/testing/test_link.h"
#include "tls/testing/test_server.h"

namespace sluice::engine {
namespace {

using Kind = RecvWish::Kind;

void SendAll(Relay& relay, Side sink) {
  while (relay.has_due(sink)) {
    const size_t num_bytes = relay.WishToSend(sink).size();
    relay.OnSendSubmitted(sink, num_bytes);
    relay.OnSent(sink, num_bytes);
  }
}

void ArriveCold(Relay& relay, Side source, std::span<uint8_t> bytes) {
  CHECK(relay.WishToReceive(source).kind == Kind::kCold);
  relay.OnColdBytes(source, bytes, /*nonempty=*/false);
}

std::span<uint8_t> HotRoom(Relay& relay, Side source) {
  const RecvWish wish = relay.WishToReceive(source);
  CHECK(wish.kind == Kind::kHot);
  return wish.room;
}

struct Plain {
  SlabPool pool;
  Relay relay{pool, kLargestSlabBytes};
};

struct Tls {
  Tls() {
    relay.StartTls(tls::Session::Create(*context, nullptr, 0));
    // The tickets are read here too, before anything is measured.
    while (relay.handshaking(Side::kUpstream) || relay.has_due(Side::kUpstream)) {
      std::vector<uint8_t> answer = connection->Feed(relay.WishToSend(Side::kUpstream));
      SendAll(relay, Side::kUpstream);
      ArriveCold(relay, Side::kUpstream, answer);
    }
    CHECK(!relay.tls_failed(Side::kUpstream)) << relay.session(Side::kUpstream)->failure().text;
  }

  std::unique_ptr<tls::Context> context =
      tls::MakeContext(bench::ClientSettings(tls::Version::kTls13));
  tls::TestServer server{bench::ServerOptions(tls::Version::kTls13)};
  std::unique_ptr<tls::TestServerConnection> connection = server.Accept();
  SlabPool pool;
  Relay relay{pool, kLargestSlabBytes};
};

// Makes `source` hot, with room for `num_bytes`, by receives that fill their room. `fill` writes
// what may arrive at the start of its span, and returns how much that is.
template <typename Fill>
void Heat(Relay& relay, Side source, size_t num_bytes, std::span<uint8_t> first, Fill fill) {
  CHECK(relay.WishToReceive(source).kind == Kind::kCold);
  relay.OnColdBytes(source, first, /*nonempty=*/true);
  SendAll(relay, Opposite(source));
  for (;;) {
    const std::span<uint8_t> room = HotRoom(relay, source);
    const bool enough = room.size() >= num_bytes;
    relay.OnHotBytes(source, fill(room), /*nonempty=*/!enough);
    SendAll(relay, Opposite(source));
    if (enough) return;
  }
}

// From the client, whose bytes may be any: plain, or sealed.
template <typename Peers>
void BM_FromClient(benchmark::State& state) {
  const size_t num_bytes = static_cast<size_t>(state.range(0));
  Peers peers;
  Relay& relay = peers.relay;
  std::vector<uint8_t> bytes(std::min(num_bytes, kColdBufferBytes), 'x');
  if (num_bytes < kColdBufferBytes) {
    for (auto _ : state) {
      ArriveCold(relay, Side::kClient, bytes);
      SendAll(relay, Side::kUpstream);
    }
  } else {
    Heat(relay, Side::kClient, num_bytes, bytes, [num_bytes](std::span<uint8_t> room) {
      const size_t filled = std::min(room.size(), num_bytes);
      std::fill_n(room.begin(), filled, uint8_t{'x'});
      return filled;
    });
    for (auto _ : state) {
      // What stands in the room is as good as any other bytes.
      CHECK_GE(HotRoom(relay, Side::kClient).size(), num_bytes);
      relay.OnHotBytes(Side::kClient, num_bytes, /*nonempty=*/false);
      SendAll(relay, Side::kUpstream);
    }
    relay.CoolDown(Side::kClient);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK_TEMPLATE(BM_FromClient, Plain)->Arg(64)->Arg(1024)->Arg(16384)->Arg(262144);
BENCHMARK_TEMPLATE(BM_FromClient, Tls)->Arg(64)->Arg(1024)->Arg(16384)->Arg(262144);

// Small records from the upstream, made beforehand.
void BM_OpenCold(benchmark::State& state) {
  const size_t num_bytes = static_cast<size_t>(state.range(0));
  Tls peers;
  std::vector<std::vector<uint8_t>> arrivals;
  const size_t batch = bench::PiecesAtATime(num_bytes);
  while (state.KeepRunningBatch(static_cast<int64_t>(batch))) {
    state.PauseTiming();
    arrivals = bench::SealedByServer(*peers.connection, num_bytes, batch);
    state.ResumeTiming();
    for (std::vector<uint8_t>& bytes : arrivals) {
      ArriveCold(peers.relay, Side::kUpstream, bytes);
      SendAll(peers.relay, Side::kClient);
    }
  }
  CHECK(!peers.relay.tls_failed(Side::kUpstream));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_OpenCold)->Arg(64)->Arg(1024);

// Large ones, which the kernel would put into the relay's slab: that and the server's sealing are
// left out of the column Time, but not of CPU.
void BM_OpenHot(benchmark::State& state) {
  using Clock = std::chrono::steady_clock;
  const size_t num_bytes = static_cast<size_t>(state.range(0));
  Tls peers;
  Relay& relay = peers.relay;
  const auto seal = [&](size_t n) { return bench::SealedByServer(*peers.connection, n, 1)[0]; };
  const auto fill = [&](std::span<uint8_t> room, size_t n) {
    const std::vector<uint8_t> sealed = seal(n);
    CHECK_LE(sealed.size(), room.size());
    std::copy(sealed.begin(), sealed.end(), room.begin());
    return sealed.size();
  };
  // Records of 16 KiB are up to a hundredth longer than what is in them.
  std::vector<uint8_t> first = seal(64);
  Heat(relay, Side::kUpstream, num_bytes + num_bytes / 100, first,
       [&](std::span<uint8_t> room) { return fill(room, std::min(num_bytes, room.size() / 2)); });
  for (auto _ : state) {
    const std::span<uint8_t> room = HotRoom(relay, Side::kUpstream);
    const size_t arrived = fill(room, num_bytes);
    const auto began = Clock::now();
    relay.OnHotBytes(Side::kUpstream, arrived, /*nonempty=*/false);
    SendAll(relay, Side::kClient);
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - began).count());
  }
  CHECK(!relay.tls_failed(Side::kUpstream));
  relay.CoolDown(Side::kUpstream);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_OpenHot)->Arg(16384)->Arg(262144)->UseManualTime();

}  // namespace
}  // namespace sluice::engine
