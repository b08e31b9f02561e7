#!/usr/bin/env bash
# compare_benchmarks tells differences from noise, and says clearly what is wrong with its input.
set -euo pipefail

compare_benchmarks=$PWD/$1
cd "$TEST_TMPDIR"

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# Writes a file $1 of Google Benchmark's kind: for each further argument "name: times" as many
# repetitions, and behind them aggregates, which count for nothing.
results() {
  local file=$1 separator='' name time
  shift
  {
    echo '{"context": {}, "benchmarks": ['
    for benchmark in "$@"; do
      name=${benchmark%%: *}
      for time in ${benchmark#*: }; do
        echo "$separator{\"name\": \"$name\", \"run_name\": \"$name\", \"run_type\": \"iteration\"," \
          "\"cpu_time\": $time, \"real_time\": 7, \"time_unit\": \"ns\"}"
        separator=,
      done
      echo "$separator{\"name\": \"${name}_mean\", \"run_name\": \"$name\"," \
        '"run_type": "aggregate", "cpu_time": 9e9, "real_time": 9e9, "time_unit": "ns"}'
    done
    echo ']}'
  } >"$file"
}

# The row of benchmark $1, each cell once.
row() {
  grep "^$1 " table | tr -s ' '
}

expect_row() {
  [ "$(row "${1%% *}")" = "$1" ] || fail "expected \"$1\" in: $(cat table)"
}

results before.json 'slow: 100 101 102 103 104' 'fast: 100 101 102 103 104' \
  'noisy: 100 160 90 130 110' 'same: 100 100 100 100 100' 'few: 100 101' 'gone: 1' \
  'wall/real_time: 1 2 3 4 5' \
  "many: $(seq -s ' ' 100 130)" "many_alike: $(seq -s ' ' 100 130)"
results after.json 'slow: 2000 2010 2020 2030 2040' 'fast: 50 51 52 53 54' \
  'noisy: 105 150 95 125 120' 'same: 100 100 100 100 100' 'few: 200 201' 'new: 1' \
  'wall/real_time: 10 20 30 40 50' \
  "many: $(seq -s ' ' 120 150)" "many_alike: $(seq -s ' ' 101 131)"
"$compare_benchmarks" before.json after.json >table
expect_row 'benchmark before after ratio verdict'
expect_row 'slow 102 ns 2.02 us 19.804 slower'
expect_row 'fast 102 ns 52 ns 0.510 faster'
expect_row 'noisy 110 ns 120 ns 1.091 -'
expect_row 'same 100 ns 100 ns 1.000 -'
expect_row 'few 100 ns 200 ns 1.995 ?'
expect_row 'wall/real_time 7 ns 7 ns 1.000 -'
expect_row 'many 115 ns 135 ns 1.174 slower'
expect_row 'many_alike 115 ns 116 ns 1.009 -'
grep -qx 'only in before.json: gone' table || fail "gone is not named: $(cat table)"
grep -qx 'only in after.json: new' table || fail "new is not named: $(cat table)"
grep -q '^?: too few repetitions' table || fail "? is not explained: $(cat table)"
"$compare_benchmarks" --metric=cpu_time before.json after.json >table
expect_row 'wall/real_time 3 ns 30 ns 10.000 slower'
"$compare_benchmarks" --alpha=0.001 before.json after.json >table
expect_row 'slow 102 ns 2.02 us 19.804 ?'

# Several runs by turns: two repetitions are too few, four are not.
"$compare_benchmarks" before.json after.json before.json after.json >table
expect_row 'few 100 ns 200 ns 1.995 slower'

# A call that must fail with 2 and this one line.
refused() {
  local message status=0
  message=$("$compare_benchmarks" "${@:2}" 2>&1) || status=$?
  [ $status = 2 ] || fail "${*:2} ended with $status: $message"
  [ "$message" = "compare_benchmarks: $1" ] || fail "got: $message"
}
echo 'no JSON' >text
echo '[1, 2]' >list.json
echo '{"benchmarks": [{"name": "a"}]}' >short.json
results other.json 'other: 1'
results empty.json
refused 'cannot read none.json: No such file or directory' none.json after.json
refused 'files come in pairs, before and after; try --help' before.json
refused 'cannot read .: Is a directory' before.json .
refused 'text is not JSON: Expecting value: line 1 column 1 (char 0)' before.json text
refused 'list.json is not what Google Benchmark writes as JSON' list.json after.json
refused 'short.json is not what Google Benchmark writes as JSON' short.json after.json
refused 'before.json and other.json have no benchmark in common' before.json other.json
refused 'empty.json has no measurement (only aggregates? Leave out --benchmark_report_aggregates_only)' \
  empty.json before.json

"$compare_benchmarks" --help | grep -q 'Mann-Whitney' || fail '--help does not say how'
echo 'PASSED'
