"""Shapes of the planted moves: how price, volume, spread and halts answer to a headline, or move without one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Knots = tuple[tuple[float, float], ...]  # (seconds since the move began, value), linear in between


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What happens on one contract from `at_ms` on.

    path: log displacement of the price. surge: extra volume of the whole move, in usual volumes of the day so far;
    half of what is left of it trades every half_life_s. spread: factor on the usual spread. noise: factor on the
    usual volatility. most_prints_s: cap on prints a second. halt_s: (from, to) in seconds, None without a pause.
    """

    at_ms: int
    path: Knots
    surge: float
    half_life_s: float = 60.0
    spread: Knots = ((0.0, 1.0),)
    noise: Knots = ((0.0, 1.0),)
    most_prints_s: float = 12.0
    halt_s: tuple[float, float] | None = None


FAINT = 0.04  # share of tradable stories with half the move
WIDENING: Knots = ((0, 1.8), (15, 1.4), (60, 1.1), (300, 1.0))
STIRRED: Knots = ((0, 3.0), (90, 2.5), (400, 1.6), (1200, 1.0))


def tradable(rng: np.random.Generator, at_ms: int) -> Move:
    """A jump within seconds, then minutes of drift: some run, some fade, some fail after the entry.

    A few are so faint that no sound threshold catches them.
    """
    strength = 0.5 if rng.random() < FAINT else 1.0
    jump = rng.uniform(0.016, 0.032) * strength
    first = jump + rng.uniform(0.016, 0.032) * strength
    jump_s, first_s = rng.uniform(0.6, 1.6), rng.uniform(45, 75)
    start: Knots = ((0, 0), (jump_s, jump), (first_s, first))
    outcome = rng.choice(["run", "fade", "fail"], p=[0.42, 0.25, 0.33])
    if outcome == "run":
        peak = first + rng.uniform(0.02, 0.06)
        end: Knots = ((rng.uniform(180, 420), peak), (1500, peak - rng.uniform(-0.005, 0.02)))
    elif outcome == "fade":
        end = ((rng.uniform(120, 200), first + rng.uniform(0.0, 0.01)), (1100, jump + rng.uniform(-0.005, 0.015)))
    else:
        end = ((first_s + rng.uniform(15, 50), first - 0.004), (rng.uniform(240, 420), rng.uniform(-0.01, 0.01)))
    surge = rng.uniform(3.0, 7.0) * strength
    return Move(
        at_ms=at_ms,
        path=start + end,
        surge=surge,
        half_life_s=rng.uniform(45, 90),
        spread=WIDENING,
        noise=STIRRED,
    )


def tiny(rng: np.random.Generator, at_ms: int) -> Move:
    """Good news that is worth a per cent at most."""
    size = rng.uniform(0.002, 0.010)
    path: Knots = ((0, 0), (3, size), (300, size * rng.uniform(0.3, 1.2)))
    return Move(at_ms=at_ms, path=path, surge=rng.uniform(0.1, 0.4), half_life_s=90.0)


def offering(rng: np.random.Generator, at_ms: int) -> Move:
    """Mostly a drop; now and then a spike that fools those who do not read."""
    if rng.random() < 0.3:
        return tradable(rng, at_ms)
    drop = -rng.uniform(0.06, 0.14)
    path: Knots = ((0, 0), (2, drop * 0.6), (90, drop), (900, drop * 0.9))
    return Move(at_ms=at_ms, path=path, surge=rng.uniform(2, 5), half_life_s=80.0, spread=WIDENING, noise=STIRRED)


def wide_spread(rng: np.random.Generator, at_ms: int) -> Move:
    """The price moves, but nobody quotes it closely."""
    wide: Knots = ((0, 9.0), (240, 8.0), (600, 2.0))
    size = rng.uniform(0.04, 0.06)
    path: Knots = ((0, 0), (2, size * 0.6), (60, size), (600, size * 0.5))
    return Move(at_ms=at_ms, path=path, surge=rng.uniform(2, 4), half_life_s=60.0, spread=wide, noise=STIRRED)


def few_trades(rng: np.random.Generator, at_ms: int) -> Move:
    """The price moves on a handful of prints."""
    size = rng.uniform(0.04, 0.06)
    path: Knots = ((0, 0), (2, size * 0.6), (60, size), (900, size * 0.6))
    return Move(
        at_ms=at_ms,
        path=path,
        surge=rng.uniform(2, 4),
        half_life_s=60.0,
        spread=WIDENING,
        noise=((0, 1.5), (300, 1.0)),
        most_prints_s=0.15,
    )


def pump(rng: np.random.Generator, at_ms: int) -> Move:
    """Up and down again before a bar has closed on it, on little volume."""
    size = rng.uniform(0.04, 0.07)
    path: Knots = ((0, 0), (1.0, size), (1.8, size), (4.0, 0.003), (120, 0.0))
    return Move(at_ms=at_ms, path=path, surge=rng.uniform(0.15, 0.3), half_life_s=4.0, spread=WIDENING)


def paused(rng: np.random.Generator, at_ms: int) -> Move:
    """Into the volatility band within seconds, a five-minute pause, a reopening above or below it."""
    band, reopening = rng.uniform(0.085, 0.098), rng.uniform(0.03, 0.14)
    stop_s = rng.uniform(2.5, 4.0)
    path: Knots = ((0, 0), (stop_s, band), (stop_s + 300, band), (stop_s + 300.5, reopening), (1200, reopening * 0.8))
    return Move(
        at_ms=at_ms,
        path=path,
        surge=rng.uniform(3, 6),
        half_life_s=120.0,
        spread=WIDENING,
        noise=STIRRED,
        halt_s=(stop_s, stop_s + 300),
    )


def takeover(rng: np.random.Generator, at_ms: int) -> Move:
    """Straight to just below the offer and then nothing: the arbitrage holds it there."""
    premium = float(np.log1p(rng.uniform(0.3, 0.5)))
    return Move(
        at_ms=at_ms,
        path=((0, 0), (2.0, premium), (1800, premium)),
        surge=rng.uniform(4, 9),
        half_life_s=90.0,
        spread=((0, 1.5), (20, 0.4)),
        noise=((0, 0.1),),
    )


SHAPES: dict[str, Callable[[np.random.Generator, int], Move]] = {
    "planted": tradable,
    "silent_move": tradable,
    "tiny_move": tiny,
    "offering": offering,
    "wide_spread": wide_spread,
    "few_trades": few_trades,
    "round_up": tradable,
    "stale": tradable,
    "pump": pump,
    "halt": paused,
    "merger_target": takeover,
}
