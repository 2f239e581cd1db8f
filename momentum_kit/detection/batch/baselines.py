"""Baselines of many days at once, the vectorised twin of baseline.py: what is usual before each of D days.

Each session's minutes are laid on a grid once; a day's baseline then reads the grids of the sessions before it.
tests/unit/detection/test_baseline_arrays.py holds it to build_baseline.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from momentum_kit.detection.batch.columns import MINUTE, NO_SESSION, BarColumns, DayColumns, micros
from momentum_kit.detection.live import BUCKET_MINUTES
from momentum_kit.sessions import TradingSession, previous_sessions, session_on


def day_columns(
    minutes: BarColumns, days: Sequence[date], baseline_sessions: int = 20, calendar: str = "XNYS"
) -> DayColumns:
    """The sessions and baselines of these exchange days (ascending) from 1-minute bars of trades, any hours.

    The bars must reach back over baseline_sessions before the first of the days; a session without a bar counts as
    one that the contract did not trade, as it does live.
    """
    from momentum_kit.detection.batch.baseline_loops import SessionGrid, fill_baselines, fill_grid

    sessions = _sessions(days, baseline_sessions, calendar)
    session_days = np.array([session.day for session in sessions], dtype="datetime64[D]")
    open_at = np.array([micros(session.open) for session in sessions], dtype=np.int64)
    close_at = np.array([micros(session.close) for session in sessions], dtype=np.int64)
    lo, hi = np.searchsorted(minutes.start, open_at), np.searchsorted(minutes.start, close_at)
    slots = (close_at - open_at) // MINUTE
    count, width = len(days), int(slots.max(initial=BUCKET_MINUTES))
    buckets = width // BUCKET_MINUTES
    tables = (np.full((len(sessions), columns), np.nan) for columns in (width, width, buckets))
    grid = SessionGrid(open_at, slots, lo, hi, *tables)
    fill_grid(minutes, grid)

    wanted = np.array(days, dtype="datetime64[D]")
    last = np.searchsorted(session_days, wanted)
    own = np.minimum(last, len(sessions) - 1)
    trading = session_days[own] == wanted if len(sessions) else np.zeros(count, dtype=bool)
    integers = (np.zeros(count, dtype=np.int64) for _ in range(4))
    columns = DayColumns(
        open_at=np.where(trading, open_at[own], NO_SESSION),
        close_at=np.where(trading, close_at[own], NO_SESSION),
        lo=np.where(trading, lo[own], 0),
        hi=np.where(trading, hi[own], 0),
        days=next(integers),
        buckets=next(integers),
        previous_close=np.full(count, np.nan),
        s_day=np.full(count, np.nan),
        volume=np.full((count, buckets), np.nan),
        cumulative=np.full((count, buckets + 1), np.nan),
        tod_factor=np.full((count, buckets), np.nan),
        last_lo=next(integers),
        last_hi=next(integers),
    )
    if count:
        fill_baselines(grid, last - baseline_sessions, last, columns)
    return columns


def _sessions(days: Sequence[date], before: int, calendar: str) -> list[TradingSession]:
    """Every session from `before` sessions before the first day to the last day, oldest first."""
    if not days:
        return []
    sessions = previous_sessions(days[0], before, calendar)
    span = [days[0] + timedelta(days=i) for i in range((days[-1] - days[0]).days + 1)]
    return sessions + [session for day in span if (session := session_on(day, calendar))]
