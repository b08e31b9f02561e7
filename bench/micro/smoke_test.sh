#!/usr/bin/env bash
# A benchmark program runs to its end, and none of its benchmarks reports an error.
set -euo pipefail

# AddressSanitizer's fake stack of GCC 12 does not keep the 64 bytes of alignment that Google
# Benchmark asks for.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_stack_use_after_return=0

results=$TEST_TMPDIR/results.json
"$1" --benchmark_min_time=0.001s --benchmark_out="$results" --benchmark_out_format=json
if grep -q '"error_occurred": true' "$results"; then
  echo 'FAILED: a benchmark has reported an error' >&2
  exit 1
fi
# A program without benchmarks also ends well.
if ! grep -q '"iterations": [1-9]' "$results"; then
  echo 'FAILED: nothing was measured' >&2
  exit 1
fi
echo 'PASSED'
