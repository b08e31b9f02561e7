"""Arithmetic over samples: medians, ratios of neighbouring runs, percentiles of histograms."""

import math
import statistics

PERCENTILES = (50.0, 90.0, 99.0, 99.9)


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


def percentile(histogram, percent):
    """The upper bound of the bucket that holds the value at `percent`; None if it is empty."""
    total = sum(count for _, count in histogram)
    if total == 0:
        return None
    rank = max(1, math.ceil(total * percent / 100))
    seen = 0
    for upper, count in histogram:
        seen += count
        if seen >= rank:
            return upper
    return histogram[-1][0]


def percentiles(histogram):
    """{"p50": ..., "p99.9": ...} of a histogram; empty if it holds nothing."""
    if not histogram:
        return {}
    return {f"p{percent:g}": percentile(histogram, percent) for percent in PERCENTILES}


def rotated(items, count):
    """The list, begun `count` places later: so that nobody always goes first."""
    if not items:
        return []
    count %= len(items)
    return items[count:] + items[:count]
