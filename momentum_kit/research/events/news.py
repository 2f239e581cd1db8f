"""Turns headlines into the news items of a study, with the functions and in the order of skips of services/news.

What the engine asks the broker, which contract a ticker is, a study asks the dated symbol master.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from momentum_kit.config import NewsSettings
from momentum_kit.detection.news import (
    UPDATED_WITHIN,
    Hearing,
    StoryMemory,
    SymbolMaster,
    bars_later,
    classify,
    disagreement,
    distinctive_words,
    out_of_time,
)
from momentum_kit.errors import ResearchError
from momentum_kit.models import canonical_symbol
from momentum_kit.research.events.reading import HeardHeadline, Latency, month_end, read_month
from momentum_kit.research.source import Source
from momentum_kit.storage.archive import BARS, BARS_5S, DatedMaster, Listing
from momentum_kit.storage.quality import Stamps

UNJUDGED = ("not live", "future stamp", "round-up")  # too late, too early, of too many: but of known companies
IMPUTED = "IMPUTED"  # the mark of receptions that nobody recorded
_BEFORE_CONTRACTS = frozenset({"not recorded", "not live", "duplicate story", "no ticker", "round-up"})

Run = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Applies a function to each of many things, in their order; the builtin map is one."""


class NewsRow(NamedTuple):
    """One story tied to one contract; times in microseconds. name: the company's, to tell the buyer from the bought.

    later_at, later_catalyst: of a later telling that bars it from then on; 0 and empty without one.
    """

    item_id: str
    story_id: str
    symbol: str
    con_id: int
    provider: str
    published_at: int
    received_at: int
    imputed: bool
    text: str
    name: str
    analyst_action: bool
    sentiment: float
    confidence: float
    n_tickers: int
    later_at: int = 0
    later_catalyst: str = ""


@dataclass(slots=True, kw_only=True)
class News:
    """rows: the items. skips: headlines by the reason that nothing came of them. heard, imputed: headlines counted.

    uninformative: of the imputed those whose reception stands in the data and tells nothing (quality/stamps.py).

    refused: what would have become of headlines that were refused unjudged, by reason (too late, a round-up).
    dated: a symbol master told which contract a ticker was.
    """

    rows: list[NewsRow] = field(default_factory=list)
    refused: dict[str, list[NewsRow]] = field(default_factory=dict)
    heard: int = 0
    imputed: int = 0
    uninformative: int = 0
    with_ticker: int = 0
    skips: Counter[str] = field(default_factory=Counter)
    dated: bool = True
    future: int = 0
    first_future: str = ""

    @property
    def marks(self) -> tuple[str, ...]:
        """What a reader of the study must be told."""
        marks = []
        if self.imputed:
            marks.append(IMPUTED)
            if self.uninformative:
                told = f"{self.uninformative} of {self.heard} receptions are rounded, or all of one delay or of none"
                marks.append(f"{IMPUTED}: {told}")
        if lost := self.skips["unknown contract"]:
            marks.append(f"SURVIVORSHIP: {lost} of {self.with_ticker} headlines with a ticker matched nothing")
        if not self.dated:
            marks.append("SURVIVORSHIP: no symbol master, a ticker is whatever has bars here")
        if self.future:
            marks.append(
                f"FUTURE STAMPS: {self.future} headlines, first {self.first_future}; check the provider's clock"
            )
        return tuple(marks)

    def frame(self, refused: str = "") -> pd.DataFrame:
        """One row an item, with the New York day of its reception; refused: those of this reason instead."""
        rows = self.refused[refused] if refused else self.rows
        frame = pd.DataFrame(rows, columns=list(NewsRow._fields))
        for name in ("published_at", "received_at"):
            frame[name] = pd.to_datetime(frame[name], unit="us", utc=True).astype("datetime64[us, UTC]")
        frame["day"] = frame["received_at"].dt.tz_convert("America/New_York").dt.tz_localize(None).dt.normalize()
        return frame


def read_news(
    source: Source,
    first_day: date,
    last_day: date,
    settings: NewsSettings,
    latency: Latency | None = None,
    master: SymbolMaster | None = None,
    run: Run = map,
) -> News:
    """The news items received from first_day to last_day (New York, both included).

    master: what the live session has as news.symbol_master, None for none. latency: imputes receptions nobody
    recorded; without it such a headline is not live, and it is refused if that leaves nothing.
    Raises ResearchError for a naive time and for a selection in which nothing was heard.
    """
    memory, listings = StoryMemory(timedelta(hours=settings.dedupe_h)), Listings(source)
    news = News(dated=listings.dated)
    told: dict[str, list[int]] = {}  # by story: its rows
    months = _months(first_day - timedelta(days=1 + int(settings.dedupe_h / 24)), last_day)
    stamps = Stamps.of(source.headlines(first_day - timedelta(days=1), last_day))
    readings = run(partial(read_month, source=source, latency=latency, master=master, stamps=stamps), months)
    for reading in _in_order_of_reception(readings):
        heard = memory.hear(reading.telling, reading.heard_at)
        reason = _reason(reading, settings, heard)
        found, refused = ([], "") if reason else listings.resolve(reading, heard.new, master)
        if heard.known and reason in ("", "duplicate story"):
            _update(news.rows, told.get(heard.story_id, ()), reading)
        told_of = [named.symbol for named in reading.mentions] if reason in UNJUDGED else []
        barred = listings.resolve(reading, told_of, master)[0]
        if not reason and not found:
            reason = refused.partition(":")[0] or "unknown contract"
        if first_day <= reading.day <= last_day:
            _count(news, reading, reason)
            told.setdefault(heard.story_id, []).extend(range(len(news.rows), len(news.rows) + len(found)))
            news.rows += [_row(reading, heard.story_id, *each) for each in found]
            if barred:
                of_reason = news.refused.setdefault(reason, [])
                of_reason += [_row(reading, heard.story_id, *each) for each in barred]
    if not news.heard:
        raise ResearchError(f"no headlines from {first_day} to {last_day}; choose other days or download some")
    if news.skips["not recorded"] == news.heard:
        raise ResearchError("nobody recorded when these headlines were received; give a latency to impute it")
    return news


def _months(first_day: date, last_day: date) -> Iterator[tuple[date, date]]:
    """First and last day of each month, cut at the ends."""
    while first_day <= last_day:
        yield first_day, min(month_end(first_day), last_day)
        first_day = month_end(first_day) + timedelta(days=1)


def _in_order_of_reception(months: Iterable[list[HeardHeadline]]) -> Iterator[HeardHeadline]:
    """Month by month, so that a year need not be held at once; what is received next month waits for it."""
    waiting: list[HeardHeadline] = []
    for readings in months:
        if readings:
            waiting = sorted([*waiting, *readings], key=lambda reading: reading.heard_at)
            end = max(reading.published_day for reading in readings)
            ready = sum(reading.day <= end for reading in waiting)
            yield from waiting[:ready]
            del waiting[:ready]
    yield from waiting


def _reason(reading: HeardHeadline, settings: NewsSettings, heard: Hearing) -> str:
    """Why nothing comes of a headline, in the order in which the news handler asks."""
    if not reading.recorded:
        return "not recorded"
    age_s = (reading.received_us - reading.published_us) / 1e6
    if reason := out_of_time(age_s, settings.max_age_s, settings.max_future_s) if reading.live else "not live":
        return reason
    if heard.known and not heard.new:
        return "duplicate story"
    if not reading.mentions:
        return "no ticker"
    return "round-up" if heard.symbols > settings.max_tickers else ""


def _update(rows: list[NewsRow], told: Iterable[int], reading: HeardHeadline) -> None:
    """A later telling of a story bars its items as it does in a session; see the news handler."""
    for place in told:
        row = rows[place]
        if row.later_catalyst or reading.received_us - row.received_at > UPDATED_WITHIN.total_seconds() * 1e6:
            continue
        first = classify(row.text, (row.symbol, *distinctive_words(row.name)[:1]), analyst_action=row.analyst_action)
        later = classify(reading.text, (row.symbol,), analyst_action=reading.analyst_action)
        if bars_later(first.catalyst, later.catalyst):
            rows[place] = row._replace(later_at=reading.received_us, later_catalyst=later.catalyst.value)


def _count(news: News, reading: HeardHeadline, reason: str) -> None:
    news.heard += 1
    news.imputed += reading.imputed
    news.uninformative += reading.uninformative
    news.skips[reason] += bool(reason)
    news.with_ticker += bool(reading.mentions) and reason not in _BEFORE_CONTRACTS
    ahead_us = reading.published_us - reading.received_us
    if ahead_us > 0:
        news.future += 1
        news.first_future = news.first_future or f"{reading.provider} {reading.article_id} by {ahead_us / 1e6:.1f} s"


def _row(reading: HeardHeadline, story_id: str, symbol: str, con_id: int, name: str) -> NewsRow:
    return NewsRow(
        item_id=f"{story_id}:{con_id}",
        story_id=story_id,
        symbol=symbol,
        con_id=con_id,
        provider=reading.provider,
        published_at=reading.published_us,
        received_at=reading.received_us,
        imputed=reading.imputed,
        text=reading.text,
        name=name,
        analyst_action=reading.analyst_action,
        sentiment=reading.sentiment,
        confidence=reading.confidence,
        n_tickers=len(reading.mentions),
    )


class Listings:
    """The symbol masters of a source, asked day after day; where it has none, a ticker is whatever has bars."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.dated = source.symbol_master(date.max) is not None
        self._day: date | None = None
        self._master: DatedMaster | None = None
        self._known: dict[str, Listing] = {}

    def resolve(
        self, reading: HeardHeadline, symbols: Collection[str], master: SymbolMaster | None
    ) -> tuple[list[tuple[str, int, str]], str]:
        """Symbol, con_id and name of the named companies among `symbols`, each contract once.

        With it the check that refused another of them, empty where none did.
        """
        found: dict[int, tuple[str, int, str]] = {}
        refused = ""
        names = master.as_of(reading.day) if master else None
        for named in reading.mentions:
            if named.symbol not in symbols:
                continue
            known = self._listed(named.symbol, reading.day)
            known_name = names.name(named.symbol) if names else ""
            if named.own and reading.own_con_id and known.con_id != reading.own_con_id:
                known = Listing(symbol=reading.own_symbol, con_id=reading.own_con_id, name=known_name)
            if not known.con_id:
                continue
            reason = disagreement(
                named.mention,
                reading.text,
                long_name=known.name,
                stock_type=known.stock_type,
                primary_exchange=known.primary_exchange,
                known_name=known_name,
            )
            refused = refused or reason
            if not reason:
                symbol = reading.own_symbol if named.own and reading.own_symbol else named.symbol
                found.setdefault(known.con_id, (symbol, known.con_id, known.name))
        return list(found.values()), refused

    def _listed(self, symbol: str, day: date) -> Listing:
        """What the source knows of a symbol on a day; con_id 0 for nothing."""
        if not self.dated:
            return Listing(symbol=symbol, con_id=self._with_bars(symbol), name="")
        return self._on(day).get(symbol, Listing(symbol=symbol, con_id=0, name=""))

    def _with_bars(self, symbol: str) -> int:
        known = any(self._source.provenances(kind, symbol) for kind in (BARS, BARS_5S))
        return int.from_bytes(symbol.encode()) if known else 0  # nobody knows its id: one that is its own

    def _on(self, day: date) -> dict[str, Listing]:
        if day != self._day:
            # nothing that old: the newest there is; what it has lost since is counted as survivorship
            dated = self._source.symbol_master(day) or self._source.symbol_master(date.max)
            if dated and (self._master is None or dated.day != self._master.day):
                self._master, self._known = dated, _by_symbol(dated)
            self._day = day
        return self._known


def _by_symbol(master: DatedMaster) -> dict[str, Listing]:
    """The lines of the symbols that mean one US stock, as the engine's address book chooses."""
    stocks = [each for each in master.listings if each.sec_type == "STK" and each.currency == "USD"]
    spelled = [(canonical_symbol(each.symbol), each) for each in stocks]
    named = Counter(symbol for symbol, _ in spelled)
    return {symbol: each for symbol, each in spelled if named[symbol] == 1}
