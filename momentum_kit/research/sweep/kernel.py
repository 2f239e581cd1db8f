"""The sweep's kernel: from steps passed to sums per day and cell, compiled; sums.py calls it for shares of the days.

The idea. Along an axis, from loose to strict, a decision time passes up to some step and not beyond: it triggers in a
box of cells that begins at the loosest one. A value is given to all cells of such a box by adding it at the box's
strictest cell alone; one suffix sum along each axis, once a day, then spreads what all events have added.

An event's first trigger is the first decision time whose box holds the cell. Most events need a handful of signed boxes
for that: an earlier time takes its part from the boxes of the later ones. Where it would be many, or where one of the
two `move` axes suffices, the grid falls into blocks instead: an axis has no more runs than there are decision times, a
run one bit set of the times that pass, and a block (one run of each axis) the AND of its sets (of the `move` axes the
OR), whose lowest bit is the first trigger. The differences between neighbouring blocks are added at their corners.

All sums are integers, returns as multiples of 2**-32 bps. Signed corners of floats would cancel badly and depend on the
order of events; integers are exact whatever the order, so parts computed elsewhere add up to the same bytes.

Why it is right. Thresholds of one axis are nested: who passes a stricter step passes every looser one, so the cells in
which a decision triggers are a box from the loosest cell on (with both `move` axes an L, which only blocks can hold),
and a box is told by its strictest corner. Boxes from one corner meet in a box, so "in this box and in no earlier one"
is a signed sum of boxes, each cell getting exactly one owner or none. Suffix sums are linear: spreading the sum of all
corners is the sum of all spread boxes. Where counts of one word could overflow into the next field, or a day's returns
64 bits, sums.py refuses the table first. Tests compare grids cell by cell with a plain loop over the rules.
"""

import numpy as np
import numpy.typing as npt

from momentum_kit.compilation import compiled, part

UNITS_PER_BPS = 2.0**32
MOST_BOXES = 64

MOST_A_DAY = (1 << 21) - 1
"""Events of one day: one word counts signals, fills and hits in three fields of 21 bits, so that one sum does."""

FILL, HIT = 1 << 21, 1 << 42

Words = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@part
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


@part
def _boxes(codes: Bytes, times: Ints, found: int, boxes: Bytes, owners: Ints, signs: Ints) -> int:
    """Signed boxes, each all cells up to a strictest one, whose values add up to the first trigger's in every cell.

    From the last time to the first: an earlier time takes from each box its part inside, and adds its own. Returns how
    many there are, 0 where they would be too many. owners: positions of the times whose values the boxes carry.
    """
    size = 0
    for position in range(found - 1, -1, -1):
        if 2 * size >= len(boxes):
            return 0
        k, last = times[position], size
        for box in range(last):
            inside = True
            for a in range(codes.shape[0]):
                inside &= boxes[box, a] <= codes[a, k]
                boxes[size, a] = min(boxes[box, a], codes[a, k])
            owners[size], signs[size] = owners[box], -signs[box]
            if inside:  # all of it is taken
                signs[box] = 0
            else:
                size += 1
        kept = 0
        for box in range(size):
            if signs[box] != 0:
                for a in range(codes.shape[0]):
                    boxes[kept, a] = boxes[box, a]
                owners[kept], signs[kept] = owners[box], signs[box]
                kept += 1
        for a in range(codes.shape[0]):
            boxes[kept, a] = codes[a, k]
        owners[kept], signs[kept], size = position, 1, kept + 1
    return size


@part
def _add_boxes(
    count: int, boxes: Bytes, owners: Ints, signs: Ints, values: Ints, strides: Ints, totals: Ints
) -> None:  # fmt: skip
    """Add each box's value at its strictest cell."""
    for box in range(count):
        cell = 0
        for a in range(boxes.shape[1]):
            cell += (np.int64(boxes[box, a]) - 1) * strides[a]
        totals[cell] += signs[box] * values[owners[box]]


@part
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


@part
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


@part
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


@part
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


@part
def _spread(totals: Ints, shape: Ints, strides: Ints) -> None:
    """Suffix sums along every axis."""
    for a in range(len(shape)):
        stride, span = strides[a], strides[a] * shape[a]
        for start in range(0, len(totals), span):
            for row in range(start + span - 2 * stride, start - 1, -stride):
                here, there = totals[row : row + stride], totals[row + stride : row + 2 * stride]
                for at in range(stride):
                    here[at] += there[at]


@part
def _unpack(words: Ints, sums: Ints, signals: Counts, fills: Counts, hits: Counts, units: Ints) -> None:
    for cell in range(len(words)):
        signals[cell] = words[cell] & MOST_A_DAY
        fills[cell] = (words[cell] >> 21) & MOST_A_DAY
        hits[cell] = words[cell] >> 42
        units[cell] = sums[cell]


@compiled
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
    boxes = np.empty((MOST_BOXES, axes), np.uint8)
    owners, signs = np.empty(MOST_BOXES, np.int64), np.empty(MOST_BOXES, np.int64)
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
            few = 0 if paired else _boxes(own, times, found, boxes, owners, signs)
            size = 0
            if few == 0:
                size = _blocks(own, times, found, paired, shape, strides, ends, set_of, runs, sets, corners)
                _first_times(size, sets, firsts)
            for e in range(exits):
                for position in range(found):
                    net = net_bps[e, event, times[position]]
                    filled = not np.isnan(net)
                    word_of[position] = 1 + FILL * filled + HIT * (net > 0)
                    units_of[position] = np.int64(np.rint(net * UNITS_PER_BPS)) if filled else 0
                _add_boxes(few, boxes, owners, signs, word_of, strides, words[e])
                _add_boxes(few, boxes, owners, signs, units_of, strides, sums[e])
                if few == 0:
                    _add_blocks(size, firsts, word_of, runs, corners, field, words[e])
                    _add_blocks(size, firsts, units_of, runs, corners, field, sums[e])
        for e in range(exits):
            _spread(words[e], shape, strides)
            _spread(sums[e], shape, strides)
            _unpack(words[e], sums[e], signals[day], fills[e, day], hits[e, day], units[e, day])
