"""Seeded tapes: a contract's day depends on the seed, its listing and its planted moves, on nothing else."""

from dataclasses import dataclass

import numpy as np

from momentum_kit.simgateway.instrument import tick_sizes
from momentum_kit.simgateway.market.intraday_activity import (
    LATE_MINUTES,
    MINUTE_MS,
    PRE_MINUTES,
    day_minutes,
    late_shares,
    minute_shares,
    minute_sigma,
    tape_start,
)
from momentum_kit.simgateway.market.luld import enforce
from momentum_kit.simgateway.market.moves import Knots, Move
from momentum_kit.simgateway.market.tape import Floats, Ints, Tape, build_tape, to_ms
from momentum_kit.simgateway.market.universe import Listing, stream
from momentum_kit.simgateway.scenario.scenario import Scenario

CELL_MS = 250  # IB samples stock quotes at this pace, so nothing in the market is finer but the prints' times
CELLS_A_MINUTE = MINUTE_MS // CELL_MS
OPENING_CELL = PRE_MINUTES * CELLS_A_MINUTE
REFRESH_CELLS = 9  # sizes at the touch change at least this often, or a quiet quote would look stale
CALM_PRINTS_S = 4.0  # most prints a second without news
LATE_SIGMA = 0.3  # volatility of a minute after the close, over the day's mean
ASLEEP_SHARE = 0.22  # minutes in which a small cap hardly trades and its price stands still


@dataclass(frozen=True, slots=True)
class Grid:
    """A day's cells: per-cell columns from the first ms of the tape to the last that is needed."""

    start_ms: int
    cells: int
    sigma: Floats  # log volatility of one cell
    volume: Floats  # shares a second
    spread: Floats  # fraction of the price
    prints: Floats  # most prints a second
    displacement: Floats  # planted log displacement of the price
    trading: np.ndarray  # bool: not halted

    @property
    def cell_ms(self) -> Ints:
        """Start of every cell."""
        return self.start_ms + np.arange(self.cells, dtype=np.int64) * CELL_MS

    def print_rate(self, listing: Listing) -> Floats:
        """Prints a second of every cell."""
        return np.minimum(self.volume / listing.print_shares, self.prints)

    def print_shares(self, listing: Listing) -> Floats:
        """Mean size of a print in every cell: where prints are capped, they grow with the volume."""
        rate = self.print_rate(listing)
        return np.divide(self.volume, rate, out=np.zeros(self.cells), where=rate > 0)


def generate_tape(scenario: Scenario, listing: Listing, moves: tuple[Move, ...]) -> Tape:
    """The served day of one contract, from 08:00 to the scenario's end; four hours beyond the close at most."""
    rng = stream(scenario.seed, listing.instrument.symbol, "day")
    grid = _grid(scenario, listing, moves, rng)
    mid = np.log(listing.price) + np.cumsum(grid.sigma * rng.standard_t(5, grid.cells) * np.sqrt(3 / 5))
    # The listing's price is the price at the open, wherever the pre-market wandered.
    opening = min(OPENING_CELL, grid.cells - 1)
    mid = np.exp(mid - mid[opening] + np.log(listing.price) + grid.displacement)
    pauses = _hold_to_bands(mid, grid, listing, scenario) if scenario.price_bands else ()
    bid, ask = _touch(mid, grid.spread)
    quotes = _quotes(grid, bid, ask, listing, rng)
    trades = _prints(grid, mid, bid, ask, listing, rng)
    trades = _closing_cross(trades, grid, mid, listing, to_ms(scenario.session.close))
    planted = tuple(
        (move.at_ms + int(at * 1000), state)
        for move in moves
        if move.halt_s
        for at, state in zip(move.halt_s, (2, 0), strict=True)
    )
    return build_tape(listing.instrument.con_id, trades, quotes, tuple(sorted((*planted, *pauses))))


def _hold_to_bands(mid: Floats, grid: Grid, listing: Listing, scenario: Scenario) -> tuple[tuple[int, int], ...]:
    """Change `mid` and `grid` in place where the bands stop the price; the pauses as (ms, halt state)."""
    a_second = 1000 // CELL_MS
    last = min((to_ms(scenario.session.close) - grid.start_ms) // CELL_MS, grid.cells)
    regular = slice(OPENING_CELL, last - (last - OPENING_CELL) % a_second)
    by_second = mid[regular].reshape(-1, a_second)
    held = enforce(by_second[:, -1], listing.price, large=not listing.small)
    stopped = held.path != by_second[:, -1]
    by_second[stopped] = held.path[stopped, None]
    mid[regular] = by_second.ravel()
    halts: list[tuple[int, int]] = []
    for span in held.spans:
        first, end = (OPENING_CELL + second * a_second for second in span)
        grid.trading[first:end] = False
        halts += [(grid.start_ms + first * CELL_MS, 2), (grid.start_ms + end * CELL_MS, 0)]
    return tuple(halts)


def _grid(scenario: Scenario, listing: Listing, moves: tuple[Move, ...], rng: np.random.Generator) -> Grid:
    session = scenario.session
    start = tape_start(session)
    in_day = len(day_minutes(session.day))
    minutes = min(-(-(to_ms(scenario.ends_at) - start) // MINUTE_MS), in_day + LATE_MINUTES)
    busy = activity(rng, minutes, small=listing.small)
    day_factor = float(np.exp(rng.normal(0.0, 0.25)))
    day_shares = np.r_[minute_shares(session.day), late_shares()]
    shares = day_shares[:minutes] * listing.daily_volume * day_factor * busy / busy.mean() / 60
    usual_sigma = np.r_[minute_sigma(session.day), np.full(LATE_MINUTES, LATE_SIGMA)]
    minute_vol = listing.daily_sigma / np.sqrt(in_day - PRE_MINUTES) * usual_sigma[:minutes]
    sigma = minute_vol * np.sqrt(busy / busy.mean()) * (busy > 0.1) / np.sqrt(CELLS_A_MINUTE)
    cells = minutes * CELLS_A_MINUTE
    spread = np.full(cells, listing.spread_bps / 1e4)
    spread[:OPENING_CELL] *= 3
    spread[in_day * CELLS_A_MINUTE :] *= 3
    wobble = np.repeat(np.exp(rng.normal(0, 0.2, -(-cells // 40))), 40)[:cells]
    grid = Grid(
        start,
        cells,
        np.repeat(sigma, CELLS_A_MINUTE),
        np.repeat(shares, CELLS_A_MINUTE),
        spread * wobble,
        np.full(cells, CALM_PRINTS_S),
        np.zeros(cells),
        np.ones(cells, dtype=bool),
    )
    usual_so_far = np.cumsum(day_shares) * listing.daily_volume
    for move in moves:
        minute = min(max((move.at_ms - start) // MINUTE_MS, 0), minutes - 1)
        _plant(grid, move, float(usual_so_far[minute]))
    return grid


def activity(rng: np.random.Generator, minutes: int, *, small: bool) -> Floats:
    """A factor a minute: bursts and lulls; small caps fall asleep for stretches."""
    busy = np.exp(rng.normal(0.0, 0.5 if small else 0.15, minutes))
    if small:
        # Lulls come in stretches of some minutes: a minute sleeps if a smoothed draw is low.
        draw = np.convolve(rng.normal(size=minutes + 2), np.full(3, 3**-0.5), mode="valid")
        busy = np.where(draw < np.quantile(draw, ASLEEP_SHARE), 0.08, busy)
    return busy


def _plant(grid: Grid, move: Move, usual_shares: float) -> None:
    """Lay one move over the columns, in place."""
    first = max((move.at_ms - grid.start_ms) // CELL_MS, 0)
    if first >= grid.cells:
        return
    after_s = (np.arange(grid.cells - first) * CELL_MS) / 1000 + (
        grid.start_ms + first * CELL_MS - move.at_ms + CELL_MS
    ) / 1000
    here = slice(first, None)
    grid.displacement[here] += _at(move.path, after_s)
    rate = np.log(2) / move.half_life_s
    grid.volume[here] += move.surge * usual_shares * rate * np.exp(-rate * after_s)
    grid.spread[here] *= _at(move.spread, after_s)
    stirred = _at(move.noise, after_s)
    # News wakes a sleeping name: noise is at least the day's median while stirred.
    grid.sigma[here] = np.maximum(grid.sigma[here], np.median(grid.sigma) * (stirred > 1)) * stirred
    lively = after_s < 8 * move.half_life_s
    grid.prints[here][lively] = move.most_prints_s
    if move.halt_s:
        # A cell that the pause only touches is silent as a whole.
        from_ms, to = (move.at_ms + int(at * 1000) for at in move.halt_s)
        grid.trading[(grid.cell_ms > from_ms - CELL_MS) & (grid.cell_ms < to)] = False


def _at(knots: Knots, seconds: Floats) -> Floats:
    times, values = zip(*knots, strict=True)
    return np.asarray(np.interp(seconds, times, values))


def _touch(mid: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Bid and ask on the tick grid around mid, at least one tick apart."""
    tick = tick_sizes(mid)
    ticks, half = mid / tick, mid * spread / tick / 2
    bid = np.maximum(np.floor(ticks - half + 0.5), 1)
    ask = np.maximum(np.ceil(ticks + half - 0.5), bid + 1)
    return np.round(bid * tick, 4), np.round(ask * tick, 4)


def _quotes(
    grid: Grid, bid: Floats, ask: Floats, listing: Listing, rng: np.random.Generator
) -> tuple[Ints, Floats, Floats, Ints, Ints]:
    changed = np.r_[True, (np.diff(bid) != 0) | (np.diff(ask) != 0)]
    refreshed = rng.random(grid.cells) < 0.08
    phase = int(rng.integers(REFRESH_CELLS))
    refreshed[phase::REFRESH_CELLS] = True
    resumed = np.r_[False, ~grid.trading[:-1]]
    rows = np.flatnonzero((changed | refreshed | resumed) & grid.trading)
    # The touch is a few prints deep, also while news makes the prints large.
    depth = 4 * np.clip(grid.print_shares(listing)[rows], listing.print_shares, 6 * listing.print_shares)
    sizes = depth * np.exp(rng.normal(0.0, 0.8, (2, len(rows))))
    lots = np.maximum((sizes / 100).round(), 1).astype(np.int64) * 100
    return grid.cell_ms[rows], bid[rows], ask[rows], lots[0], lots[1]


def _prints(
    grid: Grid, mid: Floats, bid: Floats, ask: Floats, listing: Listing, rng: np.random.Generator
) -> tuple[Ints, Floats, Ints]:
    count = rng.poisson(grid.print_rate(listing) * CELL_MS / 1000) * grid.trading
    cell = np.repeat(np.arange(grid.cells), count)
    order = np.sort(cell * CELL_MS + rng.integers(1, CELL_MS, len(cell)))
    # The mean of exp(normal(-s^2/2, s)) is 1, so volume stays what the grid says.
    size = np.maximum(np.rint(grid.print_shares(listing)[cell] * np.exp(rng.normal(-0.32, 0.8, len(cell)))), 1).astype(
        np.int64
    )
    lean = 0.5 + 0.25 * np.sign(np.diff(grid.displacement, prepend=0.0))[cell]
    buys = rng.random(len(cell)) < lean
    price = np.where(buys, ask[cell], bid[cell])
    # Some print inside a wide market, at the tick nearest to the middle.
    tick = tick_sizes(mid[cell])
    inside = (rng.random(len(cell)) < 0.15) & (ask[cell] - bid[cell] > 1.5 * tick)
    price = np.where(inside, np.round(np.rint(mid[cell] / tick) * tick, 4), price)
    ms = grid.start_ms + order.astype(np.int64)
    opening = OPENING_CELL + int(rng.integers(1, 8))
    if opening >= grid.cells:
        return ms, price, size
    cross_ms = grid.start_ms + opening * CELL_MS + 1
    row = int(np.searchsorted(ms, cross_ms))
    cross = opening_cross(listing)
    return np.insert(ms, row, cross_ms), np.insert(price, row, ask[opening]), np.insert(size, row, cross)


def _closing_cross(
    trades: tuple[Ints, Floats, Ints], grid: Grid, mid: Floats, listing: Listing, close_ms: int
) -> tuple[Ints, Floats, Ints]:
    """The closing auction as one print in the last ms of regular hours, so that the day's bars hold it as IB's do."""
    ms, price, size = trades
    cell = (close_ms - grid.start_ms) // CELL_MS - 1
    if cell >= grid.cells or not grid.trading[cell]:
        return trades
    tick = float(tick_sizes(mid[cell : cell + 1])[0])
    row = int(np.searchsorted(ms, close_ms))
    at = max(close_ms - 1, int(ms[row - 1]) if row else 0)
    official = round(round(float(mid[cell]) / tick) * tick, 4)
    return np.insert(ms, row, at), np.insert(price, row, official), np.insert(size, row, closing_cross(listing))


def closing_cross(listing: Listing) -> int:
    """Shares of the closing auction's print, the largest of the day."""
    return max(int(0.06 * listing.daily_volume), 1)


def opening_cross(listing: Listing) -> int:
    """Shares of the opening auction's print: even the thinnest name has one."""
    return max(int(0.006 * listing.daily_volume), 1)
