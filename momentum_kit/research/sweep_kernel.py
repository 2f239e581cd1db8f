"""Compiled inner loops of the sweep: events to sums per day and cell, and those to statistics; see research/sweep.py.

The idea. An event's first trigger in a cell is the first decision time at which every rule holds there. Along one axis
that set of decision times only shrinks from loose to strict, and it changes at no more places than there are decision
times. So the axis falls into few runs with one bit set each, the grid into few blocks (the product of the runs), and in
a block the first trigger is the lowest bit of the AND of its axes' sets (the OR of the two `move` axes). A block's
value is added to all its cells at once: the differences between neighbouring blocks go to the blocks' corners, and one
suffix sum along each axis a day spreads them.

All sums are integers, returns as multiples of 2**-32 bps. Signed corners of floats would cancel badly and depend on the
order of events; integers are exact whatever the order, so parts computed elsewhere add up to the same bytes.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

UNITS_PER_BPS = 2.0**32
HIT = 1 << 32  # one word counts fills in its lower and hits in its upper half

SINGLE, PAIR_FIRST, PAIR_SECOND = 0, 1, 2

Words = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@njit(nogil=True, cache=True)
def count_passed(values: Floats, limits: Floats, at_most: bool, codes: Bytes) -> None:
    """Per value, how many limits (loose to strict) it meets, into codes; nan meets none."""
    for i in range(values.shape[0]):
        for k in range(values.shape[1]):
            value, passed = values[i, k], 0
            if at_most:
                for limit in limits:
                    passed += value <= limit
            else:
                for limit in limits:
                    passed += value >= limit
            codes[i, k] = passed


@njit(nogil=True, cache=True)
def count_shares(spread_bps: Floats, ret_news: Floats, shares: Floats, codes: Bytes) -> None:
    """The same for the spread as a share of the move since the anchor."""
    for i in range(spread_bps.shape[0]):
        for k in range(spread_bps.shape[1]):
            passed = 0
            while passed < len(shares) and spread_bps[i, k] <= shares[passed] * ret_news[i, k] * 1e4:
                passed += 1
            codes[i, k] = passed


@njit(nogil=True, cache=True)
def _passing_times(alive: Bools, codes: Bytes, kinds: Ints, times: Ints) -> int:
    """Decision times at which at least the loosest cell triggers and none before them triggers wherever they do."""
    found = 0
    for k in range(alive.shape[0]):
        if not alive[k]:
            continue
        single, paired, pairs = True, False, False
        for a in range(len(kinds)):
            if kinds[a] == SINGLE:
                single &= codes[a, k] > 0
            else:
                pairs = True
                paired |= codes[a, k] > 0
        if not single or (pairs and not paired):
            continue
        covered = False
        for j in times[:found]:
            inside = True
            for a in range(len(kinds)):
                inside &= codes[a, k] <= codes[a, j]
            covered |= inside
        if not covered:
            times[found] = k
            found += 1
    return found


@njit(nogil=True, cache=True)
def _runs_of(codes: Bytes, times: Ints, to_the_end: int, ends: Ints) -> int:
    """Ascending, where the set of passing times changes along one axis; to_the_end: its steps, 0 if not needed."""
    count = 0
    for position in range(len(times) + 1):
        end = np.int64(codes[times[position]]) if position < len(times) else to_the_end
        at = count
        while at > 0 and ends[at - 1] > end:
            at -= 1
        if end == 0 or (at > 0 and ends[at - 1] == end):
            continue
        for move in range(count, at, -1):
            ends[move] = ends[move - 1]
        ends[at] = end
        count += 1
    return count


@njit(nogil=True, cache=True)
def _blocks(
    codes: Bytes, times: Ints, kinds: Ints, shape: Ints, strides: Ints, ends: Ints, own: Words, runs: Ints,
    sets: Words, either: Words, corners: Ints,
) -> int:  # fmt: skip
    """Lay out the blocks: per block its set of passing times and its strictest cell. Returns how many there are.

    Axis by axis from the back, so that the arrays grow in place. ends, own: room for the runs of one axis.
    """
    sets[0], either[0], corners[0], size = (np.uint64(1) << np.uint64(len(times))) - np.uint64(1), 0, 0, 1
    for a in range(len(kinds)):
        count = _runs_of(codes[a], times, shape[a] if kinds[a] != SINGLE else 0, ends)
        runs[a] = count
        for run in range(count):
            own[run] = 0
            for position in range(len(times)):
                own[run] |= np.uint64(codes[a, times[position]] >= ends[run]) << np.uint64(position)
        for block in range(size - 1, -1, -1):
            passing, others, corner = sets[block], either[block], corners[block]
            for run in range(count - 1, -1, -1):
                at = block * count + run
                corners[at] = corner + (ends[run] - 1) * strides[a]
                if kinds[a] == SINGLE:
                    sets[at], either[at] = passing & own[run], others
                elif kinds[a] == PAIR_FIRST:
                    sets[at], either[at] = passing, own[run]
                else:
                    sets[at] = passing & (others | own[run])
        size *= count
    return size


@njit(nogil=True, cache=True)
def _add_blocks(size: int, firsts: Ints, values: Ints, runs: Ints, corners: Ints, field: Ints, totals: Ints) -> None:
    """Add each block's value to its cells: the difference to the next block along every axis, at its corner."""
    for block in range(size):
        field[block] = values[firsts[block]] if firsts[block] >= 0 else 0
    inner = size
    for a in range(len(runs)):
        outer, inner = inner, inner // runs[a]
        for start in range(0, size, outer):
            for block in range(start, start + outer - inner):
                field[block] -= field[block + inner]
    for block in range(size):
        totals[corners[block]] += field[block]


@njit(nogil=True, cache=True)
def _spread(totals: Ints, shape: Ints, strides: Ints) -> None:
    """Suffix sums along every axis."""
    for a in range(len(shape)):
        stride, span = strides[a], strides[a] * shape[a]
        for start in range(0, len(totals), span):
            for row in range(start + span - 2 * stride, start - 1, -stride):
                here, there = totals[row : row + stride], totals[row + stride : row + 2 * stride]
                for at in range(stride):
                    here[at] += there[at]


@njit(nogil=True, cache=True)
def sum_days(
    first_day: int, last_day: int, order: Ints, starts: Ints, alive: Bools, codes: Bytes, net_bps: Floats,
    kinds: Ints, shape: Ints, strides: Ints, signals: Counts, fills: Counts, hits: Counts, units: Ints,
) -> None:  # fmt: skip
    """Fill signals (D, C) and fills, hits, units (E, D, C) for the days first_day <= day < last_day.

    order: events by day, those of day d at starts[d]:starts[d + 1]. alive (N, K): no gate and no fixed rule stands
    against it. codes (A, N, K): steps passed. net_bps (E, N, K). kinds: which axes are the two of the `move` rule.
    """
    cells, exits = signals.shape[1], net_bps.shape[0]
    widest = alive.shape[1]
    totals = np.empty((1 + 2 * exits, cells), np.int64)
    times, ends, runs = np.empty(widest, np.int64), np.empty(widest + 1, np.int64), np.empty(len(kinds), np.int64)
    values, own = np.empty((1 + 2 * exits, widest), np.int64), np.empty((len(kinds), widest), np.uint8)
    sets, either, set_of = np.empty(cells, np.uint64), np.empty(cells, np.uint64), np.empty(widest + 1, np.uint64)
    corners, firsts, field = np.empty(cells, np.int64), np.empty(cells, np.int64), np.empty(cells, np.int64)
    for day in range(first_day, last_day):
        totals[:] = 0
        for event in order[starts[day] : starts[day + 1]]:
            for a in range(len(kinds)):
                own[a] = codes[a, event]
            found = _passing_times(alive[event], own, kinds, times)
            if found == 0:
                continue
            size = _blocks(own, times[:found], kinds, shape, strides, ends, set_of, runs, sets, either, corners)
            for block in range(size):
                firsts[block] = -1 if sets[block] == 0 else 0
                if sets[block] != 0:
                    while not (sets[block] >> np.uint64(firsts[block])) & np.uint64(1):
                        firsts[block] += 1
            for position in range(found):
                values[0, position] = 1
                for e in range(exits):
                    net = net_bps[e, event, times[position]]
                    filled = not np.isnan(net)
                    values[1 + 2 * e, position] = (1 + HIT * (net > 0)) if filled else 0
                    values[2 + 2 * e, position] = np.int64(np.rint(net * UNITS_PER_BPS)) if filled else 0
            for channel in range(1 + 2 * exits):
                _add_blocks(size, firsts, values[channel], runs, corners, field, totals[channel])
        for channel in range(1 + 2 * exits):
            _spread(totals[channel], shape, strides)
        for cell in range(cells):
            signals[day, cell] = totals[0, cell]
        for e in range(exits):
            for cell in range(cells):
                fills[e, day, cell] = totals[1 + 2 * e, cell] & (HIT - 1)
                hits[e, day, cell] = totals[1 + 2 * e, cell] >> 32
                units[e, day, cell] = totals[2 + 2 * e, cell]


@njit(nogil=True, cache=True)
def _mixed(key: np.uint64, word: np.uint64) -> np.uint64:
    """The next state of a key (the finaliser of splitmix64, whose every input bit moves every output bit)."""
    key = (key ^ word) + np.uint64(0x9E3779B97F4A7C15)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@njit(nogil=True, cache=True)
def fingerprint(con_ids: Ints, at: Ints, gate: npt.NDArray[np.int8], net_bps: Floats) -> np.uint64:
    """A number that stands for these events with these outcomes, whatever their order: the sum of their keys."""
    bits, total = net_bps.view(np.int64), np.uint64(0)
    for event in range(len(con_ids)):
        key = _mixed(np.uint64(0), np.uint64(con_ids[event]))
        for k in range(at.shape[1]):
            key = _mixed(key, np.uint64(at[event, k]))
            key = _mixed(key, np.uint64(bits[event, k]))
            key = _mixed(key, np.uint64(gate[event, k]))
        total += key
    return total


@njit(nogil=True, cache=True)
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
