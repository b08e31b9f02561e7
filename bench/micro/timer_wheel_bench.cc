// What a deadline costs: set and dropped, moved, met; with few timers standing and with many.
#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "engine/timer_wheel.h"

namespace sluice::engine {
namespace {

// The deadlines that connections have: milliseconds to proxy_timeout's ten minutes.
constexpr uint64_t kLongestMs = 600'000;

// The same numbers each time, spread over [1, kLongestMs] by a linear congruence.
class Delays {
 public:
  uint64_t Next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return 1 + (state_ >> 33) % kLongestMs;
  }

 private:
  uint64_t state_ = 1;
};

struct Timers {
  explicit Timers(int64_t num_standing) : nodes(static_cast<size_t>(num_standing)) {
    for (TimerNode& node : nodes) wheel.Schedule(node, delays.Next());
  }

  Delays delays;
  std::vector<TimerNode> nodes;
  TimerWheel wheel{0};  // Dies before its nodes.
};

void BM_ScheduleAndCancel(benchmark::State& state) {
  Timers timers(state.range(0));
  TimerNode node;
  for (auto _ : state) {
    timers.wheel.Schedule(node, timers.delays.Next());
    timers.wheel.Cancel(node);
  }
}
BENCHMARK(BM_ScheduleAndCancel)->Arg(0)->Arg(1000)->Arg(100'000);

void BM_Reschedule(benchmark::State& state) {
  Timers timers(state.range(0));
  size_t i = 0;
  for (auto _ : state) {
    timers.wheel.Schedule(timers.nodes[i], timers.delays.Next());
    if (++i == timers.nodes.size()) i = 0;
  }
}
BENCHMARK(BM_Reschedule)->Arg(1000)->Arg(100'000);

// Time passes a millisecond at a time, and what fires is scheduled again: `fired` a millisecond.
void BM_Advance(benchmark::State& state) {
  Timers timers(state.range(0));
  uint64_t now_ms = 0;
  int64_t num_fired = 0;
  for (auto _ : state) {
    timers.wheel.Advance(++now_ms, [&](TimerNode& node) {
      ++num_fired;
      timers.wheel.Schedule(node, now_ms + timers.delays.Next());
    });
  }
  state.counters["fired"] =
      benchmark::Counter(static_cast<double>(num_fired), benchmark::Counter::kAvgIterations);
}
BENCHMARK(BM_Advance)->Arg(0)->Arg(1000)->Arg(100'000);

// What the worker asks before every wait.
void BM_NextDeadline(benchmark::State& state) {
  const Timers timers(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(timers.wheel.NextDeadlineMs());
}
BENCHMARK(BM_NextDeadline)->Arg(1000);

}  // namespace
}  // namespace sluice::engine
