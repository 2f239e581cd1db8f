"""Turns headlines into news items tied to contracts; the first service of the flow."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from momentum_kit.config import NewsSettings
from momentum_kit.detection.catalysts import CatalystMatch, classify
from momentum_kit.detection.headlines import CleanHeadline, clean_headline
from momentum_kit.detection.symbols import Layer, Mention, SymbolMaster, distinctive_words, extract_tickers, name_agrees
from momentum_kit.errors import BrokerError, NotConnected, RequestFailed
from momentum_kit.models import Contract, Headline, HeadlinePhase, NewsItem
from momentum_kit.ports import Clock, HeadlineReader, Journal, MarketData, NewsFeed
from momentum_kit.services.contract_book import ContractBook, LookUp
from momentum_kit.services.story_memory import StoryMemory
from momentum_kit.services.together import run_together

READERS = 4  # headlines read at once by the optional reader
READINGS_BOUND = 100  # more wait for no reading: the rules' reading stands


@dataclass(frozen=True, slots=True)
class _Parsed:
    headline: Headline
    clean: CleanHeadline
    mentions: tuple[Mention, ...]
    match: CatalystMatch
    parse_ms: float


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
        readers = [self._read(self._reader) for _ in range(READERS)] if self._reader else []
        await run_together(asyncio.TaskGroup(), *listeners, *readers, _for_ever())

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
        parsed = self._parse(headline)
        self._counts["headlines"] += 1
        mentions, reason = self._select(parsed)
        started = time.perf_counter()
        found = [] if reason else await self._resolve(headline, mentions)
        resolve_ms = (time.perf_counter() - started) * 1e3
        if not reason and not found:
            reason = "unknown contract"
        self._record(parsed, reason, resolve_ms)
        for look_up in found:
            await self._emit(parsed, look_up, resolve_ms)

    def _parse(self, headline: Headline) -> _Parsed:
        started = time.perf_counter()
        clean = clean_headline(headline.text, headline.extra, headline.article_id)
        symbol = headline.contract.symbol if headline.contract else ""
        mentions = extract_tickers(clean.text, symbol, self._master)
        match = classify(clean.text, tuple(m.symbol for m in mentions[:1]), analyst_action=clean.analyst_action)
        return _Parsed(headline, clean, mentions, match, (time.perf_counter() - started) * 1e3)

    def _select(self, parsed: _Parsed) -> tuple[list[Mention], str]:
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

    async def _emit(self, parsed: _Parsed, look_up: LookUp, resolve_ms: float) -> None:
        headline, clean, contract = parsed.headline, parsed.clean, look_up.contract
        if contract is None:
            raise RuntimeError("a look-up without a contract came this far")
        names = distinctive_words(look_up.long_name)[:1]
        match = classify(clean.text, (contract.symbol, *names), analyst_action=clean.analyst_action)
        item = NewsItem(
            item_id=f"{clean.story_id}:{contract.con_id}",
            story_id=clean.story_id,
            headline=headline,
            contract=contract,
            text=clean.text,
            catalyst=match.catalyst,
            catalyst_rule=match.rule,
            sentiment=clean.sentiment,
            confidence=clean.confidence,
            analyst_action=clean.analyst_action,
            n_tickers=len(parsed.mentions),
            stage_ms={"parse": parsed.parse_ms, "resolve": resolve_ms},
        )
        self._counts["items"] += 1
        await self._items.put(item)
        if self._reader and not self._readings.full():
            self._readings.put_nowait(item)
        else:
            self._record_item(item)

    async def _read(self, reader: HeadlineReader) -> None:
        """The second reading follows its item; until it comes, and if it does not, the rules' reading stands."""
        while True:
            item = await self._readings.get()
            reading = await reader.read(item.text, item.contract.symbol)
            read = replace(item, reading=reading)
            if reading:
                await self._items.put(read)
            self._record_item(read)
            self._readings.task_done()

    # -- the record --------------------------------------------------------------------------------------------------

    def _record(self, parsed: _Parsed, reason: str, resolve_ms: float) -> None:
        headline, clean = parsed.headline, parsed.clean
        if reason:
            self._counts[f"skip: {reason}"] += 1
        self._journal.write(
            "headlines",
            at=self._clock.now(),
            story_id=clean.story_id,
            provider=headline.provider,
            article_id=headline.article_id,
            text=clean.text,
            published_at=headline.published_at,
            received_at=headline.received_at,
            phase=headline.phase,
            outcome="skip" if reason else "item",
            reason=reason,
            symbols=[mention.symbol for mention in parsed.mentions],
            n_tickers=len(parsed.mentions),
            catalyst=parsed.match.catalyst,
            catalyst_rule=parsed.match.rule,
            parse_ms=parsed.parse_ms,
            resolve_ms=resolve_ms,
        )

    def _record_item(self, item: NewsItem) -> None:
        self._journal.write(
            "items",
            at=self._clock.now(),
            item_id=item.item_id,
            story_id=item.story_id,
            symbol=item.contract.symbol,
            con_id=item.contract.con_id,
            catalyst=item.catalyst,
            sentiment=item.sentiment,
            confidence=item.confidence,
            reading=item.reading,
        )

    def _incident(self, text: str) -> None:
        self._journal.write("incidents", at=self._clock.now(), kind="news", text=text)


async def _for_ever() -> None:
    """A session without a single feed still protects its positions."""
    await asyncio.get_running_loop().create_future()
