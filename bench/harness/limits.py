"""How near the proxies come to what the machine can do at all: bench/limits beside the figures."""

import json
import subprocess

RUN_TIMEOUT_S = 300


def run(program, cpu, peer_cpu, quick):
    """The limits as bench/limits prints them; {"error": words} if it failed."""
    argv = [program, "--json", f"--cpu={cpu}", f"--peer_cpu={peer_cpu}"]
    argv += ["--quick"] if quick else []
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=RUN_TIMEOUT_S)
        if done.returncode != 0:
            return {"error": (done.stderr.strip() or f"ended with {done.returncode}").splitlines()[-1]}
        return json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        return {"error": str(error)}


def _plain_bulk(limits):
    """Relaying in the cheaper of two ways: by copying, or by splice(2)."""
    return min(limits["relay"]["bulk_s_per_gb"], limits["relay"]["splice_s_per_gb"])


def _bulk(direction):
    """Relaying by copying, and what TLS seals (up) or opens (down) on its way, in full records."""
    def limit(limits):
        aead = limits["aead"]
        # VAES is there where the CPU has it.
        gb_per_s = max(aead.get(f"aes_128_gcm_{kind}{direction}_16384_gb_per_s", 0)
                       for kind in ("", "vaes_"))
        return limits["relay"]["bulk_s_per_gb"] + 1 / gb_per_s
    return limit


def _small(limits):
    return limits["relay"]["small_us"] / 1e6


def _churn(*primitives):
    """A connection's life, and these primitives once for each name."""
    return lambda limits: (limits["relay"]["churn_us"]
                           + sum(limits["primitives"][f"{name}_us"] for name in primitives)) / 1e6


# What a client does in a handshake with a server that has a P-256 certificate: a key pair, the shared
# secret, and the server's signature. (The certificate's own signature can be remembered: no limit.)
_FULL = ("x25519_keygen", "x25519_derive", "ecdsa_p256_verify")
# TLS 1.3 resumes with a new key exchange; TLS 1.2 without one.
_RESUMED_TLS13 = ("x25519_keygen", "x25519_derive")

# Workload -> CPU seconds for a unit of work below which nothing can go. Measured once, at the begin:
# on a machine that others share, a few percent more than 100 are noise.
LIMITS = {
    "connect_plain": _churn(),
    "connect_tls12_full": _churn(*_FULL),
    "connect_tls12_resumed": _churn(),
    "connect_tls13_full": _churn(*_FULL),
    "connect_tls13_resumed": _churn(*_RESUMED_TLS13),
    "small_plain_64": _small,
}
for _connections in (1, 8):
    LIMITS.update({
        f"bulk_down_plain_{_connections}": _plain_bulk,
        f"bulk_up_plain_{_connections}": _plain_bulk,
    })
    for _mode in ("tls12", "tls13"):
        LIMITS.update({
            f"bulk_down_{_mode}_{_connections}": _bulk("open"),
            f"bulk_up_{_mode}_{_connections}": _bulk("seal"),
        })


def fractions(results):
    """limit/figure where there is a limit: [{"workload", "unit", "limit", "fractions"}]."""
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
