"""NewsHandler: turns headlines into news items tied to contracts; the first service of the flow."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from momentum_kit.config import NewsSettings
from momentum_kit.detection.news import (
    BodyFindings,
    MatchLayer,
    Mention,
    ReadHeadline,
    StoryMemory,
    SymbolMaster,
    classify,
    disagreement,
    distinctive_words,
    read_headline,
)
from momentum_kit.errors import BrokerError, NotConnected, RequestFailed
from momentum_kit.models import Contract, Headline, HeadlinePhase, HeadlineRow, ItemRow, NewsItem
from momentum_kit.ports import HeadlineReader, MarketData, NewsFeed
from momentum_kit.services.consuming import consume, outside, run_together
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import ContractBook, LookUp
from momentum_kit.services.news.articles import ArticleReader, OpenHeadline

NO_TICKER, UNKNOWN_CONTRACT = "no ticker", "unknown contract"
READERS = 4  # headlines read at once by the optional reader
READINGS_BOUND = 100  # more wait for no reading: the rules' reading stands


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedHeadline:
    """A headline read by the rules, before anybody was asked about its tickers; parse_ms in wall time."""

    headline: Headline
    reading: ReadHeadline
    parse_ms: float


class NewsHandler:
    """Follows every configured tape, and hands on each live story once per company it is about.

    A headline is handled wholly before its stream is asked for the next, and one at a time over all streams, so that
    their order alone decides. queues: the internal ones, for whoever must know whether work is left.
    """

    def __init__(
        self,
        context: SessionContext,
        *,
        feed: NewsFeed,
        market: MarketData,
        settings: NewsSettings,
        master: SymbolMaster | None,
        reader: HeadlineReader | None,
        items: asyncio.Queue[NewsItem],
    ) -> None:
        self._context = context
        self._feed = feed
        self._settings = settings
        self._master = master
        self._reader = reader
        self._items = items
        self._book = ContractBook(market)
        self._memory = StoryMemory(timedelta(hours=settings.dedupe_h))
        self._turn = asyncio.Lock()
        self._readings: asyncio.Queue[NewsItem] = asyncio.Queue(READINGS_BOUND)
        self._articles = ArticleReader(
            context, feed=feed, settings=settings.bodies, master=master, found=self._add_article
        )
        self.queues: dict[str, asyncio.Queue[Any]] = {"readings": self._readings, "articles": self._articles.queue}

    async def run(self) -> None:
        """Run until cancelled, also without a single feed; a lost connection or a bug ends it with that error."""
        listeners = [self._listen(source) for source in await self._sources()]
        reader = self._reader
        readers = [consume(self._readings, partial(self._read, reader)) for _ in range(READERS)] if reader else []
        await run_together(*listeners, *readers, self._articles.run())

    # -- sources -----------------------------------------------------------------------------------------------------

    async def _sources(self) -> list[str | Sequence[Contract]]:
        """The broad tapes the account is entitled to, and the watched symbols' own news."""
        sources: list[str | Sequence[Contract]] = []
        entitled = await self._entitled()
        for code in self._settings.broad_tapes:
            if entitled is None or code in entitled:
                sources.append(code)
            else:
                self._context.incident(
                    "news", f"not entitled to {code}; entitled to {', '.join(sorted(entitled)) or 'none'}"
                )
        contracts = []
        for symbol in self._settings.watch_symbols:
            found = await self._book.look_up(symbol)
            if found.contract:
                contracts.append(found.contract)
            else:
                self._context.incident("news", f"watch symbol {symbol}: {found.reason}")
        if contracts:
            sources.append(contracts)
        if not sources:
            self._context.incident("news", "no headlines are heard: no tape is entitled and no symbol is watched")
        return sources

    async def _entitled(self) -> set[str] | None:
        try:
            return {provider.code for provider in await self._feed.fetch_news_providers()}
        except NotConnected:
            raise
        except BrokerError as error:
            self._context.incident("news", f"providers unknown, trying all: {error}")
            return None

    async def _listen(self, source: str | Sequence[Contract]) -> None:
        stream = self._feed.stream_headlines(source)
        try:
            async for headline in stream:
                async with self._turn:
                    await self._handle(headline)
                await asyncio.sleep(0)  # a stream with more to give does not wait, and orders must not wait for it
        except RequestFailed as error:  # one feed refused is an incident; the others are still heard
            self._context.incident("news", f"{source if isinstance(source, str) else 'watched symbols'}: {error}")
        finally:
            if aclose := getattr(stream, "aclose", None):
                await aclose()

    # -- one headline ------------------------------------------------------------------------------------------------

    async def _handle(self, headline: Headline) -> None:
        parsed = parse_headline(headline, self._master)
        self._context.counts["headlines"] += 1
        mentions, reason = self._select(parsed)
        started = time.perf_counter()
        found, refused = ([], "") if reason else await self._resolve(headline, mentions, parsed.reading.clean.text)
        resolve_ms = (time.perf_counter() - started) * 1e3
        if not reason and not found:
            reason = refused or UNKNOWN_CONTRACT
        if reason:
            self._context.counts[f"skip: {reason.partition(':')[0]}"] += 1
        self._journal_headline(parsed, reason, resolve_ms)
        items = [
            make_item(parsed, look_up.contract, look_up.long_name, resolve_ms) for look_up in found if look_up.contract
        ]
        for item in items:
            await self._emit(item)
        if items or reason in (NO_TICKER, UNKNOWN_CONTRACT):
            self._articles.offer(headline, parsed.reading, items)

    def _select(self, parsed: ParsedHeadline) -> tuple[list[Mention], str]:
        """The mentions to follow, or the reason to skip; every story is remembered, whatever becomes of it."""
        clean, mentions = parsed.reading.clean, parsed.reading.mentions
        symbols = [mention.symbol for mention in mentions]
        new = self._memory.hear(clean.story_id, clean.normalised, symbols, self._context.clock.now())
        if not self._is_live(parsed.headline):
            return [], "not live"
        if new is None:
            return [], "duplicate story"
        if not mentions:
            return [], NO_TICKER
        if len(self._memory.symbols(clean.story_id, clean.normalised)) > self._settings.max_tickers:
            return [], "round-up"
        return [mention for mention in mentions if mention.symbol in new], ""

    def _is_live(self, headline: Headline) -> bool:
        if headline.phase is not HeadlinePhase.LIVE or headline.received_at is None:
            return False
        # a stamp far in the future is as little believed as one long ago
        age_s = (headline.received_at - headline.published_at).total_seconds()
        return abs(age_s) <= self._settings.max_age_s

    async def _resolve(self, headline: Headline, mentions: Sequence[Mention], text: str) -> tuple[list[LookUp], str]:
        """The contracts that the broker's own knowledge bears out, and which check refused another of them.

        text: in which they were mentioned.
        """
        found: dict[int, LookUp] = {}
        refused = ""
        for mention in mentions:
            own = headline.contract if mention.layer is MatchLayer.CONTRACT else None
            look_up = await self._book.look_up(mention.symbol)
            if own and own.con_id and (look_up.contract is None or look_up.contract.con_id != own.con_id):
                look_up = LookUp(own, self._master.name(own.symbol) if self._master else "")
            if look_up.contract is None:
                continue
            reason = disagreement(
                mention,
                text,
                long_name=look_up.long_name,
                stock_type=look_up.stock_type,
                primary_exchange=look_up.contract.primary_exchange,
                known_name=self._master.name(mention.symbol) if self._master else "",
            )
            refused = refused or reason
            if not reason:
                found.setdefault(look_up.contract.con_id, look_up)
        return list(found.values()), refused

    async def _emit(self, item: NewsItem) -> None:
        self._context.counts["items"] += 1
        await self._items.put(item)
        if self._reader and not self._readings.full():
            self._readings.put_nowait(item)
        else:
            self._journal_item(item)

    async def _read(self, reader: HeadlineReader, item: NewsItem) -> None:
        """The second reading follows its item; until it comes, and if it does not, the rules' reading stands."""
        reading = await outside(reader.read(item.text, item.contract.symbol))
        if reading:
            item = replace(item, reading=reading)
            await self._items.put(item)
        self._journal_item(item)

    async def _add_article(self, asked: OpenHeadline, findings: BodyFindings) -> None:
        """What an article adds: it can bar the items of its headline, or name the company that the headline did not."""
        items = asked.items or await self._items_by_article(asked, findings)
        for item in items:
            if findings.dilution:
                await self._items.put(replace(item, body_dilution=findings.dilution))

    async def _items_by_article(self, asked: OpenHeadline, findings: BodyFindings) -> list[NewsItem]:
        if not 0 < len(findings.mentions) <= self._settings.max_tickers:
            return []
        clean, symbols = asked.reading.clean, [mention.symbol for mention in findings.mentions]
        async with self._turn:
            new = self._memory.hear(clean.story_id, clean.normalised, symbols, self._context.clock.now()) or ()
            mentions = [mention for mention in findings.mentions if mention.symbol in new]
            found, _ = await self._resolve(asked.headline, mentions, findings.lead)
            parsed = ParsedHeadline(headline=asked.headline, reading=asked.reading, parse_ms=0.0)
            items = [
                replace(make_item(parsed, look_up.contract, look_up.long_name, 0.0), n_tickers=len(symbols))
                for look_up in found
                if look_up.contract
            ]
            for item in items:
                await self._emit(item)
        return items

    # -- records -----------------------------------------------------------------------------------------------------

    def _journal_headline(self, parsed: ParsedHeadline, reason: str, resolve_ms: float) -> None:
        """One row a headline, whatever became of it; an empty reason means that it became an item."""
        headline, clean = parsed.headline, parsed.reading.clean
        self._context.journal.write(
            HeadlineRow(
                at=self._context.clock.now(),
                story_id=clean.story_id,
                provider=headline.provider,
                article_id=headline.article_id,
                text=clean.text,
                published_at=headline.published_at,
                received_at=headline.received_at,
                phase=headline.phase,
                outcome="skip" if reason else "item",
                reason=reason,
                symbols=[mention.symbol for mention in parsed.reading.mentions],
                n_tickers=len(parsed.reading.mentions),
                catalyst=parsed.reading.match.catalyst,
                catalyst_rule=parsed.reading.match.rule,
                parse_ms=parsed.parse_ms,
                resolve_ms=resolve_ms,
            )
        )

    def _journal_item(self, item: NewsItem) -> None:
        self._context.journal.write(
            ItemRow(
                at=self._context.clock.now(),
                item_id=item.item_id,
                story_id=item.story_id,
                symbol=item.contract.symbol,
                con_id=item.contract.con_id,
                catalyst=item.catalyst,
                sentiment=item.sentiment,
                confidence=item.confidence,
                reading=item.reading,
            )
        )


def parse_headline(headline: Headline, master: SymbolMaster | None) -> ParsedHeadline:
    """Read a headline by the rules, and time it."""
    started = time.perf_counter()
    reading = read_headline(
        headline.text,
        extra=headline.extra,
        article_id=headline.article_id,
        contract_symbol=headline.contract.symbol if headline.contract else "",
        master=master,
    )
    return ParsedHeadline(headline=headline, reading=reading, parse_ms=(time.perf_counter() - started) * 1e3)


def make_item(parsed: ParsedHeadline, contract: Contract, long_name: str, resolve_ms: float) -> NewsItem:
    """The news item of one contract; who buys and who is bought is told by its company's name."""
    clean = parsed.reading.clean
    names = distinctive_words(long_name)[:1]
    match = classify(clean.text, (contract.symbol, *names), analyst_action=clean.analyst_action)
    return NewsItem(
        item_id=f"{clean.story_id}:{contract.con_id}",
        story_id=clean.story_id,
        headline=parsed.headline,
        contract=contract,
        text=clean.text,
        catalyst=match.catalyst,
        catalyst_rule=match.rule,
        sentiment=clean.sentiment,
        confidence=clean.confidence,
        analyst_action=clean.analyst_action,
        n_tickers=len(parsed.reading.mentions),
        stage_ms={"parse": parsed.parse_ms, "resolve": resolve_ms},
    )
