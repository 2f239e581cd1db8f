"""ArticleReader: fetches the article behind a headline that leaves something open, in time or not at all.

It runs beside the tape and holds nothing up: an item is judged with or without its article. What came in time can bar
the item, or name the company that the headline did not; what did not is unread, and changes nothing. Each fetch, and
each that was not made, is a row of the journal.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from momentum_kit.config import BodySettings
from momentum_kit.detection.news import BodyFindings, BodyKind, ReadHeadline, SymbolMaster, leaves_open, read_body
from momentum_kit.errors import BrokerError
from momentum_kit.models import Article, ArticleRow, Headline, NewsItem
from momentum_kit.ports import NewsFeed
from momentum_kit.services.consuming import consume, run_together
from momentum_kit.services.context import SessionContext

FETCHERS = 4  # articles asked for at once
WAITING_BOUND = 100
MOST_KEPT = 1_400_000  # characters of a PDF in base64, about 1 MB
HOUR_S = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHeadline:
    """A headline whose article may add something, and the items that it has become; asked_s: market seconds elapsed."""

    headline: Headline
    reading: ReadHeadline
    items: Sequence[NewsItem]
    asked_s: float


class ArticleReader:
    """Reads articles for the news handler, which is told by `found` of each that was read."""

    def __init__(
        self,
        context: SessionContext,
        *,
        feed: NewsFeed,
        settings: BodySettings,
        master: SymbolMaster | None,
        found: Callable[[OpenHeadline, BodyFindings], Awaitable[None]],
    ) -> None:
        self._context = context
        self._feed = feed
        self._settings = settings
        self._master = master
        self._found = found
        self._asked: deque[float] = deque()  # market seconds of each fetch within the hour
        self.queue: asyncio.Queue[OpenHeadline] = asyncio.Queue(WAITING_BOUND)

    async def run(self) -> None:
        """Run until cancelled."""
        await run_together(*(consume(self.queue, self._read) for _ in range(FETCHERS)))

    def offer(self, headline: Headline, reading: ReadHeadline, items: Sequence[NewsItem]) -> None:
        """Have the article read if it may add something; a live headline's only, and while the hour allows more."""
        if not self._settings.enabled or not leaves_open(reading):
            return
        now_s = self._context.clock.elapsed()
        asked = OpenHeadline(headline=headline, reading=reading, items=items, asked_s=now_s)
        while self._asked and now_s - self._asked[0] >= HOUR_S:
            self._asked.popleft()
        if len(self._asked) >= self._settings.max_articles_per_hour:
            self._unread(asked, "as many as an hour may have")
        elif self.queue.full():
            self._unread(asked, "too many wait")
        else:
            self._asked.append(now_s)
            self.queue.put_nowait(asked)

    async def _read(self, asked: OpenHeadline) -> None:
        headline, started = asked.headline, time.perf_counter()
        try:
            async with asyncio.timeout(self._context.clock.wall_limit(max(self._left_s(asked), 0))):
                article = await self._feed.fetch_news_article(headline.provider, headline.article_id)
            if self._left_s(asked) < 0:
                raise TimeoutError
        except TimeoutError:
            self._unread(asked, "too late")
            return
        except BrokerError as error:
            self._unread(asked, str(error))
            return
        fetch_ms = (time.perf_counter() - started) * 1e3
        if article.article_type:
            self._keep(asked, article, fetch_ms)
            return
        if self._context.guard.bars(article.text):
            self._unread(asked, "held an earlier engine, or ended it", chars=len(article.text), fetch_ms=fetch_ms)
            return
        try:
            with self._context.guard.reading(f"the article {headline.provider} {headline.article_id}", article.text):
                findings = read_body(article.text, self._master)
        except Exception as error:  # noqa: BLE001  (an article is anybody's: what cannot be read of it is unread)
            self._unread(asked, f"not readable: {type(error).__name__}", chars=len(article.text), fetch_ms=fetch_ms)
            return
        self._row(
            asked, "read", kind=findings.kind, chars=len(article.text), fetch_ms=fetch_ms, dilution=findings.dilution,
            symbols=[mention.symbol for mention in findings.mentions],
        )  # fmt: skip
        await self._found(asked, findings)

    def _left_s(self, asked: OpenHeadline) -> float:
        """Market seconds in which its article is still of use."""
        return self._settings.deadline_s - (self._context.clock.elapsed() - asked.asked_s)

    def _keep(self, asked: OpenHeadline, article: Article, fetch_ms: float) -> None:
        """A PDF stands in the journal for people; no rule reads it."""
        size = {"kind": BodyKind.PDF, "chars": len(article.text), "fetch_ms": fetch_ms}
        if len(article.text) <= MOST_KEPT:
            self._row(asked, "kept", content=article.text, **size)
        else:
            self._unread(asked, "too large to be kept", **size)

    def _unread(self, asked: OpenHeadline, reason: str, **size: Any) -> None:
        self._row(asked, "unread", reason=reason, **size)

    def _row(self, asked: OpenHeadline, outcome: str, **columns: Any) -> None:
        """columns: those of ArticleRow that are not empty."""
        self._context.counts[f"articles {outcome}"] += 1
        row = ArticleRow(
            at=self._context.clock.now(), story_id=asked.reading.clean.story_id, provider=asked.headline.provider,
            article_id=asked.headline.article_id, outcome=outcome, reason="", kind=None, chars=0, fetch_ms=None,
            dilution="", symbols=(), content="",
        )  # fmt: skip
        self._context.journal.write(replace(row, **columns))
