"""One month of headlines, cleaned and searched for tickers: the part of reading news that needs no memory."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from momentum_kit.detection.batch import micros
from momentum_kit.detection.news import MatchLayer, Mention, SymbolMaster, clean_headline, extract_tickers
from momentum_kit.models import Headline, HeadlinePhase
from momentum_kit.research.events.latency import Latency
from momentum_kit.research.events.source import Source
from momentum_kit.sessions import exchange_day


class Named(NamedTuple):
    """A company that a headline names; own: the contract of its subscription. before: see detection's Mention."""

    symbol: str
    own: bool
    needs_name: bool
    before: str


class Reading(NamedTuple):
    """A headline as the rules read it: plain values only, for it may come from another machine.

    heard_at: its place in the order of reception, the publication where nobody recorded the reception and none was
    imputed (recorded is False then). day: of heard_at. live: it may be traded.
    """

    provider: str
    article_id: str
    published_us: int
    received_us: int
    heard_at: datetime
    day: date
    published_day: date
    recorded: bool
    imputed: bool
    live: bool
    own_symbol: str
    own_con_id: int
    story_id: str
    normalised: str
    text: str
    analyst_action: bool
    sentiment: float
    confidence: float
    mentions: tuple[Named, ...]


def read_month(
    span: tuple[date, date], source: Source, latency: Latency | None, master: SymbolMaster | None
) -> list[Reading]:
    """The headlines published on the days of the span. Raises ResearchError for a naive time."""
    return read(source.headlines(*span), latency, master)


def read(lines: Sequence[Headline], latency: Latency | None, master: SymbolMaster | None) -> list[Reading]:
    """Clean each headline and find the tickers in it, as the news handler does; impute a reception nobody recorded."""
    return [_read(line, latency, master) for line in lines]


def month_end(day: date) -> date:
    """The last day of its month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _read(line: Headline, latency: Latency | None, master: SymbolMaster | None) -> Reading:
    published_us = micros(line.published_at)
    received_at = line.received_at
    imputed = received_at is None and latency is not None
    if received_at is None and latency is not None:
        received_at = latency.received_at(line)
    heard_at = received_at or line.published_at
    clean = clean_headline(line.text, line.extra, line.article_id)
    own = line.contract
    return Reading(
        line.provider,
        line.article_id,
        published_us,
        micros(heard_at),
        heard_at,
        exchange_day(heard_at),
        exchange_day(line.published_at),
        received_at is not None,
        imputed,
        imputed or line.phase is HeadlinePhase.LIVE,
        own.symbol if own else "",
        own.con_id if own else 0,
        clean.story_id,
        clean.normalised,
        clean.text,
        clean.analyst_action,
        clean.sentiment,
        clean.confidence,
        tuple(_named(mention) for mention in extract_tickers(clean.text, own.symbol if own else "", master)),
    )


def _named(mention: Mention) -> Named:
    needs_name = mention.needs_name
    return Named(mention.symbol, mention.layer is MatchLayer.CONTRACT, needs_name, mention.before if needs_name else "")
