"""Arithmetic over samples: medians, ratios of neighbouring runs, sums of histograms."""

import statistics

PERCENTILES = ("p50", "p90", "p99", "p99.9")


def spread(values):
    """{"min", "median", "max"} of a list; None of an empty one."""
    if not values:
        return None
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def ratios(baseline, values):
    """baseline/value of each round that both lists have: above 1 the proxy needs less than nginx.

    Both lists hold one figure for each round, None where that round failed.
    """
    return [b / v for b, v in zip(baseline, values) if b is not None and v]


def merge_histograms(histograms):
    """One [[upper, count], ...] of several, sorted. All come from one program: buckets are alike."""
    counts = {}
    for histogram in histograms:
        for upper, count in histogram:
            counts[upper] = counts.get(upper, 0) + count
    return [[upper, counts[upper]] for upper in sorted(counts)]


def rotated(items, count):
    """The list, begun `count` places later: so that nobody always goes first."""
    if not items:
        return []
    count %= len(items)
    return items[count:] + items[:count]
