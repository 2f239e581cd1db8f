"""How activity runs over a generated day: a thin pre-market, a busy open, a quiet noon, a busy close, thin late hours.

Read by generator.py (the served day, print by print) and past_sessions.py (the minutes of the days before it), so that
a baseline over the past is one of the same market.
"""

from datetime import date, timedelta

import numpy as np

from momentum_kit.sessions import TradingSession, session_on
from momentum_kit.simgateway.market.tape import Floats, Ints, to_ms
from momentum_kit.simgateway.market.universe import Company

PRE_MINUTES = 90  # the simulated tape begins this long before the open, at 08:00 New York
PRE_MARKET = timedelta(minutes=PRE_MINUTES)
PRE_MARKET_SHARE = 0.012  # of the day's volume
LATE_MINUTES = 240  # after-hours: to 20:00 New York, to 17:00 after a half day
LATE_SHARE = 0.01  # comes on top of the day's volume
MINUTE_MS = 60_000
CALM_PRINTS_S = 4.0  # most prints a second without news
ASLEEP_SHARE = 0.22  # minutes in which a small cap hardly trades and its price stands still


def tape_start(session: TradingSession) -> int:
    """First ms of a day's tape."""
    return to_ms(session.open - PRE_MARKET)


def day_minutes(day: date) -> Ints:
    """Start (ms) of every minute of a day's tape, pre-market included; empty on a holiday."""
    session = session_on(day)
    if session is None:
        return np.empty(0, dtype=np.int64)
    return np.arange(tape_start(session), to_ms(session.close), MINUTE_MS, dtype=np.int64)


def minute_shares(day: date) -> Floats:
    """Share of a full day's volume that falls into each minute of day_minutes(day)."""
    minutes = day_minutes(day)
    session = session_on(day)
    if session is None:
        return np.empty(0)
    regular = len(minutes) - PRE_MINUTES
    x = (np.arange(regular) + 0.5) / regular
    # Fast decay from the open, a slow rise into the close, a floor at noon.
    shape = 0.55 + 2.6 * np.exp(-x / 0.045) + 0.9 * np.exp(-x / 0.25) + 1.3 * np.exp(-(1 - x) / 0.07)
    thin = np.linspace(0.4, 1.6, PRE_MINUTES)
    return np.concatenate([thin / thin.sum() * PRE_MARKET_SHARE, shape / shape.sum() * (1 - PRE_MARKET_SHARE)])


def late_shares() -> Floats:
    """Share of a full day's volume in each minute after the close: fading quickly."""
    shape = 0.1 + np.exp(-np.arange(LATE_MINUTES) / 40)
    return np.asarray(shape / shape.sum() * LATE_SHARE)


def minute_sigma(day: date) -> Floats:
    """Volatility of each minute over the day's mean: follows volume, but flatter; little before the open."""
    shares = minute_shares(day)
    sigma = np.sqrt(shares)
    sigma[PRE_MINUTES:] /= np.sqrt(np.mean(sigma[PRE_MINUTES:] ** 2))
    sigma[:PRE_MINUTES] = 0.3
    return sigma


def busy_minutes(rng: np.random.Generator, minutes: int, *, small: bool) -> Floats:
    """A factor a minute: bursts and lulls; small caps fall asleep for stretches."""
    busy = np.exp(rng.normal(0.0, 0.5 if small else 0.15, minutes))
    if small:
        # Lulls come in stretches of some minutes: a minute sleeps if a smoothed draw is low.
        draw = np.convolve(rng.normal(size=minutes + 2), np.full(3, 3**-0.5), mode="valid")
        busy = np.where(draw < np.quantile(draw, ASLEEP_SHARE), 0.08, busy)
    return busy


def closing_cross(company: Company) -> int:
    """Shares of the closing auction's print, the largest of the day."""
    return max(int(0.06 * company.daily_volume), 1)


def opening_cross(company: Company) -> int:
    """Shares of the opening auction's print: even the thinnest name has one."""
    return max(int(0.006 * company.daily_volume), 1)
