"""Tells a recorded day again: 5 s bars and quotes, minutes, and headlines at the moment they were received.

What is asked of history is the record itself; what streams is made of it (prints_from_bars.py) so that whoever builds
bars from the stream gets the record back. So a decision on streamed bars and one on downloaded bars must agree. The
market stops at each headline, because in lock-step only a stop gives it its own time of receipt.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from momentum_kit.models import Bar, Headline
from momentum_kit.sessions import previous_sessions, session_on
from momentum_kit.simgateway.events import NewsEvent
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.market.history import SERVICE, BarRequest, HistoryError
from momentum_kit.simgateway.market.market import Market
from momentum_kit.simgateway.market.prints_from_bars import Columns, TradeGroups, prints, quote_events, trade_groups
from momentum_kit.simgateway.market.tape import BarSeries, DayTape, Floats, Ints, build_tape, from_ms, to_ms
from momentum_kit.simgateway.scenario import Scenario

_MS = timedelta(milliseconds=1)
BAR_MS = 5000


class _Bars:
    """Bars of columns, made when they are first asked for: one headline after another asks for much the same."""

    def __init__(self, columns: Columns, seconds: int) -> None:
        self._columns = columns
        self._seconds = seconds
        self._made: list[Bar | None] = [None] * len(columns["start"])

    def take(self, rows: Ints) -> list[Bar]:
        """The bars of these rows."""
        made, wanted = self._made, rows.tolist()
        missing = [row for row in wanted if made[row] is None]
        if missing:
            columns = _bar_columns(self._columns, np.array(missing))
            names = ("open", "high", "low", "close", "volume", "wap", "count")
            values = (getattr(columns, name).tolist() for name in names)
            for row, ms, *rest in zip(missing, columns.start_ms.tolist(), *values, strict=True):
                made[row] = Bar(from_ms(ms), self._seconds, *rest)
        return [bar for row in wanted if (bar := made[row]) is not None]


@dataclass(frozen=True)
class RecordedSymbol:
    """One symbol as an archive has it: 5 s bars and quotes of the served day, minutes of that day and those before."""

    bars: Columns
    quotes: Columns
    minutes: Columns

    @cached_property
    def groups(self) -> TradeGroups:
        """The day's trades."""
        return trade_groups(self.bars)

    @cached_property
    def quote_events(self) -> tuple[Ints, Floats, Floats, Ints, Ints]:
        """The day's quotes."""
        return quote_events(self.quotes)

    @cached_property
    def minute_bars(self) -> _Bars:
        """The minutes as values."""
        return _Bars(self.minutes, 60)

    @cached_property
    def five_s_bars(self) -> _Bars:
        """The 5 s bars as values."""
        return _Bars(self.bars, BAR_MS // 1000)

    @cached_property
    def minute_ms(self) -> Ints:
        """Start of each minute bar."""
        return np.asarray(self.minutes["start"] // 1000)

    @cached_property
    def bar_ms(self) -> Ints:
        """Start of each 5 s bar."""
        return np.asarray(self.bars["start"] // 1000)


class RecordedSource:
    """A TapeSource on recorded columns; `load` reads a symbol when it is first asked for."""

    def __init__(
        self,
        *,
        scenario: Scenario,
        listed: Iterable[Instrument],
        headlines: Iterable[Headline],
        load: Callable[[str], RecordedSymbol],
    ) -> None:
        self.scenario = scenario
        self.instruments: dict[int, Instrument] = {instrument.con_id: instrument for instrument in listed}
        by_symbol = {instrument.symbol: instrument.con_id for instrument in self.instruments.values()}
        events = [_news(headline, by_symbol) for headline in headlines]
        self.headlines: tuple[NewsEvent, ...] = tuple(sorted(events, key=lambda event: (event.time, event.article_id)))
        self.truth: dict[str, list[dict[str, Any]]] = {"planted": [], "decoys": []}
        self.earlier_days: tuple[date, ...] = tuple(
            session.day for session in previous_sessions(scenario.day, scenario.history_sessions)
        )
        self._load = load
        self._known: dict[int, RecordedSymbol] = {}
        self._tapes: dict[int, DayTape] = {}

    def recorded(self, con_id: int) -> RecordedSymbol:
        """What is on record of a contract."""
        if con_id not in self._known:
            self._known[con_id] = self._load(self.instruments[con_id].symbol)
        return self._known[con_id]

    def tape(self, con_id: int, day: date) -> DayTape | None:
        """The served day, print by print; of earlier days there are only minutes."""
        if day != self.scenario.day or con_id not in self.instruments:
            return None
        if con_id not in self._tapes:
            known = self.recorded(con_id)
            self._tapes[con_id] = build_tape(con_id, prints(known.groups), known.quote_events)
        return self._tapes[con_id]

    def minutes(self, con_id: int, day: date, what: str) -> BarSeries | None:
        """Minute bars of an earlier day; quotes are on record for the served day alone."""
        if what != "TRADES" or day not in self.earlier_days or con_id not in self.instruments:
            return None
        known = self.recorded(con_id)
        session = session_on(day)
        assert session is not None  # earlier_days are sessions
        first, last = np.searchsorted(known.minute_ms, [to_ms(session.open), to_ms(session.close)])
        return _bar_columns(known.minutes, slice(int(first), int(last)))


class RecordedMarket(Market):
    """Market whose TRADES history is the record itself, and which stops at each headline (see lock_step.py)."""

    def __init__(self, scenario: Scenario, source: RecordedSource) -> None:
        super().__init__(scenario, source)
        self.source = source
        if source.headlines:
            self.providers = {event.provider: event.provider for event in source.headlines}

    def next_stop(self, until: datetime) -> datetime | None:
        """When the next headline after now is relayed, if before `until`."""
        index = bisect_right(self._news_times, self.now)
        if index < len(self._news_times) and self._news_times[index] < until:
            return self._news_times[index]
        return None

    def bars(
        self, con_id: int, end: datetime | None, duration: str, bar_size: str, what: str, use_rth: bool
    ) -> list[Bar]:
        """5 s and minute bars of trades as recorded, as far as they had closed, and the 5 s bar in progress."""
        if what != "TRADES" or bar_size not in ("5 secs", "1 min") or con_id not in self.instruments:
            return super().bars(con_id, end, duration, bar_size, what, use_rth)
        request = BarRequest.parse(end or self.now + _MS, duration, bar_size, what, use_rth=use_rth)
        known, size_ms = self.source.recorded(con_id), request.seconds * 1000
        ms, made = (known.minute_ms, known.minute_bars) if size_ms == 60_000 else (known.bar_ms, known.five_s_bars)
        until_ms = min(request.end_ms, to_ms(self.now) + 1)
        first = int(np.searchsorted(ms, request.start_ms // size_ms * size_ms))
        last = int(np.searchsorted(ms, until_ms - size_ms, side="right"))  # closed by then
        rows = np.arange(first, last)
        found = made.take(rows[self._regular(ms[first:last])] if use_rth else rows)
        if size_ms == BAR_MS and until_ms > to_ms(self.now):
            found += self._in_progress(known.groups)
        if not found:
            raise HistoryError(162, f"{SERVICE}HMDS query returned no data")
        return found

    def _in_progress(self, groups: TradeGroups) -> list[Bar]:
        now_ms = to_ms(self.now)
        start = now_ms // BAR_MS * BAR_MS
        first, last = np.searchsorted(groups.ms, [start, now_ms + 1])
        if first == last:
            return []
        price, size = groups.price[first:last], groups.size[first:last]
        volume = float(size.sum())
        wap, count = float((price * size).sum() / volume), int(groups.count[first:last].sum())
        prices = float(price[0]), float(price.max()), float(price.min()), float(price[-1])
        return [Bar(from_ms(start), BAR_MS // 1000, *prices, volume, wap, count)]

    def _regular(self, start_ms: Ints) -> np.ndarray:
        opens, closes = self._hours
        row = np.searchsorted(opens, start_ms, side="right") - 1
        return np.asarray((row >= 0) & (start_ms < closes[np.maximum(row, 0)]))

    @cached_property
    def _hours(self) -> tuple[Ints, Ints]:
        sessions = [session_on(day) for day in (*self.source.earlier_days, self.scenario.day)]
        known = [session for session in sessions if session is not None]
        return np.array([to_ms(s.open) for s in known]), np.array([to_ms(s.close) for s in known])


def open_recorded_market(
    scenario: Scenario,
    listed: Iterable[Instrument],
    headlines: Iterable[Headline],
    load: Callable[[str], RecordedSymbol],
) -> RecordedMarket:
    """The market of scenario.day from recorded columns; a headline without a received_at is refused (ValueError)."""
    source = RecordedSource(scenario=scenario, listed=listed, headlines=headlines, load=load)
    return RecordedMarket(scenario, source)


def stock_instrument(symbol: str, con_id: int, *, name: str = "", exchange: str = "") -> Instrument:
    """An instrument from what an archive knows of it."""
    template = Instrument(con_id, symbol, name or symbol)
    return replace(template, primary_exchange=exchange or template.primary_exchange)


def _news(headline: Headline, by_symbol: dict[str, int]) -> NewsEvent:
    if headline.received_at is None:
        raise ValueError(f"nobody recorded when {headline.article_id} was received")
    contract = headline.contract
    own = by_symbol.get(contract.symbol) if contract else None
    return NewsEvent(
        time=_whole_ms(headline.received_at),
        published=headline.published_at,
        provider=headline.provider,
        article_id=headline.article_id,
        text=headline.text,
        extra=headline.extra,
        con_ids=(own,) if own else (),
        broad_tape=contract is None,
        body=headline.body,
    )


def _whole_ms(at: datetime) -> datetime:
    """The wire's clock knows milliseconds: up, because nothing may be known before it was received."""
    return at if at.microsecond % 1000 == 0 else from_ms(to_ms(at) + 1)


def _bar_columns(columns: Columns, rows: slice | Ints) -> BarSeries:
    count = np.maximum(np.nan_to_num(columns["count"][rows], nan=0.0), 0).astype(np.int64)
    opened, high, low, close, volume, wap = (
        columns[name][rows] for name in ("open", "high", "low", "close", "volume", "wap")
    )
    return BarSeries(columns["start"][rows] // 1000, opened, high, low, close, volume, wap, count)
