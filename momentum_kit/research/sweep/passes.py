"""Compiled passes around the sweep's kernel: features to steps before it, tables to keys, sums to moments after it."""

import numpy as np
import numpy.typing as npt

from momentum_kit.compilation import compiled, part
from momentum_kit.research.sweep.kernel import UNITS_PER_BPS

SLICE = 4096  # values that stay in the fastest cache while all limits are compared
NAT = -(2**63)

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


@compiled
def count_passed(values: Floats, limits: Floats, at_most: bool, codes: Bytes) -> None:
    """Per value, how many limits (loose to strict) it meets, into codes (both flat); nan meets none."""
    for start in range(0, len(values), SLICE):
        here, passed = values[start : start + SLICE], codes[start : start + SLICE]
        passed[:] = 0
        for limit in limits:
            if at_most:
                for i in range(len(here)):
                    passed[i] += here[i] <= limit
            else:
                for i in range(len(here)):
                    passed[i] += here[i] >= limit


@compiled
def count_shares(spread_bps: Floats, ret_news: Floats, shares: Floats, codes: Bytes) -> None:
    """The same for the spread as a share of the move since the anchor."""
    for i in range(spread_bps.shape[0]):
        for k in range(spread_bps.shape[1]):
            passed = 0
            while passed < len(shares) and spread_bps[i, k] <= shares[passed] * ret_news[i, k] * 1e4:
                passed += 1
            codes[i, k] = passed


@part
def _mixed(key: np.uint64, word: np.uint64) -> np.uint64:
    """The next state of a key (the finaliser of splitmix64, whose every input bit moves every output bit)."""
    key = (key ^ word) + np.uint64(0x9E3779B97F4A7C15)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@compiled
def fingerprint(con_ids: Ints, at: Ints, gate: npt.NDArray[np.int8], net_bps: Floats, bits: Ints) -> np.uint64:
    """A number that stands for these events with these outcomes: the sum of their keys, whatever their order.

    bits: of the outcomes. Places without a decision time (NaT) count for nothing: they only pad a table to its width.
    """
    total = np.uint64(0)
    for event in range(len(con_ids)):
        key = _mixed(np.uint64(0), np.uint64(con_ids[event]))
        for k in range(at.shape[1]):
            if at[event, k] == NAT:
                continue
            key = _mixed(key, np.uint64(at[event, k]))
            key = _mixed(key, np.uint64(bits[event, k]) if net_bps[event, k] == net_bps[event, k] else np.uint64(NAT))
            key = _mixed(key, np.uint64(gate[event, k]))
        total += key
    return total


@compiled
def day_moments(fills: Counts, hits: Counts, units: Ints, moments: Floats) -> None:
    """From (D, C) to moments (8, C): fills, hits, sum, sum of squares, fills x sum, fills squared, worst, days.

    Sums are a day's net bps; worst is the least of them, days how many have a fill.
    """
    days, cells = fills.shape
    moments[:] = 0.0
    moments[6] = np.inf
    for day in range(days):
        for cell in range(cells):
            count, total = float(fills[day, cell]), units[day, cell] / UNITS_PER_BPS
            moments[0, cell] += count
            moments[1, cell] += hits[day, cell]
            moments[2, cell] += total
            moments[3, cell] += total * total
            moments[4, cell] += count * total
            moments[5, cell] += count * count
            moments[6, cell] = min(moments[6, cell], total)
            moments[7, cell] += count > 0
