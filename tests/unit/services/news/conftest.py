"""In-memory ports for the news handler: a feed that is pushed by hand, a book of contracts, a list as journal."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from momentum_kit.config import NewsSettings
from momentum_kit.errors import NoData, RequestFailed
from momentum_kit.models.contracts import Contract, ContractDetails
from momentum_kit.models.news import Article, Headline, NewsItem, NewsProvider
from momentum_kit.services.news import NewsHandler
from tests.helpers.contexts import context_of
from tests.helpers.journal_rows import Rows

T = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
LISTED = {
    "ACME": (101, "ACME THERAPEUTICS INC"),
    "GLBX": (102, "GLOBEX CORP"),
    "F": (103, "FORD MOTOR CO"),
    "AAPL": (265598, "APPLE INC"),
}


class StandingClock:
    """Market time that tests set."""

    def __init__(self) -> None:
        self.at = T

    def elapsed(self) -> float:
        """Nothing elapses."""
        return 0.0

    def wall_limit(self, market_s: float) -> float:
        """By the wall."""
        return market_s

    def now(self) -> datetime:
        """The set time."""
        return self.at


class Tapes:
    """NewsFeed: one queue a source; a source in `refused` fails as IB refuses it."""

    def __init__(self) -> None:
        self.providers = ("BRFG", "BRFUPDN")
        self.refused: set[str] = set()
        self.sources: list[str | tuple[Contract, ...]] = []
        self.articles: dict[str, Any] = {}
        self.fetched: list[str] = []
        self.queues: dict[object, asyncio.Queue[Headline]] = {}
        self.on_record: dict[int, list[Headline]] = {}
        self.record_asked = 0

    async def stream_headlines(self, source: Sequence[Contract] | str) -> AsyncIterator[Headline]:
        """Whatever tests push for this source."""
        key = source if isinstance(source, str) else "own"
        self.sources.append(source if isinstance(source, str) else tuple(source))
        if key in self.refused:
            raise RequestFailed(321, f"Not subscribed for '{key}' provider")
        queue = self.queues.setdefault(key, asyncio.Queue())
        while True:
            yield await queue.get()
            queue.task_done()

    async def fetch_news_providers(self) -> tuple[NewsProvider, ...]:
        """The entitled feeds."""
        return tuple(NewsProvider(code, code) for code in self.providers)

    async def fetch_news_article(self, provider: str, article_id: str) -> Article:
        """What tests have laid out: an article, an error to raise, or None for one that never comes."""
        self.fetched.append(article_id)
        answer = self.articles.get(article_id, NoData(162, f"{provider} {article_id}"))
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            await asyncio.get_running_loop().create_future()
        return answer

    async def fetch_historical_news(
        self, con_id: int, providers: Sequence[str], start: Any, end: Any, limit: int = 300
    ) -> tuple[Headline, ...]:
        """The newest of what tests have put on record, of the providers that are asked for."""
        assert (start, end) == (None, None)
        self.record_asked += 1
        own = [row for row in self.on_record.get(con_id, []) if row.provider in providers]
        return tuple(sorted(own, key=lambda row: row.published_at, reverse=True)[:limit])

    async def push(self, headline: Headline, key: str = "BRFG") -> None:
        """Send one headline and wait until it has been handled wholly."""
        queue = self.queues.setdefault(key, asyncio.Queue())
        queue.put_nowait(headline)
        await queue.join()


class Book:
    """MarketData, contract details only; counts the requests and can fail once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failure: Exception | None = None
        self.double: set[str] = set()
        self.answer_now = asyncio.Event()
        self.answer_now.set()

    async def fetch_contract_details(self, contract: Contract) -> tuple[ContractDetails, ...]:
        """The listed company, or IB's refusal."""
        self.asked.append(contract.symbol)
        await self.answer_now.wait()
        if self.failure:
            failure, self.failure = self.failure, None
            raise failure
        if contract.symbol not in LISTED:
            raise RequestFailed(200, "No security definition has been found for the request")
        con_id, name = LISTED[contract.symbol]
        ids = (con_id, con_id + 1000) if contract.symbol in self.double else (con_id,)
        return tuple(
            ContractDetails(
                contract=Contract(contract.symbol, each, primary_exchange="NASDAQ"), long_name=name, min_tick=0.01,
                valid_exchanges=("SMART",), market_rule_ids=(26,), time_zone_id="US/Eastern",
                trading_hours="", liquid_hours="",
            )
            for each in ids
        )  # fmt: skip


class Desk:
    """A running news handler with everything around it."""

    def __init__(self) -> None:
        self.clock, self.journal, self.feed, self.book = StandingClock(), Rows(), Tapes(), Book()
        self.items: asyncio.Queue[NewsItem] = asyncio.Queue()
        self.counts: Counter[str] = Counter()
        self.handler: NewsHandler
        self.task: asyncio.Task[None] | None = None
        self.sent = 0

    async def start(self, reader: Any = None, master: Any = None, clock_behind_s: float = 0.0, **settings: Any) -> None:
        """Build the handler and let it subscribe."""
        chosen = NewsSettings(broad_tapes=("BRFG", "BRFUPDN"), **settings)
        self.handler = NewsHandler(
            context_of(clock=self.clock, journal=self.journal, counts=self.counts),
            feed=self.feed, market=self.book, settings=chosen, master=master, reader=reader, items=self.items,
            clock_behind_s=clock_behind_s,
        )  # fmt: skip
        self.task = asyncio.create_task(self.handler.run())
        await asyncio.sleep(0)

    async def hear(self, text: str, *, key: str = "BRFG", article_id: str = "", **fields: Any) -> str:
        """Send a headline received now; what became of it: 'item' or the reason."""
        before = len(self.journal["headlines"])
        await self.feed.push(self.headline(text, key=key, article_id=article_id, **fields), key)
        await self.handler.queues["look-ups"].join()
        row = self.journal["headlines"][before]
        return str(row["reason"]) or str(row["outcome"])

    def headline(self, text: str, *, key: str = "BRFG", article_id: str = "", **fields: Any) -> Headline:
        """One received now, published 2 s ago; without an article id it has one of its own."""
        values = {"published_at": self.clock.at - timedelta(seconds=2), "received_at": self.clock.at} | fields
        self.sent += 1
        return Headline(provider=key, article_id=article_id or f"{key}$s{self.sent:05d}", text=text, **values)

    def taken(self) -> list[NewsItem]:
        """The items since the last call."""
        taken = []
        while not self.items.empty():
            taken.append(self.items.get_nowait())
            self.items.task_done()
        return taken


@pytest.fixture
async def desk():
    """A desk, its handler cancelled at the end."""
    made = Desk()
    yield made
    if made.task:
        made.task.cancel()
        await asyncio.gather(made.task, return_exceptions=True)
