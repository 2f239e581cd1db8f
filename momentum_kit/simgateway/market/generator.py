"""Generates the tape of the served day: prints and quotes that depend on the seed, the company and its moves alone.

A day is cut into cells of 250 ms. Columns over the cells say how volatile, busy and wide the market is (the intraday
curve); planted moves are laid over them (moves.py); a random walk through the cells, held to the LULD bands, is the
mid price; quotes are the cells in which the touch changes, prints are drawn by each cell's rate. Whatever is drawn
comes from one stream per symbol and day, so that a symbol more or less changes no other's numbers.
"""

from dataclasses import dataclass

import numpy as np

from momentum_kit.simgateway.instrument import tick_sizes
from momentum_kit.simgateway.market.intraday_activity import (
    CALM_PRINTS_S,
    LATE_MINUTES,
    MINUTE_MS,
    PRE_MINUTES,
    busy_minutes,
    closing_cross,
    day_minutes,
    late_shares,
    minute_shares,
    minute_sigma,
    opening_cross,
    tape_start,
)
from momentum_kit.simgateway.market.luld import hold_to_bands
from momentum_kit.simgateway.market.moves import Knots, Move
from momentum_kit.simgateway.market.tape import DayTape, Floats, Ints, build_tape, to_ms
from momentum_kit.simgateway.market.universe import Company, random_stream
from momentum_kit.simgateway.scenario import Scenario

CELL_MS = 250  # IB samples stock quotes at this pace, so nothing in the market is finer but the prints' times
CELLS_A_MINUTE = MINUTE_MS // CELL_MS
OPENING_CELL = PRE_MINUTES * CELLS_A_MINUTE
REFRESH_CELLS = 9  # sizes at the touch change at least this often, or a quiet quote would look stale
LATE_SIGMA = 0.3  # volatility of a minute after the close, over the day's mean


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCells:
    """A day in cells of CELL_MS: columns from the first ms of the tape to the last that is needed."""

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

    def print_rate(self, company: Company) -> Floats:
        """Prints a second of every cell."""
        return np.minimum(self.volume / company.print_shares, self.prints)

    def print_shares(self, company: Company) -> Floats:
        """Mean size of a print in every cell: where prints are capped, they grow with the volume."""
        rate = self.print_rate(company)
        return np.divide(self.volume, rate, out=np.zeros(self.cells), where=rate > 0)


def generate_tape(scenario: Scenario, company: Company, moves: tuple[Move, ...]) -> DayTape:
    """The served day of one contract, from 08:00 to the scenario's end; four hours beyond the close at most."""
    rng = random_stream(scenario.seed, company.instrument.symbol, "day")
    grid = _grid(scenario, company, moves, rng)
    mid = np.log(company.price) + np.cumsum(grid.sigma * rng.standard_t(5, grid.cells) * np.sqrt(3 / 5))
    # The company's price is the price at the open, wherever the pre-market wandered.
    opening = min(OPENING_CELL, grid.cells - 1)
    mid = np.exp(mid - mid[opening] + np.log(company.price) + grid.displacement)
    pauses = _apply_bands(mid, grid, company, scenario) if scenario.price_bands else ()
    bid, ask = _touch(mid, grid.spread)
    quotes = _quotes(grid, bid, ask, company, rng)
    trades = _prints(grid, mid, bid, ask, company, rng)
    trades = _closing_cross(trades, grid, mid, company, to_ms(scenario.session.close))
    planted = tuple(
        (move.at_ms + int(at * 1000), state)
        for move in moves
        if move.halt_s
        for at, state in zip(move.halt_s, (2, 0), strict=True)
    )
    return build_tape(company.instrument.con_id, trades, quotes, tuple(sorted((*planted, *pauses))))


def _apply_bands(mid: Floats, grid: DayCells, company: Company, scenario: Scenario) -> tuple[tuple[int, int], ...]:
    """Change `mid` and `grid` in place where the bands stop the price; the pauses as (ms, halt state)."""
    a_second = 1000 // CELL_MS
    last = min((to_ms(scenario.session.close) - grid.start_ms) // CELL_MS, grid.cells)
    regular = slice(OPENING_CELL, last - (last - OPENING_CELL) % a_second)
    by_second = mid[regular].reshape(-1, a_second)
    held = hold_to_bands(by_second[:, -1], company.price, large=not company.small)
    stopped = held.path != by_second[:, -1]
    by_second[stopped] = held.path[stopped, None]
    mid[regular] = by_second.ravel()
    halts: list[tuple[int, int]] = []
    for span in held.spans:
        first, end = (OPENING_CELL + second * a_second for second in span)
        grid.trading[first:end] = False
        halts += [(grid.start_ms + first * CELL_MS, 2), (grid.start_ms + end * CELL_MS, 0)]
    return tuple(halts)


def _grid(scenario: Scenario, company: Company, moves: tuple[Move, ...], rng: np.random.Generator) -> DayCells:
    session = scenario.session
    start = tape_start(session)
    in_day = len(day_minutes(session.day))
    minutes = min(-(-(to_ms(scenario.ends_at) - start) // MINUTE_MS), in_day + LATE_MINUTES)
    busy = busy_minutes(rng, minutes, small=company.small)
    day_factor = float(np.exp(rng.normal(0.0, 0.25)))
    day_shares = np.r_[minute_shares(session.day), late_shares()]
    shares = day_shares[:minutes] * company.daily_volume * day_factor * busy / busy.mean() / 60
    usual_sigma = np.r_[minute_sigma(session.day), np.full(LATE_MINUTES, LATE_SIGMA)]
    minute_vol = company.daily_sigma / np.sqrt(in_day - PRE_MINUTES) * usual_sigma[:minutes]
    sigma = minute_vol * np.sqrt(busy / busy.mean()) * (busy > 0.1) / np.sqrt(CELLS_A_MINUTE)
    cells = minutes * CELLS_A_MINUTE
    spread = np.full(cells, company.spread_bps / 1e4)
    spread[:OPENING_CELL] *= 3
    spread[in_day * CELLS_A_MINUTE :] *= 3
    wobble = np.repeat(np.exp(rng.normal(0, 0.2, -(-cells // 40))), 40)[:cells]
    grid = DayCells(
        start_ms=start,
        cells=cells,
        sigma=np.repeat(sigma, CELLS_A_MINUTE),
        volume=np.repeat(shares, CELLS_A_MINUTE),
        spread=spread * wobble,
        prints=np.full(cells, CALM_PRINTS_S),
        displacement=np.zeros(cells),
        trading=np.ones(cells, dtype=bool),
    )
    usual_so_far = np.cumsum(day_shares) * company.daily_volume
    for move in moves:
        minute = min(max((move.at_ms - start) // MINUTE_MS, 0), minutes - 1)
        _plant(grid, move, float(usual_so_far[minute]))
    return grid


def _plant(grid: DayCells, move: Move, usual_shares: float) -> None:
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
    grid: DayCells, bid: Floats, ask: Floats, company: Company, rng: np.random.Generator
) -> tuple[Ints, Floats, Floats, Ints, Ints]:
    changed = np.r_[True, (np.diff(bid) != 0) | (np.diff(ask) != 0)]
    refreshed = rng.random(grid.cells) < 0.08
    phase = int(rng.integers(REFRESH_CELLS))
    refreshed[phase::REFRESH_CELLS] = True
    resumed = np.r_[False, ~grid.trading[:-1]]
    rows = np.flatnonzero((changed | refreshed | resumed) & grid.trading)
    # The touch is a few prints deep, also while news makes the prints large.
    depth = 4 * np.clip(grid.print_shares(company)[rows], company.print_shares, 6 * company.print_shares)
    sizes = depth * np.exp(rng.normal(0.0, 0.8, (2, len(rows))))
    lots = np.maximum((sizes / 100).round(), 1).astype(np.int64) * 100
    return grid.cell_ms[rows], bid[rows], ask[rows], lots[0], lots[1]


def _prints(
    grid: DayCells, mid: Floats, bid: Floats, ask: Floats, company: Company, rng: np.random.Generator
) -> tuple[Ints, Floats, Ints]:
    count = rng.poisson(grid.print_rate(company) * CELL_MS / 1000) * grid.trading
    cell = np.repeat(np.arange(grid.cells), count)
    order = np.sort(cell * CELL_MS + rng.integers(1, CELL_MS, len(cell)))
    # The mean of exp(normal(-s^2/2, s)) is 1, so volume stays what the grid says.
    size = np.maximum(np.rint(grid.print_shares(company)[cell] * np.exp(rng.normal(-0.32, 0.8, len(cell)))), 1).astype(
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
    cross = opening_cross(company)
    return np.insert(ms, row, cross_ms), np.insert(price, row, ask[opening]), np.insert(size, row, cross)


def _closing_cross(
    trades: tuple[Ints, Floats, Ints], grid: DayCells, mid: Floats, company: Company, close_ms: int
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
    return np.insert(ms, row, at), np.insert(price, row, official), np.insert(size, row, closing_cross(company))
