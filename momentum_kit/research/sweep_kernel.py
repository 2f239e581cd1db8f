"""Compiled inner loops of the sweep: events to sums per day and cell, and those to statistics; see research/sweep.py.

The idea. An event's first trigger in a cell is the first decision time at which every rule holds there. Along one axis
that set of decision times only shrinks from loose to strict, and it changes at no more places than there are decision
times. So the axis falls into few runs with one bit set each, the grid into few blocks (the product of the runs), and in
a block the first trigger is the lowest bit of the AND of its axes' sets (of the two `move` axes the OR). A block's
value is added to all its cells at once: the differences between neighbouring blocks go to the blocks' corners, and one
suffix sum along each axis a day spreads them.

All sums are integers, returns as multiples of 2**-32 bps. Signed corners of floats would cancel badly and depend on the
order of events; integers are exact whatever the order, so parts computed elsewhere add up to the same bytes.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

UNITS_PER_BPS = 2.0**32
NAT = -(2**63)

MOST_A_DAY = (1 << 21) - 1
"""Events of one day: one word counts signals, fills and hits in three fields of 21 bits, so that one sum does."""

FILL, HIT = 1 << 21, 1 << 42

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
def _passing_times(alive: Bools, codes: Bytes, paired: bool, times: Ints) -> int:
    """Decision times at which at least the loosest cell triggers and none before them triggers wherever they do."""
    found, axes = 0, codes.shape[0]
    for k in range(alive.shape[0]):
        passing = alive[k] and (not paired or codes[0, k] > 0 or codes[1, k] > 0)
        for a in range(2 if paired else 0, axes):
            passing &= codes[a, k] > 0
        if not passing:
            continue
        covered = False
        for position in range(found):
            inside = True
            for a in range(axes):
                inside &= codes[a, k] <= codes[a, times[position]]
            covered |= inside
        if not covered:
            times[found] = k
            found += 1
    return found


@njit(nogil=True, cache=True)
def _runs_of(codes: Bytes, a: int, times: Ints, found: int, to_the_end: int, ends: Ints) -> int:
    """Ascending, where the set of passing times changes along one axis; to_the_end: its steps, 0 if not needed."""
    count = 0
    for position in range(found + 1):
        end = np.int64(codes[a, times[position]]) if position < found else to_the_end
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
    codes: Bytes, times: Ints, found: int, paired: bool, shape: Ints, strides: Ints, ends: Ints, own: Words, runs: Ints,
    sets: Words, corners: Ints,
) -> int:  # fmt: skip
    """Lay out the blocks: per block its set of passing times and its strictest cell. Returns how many there are.

    Axis by axis and from the back, so that the arrays grow in place. ends, own: room for the runs of one axis.
    """
    sets[0], corners[0], size = (np.uint64(1) << np.uint64(found)) - np.uint64(1), 0, 1
    for a in range(codes.shape[0]):
        count = _runs_of(codes, a, times, found, shape[a] if paired and a < 2 else 0, ends)
        for run in range(count):
            own[run] = 0
            for position in range(found):
                own[run] |= np.uint64(codes[a, times[position]] >= ends[run]) << np.uint64(position)
            ends[run] = (ends[run] - 1) * strides[a]
        at = size * count
        for block in range(size - 1, -1, -1):
            passing, corner = sets[block], corners[block]
            for run in range(count - 1, -1, -1):
                at -= 1
                corners[at] = corner + ends[run]
                sets[at] = passing | own[run] if paired and a == 1 else passing & own[run]
        runs[a] = count
        size *= count
    return size


@njit(nogil=True, cache=True)
def _first_times(size: int, sets: Words, firsts: Ints) -> None:
    """Per block the position of its first passing time, -1 where nothing passes."""
    for block in range(size):
        rest, first = sets[block], -1
        if rest:
            first = 0
            while not rest & np.uint64(1):
                rest >>= np.uint64(1)
                first += 1
        firsts[block] = first


@njit(nogil=True, cache=True)
def _add_blocks(size: int, firsts: Ints, values: Ints, runs: Ints, corners: Ints, field: Ints, totals: Ints) -> None:
    """Add each block's value to its cells: the difference to the next block along every axis, at its corner."""
    for block in range(size):
        field[block] = values[firsts[block]] if firsts[block] >= 0 else 0
    inner = size
    for a in range(len(runs)):
        outer, inner = inner, inner // runs[a]
        if outer == inner:
            continue
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
def _unpack(words: Ints, signals: Counts, fills: Counts, hits: Counts) -> None:
    for cell in range(len(words)):
        signals[cell] = words[cell] & MOST_A_DAY
        fills[cell] = (words[cell] >> 21) & MOST_A_DAY
        hits[cell] = words[cell] >> 42


@njit(nogil=True, cache=True)
def sum_days(
    first_day: int, last_day: int, order: Ints, starts: Ints, alive: Bools, codes: Bytes, net_bps: Floats,
    paired: bool, shape: Ints, strides: Ints, signals: Counts, fills: Counts, hits: Counts, units: Ints,
) -> None:  # fmt: skip
    """Fill signals (D, C) and fills, hits, units (E, D, C) for the days first_day <= day < last_day.

    order: events by day, those of day d at starts[d]:starts[d + 1]. alive (N, K): no gate and no fixed rule stands
    against it. codes (A, N, K): steps passed. net_bps (E, N, K). paired: of the first two axes one suffices
    (`move`). The axes stand in any order; shape and strides (of the flat cells) stand in the same.
    """
    cells, exits, width, axes = signals.shape[1], net_bps.shape[0], alive.shape[1], codes.shape[0]
    words, sums = np.empty((exits, cells), np.int64), np.empty((exits, cells), np.int64)
    times, ends, set_of = np.empty(width, np.int64), np.empty(width + 1, np.int64), np.empty(width + 1, np.uint64)
    runs, own = np.empty(axes, np.int64), np.empty((axes, width), np.uint8)
    sets, corners = np.empty(cells, np.uint64), np.empty(cells, np.int64)
    firsts, field = np.empty(cells, np.int64), np.empty(cells, np.int64)
    word_of, units_of = np.empty(width, np.int64), np.empty(width, np.int64)
    for day in range(first_day, last_day):
        words[:], sums[:] = 0, 0
        for place in range(starts[day], starts[day + 1]):
            event = order[place]
            for a in range(axes):
                for k in range(width):
                    own[a, k] = codes[a, event, k]
            found = _passing_times(alive[event], own, paired, times)
            if found == 0:
                continue
            size = _blocks(own, times, found, paired, shape, strides, ends, set_of, runs, sets, corners)
            _first_times(size, sets, firsts)
            for e in range(exits):
                for position in range(found):
                    net = net_bps[e, event, times[position]]
                    filled = not np.isnan(net)
                    word_of[position] = 1 + FILL * filled + HIT * (net > 0)
                    units_of[position] = np.int64(np.rint(net * UNITS_PER_BPS)) if filled else 0
                _add_blocks(size, firsts, word_of, runs, corners, field, words[e])
                _add_blocks(size, firsts, units_of, runs, corners, field, sums[e])
        for e in range(exits):
            _spread(words[e], shape, strides)
            _spread(sums[e], shape, strides)
            _unpack(words[e], signals[day], fills[e, day], hits[e, day])
            units[e, day] = sums[e]


@njit(nogil=True, cache=True)
def _mixed(key: np.uint64, word: np.uint64) -> np.uint64:
    """The next state of a key (the finaliser of splitmix64, whose every input bit moves every output bit)."""
    key = (key ^ word) + np.uint64(0x9E3779B97F4A7C15)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@njit(nogil=True, cache=True)
def fingerprint(con_ids: Ints, at: Ints, gate: npt.NDArray[np.int8], net_bps: Floats) -> np.uint64:
    """A number that stands for these events with these outcomes: the sum of their keys, whatever their order.

    Places without a decision time (NaT) count for nothing: they only pad a table to its width.
    """
    bits, total = net_bps.view(np.int64), np.uint64(0)
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
