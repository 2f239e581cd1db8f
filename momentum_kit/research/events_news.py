"""Headlines to the news items of a study: the same functions and the same order of skips as services/news_handler.py.

What the engine asks the broker, which contract a ticker is, a study asks the dated symbol master.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar

import pandas as pd

from momentum_kit.config import NewsSettings
from momentum_kit.detection.columns import micros
from momentum_kit.detection.headlines import CleanHeadline, clean_headline
from momentum_kit.detection.story_memory import StoryMemory
from momentum_kit.detection.symbols import Layer, Mention, SymbolMaster, canonical, extract_tickers, name_agrees
from momentum_kit.errors import ResearchError
from momentum_kit.models import Contract, Headline, HeadlinePhase
from momentum_kit.research.events_latency import Latency
from momentum_kit.research.events_source import Source
from momentum_kit.sessions import exchange_day
from momentum_kit.storage.archive_event_rows import DatedMaster

T = TypeVar("T")
Run = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Applies a function to each of many things, in their order; the builtin map is one."""

CHUNK = 5_000  # headlines read at once


class NewsRow(NamedTuple):
    """One story tied to one contract; times in microseconds. name: the company's, to tell the buyer from the bought."""

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


@dataclass(slots=True)
class News:
    """rows: the items. skips: headlines by the reason that nothing came of them. heard, imputed: headlines counted."""

    rows: list[NewsRow] = field(default_factory=list)
    heard: int = 0
    imputed: int = 0
    with_ticker: int = 0
    skips: Counter[str] = field(default_factory=Counter)
    future: int = 0
    first_future: str = ""

    @property
    def marks(self) -> tuple[str, ...]:
        """What a reader of the study must be told."""
        marks = []
        if self.imputed:
            marks.append("IMPUTED")
        if lost := self.skips["unknown contract"]:
            marks.append(f"SURVIVORSHIP: {lost} of {self.with_ticker} headlines with a ticker matched nothing")
        if self.future:
            marks.append(
                f"FUTURE STAMPS: {self.future} headlines, first {self.first_future}; check the provider's clock"
            )
        return tuple(marks)

    def frame(self) -> pd.DataFrame:
        """One row an item, with the New York day of its reception."""
        frame = pd.DataFrame(self.rows, columns=list(NewsRow._fields))
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
    memory, news = StoryMemory(timedelta(hours=settings.dedupe_h)), News()
    listings = Listings(source)
    lines = _in_order_of_reception(
        source, first_day - timedelta(days=1 + int(settings.dedupe_h / 24)), last_day, latency
    )
    for line, imputed, (clean, mentions) in _read(lines, master, run):
        day = exchange_day(line.received_at or line.published_at)
        counts = first_day <= day <= last_day
        symbols = [mention.symbol for mention in mentions]
        new = memory.hear(clean.story_id, clean.normalised, symbols, line.received_at or line.published_at)
        known = memory.symbols(clean.story_id, clean.normalised)
        reason = _reason(line, settings, new, mentions, known)
        found = [] if reason else listings.resolve(line, [m for m in mentions if m.symbol in (new or ())], day, master)
        if counts:
            _count(news, line, imputed, reason or ("" if found else "unknown contract"), bool(mentions))
            news.rows += [_row(line, imputed, clean, len(mentions), *each) for each in found]
    if not news.heard:
        raise ResearchError(f"no headlines from {first_day} to {last_day}; choose other days or download some")
    if news.skips["not recorded"] == news.heard:
        raise ResearchError("nobody recorded when these headlines were received; give a latency to impute it")
    return news


class Listings:
    """Which contract a ticker was on a day, as the symbol master of that day has it; asked in order of time."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._day: date | None = None
        self._master: DatedMaster | None = None
        self._known: dict[str, tuple[int, str]] = {}

    def resolve(
        self, line: Headline, mentions: Sequence[Mention], day: date, master: SymbolMaster | None
    ) -> list[tuple[Contract, str]]:
        """The contracts that a headline is about, each once, with their companies' names."""
        found: dict[int, tuple[Contract, str]] = {}
        for mention in mentions:
            own = line.contract if mention.layer is Layer.CONTRACT else None
            if own and own.con_id:
                found.setdefault(own.con_id, (own, master.name(own.symbol) if master else ""))
                continue
            con_id, name = self._on(day).get(mention.symbol, (0, ""))
            doubtful = master is None and mention.needs_name and not name_agrees(name, mention)
            if con_id and not doubtful:
                found.setdefault(con_id, (Contract(mention.symbol, con_id), name))
        return list(found.values())

    def _on(self, day: date) -> dict[str, tuple[int, str]]:
        if day != self._day:
            # nothing that old: the newest there is; what it has lost since is counted as survivorship
            dated = self._source.symbol_master(day) or self._source.symbol_master(date.max)
            if dated and (self._master is None or dated.day != self._master.day):
                self._master, self._known = dated, _by_symbol(dated)
            self._day = day
        return self._known


def _by_symbol(master: DatedMaster) -> dict[str, tuple[int, str]]:
    """con_id and name of the symbols that mean one US stock, as the engine's address book chooses."""
    stocks = [each for each in master.listings if each.sec_type == "STK" and each.currency == "USD"]
    named = Counter(canonical(each.symbol) for each in stocks)
    return {canonical(each.symbol): (each.con_id, each.name) for each in stocks if named[canonical(each.symbol)] == 1}


def _in_order_of_reception(
    source: Source, first_day: date, last_day: date, latency: Latency | None
) -> Iterator[tuple[Headline, bool]]:
    """Month by month, so that a year need not be held at once; what is received next month waits for it."""
    waiting: list[tuple[datetime, int, Headline, bool]] = []
    number = itertools.count()
    while first_day <= last_day:
        month_end = (first_day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        for line in source.headlines(first_day, min(month_end, last_day)):
            micros(line.published_at)  # refuses a naive time
            imputed = line.received_at is None and latency is not None
            received = latency.received_at(line) if imputed and latency else line.received_at
            waiting.append((received or line.published_at, next(number), line, imputed))
        waiting.sort(key=lambda each: each[:2])
        ready = [each for each in waiting if exchange_day(each[0]) <= month_end or month_end >= last_day]
        waiting = waiting[len(ready) :]
        for received, _, line, imputed in ready:
            yield _received(line, received) if imputed else line, imputed
        first_day = month_end + timedelta(days=1)


def _received(line: Headline, at: datetime) -> Headline:
    return Headline(
        line.provider, line.article_id, line.text, line.published_at, at, line.extra, line.contract, HeadlinePhase.LIVE
    )


Reading = tuple[CleanHeadline, tuple[Mention, ...]]


def _read(
    lines: Iterable[tuple[Headline, bool]], master: SymbolMaster | None, run: Run
) -> Iterator[tuple[Headline, bool, Reading]]:
    chunks, copies = itertools.tee(_batched(lines))
    readings = run(partial(read_headlines, master=master), ([line for line, _ in chunk] for chunk in copies))
    for chunk, read in zip(chunks, readings, strict=True):
        for (line, imputed), reading in zip(chunk, read, strict=True):
            yield line, imputed, reading


def _batched(lines: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(lines)
    while chunk := list(itertools.islice(iterator, CHUNK)):
        yield chunk


def read_headlines(lines: Sequence[Headline], master: SymbolMaster | None) -> list[Reading]:
    """Clean each headline and find the tickers in it, as the news handler does."""
    found = []
    for line in lines:
        clean = clean_headline(line.text, line.extra, line.article_id)
        found.append((clean, extract_tickers(clean.text, line.contract.symbol if line.contract else "", master)))
    return found


def _reason(
    line: Headline,
    settings: NewsSettings,
    new: list[str] | None,
    mentions: Sequence[Mention],
    known: frozenset[str],
) -> str:
    """Why nothing comes of a headline, in the order in which the news handler asks."""
    if line.received_at is None:
        return "not recorded"
    age_s = (line.received_at - line.published_at).total_seconds()
    if line.phase is not HeadlinePhase.LIVE or abs(age_s) > settings.max_age_s:
        return "not live"
    if new is None:
        return "duplicate story"
    if not mentions:
        return "no ticker"
    return "round-up" if len(known) > settings.max_tickers else ""


def _count(news: News, line: Headline, imputed: bool, reason: str, with_ticker: bool) -> None:
    news.heard += 1
    news.imputed += imputed
    news.skips[reason] += bool(reason)
    news.with_ticker += with_ticker and reason in ("", "unknown contract")
    if line.received_at is not None and line.published_at > line.received_at:
        news.future += 1
        ahead_s = (line.published_at - line.received_at).total_seconds()
        news.first_future = news.first_future or f"{line.provider} {line.article_id} by {ahead_s:.1f} s"


def _row(line: Headline, imputed: bool, clean: CleanHeadline, n_tickers: int, contract: Contract, name: str) -> NewsRow:
    return NewsRow(
        f"{clean.story_id}:{contract.con_id}",
        clean.story_id,
        contract.symbol,
        contract.con_id,
        line.provider,
        micros(line.published_at),
        micros(line.received_at or line.published_at),
        imputed,
        clean.text,
        name,
        clean.analyst_action,
        clean.sentiment,
        clean.confidence,
        n_tickers,
    )
