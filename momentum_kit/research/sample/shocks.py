"""Draws when the headlines of a sample come and what each does to its tape; market_sample.py calls it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from momentum_kit.config import Thresholds
from momentum_kit.research.sample.tape import BEFORE, CELLS, MINUTES, US, Shocks
from momentum_kit.sessions import TradingSession

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

KINDS = ("shock", "quiet", "volume only", "move only", "offering", "halt", "false print", "crossed quote")
SHARES = (0.78, 0.06, 0.04, 0.04, 0.04, 0.01, 0.015, 0.015)
SLOTS = 4  # a day's places for a symbol's headlines, far enough apart that their windows never meet
SLOT_MINUTES, FIRST_MINUTE, SPREAD_MINUTES = 90, 11, 57
HALT_CELLS = 60  # five minutes, as a volatility pause lasts


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Headlines, in time order: arrays (n,). Times in microseconds; day, symbol and kind are indices."""

    symbol: Ints
    day: Ints
    kind: Ints
    minute: Ints
    published_at: Ints
    received_at: Ints

    def of(self, symbol: int) -> "Arrivals":
        """Those of one symbol."""
        rows = self.symbol == symbol
        return Arrivals(**{name: getattr(self, name)[rows] for name in self.__slots__})


def draw_arrivals(
    rng: np.random.Generator, sessions: Sequence[TradingSession], warm_up: int, symbols: int, a_day: int
) -> Arrivals:
    """Headlines of every session after the warm-up, a headline a symbol and slot at most."""
    day, unit = [], []
    for index, session in enumerate(sessions[warm_up:], warm_up):
        slots = SLOTS * round((session.close - session.open).total_seconds() / 60) // MINUTES
        day += [index] * a_day
        unit += _units(rng, symbols, slots, a_day)
    days, units = np.array(day, dtype=np.int64), np.array(unit, dtype=np.int64)
    n = days.size
    minute = units % SLOTS * SLOT_MINUTES + FIRST_MINUTE + rng.integers(0, SPREAD_MINUTES, n)
    second = rng.integers(0, CELLS, n) * 5 * US + rng.integers(1, 4_999, n) * 1_000  # never at a close
    opens = np.array([round(each.open.timestamp()) for each in sessions], dtype=np.int64) * US
    received = opens[days] + minute * 60 * US + second
    delay = np.clip(np.exp(rng.normal(np.log(2.0), 1.1, n)), 0.2, 45.0)
    published = received - np.rint(delay * 1_000).astype(np.int64) * 1_000
    kind = rng.choice(len(KINDS), n, p=SHARES)
    order = np.argsort(received, kind="stable")
    return Arrivals(
        symbol=(units // SLOTS)[order],
        day=days[order],
        kind=kind[order],
        minute=minute[order],
        published_at=published[order],
        received_at=received[order],
    )


def _units(rng: np.random.Generator, symbols: int, slots: int, count: int) -> list[int]:
    """`count` different pairs of symbol and slot, as symbol * SLOTS + slot."""
    chosen = rng.permutation(symbols * slots)[:count]
    units: list[int] = (chosen // slots * SLOTS + chosen % slots).tolist()
    return units


def draw_shocks(rng: np.random.Generator, arrivals: Arrivals, planted: Thresholds) -> Shocks:
    """What the headlines of one symbol do: moves and volumes that lie on both sides of the planted thresholds."""
    n = arrivals.day.size
    kind = np.array(KINDS)[arrivals.kind]
    strength, own = rng.normal(size=n), rng.normal(size=(3, n))
    size = np.log1p(planted.min_ret_60s) * np.exp(0.33 + 0.42 * (0.6 * strength + 0.8 * own[0]))
    surge = planted.min_rvol_bar * np.exp(0.5 + 0.6 * (0.6 * strength + 0.8 * own[1]))
    falls = (rng.random(n) < 0.08) | (kind == "offering") & (rng.random(n) < 0.7)
    still = np.isin(kind, ("quiet", "volume only"))
    jump = np.where(still, 0.0, np.where(falls, -size, size))
    window = arrivals.received_at // (60 * US) * (60 * US) - BEFORE * 60 * US
    last = (arrivals.received_at - window) // (5 * US) + 1
    halted = kind == "halt"
    begin = np.where(halted, last + rng.integers(1, 12, n), 0)
    return Shocks(
        day=arrivals.day,
        minute=arrivals.minute,
        first=np.minimum((arrivals.published_at - window) // (5 * US), last - 1),
        last=last,
        jump=jump,
        surge=np.where(np.isin(kind, ("quiet", "move only")), 0.0, surge),
        burst=0.12 * np.abs(jump) + np.where(still, 0.0, 0.002),
        widening=np.where(kind == "quiet", 1.0, np.exp(0.15 + 0.35 * own[2])),
        halt=np.stack([begin, np.where(halted, begin + HALT_CELLS, 0)], axis=1),
        gap=np.where(halted, rng.normal(0, 0.04, n), 0.0),
        bad_print=np.where(kind == "false print", rng.choice([-0.12, 0.12], n), 0.0),
        crossed=kind == "crossed quote",
    )
