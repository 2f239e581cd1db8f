"""How activity runs over a usual day: a thin pre-market, a busy open, a quiet noon, a busy close, thin late hours."""

from datetime import date, timedelta

import numpy as np

from momentum_kit.sessions import TradingSession, session_on
from momentum_kit.simgateway.market.tape import Floats, Ints, to_ms

PRE_MINUTES = 90  # the simulated tape begins this long before the open, at 08:00 New York
PRE_MARKET = timedelta(minutes=PRE_MINUTES)
PRE_MARKET_SHARE = 0.012  # of the day's volume
LATE_MINUTES = 240  # after-hours: to 20:00 New York, to 17:00 after a half day
LATE_SHARE = 0.01  # comes on top of the day's volume
MINUTE_MS = 60_000


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
