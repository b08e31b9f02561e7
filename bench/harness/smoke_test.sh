#!/usr/bin/env bash
# bench/compare --quick: every workload runs through every proxy, every byte is right, and the results
# are written. Peers and tools that are not installed are left out.
set -euo pipefail

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

programs=()
for program in "$@"; do
  programs+=(--program="$(basename "$program")=$PWD/$program")
done
peers=nginx,sluice
if PATH=$PATH:/usr/sbin command -v haproxy >/dev/null; then peers=nginx,haproxy,sluice; fi
export PYTHONPATH=$PWD/bench PYTHONDONTWRITEBYTECODE=1
out=$TEST_TMPDIR/results

# One more peer that cannot start: it must be told of, and must not disturb the others.
status=0
/usr/bin/python3 -m harness.main "${programs[@]}" --quick --peers="$peers" --out="$out" \
  --proxy='broken=/bin/sh -c "echo nothing here >&2; exit 3"' >"$TEST_TMPDIR/output" 2>&1 || status=$?
cat "$TEST_TMPDIR/output"
[ "$status" = 1 ] || fail "ended with $status, not with 1 as one peer is broken"
grep -q 'broken: .*nothing here' "$TEST_TMPDIR/output" || fail "the broken peer's words are not shown"

/usr/bin/python3 - "$out" "$peers" <<'CHECK'
import json, os, sys
folder, peers = sys.argv[1], sys.argv[2].split(",")
with open(os.path.join(folder, "results.json")) as file:
    results = json.load(file)
from harness import workloads
names = [cell["workload"] for cell in results["cells"]]
assert names == [w.name for w in workloads.table(True)], names
for cell in results["cells"]:
    if "skipped" in cell:
        print("skipped:", cell["workload"], cell["skipped"])
        continue
    for name in peers:
        proxy = cell["proxies"][name]
        assert proxy["error"] is None, (cell["workload"], name, proxy["error"])
        assert proxy["samples"], (cell["workload"], name)
        assert not (proxy["upstream"] or {}).get("mismatches"), (cell["workload"], name)
        # Idle connections of so short a run may need no more memory than there was.
        assert cell["kind"] == "Idle" or proxy["summary"]["figure"]["median"] > 0, (cell["workload"], name)
    assert cell["proxies"]["broken"]["error"] and not cell["proxies"]["broken"]["samples"]
assert "error" not in (results["limits"] or {}), results["limits"]
assert os.path.getsize(os.path.join(folder, "report.html")) > 10000
CHECK
