"""The simulated market: instruments, the tape as it happens, its history and its news; no orders, no bytes.

Between a source of tapes (generated_source.py, recorded_market.py or bar_market.py) and broker and client sessions.
Events come lazily: only contracts that somebody watches are told, from one heap of their next events.
"""

import heapq
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from momentum_kit.errors import ScenarioError
from momentum_kit.models import Bar
from momentum_kit.simgateway.events import HaltEvent, MarketEvent, NewsEvent, QuoteEvent, TradeEvent
from momentum_kit.simgateway.instrument import MARKET_RULES, Instrument
from momentum_kit.simgateway.market import history
from momentum_kit.simgateway.market.generated_source import GeneratedSource
from momentum_kit.simgateway.market.headlines import PROVIDERS
from momentum_kit.simgateway.market.history import BarRequest, HistoryError, TickRequest
from momentum_kit.simgateway.market.tape import DayTape, TapeEvent, TapeSource, to_ms
from momentum_kit.simgateway.scenario import Scenario

__all__ = ["HistoryError", "Instrument", "Market", "open_market"]

EASY_TO_BORROW = 3.0
MOST_MATCHES = 16  # IB's own limit on matching symbols
# Scan code: rank by the day's last print and the close before it.
SCAN_RANKS: dict[str, Callable[[TradeEvent, float], float]] = {
    "TOP_PERC_GAIN": lambda last, close: last.price / close - 1,
    "TOP_PERC_LOSE": lambda last, close: 1 - last.price / close,
    "MOST_ACTIVE": lambda last, _: last.total_volume,
    "MOST_ACTIVE_USD": lambda last, _: last.price * last.total_volume,
}


class Market:
    """One market day that advances on demand; the same seed gives the same events, however advance is sliced.

    now: aware UTC, at first the scenario's start. providers: code -> name. market_rules: rule id -> bands of
    (low edge, increment) in USD.
    """

    SCANS = tuple(SCAN_RANKS)

    def __init__(self, scenario: Scenario, source: TapeSource) -> None:
        self.scenario = scenario
        self.instruments: dict[int, Instrument] = source.instruments
        self.market_rules: dict[int, tuple[tuple[float, float], ...]] = MARKET_RULES
        self.market_data_type: int = scenario.market_data_type
        self.providers: dict[str, str] = {code: PROVIDERS[code] for code in scenario.news.providers}
        self.now = scenario.starts_at.astimezone(UTC)
        self._source = source
        self._news_times = [event.time for event in source.headlines]
        self._shortable = {spec.symbol: spec.shortable for spec in scenario.universe.symbols}
        self._tapes: dict[int, DayTape] = {}
        # (ms, con_id, event, the rest of its tape): the next event of every active contract
        self._next: list[tuple[int, int, TapeEvent, Iterator[tuple[int, TapeEvent]]]] = []

    @property
    def ends(self) -> datetime:
        """When the scenario's market time ends; nothing happens after it."""
        return self.scenario.ends_at.astimezone(UTC)

    def next_stop(self, until: datetime) -> datetime | None:  # noqa: ARG002  (a RecordedMarket has stops)
        """When something is told at a time of its own before `until`, also in lock-step; here nothing is."""
        return None

    def activate(self, con_id: int) -> None:
        """From now on advance() yields this contract's quotes, trades and halts (idempotent)."""
        if con_id in self._tapes or con_id not in self.instruments:
            return
        tape = self._source.tape(con_id, self.scenario.day)
        if tape is None:
            return
        self._tapes[con_id] = tape
        self._push(con_id, tape.events(to_ms(self.now)))

    def deactivate(self, con_id: int) -> None:
        """advance() yields nothing of this contract any more, until it is activated again."""
        if self._tapes.pop(con_id, None) is not None:
            self._next = [entry for entry in self._next if entry[1] != con_id]
            heapq.heapify(self._next)

    def advance(self, to: datetime) -> list[MarketEvent]:
        """All news, and what happens to active contracts, in (now, to], in time order; never beyond `ends`."""
        return list(self.advancing(to))

    def advancing(self, to: datetime) -> Iterator[MarketEvent]:
        """The same one by one: `now` is the time of the last event given, at the end `to`. To be exhausted."""
        until = min(to, self.ends)
        if until <= self.now:
            return
        first, last = bisect_right(self._news_times, self.now), bisect_right(self._news_times, until)
        until_ms = to_ms(until)
        for event in self._source.headlines[first:last]:
            yield from self._drain(to_ms(event.time))  # at one ms the tape comes before the news
            self.now = event.time
            yield event
        yield from self._drain(until_ms)
        self.now = until

    def _drain(self, until_ms: int) -> Iterator[MarketEvent]:
        while self._next and self._next[0][0] <= until_ms:
            _, con_id, event, rest = heapq.heappop(self._next)
            self._push(con_id, rest)
            self.now = max(self.now, event.time)
            yield event

    def _push(self, con_id: int, rest: Iterator[tuple[int, TapeEvent]]) -> None:
        upcoming = next(rest, None)
        if upcoming:
            heapq.heappush(self._next, (upcoming[0], con_id, upcoming[1], rest))

    def _tape(self, con_id: int) -> DayTape | None:
        self.activate(con_id)
        return self._tapes.get(con_id)

    def quote(self, con_id: int, at: datetime | None = None) -> QuoteEvent | None:
        """The quote in force now, or at an earlier moment; None before the day's first."""
        tape = self._tape(con_id)
        return tape.quote_at(to_ms(at or self.now)) if tape else None

    def last(self, con_id: int, at: datetime | None = None) -> TradeEvent | None:
        """The day's last print up to now, or to an earlier moment; None before the first."""
        tape = self._tape(con_id)
        return tape.last_at(to_ms(at or self.now)) if tape else None

    def prices_since(self, con_id: int, after: datetime) -> list[QuoteEvent | TradeEvent]:
        """Quotes and prints in (after, now], in time order."""
        tape, until = self._tape(con_id), to_ms(self.now)
        found = takewhile(lambda row: row[0] <= until, tape.events(to_ms(after))) if tape else ()
        return [event for _, event in found if not isinstance(event, HaltEvent)]

    def halted(self, con_id: int) -> int:
        """0 trading, 1 general halt, 2 volatility pause."""
        tape = self._tape(con_id)
        return tape.halted_at(to_ms(self.now)) if tape else 0

    def shortable(self, con_id: int) -> float:
        """Tick 46: above 2.5 easy to borrow, above 1.5 by locate, else not at all."""
        known = self.instruments.get(con_id)
        return self._shortable.get(known.symbol, EASY_TO_BORROW) if known else EASY_TO_BORROW

    def previous_close(self, con_id: int) -> float:
        """Close of the session before the scenario's day, USD; nan where there is none."""
        days = self._source.earlier_days
        minutes = self._source.minutes(con_id, days[-1], "TRADES") if days else None
        return float(minutes.close[-1]) if minutes is not None and len(minutes) else float("nan")

    def bars(
        self, con_id: int, end: datetime | None, duration: str, bar_size: str, what: str, use_rth: bool
    ) -> list[Bar]:
        """Historical bars up to min(end, now), oldest first; HistoryError(code, text) as IB would refuse."""
        if con_id not in self.instruments:
            raise HistoryError(200, "No security definition has been found for the request")
        until = end or self.now + timedelta(milliseconds=1)  # what happens at this very ms is known
        request = BarRequest.parse(until, duration, bar_size, what, use_rth=use_rth)
        return history.bars(self._source, con_id, self.scenario.day, self.now, request)

    def ticks(
        self, con_id: int, what: str, start: datetime | None, end: datetime | None, count: int, *, use_rth: bool
    ) -> tuple[list[QuoteEvent], list[TradeEvent]]:
        """Quotes or prints of the past, oldest first; HistoryError as IB would refuse."""
        request = TickRequest(what=what, start=start, end=end, count=count, use_rth=use_rth)
        return history.ticks(self._source, con_id, self.scenario.day, self.now, request)

    def scan(self, code: str, above: float | None, below: float | None, volume: int | None) -> list[Instrument]:
        """Instruments by the rank that a scan code (one of SCANS) gives them now, best first.

        above, below: bounds of the price in USD; volume: least shares today; None where open. Without a print today or
        a close before it an instrument has no rank.
        """
        rank, found = SCAN_RANKS[code], []
        for con_id in self.instruments:
            tape = self._source.tape(con_id, self.scenario.day)
            last, close = tape.last_at(to_ms(self.now)) if tape else None, self.previous_close(con_id)
            if last is None or not close > 0 or last.total_volume < (volume or 0):
                continue
            if (above or 0.0) <= last.price <= (below or float("inf")):
                found.append((-rank(last, close), con_id))
        return [self.instruments[con_id] for _, con_id in sorted(found)]

    def news_history(
        self, con_id: int, providers: tuple[str, ...], start: datetime | None, end: datetime | None, limit: int
    ) -> tuple[list[NewsEvent], bool]:
        """A contract's headlines published in (start, end] and relayed by now, newest first; and: are there more."""
        relayed = self._source.headlines[: bisect_right(self._news_times, self.now)]
        found = [
            event
            for event in relayed
            if con_id in event.con_ids
            and event.provider in providers
            and (start is None or event.published > start)
            and (end is None or event.published <= end)
        ]
        found.sort(key=lambda event: (event.published, event.article_id), reverse=True)
        return found[:limit], len(found) > limit

    def article(self, provider: str, article_id: str) -> tuple[int, str] | None:
        """Type (0 text or HTML) and body of an article."""
        relayed = self._source.headlines[: bisect_right(self._news_times, self.now)]
        for event in relayed:
            if event.provider == provider and event.article_id == article_id:
                return 0, event.body
        return None

    def find(self, *, symbol: str = "", con_id: int = 0) -> list[Instrument]:
        """Instruments by exact symbol or con_id."""
        if con_id:
            known = self.instruments.get(con_id)
            return [known] if known and symbol in ("", known.symbol) else []
        return [instrument for instrument in self.instruments.values() if instrument.symbol == symbol.upper()]

    def matching(self, text: str) -> list[Instrument]:
        """Instruments whose symbol starts with, or whose name contains, `text` (at most 16)."""
        wanted = text.strip().upper()
        hits = [x for x in self.instruments.values() if x.symbol.startswith(wanted) or wanted in x.long_name.upper()]
        hits.sort(key=lambda hit: (hit.symbol != wanted, not hit.symbol.startswith(wanted), hit.symbol))
        return hits[:MOST_MATCHES] if wanted else []

    def truth(self) -> dict[str, Any]:
        """What was planted: {"planted": [{article_id, story, symbol, time, kind}], "decoys": [...]}."""
        return self._source.truth


def open_market(scenario: Scenario) -> Market:
    """The generated market of a scenario; ScenarioError for one that waits for real bars (bar_market.py)."""
    if scenario.market == "archive":
        raise ScenarioError(f"scenario {scenario.name or scenario.market} needs real bars: give an archive and a day")
    return Market(scenario, GeneratedSource(scenario))
