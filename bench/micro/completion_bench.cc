// What a completion costs on its way from the kernel to the code that it is for.
//
// One item is one completion. Reading completions alone, then with all that belongs to it: queue
// sends and receives on socket pairs, enter the kernel once, read. The more of them are done in one
// turn, the less of the system call falls to each; what is left is the kernel's work for a byte.
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/log/check.h"
#include "benchmark/benchmark.h"
#include "engine/file_descriptor.h"
#include "engine/limits.h"
#include "engine/op.h"
#include "engine/ring.h"

namespace sluice::engine {
namespace {

std::unique_ptr<Ring> OpenRing() {
  auto ring = Ring::Create({.submissions = kSubmissionQueueEntries,
                            .completions = kCompletionQueueEntries,
                            .num_buffers = kNumColdBuffers,
                            .buffer_bytes = kColdBufferBytes});
  CHECK_OK(ring.status());
  CHECK_OK((*ring)->Enable());
  return *std::move(ring);
}

Token Name(Op op, unsigned slot) {
  return {.op = op, .side = Side::kUpstream, .generation = 7, .slot = slot};
}

void BM_PackToken(benchmark::State& state) {
  Token token = Name(Op::kRecv, 1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(token);
    uint64_t bits = token.Pack();
    benchmark::DoNotOptimize(bits);
    token = Token::Unpack(bits);
  }
}
BENCHMARK(BM_PackToken);

void BM_ReadCompletions(benchmark::State& state) {
  const std::unique_ptr<Ring> ring = OpenRing();
  const unsigned per_turn = static_cast<unsigned>(state.range(0));
  uint64_t sum = 0;
  while (state.KeepRunningBatch(per_turn)) {
    state.PauseTiming();
    // Completes as soon as it is submitted: there is nothing to cancel.
    for (unsigned i = 0; i < per_turn; ++i) ring->PrepCancel({}, Name(Op::kCancel, i));
    CHECK_OK(ring->SubmitAndWait(0));
    state.ResumeTiming();
    const unsigned count = ring->ForEachCompletion(per_turn, [&sum](const Completion& completion) {
      sum += completion.token.slot + static_cast<uint64_t>(completion.token.op);
    });
    CHECK_EQ(count, per_turn);
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}
// With few of them it would be the clock that is measured.
BENCHMARK(BM_ReadCompletions)->Arg(kCompletionsPerTurnMax);

// A send and the receive of what it has sent, into a provided buffer.
void BM_SendAndReceive(benchmark::State& state) {
  const std::unique_ptr<Ring> ring = OpenRing();
  const unsigned per_turn = static_cast<unsigned>(state.range(0));
  std::vector<std::pair<FileDescriptor, FileDescriptor>> pairs;
  for (unsigned i = 0; i < per_turn / 2; ++i) {
    int fds[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    pairs.emplace_back(FileDescriptor(fds[0]), FileDescriptor(fds[1]));
  }
  const uint8_t message[64] = {};
  while (state.KeepRunningBatch(per_turn)) {
    for (unsigned i = 0; i < pairs.size(); ++i) {
      ring->PrepSend(pairs[i].first.get(), message, Name(Op::kSend, i));
      ring->PrepRecvProvided(pairs[i].second.get(), Name(Op::kRecv, i), /*poll_first=*/false);
    }
    unsigned count = 0;
    while (count < per_turn) {
      CHECK_OK(ring->SubmitAndWait(Ring::kNoTimeout));
      count += ring->ForEachCompletion(per_turn, [&ring, &message](const Completion& completion) {
        CHECK_EQ(completion.result, static_cast<int>(sizeof(message)));
        if (completion.has_buffer) ring->ReturnBuffer(completion.buffer_id);
      });
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SendAndReceive)->Arg(2)->Arg(16)->Arg(128);

}  // namespace
}  // namespace sluice::engine
