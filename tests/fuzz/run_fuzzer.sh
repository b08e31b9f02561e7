#!/usr/bin/env bash
# Runs a fuzzer for FUZZ_SECONDS (20) from its corpus, and prints the input that it fails for. Where
# it begins is FUZZ_SEED (1): a change is not to fail by chance for what was there before it. Give
# others, and more time, to look for more.
#
#   run_fuzzer.sh FUZZER DICTIONARY CORPUS_FOLDER...
set -euo pipefail

fuzzer=$1
dictionary=$2
shift 2

# libFuzzer writes what it finds into the first folder.
work=$(mktemp -d "$TEST_TMPDIR/fuzz.XXXXXX")
mkdir "$work/found" "$work/failed"

export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:handle_abort=2
result=0
"$fuzzer" "-max_total_time=${FUZZ_SECONDS:-20}" "-seed=${FUZZ_SEED:-1}" -timeout=10 \
  -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 "-dict=$dictionary" "-artifact_prefix=$work/failed/" \
  "$work/found" "$@" || result=$?

for input in "$work"/failed/*; do
  [ -e "$input" ] || continue
  echo
  echo "The input, $(stat -c %s "$input") bytes; make it a file of tests/fuzz/corpus with: base64 -d"
  base64 "$input"
  echo "As text:"
  cat -v "$input"
done
exit $result
