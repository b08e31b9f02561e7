"""What the rounds of a cell come to: one summary for each proxy."""

from harness import figures


def _by_round(samples, key):
    values = {sample["round"]: sample.get(key) for sample in samples}
    return [values.get(number) for number in range(max(values, default=-1) + 1)]


def _spread(samples, key):
    return figures.spread([sample[key] for sample in samples if sample.get(key) is not None])


def summarise(cell, reference):
    """Adds "summary" to every proxy of the cell.

    Ratios are of neighbouring runs: the same round of `reference`. Above 1 the proxy is the better
    one. Latencies are of all rounds' exchanges together.
    """
    base = cell["proxies"].get(reference, {})
    for proxy in cell["proxies"].values():
        samples = proxy["samples"]
        latency = figures.percentiles(proxy["histogram"])
        summary = {
            "figure": _spread(samples, "figure"),
            "throughput": _spread(samples, "throughput"),
            "memory_bytes": _spread(samples, "memory_bytes"),
            "proxy_busy": _spread(samples, "proxy_busy"),
            "latency_us": latency,
            "ratio": figures.spread(figures.ratios(_by_round(base.get("samples", []), "figure"),
                                                   _by_round(samples, "figure"))),
        }
        base_latency = figures.percentiles(base.get("histogram", []))
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
