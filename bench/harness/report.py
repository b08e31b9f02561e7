"""The report: one HTML file that needs nothing else; matplotlib draws, where it is installed."""

import html as markup
import io
import math
import re

from harness import output

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; }
body { margin: 2em auto; max-width: 72em; padding: 0 1em; }
h1, h2 { font-weight: 600; line-height: 1.2; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
td, th { padding: 2px 10px; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
td.word, th.word { text-align: left; }
th { background: #f4f4f4; position: sticky; top: 0; }
svg { max-width: 100%; height: auto; }
.error { color: #a00; white-space: pre-wrap; }
.small { color: #666; font-size: 13px; }
"""

# One colour for each proxy, in the order they take part; people who see few colours can tell them.
_COLOURS = ("#888888", "#e69f00", "#0072b2", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#f0e442")


def _table(rows, words):
    """Rows of text, the first one the head; columns in `words` to the left."""
    lines = ["<table>"]
    for number, row in enumerate(rows):
        tag = "th" if number == 0 else "td"
        cells = "".join(
            f"<{tag}{' class=word' if column in words else ''}>{markup.escape(text)}</{tag}>"
            for column, text in enumerate(row))
        lines.append(f"<tr>{cells}</tr>")
    lines.append("</table>")
    return "\n".join(lines)


def _pyplot():
    """matplotlib without a display; None where it is not installed."""
    try:
        import matplotlib
    except ImportError:
        return None
    matplotlib.use("svg")
    # Text stays text: smaller, and it can be searched and copied. Fixed ids: same results, same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "sluice", "font.size": 9,
                                "axes.spines.top": False, "axes.spines.right": False})
    from matplotlib import pyplot
    return pyplot


def _svg(pyplot, figure):
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    # What stands before <svg> is for files of their own.
    return buffer.getvalue()[buffer.getvalue().index("<svg"):]


def _colours(results):
    return {peer["name"]: _COLOURS[i % len(_COLOURS)] for i, peer in enumerate(results["peers"])}


def ratio_bars(pyplot, results):
    """Bars of the ratio to the reference, one group for each workload, with min and max; SVG."""
    reference, colours = results["reference"], _colours(results)
    others = [peer["name"] for peer in results["peers"] if peer["name"] != reference]
    cells = [cell for cell in results["cells"]
             if any(proxy["summary"]["ratio"] for name, proxy in cell.get("proxies", {}).items()
                    if name != reference)]
    if not cells or not others:
        return ""
    height = 0.8 / len(others)
    figure, axes = pyplot.subplots(figsize=(10, 1 + 0.13 * len(cells) * (1 + len(others))))
    for position, name in enumerate(others):
        places, medians, below, above = [], [], [], []
        for place, cell in enumerate(cells):
            ratio = cell["proxies"][name]["summary"]["ratio"]
            if ratio:
                places.append(place - 0.4 + height * (position + 0.5))
                medians.append(ratio["median"])
                below.append(ratio["median"] - ratio["min"])
                above.append(ratio["max"] - ratio["median"])
        axes.barh(places, medians, height, color=colours[name], label=name,
                  xerr=[below, above], error_kw={"elinewidth": 0.7, "ecolor": "#333333"})
    axes.axvline(1, color="#333333", linewidth=0.8)
    axes.set_yticks(range(len(cells)), [cell["workload"] for cell in cells])
    axes.set_ylim(len(cells) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"{reference}'s need for a unit of work / the proxy's: more is better")
    # Above the bars, as the axis is: a long drawing is read from its top.
    axes.xaxis.set_label_position("top")
    axes.xaxis.tick_top()
    axes.spines.bottom.set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncol=len(others), frameon=False,
                borderaxespad=3.5)
    return _svg(pyplot, figure)


def latency_curve(histogram):
    """Points ("nines", microseconds) of a histogram: nines is 1 at p90, 2 at p99, 3 at p99.9."""
    total = sum(count for _, count in histogram)
    points, seen = [], 0
    for upper, count in histogram:
        seen += count
        left = max(total - seen, 0.5)  # The largest value stands where half an exchange is left.
        points.append((-math.log10(left / total), upper))
    return points


def latency_curves(pyplot, cell, colours):
    """Latency over percentiles, one line for each proxy; SVG."""
    figure, axes = pyplot.subplots(figsize=(5.2, 3.2))
    highest = 1.0
    for name, proxy in cell["proxies"].items():
        points = latency_curve(proxy["histogram"])
        if points:
            nines, microseconds = zip(*points)
            highest = max(highest, nines[-1])
            axes.plot(nines, microseconds, color=colours[name], label=name, linewidth=1.4)
    marks = [(0.30103, "50"), (1, "90"), (2, "99"), (3, "99.9"), (4, "99.99"), (5, "99.999")]
    marks = [mark for mark in marks if mark[0] <= highest]
    axes.set_xticks([place for place, _ in marks], [f"p{label}" for _, label in marks])
    axes.set_xlim(left=0)
    axes.set_yscale("log")
    for axis_part in ("major", "minor"):
        getattr(axes.yaxis, f"set_{axis_part}_formatter")("{x:.0f}")
    axes.tick_params(axis="y", which="minor", labelsize=7)
    axes.set_ylabel("microseconds")
    axes.set_title(cell["workload"])
    axes.legend()
    return _svg(pyplot, figure)


def _drawings(results):
    pyplot = _pyplot()
    if pyplot is None:
        return "<p>matplotlib is not installed: no drawings.</p>"
    parts = ["<h2>How much less each needs for a unit of work</h2>", ratio_bars(pyplot, results),
             "<h2>Latency</h2><p>Exchanges begin by the clock; an exchange's latency is counted from "
             "the moment it should have begun.</p>"]
    colours = _colours(results)
    for cell in results["cells"]:
        if cell.get("kind") in ("FixedRate", "Mixed") and any(
                proxy["histogram"] for proxy in cell["proxies"].values()):
            parts.append(latency_curves(pyplot, cell, colours))
    # Several drawings in one page: what one calls p1 is not what the next one calls so.
    return "\n".join(_own_ids(part, number) for number, part in enumerate(parts))


def _own_ids(svg, number):
    """The drawing with ids of its own."""
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>d{number}-", svg)


def _facts(results):
    machine, pinned, source = results["machine"], results["pinned"], results["source"]
    changes = " and changes" if source["dirty"] else ""
    facts = [("date", results["date"]),
             ("commit", f"{source['commit']}{changes}"),
             ("machine", f"{machine['cpu']}, {machine['cpus']} CPUs"),
             ("system", f"{machine['system']}, Linux {machine['kernel']}"),
             ("command", "bench/compare " + " ".join(results["command"])),
             ("rounds", f"{results['rounds']}, proxies by turns")]
    facts += [(peer["name"], peer["version"]) for peer in results["peers"]]
    facts.append(("TLS of all", f"{pinned['tls13_cipher']} or {pinned['tls12_cipher']}, "
                                f"{pinned['group']}, {pinned['certificate']} certificate, "
                                f"verification {pinned['verification']}"))
    return facts


def html(results):
    """The whole page."""
    reference = markup.escape(results["reference"])
    parts = ["<!doctype html>", '<html lang="en"><meta charset="utf-8">',
             f"<title>Stream proxies compared, {markup.escape(results['date'])}</title>",
             f"<style>{_STYLE}</style>", "<h1>Stream proxies compared</h1>"]
    if results["quick"]:
        parts.append("<p class=error>A quick run: it shows that everything works. Its figures mean "
                     "nothing.</p>")
    if output.disturbance(results):
        parts.append(f"<p class=error>{markup.escape(output.disturbance(results))}</p>")
    parts.append(_table([("", "")] + _facts(results), {0, 1}))
    parts.append(_drawings(results))
    parts += [f"<h2>Ratios to {reference}</h2>",
              "<p>Median (min to max) of neighbouring runs; above 1 is better.</p>",
              _table(output.ratio_rows(results), {0, 1})]
    workers = output.worker_rows(results)
    if len(workers) > 1:
        parts += ["<h2>Two workers on two CPUs against one</h2>", _table(workers, {0, 1})]
    if results["limit_fractions"]:
        parts += ["<h2>Beside the limits of this machine</h2>",
                  "<p>What part of a figure is what the machine cannot do without (bench/limits).</p>",
                  _table(output.limit_rows(results), {0})]
    parts += ["<h2>All figures</h2>", 
              "<p>busy: the proxy's CPU time by the time that passed, 100 % for each of its workers; "
              "well below that, the load is what limits the throughput. MB: the proxy's private "
              "memory at the end of a run.</p>",
              _table(output.detail_rows(results), {0, 1, 3, 6, 12})]
    failed = [line for cell in results["cells"] for line in
              [f"{cell['workload']} {error.strip()}" for error in output.errors(cell)]]
    if failed:
        parts.append("<h2>What failed</h2>")
        parts += [f"<p class=error>{markup.escape(line)}</p>" for line in failed]
    parts += ["<h2>Workloads</h2>",
              _table([("workload", "what")] + [(cell["workload"], cell["what"])
                                               for cell in results["cells"]], {0, 1})]
    parts.append("<p class=small>Every sample of every round is in results.json beside this page.</p>")
    return "\n".join(parts)
