"""Draws the tape of one invented small cap: minutes of every day, 5 s bars and quotes around its headlines.

Everything random of a symbol is drawn once, then `assemble` turns the draws and a planted drift into series: the same
draws with another drift differ by the drift alone, and nothing before it changes but by the ticks of later days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from momentum_kit.sessions import TradingSession

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Columns = dict[str, npt.NDArray[Any]]

MINUTES = 390  # of a full regular session; a half day has fewer
CELLS = 12  # 5 s bars a minute
BEFORE, AFTER = 6, 20  # minutes of 5 s bars before and after the minute in which a headline arrives
WIDTH = (BEFORE + 1 + AFTER) * CELLS
CENT = 0.01
WIDEST_BPS = 90.0
US = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How a symbol's tape usually looks: daily_sigma of log returns, daily_usd traded, print_shares: a usual print."""

    price: float
    daily_usd: float
    daily_sigma: float
    spread_bps: float
    print_shares: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shocks:
    """What n headlines do to the tape: arrays (n,), in time order.

    day: index of the session; minute: of the session, in which the headline arrives; first, last: cells of the window
    between which the price jumps by `jump` (ln); surge: extra volume of the minute after, in usual minutes;
    burst: sigma (ln) of the unrest that follows; widening: spread over the usual; halt: cells from `last` on without
    trades and quotes, first and end; gap: move (ln) over the halt; bad_print: size (ln) of one false high or low;
    crossed: True for one quote upside down.
    """

    day: Ints
    minute: Ints
    first: Ints
    last: Ints
    jump: Floats
    surge: Floats
    burst: Floats
    widening: Floats
    halt: Ints  # (n, 2)
    gap: Floats
    bad_print: Floats
    crossed: Mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """Everything random of one symbol."""

    traits: Traits
    sessions: Sequence[TradingSession]
    shocks: Shocks
    opening: Floats  # (days,) ln price at the open
    minute_return: Floats  # (days, minutes) ln
    minute_sigma: Floats
    minute_trades: Floats  # (days, minutes)
    minute_shares: Floats
    minute_noise: Floats  # (4, days, minutes): side of open and close, high, low; uniform
    cell_return: Floats  # (n, WIDTH) ln, jump and unrest included
    cell_sigma: Floats
    cell_trades: Floats
    cell_shares: Floats
    cell_noise: Floats  # (4, n, WIDTH)
    spread: Floats  # (n, WIDTH + 1) share of the price at the cells' edges
    sizes: Floats  # (2, n, WIDTH) shares shown at the cells' ends
    open: Mask  # (n, WIDTH): not halted


def volume_curve(minutes: int) -> Floats:
    """Share of a day's volume in each minute: a burst at the open, a floor at noon, a rise into the close."""
    x = (np.arange(minutes) + 0.5) / minutes
    shape = 0.55 + 2.6 * np.exp(-x / 0.045) + 0.9 * np.exp(-x / 0.25) + 1.3 * np.exp(-(1 - x) / 0.07)
    return np.asarray(shape / shape.sum())


def sigma_curve(minutes: int) -> Floats:
    """Volatility of each minute over the day's root mean square: follows the volume, but flatter."""
    sigma = np.sqrt(volume_curve(minutes))
    return np.asarray(sigma / np.sqrt(np.mean(sigma**2)))


def draw_traits(rng: np.random.Generator) -> Traits:
    """A small cap between about 1.5 and 15 USD, a few to forty million USD a day, spreads of 10 to 60 bps."""
    return Traits(
        price=float(np.exp(rng.uniform(np.log(1.6), np.log(15.0)))),
        daily_usd=float(np.exp(rng.uniform(np.log(5e6), np.log(4e7)))),
        daily_sigma=float(np.clip(np.exp(rng.normal(np.log(0.045), 0.5)), 0.015, 0.13)),
        spread_bps=float(rng.uniform(10, 45)),
        print_shares=float(rng.uniform(90, 180)),
    )


def draw(rng: np.random.Generator, traits: Traits, sessions: Sequence[TradingSession], shocks: Shocks) -> Draws:
    """Draw a symbol's days and the windows around its headlines."""
    days = len(sessions)
    lengths = [round((each.close - each.open).total_seconds() / 60) for each in sessions]
    usual, sigma = np.zeros((days, MINUTES)), np.zeros((days, MINUTES))
    for length in set(lengths):
        rows = np.array(lengths) == length
        usual[rows, :length], sigma[rows, :length] = volume_curve(length), sigma_curve(length)
    usual *= traits.daily_usd / traits.price * np.exp(rng.normal(0, 0.25, (days, 1)))
    busy = np.exp(rng.normal(-0.18, 0.6, (days, MINUTES)))
    sigma *= traits.daily_sigma / np.sqrt(MINUTES) * np.exp(rng.normal(0, 0.2, (days, 1)))
    moving = sigma * np.sqrt(np.clip(busy, 0.3, 3.0))
    trades = rng.poisson(usual * busy / traits.print_shares).astype(np.float64)
    opening = np.log(traits.price) + _wandering(rng, days)
    returns = moving * _fat(rng, (days, MINUTES))
    shares = np.rint(trades * traits.print_shares * np.exp(rng.normal(-0.08, 0.4, (days, MINUTES)))).clip(min=trades)
    noise = rng.random((4, days, MINUTES))
    # drawn last, so that the minutes of a symbol do not depend on its headlines
    cell_return, cell_sigma, cell_trades, cell_shares, cell_noise, spread, sizes = _draw_windows(
        rng, traits, shocks, usual, sigma
    )
    return Draws(
        traits=traits,
        sessions=sessions,
        shocks=shocks,
        opening=np.clip(opening, np.log(1.1), np.log(19.0)),
        minute_return=returns,
        minute_sigma=moving,
        minute_trades=trades,
        minute_shares=shares,
        minute_noise=noise,
        cell_return=cell_return,
        cell_sigma=cell_sigma,
        cell_trades=cell_trades,
        cell_shares=cell_shares,
        cell_noise=cell_noise,
        spread=spread,
        sizes=sizes,
        open=_open(shocks),
    )


def _draw_windows(
    rng: np.random.Generator, traits: Traits, shocks: Shocks, usual: Floats, sigma: Floats
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]:
    """Of Draws: cell_return, cell_sigma, cell_trades, cell_shares, cell_noise, spread, sizes."""
    n = shocks.day.size
    cell = np.arange(WIDTH)
    minute = shocks.minute[:, None] - BEFORE + cell // CELLS
    base_sigma = sigma[shocks.day[:, None], minute] / np.sqrt(CELLS)
    base_volume = usual[shocks.day[:, None], minute] / CELLS
    since = cell - shocks.first[:, None]  # cells since the move began
    after = cell - shocks.last[:, None]
    weight = np.where((since >= 0) & (after <= 0), np.exp(-0.7 * np.clip(since, 0, None)), 0.0)
    jump = shocks.jump[:, None] * weight / weight.sum(axis=1, keepdims=True)
    fading = np.where(after > 0, np.exp(-np.clip(after, 0, None) / 6.0), 0.0)  # half gone after 20 s
    unrest = shocks.burst[:, None] * np.sqrt(fading / fading.sum(axis=1, keepdims=True))
    lively = np.where(since >= 0, 0.4 * np.exp(-np.clip(since, 0, None) / 60.0), 0.0) * (shocks.surge[:, None] > 0)
    restless = np.sqrt((base_sigma * (1 + lively)) ** 2 + unrest**2)
    returns = restless * _fat(rng, (n, WIDTH)) + jump
    resume = shocks.halt[:, 1] - 1
    returns[np.arange(n)[resume >= 0], resume[resume >= 0]] += shocks.gap[resume >= 0]
    surge = np.where(since >= 0, np.exp(-np.clip(since, 0, None) / 12.0), 0.0)
    usual_minute = usual[shocks.day, shocks.minute][:, None]
    extra = shocks.surge[:, None] * usual_minute * surge / (1 - np.exp(-1.0)) * (1 - np.exp(-1 / 12.0))
    shares = (base_volume + extra) * np.exp(rng.normal(-0.125, 0.5, (n, WIDTH)))
    prints = traits.print_shares * (1 + np.log1p(extra / base_volume.clip(min=1.0)) / 2)
    trades = rng.poisson(shares / prints).astype(np.float64)
    traded = np.rint(trades * prints * np.exp(rng.normal(-0.08, 0.4, (n, WIDTH)))).clip(min=trades)
    edge = np.arange(WIDTH + 1) - shocks.first[:, None]
    wide = 1 + (shocks.widening[:, None] - 1) * np.where(edge > 0, np.exp(-np.clip(edge, 0, None) / 40.0), 0.0)
    wobble = np.repeat(np.exp(rng.normal(0, 0.12, (n, WIDTH // CELLS + 1))), CELLS, axis=1)[:, : WIDTH + 1]
    spread = np.minimum(traits.spread_bps * wide * wobble, WIDEST_BPS) / 1e4
    depth = 8 * prints * np.exp(rng.normal(0, 0.7, (2, n, WIDTH)))
    sizes = np.maximum(np.rint(depth / 100), 1.0) * 100
    return returns, restless, trades, traded, rng.random((4, n, WIDTH)), spread, sizes


def assemble(draws: Draws, drift: Floats) -> dict[str, Columns]:
    """Series of the archive's kinds from draws and a drift (n, WIDTH; ln a cell), as columns in time order."""
    shocks, live = draws.shocks, draws.open
    returns = draws.cell_return + drift
    rows, minutes = shocks.day[:, None], (shocks.minute[:, None] - BEFORE) + np.arange(WIDTH // CELLS)
    by_minute = draws.minute_return.copy()
    by_minute[rows, minutes] = returns.reshape(-1, WIDTH // CELLS, CELLS).sum(axis=2)
    edges = draws.opening[:, None] + np.concatenate(
        [np.zeros((len(draws.sessions), 1)), np.cumsum(by_minute, axis=1)], axis=1
    )
    starts = edges[shocks.day, shocks.minute - BEFORE][:, None]
    mid = np.exp(np.concatenate([starts, starts + np.cumsum(returns, axis=1)], axis=1))
    bid, ask = touch(mid, draws.spread)
    cells = _bars(bid, ask, draws.cell_sigma, draws.cell_noise, draws.cell_trades * live, draws.cell_shares)
    _spoil(cells, shocks)
    day_mid = np.exp(edges)
    day_bid, day_ask = touch(day_mid, np.full(day_mid.shape, draws.traits.spread_bps / 1e4))
    day = _bars(day_bid, day_ask, draws.minute_sigma, draws.minute_noise, draws.minute_trades, draws.minute_shares)
    for name, column in _minutes(cells).items():
        day[name][rows, minutes] = column
    opens = np.array([round(each.open.timestamp()) for each in draws.sessions], dtype=np.int64) * US
    day_start = opens[:, None] + np.arange(MINUTES, dtype=np.int64) * 60 * US
    cell_start = day_start[shocks.day, shocks.minute - BEFORE][:, None] + np.arange(WIDTH, dtype=np.int64) * 5 * US
    quotes = _quotes(bid, ask, draws.sizes)
    quotes["bid_close"], quotes["ask_close"] = _crossed(quotes, shocks)
    return {
        "bars_1m": _where(day_start, day, day["count"] > 0),
        "bars_5s": _where(cell_start, cells, cells["count"] > 0),
        "quotes_5s": _where(cell_start, quotes, live),
    }


def touch(mid: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Bid and ask in cents around mid, at least a cent apart."""
    half = mid * spread / 2
    bid = np.maximum(np.floor((mid - half) / CENT + 0.5), 1.0)
    ask = np.maximum(np.ceil((mid + half) / CENT - 0.5), bid + 1)
    return np.asarray(bid / 100), np.asarray(ask / 100)


def _bars(bid: Floats, ask: Floats, sigma: Floats, noise: Floats, trades: Floats, shares: Floats) -> dict[str, Floats]:
    """Trades at bid or ask; the extremes are those of a Brownian bridge between the interval's ends."""
    first = np.where(noise[0] < 0.5, bid[:, :-1], ask[:, :-1])
    last = np.where(noise[1] < 0.5, bid[:, 1:], ask[:, 1:])
    first = np.where(trades < 2, last, first)
    move = np.log(last / first)
    reach = [np.sqrt(move**2 - 2 * sigma**2 * np.log(np.clip(each, 1e-6, None))) for each in noise[2:]]
    many = np.clip((trades - 2) / 8, 0, 1)  # a handful of prints does not find the extremes
    high = np.maximum(np.rint(first * np.exp((move + reach[0]) / 2 * many) * 100) / 100, np.maximum(first, last))
    low = np.minimum(np.rint(first * np.exp((move - reach[1]) / 2 * many) * 100) / 100, np.minimum(first, last))
    low = np.maximum(low, CENT)
    return {
        "open": first,
        "high": high,
        "low": low,
        "close": last,
        "volume": np.where(trades > 0, shares, 0.0),
        "wap": np.round((first + high + low + last) / 4, 4),
        "count": trades,
    }


def _minutes(cells: dict[str, Floats]) -> dict[str, Floats]:
    """Minute bars of the windows, (n, WIDTH / 12), from the cells that traded."""
    shape = (-1, WIDTH // CELLS, CELLS)
    traded = (cells["count"] > 0).reshape(shape)
    part = {name: column.reshape(shape) for name, column in cells.items()}
    volume = np.where(traded, part["volume"], 0.0).sum(axis=2)
    first, last = traded.argmax(axis=2), CELLS - 1 - traded[:, :, ::-1].argmax(axis=2)
    turnover = np.where(traded, part["volume"] * part["wap"], 0.0).sum(axis=2)
    return {
        "open": np.take_along_axis(part["open"], first[:, :, None], 2)[:, :, 0],
        "high": np.where(traded, part["high"], 0.0).max(axis=2),
        "low": np.where(traded, part["low"], np.inf).min(axis=2),
        "close": np.take_along_axis(part["close"], last[:, :, None], 2)[:, :, 0],
        "volume": volume,
        "wap": np.round(turnover / np.where(volume > 0, volume, 1.0), 6),
        "count": part["count"].sum(axis=2),
    }


def _quotes(bid: Floats, ask: Floats, sizes: Floats) -> dict[str, Floats]:
    columns: dict[str, Floats] = {}
    for side, price, size in (("bid", bid, sizes[0]), ("ask", ask, sizes[1])):
        before, after = price[:, :-1], price[:, 1:]
        columns |= {
            f"{side}_open": before,
            f"{side}_high": np.maximum(before, after),
            f"{side}_low": np.minimum(before, after),
            f"{side}_close": after,
            f"{side}_size": size,
        }
    return columns


def _crossed(quotes: dict[str, Floats], shocks: Shocks) -> tuple[Floats, Floats]:
    """One quote upside down where a shock has it so, in the second cell after the jump."""
    bid, ask = quotes["bid_close"].copy(), quotes["ask_close"].copy()
    rows = np.flatnonzero(shocks.crossed)
    cells = shocks.last[rows] + 2
    bid[rows, cells], ask[rows, cells] = ask[rows, cells] + CENT, bid[rows, cells]
    return bid, ask


def _spoil(cells: dict[str, Floats], shocks: Shocks) -> None:
    """One false print in the third minute after the jump, in place."""
    rows = np.flatnonzero(shocks.bad_print)
    at = shocks.last[rows] + 30
    false = np.round(cells["close"][rows, at] * np.exp(shocks.bad_print[rows]), 2)
    cells["high"][rows, at] = np.maximum(cells["high"][rows, at], false)
    cells["low"][rows, at] = np.minimum(cells["low"][rows, at], false)


def _where(start: Ints, columns: dict[str, Floats], keep: Mask) -> Columns:
    """The cells to keep, in time order (windows never overlap, and shocks come sorted)."""
    return {"start": start[keep], **{name: column[keep] for name, column in columns.items()}}


def _open(shocks: Shocks) -> Mask:
    cell = np.arange(WIDTH)
    return np.asarray(~((cell >= shocks.halt[:, :1]) & (cell < shocks.halt[:, 1:])))


def _wandering(rng: np.random.Generator, days: int) -> Floats:
    """Ln price over the usual at each open: comes back within weeks, so that no price leaves its range."""
    steps = rng.normal(0, 0.04, days)
    level = np.zeros(days)
    for day in range(1, days):
        level[day] = 0.93 * level[day - 1] + steps[day]
    return level


def _fat(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Student's t with 5 degrees of freedom, scaled to variance 1."""
    return np.asarray(rng.standard_t(5, shape) * np.sqrt(3 / 5))
