"""NewsHandler: turns headlines into news items tied to contracts; the first service of the flow."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any

from momentum_kit.config import NewsSettings
from momentum_kit.detection.news import (
    UPDATED_WITHIN,
    BodyFindings,
    CatalystMatch,
    MatchLayer,
    Mention,
    ReadHeadline,
    StoryMemory,
    SymbolMaster,
    Telling,
    bars_later,
    classify,
    disagreement,
    distinctive_words,
    out_of_time,
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
MOST_REFUSALS = 3  # told in the journal of a headline that named nobody
READERS = 4  # headlines read at once by the optional reader
READINGS_BOUND = 100  # more wait for no reading: the rules' reading stands
LOOK_UPS = 16  # headlines whose companies are asked for at once
AHEAD_IN_A_ROW = 3
SHOWN = 80  # characters of a headline that is named


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedHeadline:
    """A headline read by the rules, before anybody was asked about its tickers; parse_ms in wall time."""

    headline: Headline
    reading: ReadHeadline
    parse_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """A headline whose story is known: by which id, whether it was heard before, whom to follow, or why nobody."""

    parsed: ParsedHeadline
    story_id: str
    known: bool
    mentions: list[Mention]
    reason: str


class NewsHandler:
    """Follows every configured tape, and hands on each live story once per company it is about.

    A headline is handled wholly before its stream is asked for the next, and one at a time over all streams, so that
    their order alone decides. queues: the internal ones, for whoever must know whether work is left. tapes: the
    providers whose broad tape is heard. heard(headline) is told of each.
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
        memory: StoryMemory | None = None,
        clock_behind_s: float = 0.0,
        heard: Callable[[Headline], None] = lambda _: None,
    ) -> None:
        read_headline("Opening", master=master)  # what is built on first use takes 0.3 s, for which no order may wait
        self._context = context
        self._feed = feed
        self._settings = settings
        self._master = master
        self._reader = reader
        self._items = items
        self._book = ContractBook(market, context.clock)
        self._memory = memory or StoryMemory(timedelta(hours=settings.dedupe_h))
        self._clock_behind_s = clock_behind_s
        self._heard = heard
        self.tapes: tuple[str, ...] = ()
        self._ahead: Counter[str] = Counter()  # by provider: headlines in a row that were stamped in the future
        self._told: dict[str, list[NewsItem]] = {}  # by story, the oldest first: items that an update may still bar
        self._turn = asyncio.Lock()
        self._unknown: asyncio.Queue[Selected] = asyncio.Queue()
        self._readings: asyncio.Queue[NewsItem] = asyncio.Queue(READINGS_BOUND)
        self._articles = ArticleReader(
            context, feed=feed, settings=settings.bodies, master=master, found=self._add_article
        )
        self.queues: dict[str, asyncio.Queue[Any]] = {
            "readings": self._readings, "articles": self._articles.queue, "look-ups": self._unknown,
        }  # fmt: skip

    async def run(self) -> None:
        """Run until cancelled, also without a single feed; a lost connection or a bug ends it with that error."""
        listeners = [self._listen(source) for source in await self._sources()]
        reader = self._reader
        readers = [consume(self._readings, partial(self._read, reader)) for _ in range(READERS)] if reader else []
        look_ups = [consume(self._unknown, self._conclude) for _ in range(LOOK_UPS)]
        await run_together(*listeners, *readers, *look_ups, self._articles.run())

    # -- sources -----------------------------------------------------------------------------------------------------

    async def _sources(self) -> list[str | Sequence[Contract]]:
        """The broad tapes the account is entitled to, and the watched symbols' own news."""
        sources: list[str | Sequence[Contract]] = []
        entitled = await self._entitled()
        for code in self._settings.broad_tapes:
            if entitled is None or code in entitled:
                sources.append(code)
                self.tapes = (*self.tapes, code)
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
                self._heard(headline)
                async with self._turn:
                    await self._handle(headline)
                await asyncio.sleep(0)  # a stream with more to give does not wait, and orders must not wait for it
        except RequestFailed as error:  # one feed refused is an incident; the others are still heard
            self.tapes = tuple(code for code in self.tapes if code != source)
            self._context.incident("news", f"{source if isinstance(source, str) else 'watched symbols'}: {error}")
        finally:
            if aclose := getattr(stream, "aclose", None):
                await aclose()

    def note(self, headline: Headline) -> None:
        """Write down what nobody told live: it trades nothing, and nothing that is told live is judged by it."""
        parsed = self._parse(headline)
        self._context.counts["headlines fetched late"] += 1
        if parsed is None:
            return
        self._journal_headline(parsed, parsed.reading.clean.story_id, "not live", "", 0.0)

    # -- one headline ------------------------------------------------------------------------------------------------

    async def _handle(self, headline: Headline) -> None:
        """Read and select in the order of reception; whoever must be looked up first holds up nobody else."""
        parsed = self._parse(headline)
        self._context.counts["headlines"] += 1
        if parsed is None:
            return
        selected = self._select(parsed)
        if all(map(self._at_hand, selected.mentions)):
            await self._conclude(selected)
        else:
            self._unknown.put_nowait(selected)

    def _parse(self, headline: Headline) -> ParsedHeadline | None:
        """By the rules; None, told, for a text that held the loop of an earlier engine, or at which a rule fails."""
        named = f"{headline.provider} {headline.article_id}"
        if self._context.guard.bars(headline.text):
            self._context.incident("news", f"{named} is not read: its text held an earlier engine, or ended it")
            return None
        try:
            with self._reading(headline):
                return parse_headline(headline, self._master)
        except Exception as error:  # noqa: BLE001  (a stranger's text: it costs itself, never the session)
            self._context.incident("news", f"{named} is not read: {type(error).__name__}: {error}")
            return None

    def _reading(self, headline: Headline) -> AbstractContextManager[None]:
        """To be entered wherever the text of a headline is looked through."""
        named = f"{headline.provider} {headline.article_id}: {headline.text[:SHOWN]!r}"
        return self._context.guard.reading(named, headline.text)

    def _at_hand(self, mention: Mention) -> bool:
        return self._book.knows(mention.symbol)

    async def _conclude(self, selected: Selected) -> None:
        """Tie a selected headline to its contracts, write it down, and hand its items on."""
        parsed, reason = selected.parsed, selected.reason
        started = time.perf_counter()
        text = parsed.reading.clean.text
        found, refused = ([], "") if reason else await self._resolve(parsed.headline, selected.mentions, text)
        resolve_ms = (time.perf_counter() - started) * 1e3
        if not reason and not found:
            reason = refused or UNKNOWN_CONTRACT
        reason, _, detail = reason.partition(": ")
        if reason == NO_TICKER:
            detail = "; ".join(map(str, parsed.reading.refusals[:MOST_REFUSALS]))
        if reason:
            self._context.counts[f"skip: {reason}"] += 1
        self._journal_headline(parsed, selected.story_id, reason, detail, resolve_ms)
        if selected.known and reason in ("", "duplicate story"):
            await self._update(parsed, selected.story_id)
        with self._reading(parsed.headline):
            items = [
                make_item(parsed, selected.story_id, look_up.contract, look_up.long_name, resolve_ms)
                for look_up in found
                if look_up.contract
            ]
        for item in items:
            await self._emit(item)
        if items or reason in (NO_TICKER, UNKNOWN_CONTRACT):
            self._articles.offer(parsed.headline, parsed.reading, items)

    def _select(self, parsed: ParsedHeadline) -> Selected:
        """The mentions to follow, or the reason to skip; every story is remembered, whatever becomes of it."""
        heard = self._memory.hear(Telling.of(parsed.reading), self._context.clock.now())
        mentions = [mention for mention in parsed.reading.mentions if mention.symbol in heard.new]
        reason = self._out_of_time(parsed.headline)
        if not reason and heard.known and not heard.new:
            reason = "duplicate story"
        if not reason and not parsed.reading.mentions:
            reason = NO_TICKER
        if not reason and heard.symbols > self._settings.max_tickers:
            reason = "round-up"
        return Selected(
            parsed=parsed,
            story_id=heard.story_id,
            known=heard.known,
            mentions=[] if reason else mentions,
            reason=reason,
        )

    def _out_of_time(self, headline: Headline) -> str:
        """Why a headline may not trade by its stamps, as the broker's clock sees them; empty if it may."""
        if headline.phase is not HeadlinePhase.LIVE or headline.received_at is None:
            return "not live"
        age_s = (headline.received_at - headline.published_at).total_seconds() + self._clock_behind_s
        reason = out_of_time(age_s, self._settings.max_age_s, self._settings.max_future_s)
        self._ahead[headline.provider] = self._ahead[headline.provider] + 1 if reason == "future stamp" else 0
        if self._ahead[headline.provider] == AHEAD_IN_A_ROW:
            self._context.incident(
                "news",
                f"{headline.provider}: {AHEAD_IN_A_ROW} headlines in a row stamped in the future, the last by "
                f"{-age_s:.1f} s; none is traded; check this machine's clock, then the provider's",
            )
        return reason

    async def _update(self, parsed: ParsedHeadline, story_id: str) -> None:
        """A later telling of a story that is being judged: what it adds can bar its items, and lifts no bar."""
        now = self._context.clock.now()
        for first in self._told.get(story_id, ()):
            received_at = first.headline.received_at or now
            with self._reading(parsed.headline):
                match = match_for(parsed, first.contract, "")
            if now - received_at > UPDATED_WITHIN or not bars_later(first.catalyst, match.catalyst):
                continue
            barred = replace(first, catalyst=match.catalyst, catalyst_rule=match.rule, update=True)
            self._told[story_id] = [barred if each is first else each for each in self._told[story_id]]
            self._context.counts["updates"] += 1
            await self._items.put(barred)

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
            with self._reading(headline):
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
        self._told.setdefault(item.story_id, []).append(item)
        self._forget_told()
        await self._items.put(item)
        if self._reader and not self._readings.full():
            self._readings.put_nowait(item)
        else:
            self._journal_item(item)

    def _forget_told(self) -> None:
        limit = self._context.clock.now() - UPDATED_WITHIN
        for story_id in list(islice(self._told, 2)):  # one comes, up to two go: it never grows beyond the window
            if all((item.headline.received_at or limit) <= limit for item in self._told[story_id]):
                del self._told[story_id]

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
        symbols = tuple(mention.symbol for mention in findings.mentions)
        telling = replace(
            Telling.of(asked.reading), symbols=symbols, named=()
        )  # the article names them, not its headline
        heard = self._memory.hear(telling, self._context.clock.now())
        mentions = [mention for mention in findings.mentions if mention.symbol in heard.new]
        found, _ = await self._resolve(asked.headline, mentions, findings.lead)
        parsed = ParsedHeadline(headline=asked.headline, reading=asked.reading, parse_ms=0.0)
        items = [
            replace(make_item(parsed, heard.story_id, look_up.contract, look_up.long_name, 0.0), n_tickers=len(symbols))
            for look_up in found
            if look_up.contract
        ]
        for item in items:
            await self._emit(item)
        return items

    # -- records -----------------------------------------------------------------------------------------------------

    def _journal_headline(
        self, parsed: ParsedHeadline, story_id: str, reason: str, detail: str, resolve_ms: float
    ) -> None:
        """One row a headline, whatever became of it; an empty reason means that it became an item."""
        headline, clean, match = parsed.headline, parsed.reading.clean, parsed.reading.match
        self._context.journal.write(
            HeadlineRow(
                at=self._context.clock.now(),
                story_id=story_id,
                provider=headline.provider,
                article_id=headline.article_id,
                text=clean.text,
                published_at=headline.published_at,
                received_at=headline.received_at,
                phase=headline.phase,
                outcome="skip" if reason else "item",
                reason=reason,
                detail=detail,
                symbols=[mention.symbol for mention in parsed.reading.mentions],
                n_tickers=len(parsed.reading.mentions),
                catalyst=match.catalyst,
                catalyst_rule=match.rule,
                parse_ms=parsed.parse_ms,
                resolve_ms=resolve_ms,
                catalyst_words=match.words,
                about=match.about,
                direction=match.direction,
                certainty=match.certainty,
                amount_usd=match.amount_usd,
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


def make_item(parsed: ParsedHeadline, story_id: str, contract: Contract, long_name: str, resolve_ms: float) -> NewsItem:
    """The news item of one contract."""
    clean, match = parsed.reading.clean, match_for(parsed, contract, long_name)
    return NewsItem(
        item_id=f"{story_id}:{contract.con_id}",
        story_id=story_id,
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


def match_for(parsed: ParsedHeadline, contract: Contract, long_name: str) -> CatalystMatch:
    """What a headline is for one of its companies; who buys and who is bought is told by its name."""
    clean = parsed.reading.clean
    names = (contract.symbol, *distinctive_words(long_name)[:1])
    return classify(clean.text, names, analyst_action=clean.analyst_action)
