"""One contract's day so far: 5 s bars, minutes and running totals, answered as of any instant."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_kit.detection.live.bars import floor_time, merge
from momentum_kit.models import Bar
from momentum_kit.sessions import TradingSession

MINUTE = timedelta(minutes=1)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class _Closes(NamedTuple):
    """Closes of the minutes so far, of how many minute bars they were made, and the last of these."""

    closes: npt.NDArray[np.float64]
    minutes: int
    last: Bar


class Tape:
    """Closed bars in time order; every answer uses only bars whose end is at or before the asked instant.

    session: today's regular hours, None where today has none; totals and minutes count regular hours only.
    minutes: today's 1-minute history as of asked_at; from the minute then running on, 5 s bars take over, so that
    minutes and totals are whole for every instant from asked_at on.
    """

    def __init__(
        self, session: TradingSession | None, minutes: Sequence[Bar] = (), asked_at: datetime | None = None
    ) -> None:
        self.session = session
        self.bars: list[Bar] = []
        self._ends: list[datetime] = []
        self._minutes = self._closed_regular(minutes, asked_at) if session and asked_at else []
        self._minute_ends = [bar.end for bar in self._minutes]
        self._switch = floor_time(asked_at, 60) if asked_at and self._minutes else _LONG_AGO
        self._total_ends: list[datetime] = []
        self._totals: list[tuple[float, float]] = []  # shares and USD since the open
        self.known_jump: tuple[object, object, float] | None = None  # features.py's, of one minute and baseline
        self._closes: _Closes | None = None  # the answer before
        for bar in self._minutes:
            self._add_total(bar)

    def extend(self, bars: Iterable[Bar]) -> None:
        """Append bars; one that does not follow the last is a bug of the caller and raises ValueError."""
        for bar in bars:
            end = bar.end
            if self._ends and end <= self._ends[-1]:
                raise ValueError(f"bar {bar.start:%H:%M:%S} does not follow {self.bars[-1].start:%H:%M:%S}")
            self.bars.append(bar)
            self._ends.append(end)
            if bar.start >= self._switch and self._regular(bar):
                self._add_total(bar)
                self._add_to_minute(bar)

    def window(self, t: datetime, seconds: float) -> list[Bar]:
        """The 5 s bars inside (t - seconds, t]."""
        last = bisect_right(self._ends, t)
        first = bisect_left(self.bars, t - timedelta(seconds=seconds), hi=last, key=_start_of)
        return self.bars[first:last]

    def price_at(self, t: datetime) -> float:
        """Close of the last bar that had ended by t, USD; nan if there was none today."""
        bar = self._last(self.bars, self._ends, t)
        minute = self._last(self._minutes, self._minute_ends, t)
        if bar is None or (minute is not None and minute.end > bar.end):
            bar = minute
        return bar.close if bar else math.nan

    def open_at(self, t: datetime) -> float:
        """The first regular price of the day, USD; nan before it is known."""
        bars = self.minutes_until(t)[:1] or [bar for bar in self.window(t, 60) if self._regular(bar)]
        return bars[0].open if bars else math.nan

    def totals_at(self, t: datetime) -> tuple[float, float]:
        """Shares and USD traded in regular hours until t."""
        index = bisect_right(self._total_ends, t)
        return self._totals[index - 1] if index else (0.0, 0.0)

    def minutes_until(self, t: datetime) -> list[Bar]:
        """Today's minutes closed by t, those without a trade left out."""
        return self._minutes[: bisect_right(self._minute_ends, t)]

    def minute_closes(self, t: datetime) -> npt.NDArray[np.float64]:
        """Close of every minute since the open that had ended by t; without a trade the price before, first the open.

        Shape (minutes,), USD; empty outside a session or before the first trade.
        """
        minutes = self.minutes_until(t)
        if self.session is None or not minutes:
            return np.empty(0)
        count = int((min(t, self.session.close) - self.session.open) / MINUTE)
        known = self._closes
        if known is None or not self._continues(known, minutes):
            known = _Closes(np.empty(0), 0, minutes[0])
        if known.closes.size != count or known.minutes != len(minutes):
            closes = np.full(count, math.nan)
            closes[: known.closes.size] = known.closes[:count]
            for bar in minutes[known.minutes :]:
                index = self._index(bar)
                if index < count:
                    closes[index] = bar.close
            known = _Closes(fill_forward(closes, minutes[0].open), len(minutes), minutes[-1])
            known.closes.flags.writeable = False  # asked again within the minute the very same array is the answer
        self._closes = known
        return known.closes

    def _continues(self, known: _Closes, minutes: list[Bar]) -> bool:
        """True if these minutes are those of the answer before and, perhaps, some that come after it."""
        if known.minutes > len(minutes) or known.last is not minutes[known.minutes - 1]:
            return False
        return known.minutes == len(minutes) or self._index(minutes[known.minutes]) >= known.closes.size

    def _index(self, bar: Bar) -> int:
        assert self.session is not None
        return (bar.start - self.session.open) // MINUTE

    def _closed_regular(self, minutes: Sequence[Bar], asked_at: datetime) -> list[Bar]:
        regular = within(minutes, self.session) if self.session else ()
        return list(regular[: bisect_right(regular, asked_at, key=_end_of)])

    def _regular(self, bar: Bar) -> bool:
        return self.session is not None and self.session.contains(bar.start)

    def _add_total(self, bar: Bar) -> None:
        shares, usd = self._totals[-1] if self._totals else (0.0, 0.0)
        self._totals.append((shares + bar.volume, usd + bar.wap * bar.volume))
        self._total_ends.append(bar.end)

    def _add_to_minute(self, bar: Bar) -> None:
        start = floor_time(bar.start, 60)
        if self._minutes and self._minutes[-1].start == start:
            self._minutes[-1] = merge(self._minutes[-1], bar, start, 60)
            return
        self._minutes.append(Bar(start, 60, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.wap, bar.count))
        self._minute_ends.append(start + MINUTE)

    @staticmethod
    def _last(bars: list[Bar], ends: list[datetime], t: datetime) -> Bar | None:
        index = bisect_right(ends, t)
        return bars[index - 1] if index else None


def within(bars: Sequence[Bar], session: TradingSession) -> Sequence[Bar]:
    """Those of the bars (in time order) that start in the session."""
    first = bisect_left(bars, session.open, key=_start_of)
    return bars[first : bisect_left(bars, session.close, lo=first, key=_start_of)]


_start_of, _end_of = attrgetter("start"), attrgetter("end")


def fill_forward(values: npt.NDArray[np.float64], first: float) -> npt.NDArray[np.float64]:
    """Every nan replaced by the value before it, leading ones by `first`."""
    known = np.concatenate(([first], values))
    index = np.maximum.accumulate(np.where(np.isnan(known), 0, np.arange(known.size)))
    filled: npt.NDArray[np.float64] = known[index][1:]
    return filled
