"""What the rounds of a cell come to: one summary for each proxy."""

from harness import figures


def _by_round(samples, key):
    values = {sample["round"]: sample.get(key) for sample in samples}
    return [values.get(number) for number in range(max(values, default=-1) + 1)]


def _spread(samples, key):
    return figures.spread([sample[key] for sample in samples if sample.get(key) is not None])


def _latency(samples):
    """{"p50": ..., "p99.9": ...}: medians of the rounds; empty where nothing was measured."""
    rounds = [sample["latency_us"] for sample in samples if sample.get("latency_us")]
    if not rounds:
        return {}
    return {key: figures.spread([latency[key] for latency in rounds])["median"]
            for key in figures.PERCENTILES}


def disturbed(results):
    """(disturbed, all) measurements: where others used the proxy's CPUs for a tenth of the time.

    Those that are too short for the kernel's ticks are left out.
    """
    samples = [sample for cell in results["cells"] for proxy in cell.get("proxies", {}).values()
               for sample in proxy["samples"]
               if sample.get("others_cpu_s") is not None and sample["seconds"] >= 0.2]
    return (sum(s["others_cpu_s"] > 0.1 * s["seconds"] for s in samples), len(samples))


def summarise(cell, reference):
    """Adds "summary" to every proxy of the cell.

    Ratios are of neighbouring runs: the same round of `reference`. Above 1 the proxy is the better
    one. A percentile of latency is the median of the rounds' percentiles: where others share the
    machine, one round that they disturbed must not decide. (The histogram has all rounds' exchanges.)
    """
    base = cell["proxies"].get(reference, {})
    for proxy in cell["proxies"].values():
        samples = proxy["samples"]
        latency = _latency(samples)
        summary = {
            "figure": _spread(samples, "figure"),
            "throughput": _spread(samples, "throughput"),
            "memory_bytes": _spread(samples, "memory_bytes"),
            "proxy_busy": _spread(samples, "proxy_busy"),
            "latency_us": latency,
            "ratio": figures.spread(figures.ratios(_by_round(base.get("samples", []), "figure"),
                                                   _by_round(samples, "figure"))),
        }
        base_latency = _latency(base.get("samples", []))
        summary["latency_ratio"] = {key: base_latency[key] / value for key, value in latency.items()
                                    if value and base_latency.get(key)}
        kept = _spread(samples, "kept")
        if kept:
            summary["kept"] = kept
        shares = [max(s["worker_cpu_s"]) / sum(s["worker_cpu_s"]) for s in samples
                  if s.get("worker_cpu_s")]
        if shares:
            # 1 divided by the number of workers is even.
            summary["busiest_worker_share"] = figures.spread(shares)
        upstream = proxy.get("upstream") or {}
        if upstream.get("handshakes"):
            summary["resumed_percent"] = 100 * upstream.get("resumed", 0) / upstream["handshakes"]
        proxy["summary"] = summary
