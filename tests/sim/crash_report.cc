#include "tests/sim/crash_report.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>

// Of every sanitizer's run-time library; null without one.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace sluice::sim {
namespace {

volatile uint64_t current_seed = 0;

void Report() {
  char line[64];
  const int len = std::snprintf(line, sizeof(line), "replay: SIM_SEED=%llu\n",
                                static_cast<unsigned long long>(current_seed));
  if (write(STDERR_FILENO, line, static_cast<size_t>(len)) < 0) return;
}

void OnAbort(int signal) {
  Report();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

void SetCrashSeed(uint64_t seed) {
  static const bool installed = [] {
    std::signal(SIGABRT, OnAbort);
    if (&__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(Report);
    return true;
  }();
  (void)installed;
  current_seed = seed;
}

}  // namespace sluice::sim
