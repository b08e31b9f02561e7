"""How near the proxies come to what the machine can do at all: bench/limits beside the figures."""

import json
import subprocess

RUN_TIMEOUT_S = 300


def run(program, cpu, peer_cpu, quick):
    """The limits as bench/limits prints them; {"error": words} if it failed."""
    argv = [program, "--json", f"--cpu={cpu}", f"--peer_cpu={peer_cpu}"] + (["--quick"] if quick else [])
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=RUN_TIMEOUT_S)
        if done.returncode != 0:
            return {"error": (done.stderr.strip() or f"ended with {done.returncode}").splitlines()[-1]}
        return json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        return {"error": str(error)}


def _gigabytes_per_s(limits, algorithm):
    return limits["aead"][algorithm]


# Workload -> CPU seconds for a unit of work below which nothing can go. Keys as bench/limits has them.
LIMITS = {
}


def fractions(results):
    """limit/figure for the workloads that have a limit: [{"workload", "unit", "limit", "fractions"}]."""
    limits = results.get("limits")
    if not limits or "error" in limits:
        return []
    rows = []
    for cell in results["cells"]:
        limit_of = LIMITS.get(cell["workload"])
        if not limit_of or not cell.get("proxies"):
            continue
        limit = limit_of(limits)
        rows.append({
            "workload": cell["workload"], "unit": cell["unit"], "limit": limit,
            "fractions": {name: limit / proxy["summary"]["figure"]["median"]
                          for name, proxy in cell["proxies"].items() if proxy["summary"]["figure"]}})
    return rows
