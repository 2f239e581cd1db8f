"""Turns headlines into news items tied to contracts; the first service of the flow."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from momentum_kit.config import NewsSettings
from momentum_kit.detection.news import Layer, Mention, StoryMemory, SymbolMaster, name_agrees
from momentum_kit.errors import BrokerError, NotConnected, RequestFailed
from momentum_kit.models import Contract, Headline, HeadlinePhase, IncidentRow, NewsItem
from momentum_kit.ports import Clock, HeadlineReader, Journal, MarketData, NewsFeed
from momentum_kit.services.consuming import consume, run_together
from momentum_kit.services.news.contract_book import ContractBook, LookUp
from momentum_kit.services.news.reading_headlines import (
    ParsedHeadline,
    make_item,
    parse_headline,
    write_headline,
    write_item,
)

READERS = 4  # headlines read at once by the optional reader
READINGS_BOUND = 100  # more wait for no reading: the rules' reading stands


class NewsHandler:
    """Hears every configured tape, and hands on each live story once per company it is about.

    A headline is handled wholly before its stream is asked for the next, and one at a time over all streams, so that
    their order alone decides. queues: the internal ones, for whoever must know whether work is left.
    """

    def __init__(
        self,
        feed: NewsFeed,
        market: MarketData,
        journal: Journal,
        clock: Clock,
        settings: NewsSettings,
        master: SymbolMaster | None,
        reader: HeadlineReader | None,
        items: asyncio.Queue[NewsItem],
        counts: Counter[str],
    ) -> None:
        self._feed = feed
        self._journal = journal
        self._clock = clock
        self._settings = settings
        self._master = master
        self._reader = reader
        self._items = items
        self._counts = counts
        self._book = ContractBook(market)
        self._memory = StoryMemory(timedelta(hours=settings.dedupe_h))
        self._turn = asyncio.Lock()
        self._readings: asyncio.Queue[NewsItem] = asyncio.Queue(READINGS_BOUND)
        self.queues: dict[str, asyncio.Queue[Any]] = {"readings": self._readings}

    async def run(self) -> None:
        """Run until cancelled; a lost connection or a bug ends it with that error."""
        listeners = [self._listen(source) for source in await self._sources()]
        reader = self._reader
        readers = [consume(self._readings, partial(self._read, reader)) for _ in range(READERS)] if reader else []
        await run_together(*listeners, *readers, _for_ever())

    # -- sources -----------------------------------------------------------------------------------------------------

    async def _sources(self) -> list[str | Sequence[Contract]]:
        """The broad tapes the account is entitled to, and the watched symbols' own news."""
        sources: list[str | Sequence[Contract]] = []
        entitled = await self._entitled()
        for code in self._settings.broad_tapes:
            if entitled is None or code in entitled:
                sources.append(code)
            else:
                self._incident(f"not entitled to {code}; entitled to {', '.join(sorted(entitled)) or 'none'}")
        contracts = []
        for symbol in self._settings.watch_symbols:
            found = await self._book.look_up(symbol)
            if found.contract:
                contracts.append(found.contract)
            else:
                self._incident(f"watch symbol {symbol}: {found.reason}")
        if contracts:
            sources.append(contracts)
        if not sources:
            self._incident("no headlines are heard: no tape is entitled and no symbol is watched")
        return sources

    async def _entitled(self) -> set[str] | None:
        try:
            return {provider.code for provider in await self._feed.fetch_news_providers()}
        except NotConnected:
            raise
        except BrokerError as error:
            self._incident(f"providers unknown, trying all: {error}")
            return None

    async def _listen(self, source: str | Sequence[Contract]) -> None:
        stream = self._feed.stream_headlines(source)
        try:
            async for headline in stream:
                async with self._turn:
                    await self._handle(headline)
        except RequestFailed as error:  # one feed refused is an incident; the others are still heard
            self._incident(f"{source if isinstance(source, str) else 'watched symbols'}: {error}")
        finally:
            if aclose := getattr(stream, "aclose", None):
                await aclose()

    # -- one headline ------------------------------------------------------------------------------------------------

    async def _handle(self, headline: Headline) -> None:
        parsed = parse_headline(headline, self._master)
        self._counts["headlines"] += 1
        mentions, reason = self._select(parsed)
        started = time.perf_counter()
        found = [] if reason else await self._resolve(headline, mentions)
        resolve_ms = (time.perf_counter() - started) * 1e3
        if not reason and not found:
            reason = "unknown contract"
        if reason:
            self._counts[f"skip: {reason}"] += 1
        write_headline(self._journal, self._clock, parsed, reason, resolve_ms)
        for look_up in found:
            if look_up.contract:
                await self._emit(make_item(parsed, look_up.contract, look_up.long_name, resolve_ms))

    def _select(self, parsed: ParsedHeadline) -> tuple[list[Mention], str]:
        """The mentions to follow, or the reason to skip; every story is remembered, whatever becomes of it."""
        clean, mentions = parsed.clean, parsed.mentions
        symbols = [mention.symbol for mention in mentions]
        new = self._memory.hear(clean.story_id, clean.normalised, symbols, self._clock.now())
        if not self._is_live(parsed.headline):
            return [], "not live"
        if new is None:
            return [], "duplicate story"
        if not mentions:
            return [], "no ticker"
        if len(self._memory.symbols(clean.story_id, clean.normalised)) > self._settings.max_tickers:
            return [], "round-up"
        return [mention for mention in mentions if mention.symbol in new], ""

    def _is_live(self, headline: Headline) -> bool:
        if headline.phase is not HeadlinePhase.LIVE or headline.received_at is None:
            return False
        # a stamp far in the future is as little believed as one long ago
        age_s = (headline.received_at - headline.published_at).total_seconds()
        return abs(age_s) <= self._settings.max_age_s

    async def _resolve(self, headline: Headline, mentions: list[Mention]) -> list[LookUp]:
        found: dict[int, LookUp] = {}
        for mention in mentions:
            own = headline.contract if mention.layer is Layer.CONTRACT else None
            if own and own.con_id:
                name = self._master.name(own.symbol) if self._master else ""
                found.setdefault(own.con_id, LookUp(own, name))
                continue
            look_up = await self._book.look_up(mention.symbol)
            doubtful = self._master is None and mention.needs_name and not name_agrees(look_up.long_name, mention)
            if look_up.contract and not doubtful:
                found.setdefault(look_up.contract.con_id, look_up)
        return list(found.values())

    async def _emit(self, item: NewsItem) -> None:
        self._counts["items"] += 1
        await self._items.put(item)
        if self._reader and not self._readings.full():
            self._readings.put_nowait(item)
        else:
            write_item(self._journal, self._clock, item)

    async def _read(self, reader: HeadlineReader, item: NewsItem) -> None:
        """The second reading follows its item; until it comes, and if it does not, the rules' reading stands."""
        reading = await reader.read(item.text, item.contract.symbol)
        if reading:
            item = replace(item, reading=reading)
            await self._items.put(item)
        write_item(self._journal, self._clock, item)

    def _incident(self, text: str) -> None:
        self._journal.write(IncidentRow(at=self._clock.now(), kind="news", text=text))


async def _for_ever() -> None:
    """A session without a single feed still protects its positions."""
    await asyncio.get_running_loop().create_future()
