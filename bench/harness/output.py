"""What is printed while it runs and at its end."""

from harness import summary as summaries
from harness.workloads import UNITS


def number(value):
    """Three significant digits, as people read them."""
    if value is None:
        return "-"
    size = abs(value)
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 1:
        return f"{value:.2f}"
    return f"{value:.3g}"


def ratio(spread):
    """"2.61 (2.55 to 2.70)"."""
    if not spread:
        return "-"
    if spread["min"] == spread["max"]:
        return f"{spread['median']:.2f}"
    return f"{spread['median']:.2f} ({spread['min']:.2f} to {spread['max']:.2f})"


def latency(microseconds):
    """Microseconds, or milliseconds once they are many."""
    if microseconds is None:
        return "-"
    if microseconds >= 10000:
        return f"{number(microseconds / 1000)} ms"
    return f"{number(microseconds)} us"


def megabytes(count):
    return "-" if count is None else number(count / 1e6)


def _median(spread):
    return spread["median"] if spread else None


def figure(cell, proxy):
    """The figure that counts, in its unit; "-" if there is none."""
    value = _median(proxy["summary"]["figure"])
    return number(None if value is None else value * UNITS[cell["unit"]].cpu_factor)


def table(rows, left=1, last_left=False):
    """Rows of words as aligned lines; the first `left` columns (and the last one) to the left, the
    others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        words = [word.ljust(width) if i < left or (last_left and i == len(row) - 1)
                 else word.rjust(width) for i, (word, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(words).rstrip())
    return "\n".join(lines)


def progress_line(number_, count, cell, reference, seconds):
    """One line for a finished cell."""
    begin = f"[{number_:>{len(str(count))}}/{count}] {cell['workload']:<26}"
    if cell.get("skipped"):
        return f"{begin} skipped: {cell['skipped']}"
    words = []
    for name, proxy in cell["proxies"].items():
        if proxy["error"] and not proxy["samples"]:
            words.append(f"{name} failed")
            continue
        text = f"{name} {figure(cell, proxy)}"
        if name != reference and proxy["summary"]["ratio"]:
            text += f" ({proxy['summary']['ratio']['median']:.2f}x)"
        words.append(text)
    return f"{begin} {UNITS[cell['unit']].cpu_label:<17} {', '.join(words)}  [{seconds:.0f} s]"


def errors(cell):
    """Lines for what went wrong, in the words of whoever failed."""
    return [f"    {name}: {proxy['error']}" for name, proxy in cell.get("proxies", {}).items()
            if proxy["error"]]


def notes(cell, proxy):
    """What else is worth knowing of a proxy in a cell, in words."""
    words = []
    summary = proxy["summary"]
    if proxy.get("tried") and proxy["settings"]:
        words += [f"{key} {value}" for key, value in proxy["settings"].items()
                  if not isinstance(value, bool)]
        words += [key for key, value in proxy["settings"].items() if value is True]
    if cell["unit"] == "connection" and "resumed_percent" in summary:
        words.append(f"{summary['resumed_percent']:.0f} % resumed")
    if "kept" in summary:
        words.append(f"{100 * summary['kept']['median']:.0f} % of its capacity kept")
    connections = proxy["samples"][0].get("connections") if proxy["samples"] else None
    if connections and connections < cell["client_flags"]["connections"]:
        words.append(f"only {connections} connections")
    return ", ".join(words)


DETAIL_HEAD = ["workload", "proxy", "throughput", "", "busy", "figure", "", "to {reference}", "p50",
               "p99", "p99.9", "MB", "notes"]


def detail_rows(results):
    """Every proxy of every cell: a list of rows, the head first."""
    rows = [[word.format(reference=results["reference"]) for word in DETAIL_HEAD]]
    for cell in results["cells"]:
        for position, (name, proxy) in enumerate(cell.get("proxies", {}).items()):
            unit, summary = UNITS[cell["unit"]], proxy["summary"]
            throughput = _median(summary["throughput"]) if unit.throughput_label else None
            percentiles = summary["latency_us"]
            busy = _median(summary["proxy_busy"])
            rows.append([
                cell["workload"] if position == 0 else "",
                name,
                number(None if throughput is None else throughput * unit.throughput_factor),
                unit.throughput_label,
                "-" if busy is None else f"{100 * busy:.0f} %",
                figure(cell, proxy),
                unit.cpu_label,
                "" if name == results["reference"] else ratio(summary["ratio"]),
                latency(percentiles.get("p50")),
                latency(percentiles.get("p99")),
                latency(percentiles.get("p99.9")),
                megabytes(_median(summary["memory_bytes"])),
                notes(cell, proxy),
            ])
    return rows


def ratio_rows(results):
    """One row a workload: how much better than the reference each proxy is."""
    reference = results["reference"]
    names = [peer["name"] for peer in results["peers"]]
    others = [name for name in names if name != reference]
    rows = [["workload", "unit", reference] + others]
    for cell in results["cells"]:
        proxies = cell.get("proxies")
        if not proxies:
            continue
        rows.append([cell["workload"], UNITS[cell["unit"]].cpu_label,
                     figure(cell, proxies[reference]) if reference in proxies else "-"]
                    + [ratio(proxies[name]["summary"]["ratio"]) for name in others])
    return rows


def worker_rows(results):
    """Two workers against one: what a unit of work costs more, and how even the workers are."""
    cells = {cell["workload"]: cell for cell in results["cells"] if cell.get("proxies")}
    rows = [["workload", "proxy", "1 worker", "2 workers", "", "2 : 1", "busiest of 2"]]
    for name, two in cells.items():
        one = cells.get(name.removesuffix("_w2") + "_w1") if name.endswith("_w2") else None
        if not one:
            continue
        for peer in two["proxies"]:
            a, b = (_median(cell["proxies"][peer]["summary"]["figure"]) for cell in (one, two))
            share = _median(two["proxies"][peer]["summary"].get("busiest_worker_share"))
            rows.append([
                name.removesuffix("_w2"), peer, figure(one, one["proxies"][peer]),
                figure(two, two["proxies"][peer]), UNITS[two["unit"]].cpu_label,
                number(b / a if a and b else None),
                "-" if share is None else f"{100 * share:.0f} %"])
    return rows


def limit_rows(results):
    """Figures beside the limits of the machine."""
    rows = [["workload", "limit", ""] + [peer["name"] for peer in results["peers"]]]
    for row in results["limit_fractions"]:
        unit = UNITS[row["unit"]]
        rows.append([row["workload"], number(row["limit"] * unit.cpu_factor), unit.cpu_label]
                    + ["-" if row["fractions"].get(peer["name"]) is None
                       else f"{100 * row['fractions'][peer['name']]:.0f} %"
                       for peer in results["peers"]])
    return rows


def disturbance(results):
    """A warning where others used the proxies' CPUs; empty if they did not."""
    bad, count = summaries.disturbed(results)
    if not bad:
        return ""
    return (f"In {bad} of {count} measurements others took a tenth of the proxy's CPUs or more: trust "
            "ratios of CPU time,\nnot throughput and latency.")


def final(results):
    """The tables at the end."""
    reference = results["reference"]
    parts = ["", table(detail_rows(results), left=2, last_left=True), "",
             "busy: the proxy's CPU time by the time that passed, 100 % for each of its workers; well",
             "below that, the load is what limits the throughput. MB: the proxy's private memory."]
    parts += ["", f"How much less than {reference} each needs for a unit of work: median (min to max)",
              "of neighbouring runs, above 1 is better.", "", table(ratio_rows(results), left=2)]
    workers = worker_rows(results)
    if len(workers) > 1:
        parts += ["", "Two workers on two CPUs against one:", "", table(workers, left=2)]
    if disturbance(results):
        parts += ["", disturbance(results)]
    limits = results.get("limits") or {}
    if limits.get("error"):
        parts += ["", f"The limits of this machine could not be measured: {limits['error']}"]
    elif results["limit_fractions"]:
        parts += ["", "What part of each figure is the limit of this machine, which nothing can beat:",
                  "", table(limit_rows(results))]
    return "\n".join(parts)
