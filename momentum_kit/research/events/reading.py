"""Headlines cleaned and searched for tickers, a month at a time: the part of reading news that needs no memory.

A reception that nobody recorded is imputed here, from the latency that was measured on other headlines. What is read
may come from another machine; news.py beside this module puts it in order and remembers the stories.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np

from momentum_kit.detection.batch import micros
from momentum_kit.detection.news import MatchLayer, Mention, SymbolMaster, Telling, read_headline
from momentum_kit.errors import ResearchError
from momentum_kit.models import Headline, HeadlinePhase
from momentum_kit.research.source import Source
from momentum_kit.sessions import exchange_day
from momentum_kit.storage.quality import Stamps

ANY = ""


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from publication to reception by provider; the key "" stands for those without samples of their own.

    A draw depends on the seed and the headline alone, so that no other headline changes it.
    """

    samples_s: Mapping[str, Sequence[float]]
    seed: int = 0

    def __post_init__(self) -> None:
        for provider, samples in self.samples_s.items():
            if not len(samples) or not np.isfinite(samples).all():
                raise ResearchError(
                    f"latency of {provider or 'any provider'}: give at least one finite number of seconds"
                )

    @classmethod
    def measured(cls, headlines: Iterable[Headline], seed: int = 0) -> "Latency":
        """From headlines that were heard live, and whose times tell it; ResearchError where there is none."""
        samples: dict[str, list[float]] = {}
        lines = list(headlines)
        stamps = Stamps.of(lines)
        for line in lines:
            guessed = stamps.reception(line)[1]
            if line.received_at is not None and line.phase is HeadlinePhase.LIVE and not guessed:
                latency_s = (line.received_at - line.published_at).total_seconds()
                for key in (line.provider, ANY):
                    samples.setdefault(key, []).append(latency_s)
        if not samples:
            raise ResearchError(
                "latency: no headline was heard live and measured; record a session, or give the seconds"
            )
        return cls(samples, seed)

    def received_at(self, headline: Headline) -> datetime:
        """A reception time of this headline; ResearchError for a provider without samples."""
        samples = self.samples_s.get(headline.provider) or self.samples_s.get(ANY)
        if not samples:
            raise ResearchError(f"latency: no samples of {headline.provider}; give them, or some for any provider")
        symbol = headline.contract.symbol if headline.contract else ""
        key = f"{self.seed}|{headline.provider}|{headline.article_id}|{symbol}|{headline.published_at.isoformat()}"
        share = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=7).digest(), "big") / 2**56
        return headline.published_at + timedelta(seconds=float(np.quantile(samples, share)))


class Named(NamedTuple):
    """A company that a headline names, as plain values; see detection's Mention."""

    symbol: str
    layer: int
    before: str
    alone: bool
    words: str
    exchange: str

    @property
    def own(self) -> bool:
        """True for the contract of the headline's subscription."""
        return self.layer == MatchLayer.CONTRACT

    @property
    def mention(self) -> Mention:
        """As detection has it."""
        return Mention(
            symbol=self.symbol,
            layer=MatchLayer(self.layer),
            before=self.before,
            alone=self.alone,
            words=self.words,
            exchange=self.exchange,
        )


class HeardHeadline(NamedTuple):
    """A headline as the rules read it, with its times: plain values only, for it may come from another machine.

    heard_at: its place in the order of reception, the publication where nobody recorded the reception and none was
    imputed (recorded is False then). uninformative: a reception stands in the data and tells nothing. day: of heard_at.
    live: it may be traded.
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
    uninformative: bool
    live: bool
    own_symbol: str
    own_con_id: int
    telling: Telling
    text: str
    analyst_action: bool
    sentiment: float
    confidence: float
    mentions: tuple[Named, ...]


def read_month(
    span: tuple[date, date], source: Source, latency: Latency | None, master: SymbolMaster | None, stamps: Stamps
) -> list[HeardHeadline]:
    """The headlines published on the days of the span. Raises ResearchError for a naive time."""
    return read(source.headlines(*span), latency, master, stamps)


def read(
    lines: Sequence[Headline], latency: Latency | None, master: SymbolMaster | None, stamps: Stamps | None = None
) -> list[HeardHeadline]:
    """Clean each headline and find the tickers in it, as the news handler does; impute a reception nobody recorded.

    stamps: what the times of a feed can tell; measured on these lines unless given.
    """
    known = stamps or Stamps.of(lines)
    return [_read(line, latency, master, known) for line in lines]


def month_end(day: date) -> date:
    """The last day of its month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _read(line: Headline, latency: Latency | None, master: SymbolMaster | None, stamps: Stamps) -> HeardHeadline:
    published_us = micros(line.published_at)
    received_at, imputed = stamps.reception(line)
    if received_at is None and latency is not None:
        received_at, imputed = latency.received_at(line) + stamps.grain(line), True
    heard_at = received_at or line.published_at
    own, day = line.contract, exchange_day(heard_at)
    reading = read_headline(
        line.text,
        extra=line.extra,
        article_id=line.article_id,
        contract_symbol=own.symbol if own else "",
        master=master.as_of(day) if master else None,
    )
    clean = reading.clean
    return HeardHeadline(
        provider=line.provider,
        article_id=line.article_id,
        published_us=published_us,
        received_us=micros(heard_at),
        heard_at=heard_at,
        day=day,
        published_day=exchange_day(line.published_at),
        recorded=received_at is not None,
        imputed=imputed,
        uninformative=imputed and line.received_at is not None,
        live=imputed or line.phase is HeadlinePhase.LIVE,
        own_symbol=own.symbol if own else "",
        own_con_id=own.con_id if own else 0,
        telling=Telling.of(reading),
        text=clean.text,
        analyst_action=clean.analyst_action,
        sentiment=clean.sentiment,
        confidence=clean.confidence,
        mentions=tuple(map(_named, reading.mentions)),
    )


def _named(mention: Mention) -> Named:
    return Named(
        symbol=mention.symbol,
        layer=int(mention.layer),
        before=mention.before,
        alone=mention.alone,
        words=mention.words,
        exchange=mention.exchange,
    )
