// What TLS adds to its AEAD: Session::Seal and Session::Open by record size.
//
// Each record is also sealed, or opened, by BoringSSL's bare AES-128-GCM, by turns with the
// session. `x_raw` is how many times as long the session takes. TLS 1.3.
#include <openssl/aead.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/log/check.h"
#include "bench/micro/tls_peer.h"
#include "benchmark/benchmark.h"
#include "tls/context.h"
#include "tls/session.h"
#include "tls/testing/test_link.h"

namespace sluice::bench {
namespace {

using Clock = std::chrono::steady_clock;

// An open connection.
struct Peers {
  Peers() {
    CHECK(link.Greet());
    CHECK_EQ(link.session().cipher(), "TLS_AES_128_GCM_SHA256");
  }

  std::unique_ptr<tls::Context> context = tls::MakeContext(ClientSettings(tls::Version::kTls13));
  tls::TestServer server{ServerOptions(tls::Version::kTls13)};
  tls::TestLink link{*context, nullptr, server};
};

class BareAead {
 public:
  explicit BareAead(size_t bytes)
      : plaintext_(bytes, 'x'), sealed_(bytes + EVP_AEAD_max_overhead(aead())) {
    const uint8_t key[16] = {};
    CHECK_EQ(EVP_AEAD_CTX_init(context_.get(), aead(), key, sizeof(key),
                               EVP_AEAD_DEFAULT_TAG_LENGTH, nullptr),
             1);
    Seal();
  }

  void Seal() {
    size_t num_sealed;
    CHECK_EQ(EVP_AEAD_CTX_seal(context_.get(), sealed_.data(), &num_sealed, sealed_.size(), kNonce,
                               sizeof(kNonce), plaintext_.data(), plaintext_.size(), kHeader,
                               sizeof(kHeader)),
             1);
  }
  void Open() {
    size_t num_opened;
    CHECK_EQ(
        EVP_AEAD_CTX_open(context_.get(), plaintext_.data(), &num_opened, plaintext_.size(), kNonce,
                          sizeof(kNonce), sealed_.data(), sealed_.size(), kHeader, sizeof(kHeader)),
        1);
  }

 private:
  static constexpr uint8_t kNonce[12] = {};
  static constexpr uint8_t kHeader[5] = {23, 3, 3, 0x40, 0x11};

  static const EVP_AEAD* aead() { return EVP_aead_aes_128_gcm(); }

  bssl::ScopedEVP_AEAD_CTX context_;
  std::vector<uint8_t> plaintext_;
  std::vector<uint8_t> sealed_;
};

// Runs `step` for every record and, untimed, `prepare` and as many `bare_step`s before.
template <typename Prepare, typename Step, typename BareStep>
void Compare(benchmark::State& state, size_t bytes, Prepare prepare, Step step,
             BareStep bare_step) {
  const size_t batch = PiecesAtATime(bytes);
  Clock::duration session{}, bare{};
  while (state.KeepRunningBatch(static_cast<int64_t>(batch))) {
    state.PauseTiming();
    prepare(batch);
    auto began = Clock::now();
    for (size_t i = 0; i < batch; ++i) bare_step();
    bare += Clock::now() - began;
    state.ResumeTiming();
    began = Clock::now();
    for (size_t i = 0; i < batch; ++i) step(i);
    session += Clock::now() - began;
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
  state.counters["x_raw"] =
      static_cast<double>(session.count()) / static_cast<double>(bare.count());
}

void BM_Seal(benchmark::State& state) {
  const size_t bytes = static_cast<size_t>(state.range(0));
  Peers peers;
  BareAead bare(bytes);
  const std::vector<uint8_t> plaintext(bytes, 'x');
  std::vector<uint8_t> room(bytes + tls::kRecordOverheadBytesMax);
  Compare(
      state, bytes, [](size_t) {},
      [&](size_t) {
        tls::Ciphertext io{.output = room};
        size_t sealed;
        CHECK(peers.link.session().Seal(io, plaintext, &sealed) == tls::Outcome::kDone);
        benchmark::DoNotOptimize(io.produced);
      },
      [&] { bare.Seal(); });
}
BENCHMARK(BM_Seal)->Arg(64)->Arg(1024)->Arg(4096)->Arg(16384);

void BM_Open(benchmark::State& state) {
  const size_t bytes = static_cast<size_t>(state.range(0));
  Peers peers;
  BareAead bare(bytes);
  std::vector<std::vector<uint8_t>> records;
  // As the relay has it: with less, a record is opened by a detour.
  std::vector<uint8_t> room(bytes + tls::kRecordOverheadBytesMax);
  Compare(
      state, bytes,
      [&](size_t count) { records = SealedByServer(peers.link.server(), bytes, count); },
      [&](size_t i) {
        tls::Ciphertext io{.input = records[i]};
        size_t opened;
        CHECK(peers.link.session().Open(io, room, &opened) == tls::Outcome::kNeedInput);
        CHECK_EQ(opened, bytes);
      },
      [&] { bare.Open(); });
}
BENCHMARK(BM_Open)->Arg(64)->Arg(1024)->Arg(4096)->Arg(16384);

}  // namespace
}  // namespace sluice::bench
