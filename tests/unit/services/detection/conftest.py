"""A market by hand for the detection engine: streams that tests push, history that tests choose, time that stands."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from momentum_kit.config import DetectionSettings, Thresholds
from momentum_kit.errors import NoData
from momentum_kit.models.contracts import Contract, ContractDetails, PriceIncrement
from momentum_kit.models.decisions import TradeSignal
from momentum_kit.models.market import Bar, MarketDataType, Quote, TradeTick
from momentum_kit.models.news import Catalyst, Headline, NewsItem
from momentum_kit.models.session import Beat
from momentum_kit.services import PriceRules
from momentum_kit.services.detection import DetectionEngine
from momentum_kit.sessions import previous_sessions, session_on
from tests.helpers.contexts import context_of
from tests.helpers.journal_rows import Rows

T0 = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)  # half an hour after the open
SESSION = session_on(T0.date())
EARLIER = previous_sessions(T0.date(), 10)
ACME = Contract("ACME", 101)


def at(seconds: float) -> datetime:
    """So many seconds after T0."""
    return T0 + timedelta(seconds=seconds)


def flat(start: datetime, seconds: int, price: float, volume: float) -> Bar:
    """A bar that stands at one price."""
    return Bar(start, seconds, price, price, price, price, volume, price, 5)


def quiet_minutes() -> tuple[Bar, ...]:
    """Ten sessions that swing by 10 bps a minute on 600 shares, and today's first half hour."""
    bars = [
        flat(session.open + timedelta(minutes=minute), 60, 10.0 + 0.01 * (minute % 2), 600.0)
        for session in EARLIER
        for minute in range(390)
    ]
    today = [flat(SESSION.open + timedelta(minutes=k), 60, 10.0, 600.0) for k in range(30)]
    bars += [replace(bar, high=10.02, low=9.98) for bar in today]
    return tuple(bars)


MINUTES = quiet_minutes()
RECENT = tuple(flat(T0 - timedelta(seconds=1800 - 5 * k), 5, 10.0, 50.0) for k in range(360))


class HandMarket:
    """MarketData: one queue a stream; `history` answers by bar size, an exception among the answers is raised."""

    def __init__(self) -> None:
        self.streams: dict[tuple[str, int], asyncio.Queue[Any]] = {}
        self.open_lines: list[tuple[str, int]] = []
        self.most_lines = 0
        self.requests: list[tuple[int, str, str, bool]] = []
        self.rules_asked: list[int] = []
        self.details: Exception | None = None
        self.history: dict[str, Any] = {"1 min": MINUTES, "5 secs": RECENT}

    def stream_trades(self, contract: Contract) -> AsyncIterator[TradeTick]:
        """Pushed trades."""
        return self._stream(("trades", contract.con_id))

    def stream_quotes(self, contract: Contract) -> AsyncIterator[Quote]:
        """Pushed quotes."""
        return self._stream(("quotes", contract.con_id))

    async def fetch_contract_details(self, contract: Contract) -> tuple[ContractDetails, ...]:
        """One match with rule 26, unless `details` says otherwise; each question is kept."""
        self.rules_asked.append(contract.con_id)
        if isinstance(self.details, Exception):
            raise self.details
        return (
            ContractDetails(
                contract=contract, long_name="", min_tick=0.0001, valid_exchanges=("SMART",), market_rule_ids=(26,),
                time_zone_id="US/Eastern", trading_hours="", liquid_hours="",
            ),
        )  # fmt: skip

    async def fetch_market_rule(self, rule_id: int) -> tuple[PriceIncrement, ...]:
        """Cents."""
        assert rule_id == 26
        return (PriceIncrement(0.0, 0.01),)

    async def _stream(self, key: tuple[str, int]) -> AsyncIterator[Any]:
        self.open_lines.append(key)
        self.most_lines = max(self.most_lines, len({con_id for _, con_id in self.open_lines}))
        queue = self.streams.setdefault(key, asyncio.Queue())
        try:
            while True:
                value = await queue.get()
                queue.task_done()
                if isinstance(value, Exception):
                    raise value
                yield value
        finally:
            self.open_lines.remove(key)

    async def fetch_historical_data(
        self, contract: Contract, end: datetime | None, duration: str, bar_size: str, what: str, use_rth: bool
    ) -> tuple[Bar, ...]:
        """The chosen answer for this bar size."""
        assert (end, what) == (None, "TRADES")
        self.requests.append((contract.con_id, duration, bar_size, use_rth))
        answer = self.history[bar_size]
        if isinstance(answer, Exception):
            raise answer
        return tuple(answer)


class Lab:
    """A running engine and the hands that move its market and its time."""

    def __init__(self) -> None:
        self.now_at = T0
        self.market, self.journal = HandMarket(), Rows()
        self.items: asyncio.Queue[NewsItem] = asyncio.Queue()
        self.beats: asyncio.Queue[Beat] = asyncio.Queue()
        self.signals: asyncio.Queue[TradeSignal] = asyncio.Queue()
        self.counts: Counter[str] = Counter()
        self.engine: DetectionEngine
        self.task: asyncio.Task[None] | None = None
        self._totals: Counter[int] = Counter()

    def now(self) -> datetime:
        """Market time: the Clock port."""
        return self.now_at

    def elapsed(self) -> float:
        """The same in seconds, from an origin of its own."""
        return self.now_at.timestamp() - 1_000

    def wall_limit(self, market_s: float) -> float:
        """By the wall."""
        return market_s

    async def start(
        self, thresholds: Thresholds | None = None, *, max_lines: int = 100, grace_s: float = 0.5, **settings: Any
    ) -> None:
        """Build and run the engine."""
        self.rules = PriceRules(self.market)
        self.engine = DetectionEngine(
            context_of(clock=self, journal=self.journal, counts=self.counts), market=self.market,
            rules=self.rules,
            settings=DetectionSettings(**settings), thresholds=thresholds or Thresholds(), items=self.items,
            beats=self.beats, signals=self.signals, grace_s=grace_s, max_lines=max_lines,
        )  # fmt: skip
        self.task = asyncio.create_task(self.engine.run())
        await self.settle()

    async def settle(self) -> None:
        """Until every queue is done and every stream has been read."""
        for _ in range(5):
            queues = [self.items, self.beats, *self.engine.queues.values(), *self.market.streams.values()]
            for queue in queues:
                await queue.join()
            await asyncio.sleep(0)

    async def beat(self, seconds: float, received_ns: int = 0) -> None:
        """Let market time reach T0 + seconds in one step."""
        self.now_at = at(seconds)
        self.beats.put_nowait(Beat(self.now_at, received_ns))
        await self.settle()

    async def run_until(self, seconds: float) -> None:
        """Beat every half second up to T0 + seconds."""
        while self.now_at < at(seconds):
            await self.beat((self.now_at - T0).total_seconds() + 0.5)

    async def news(
        self, catalyst: Catalyst = Catalyst.FDA, contract: Contract = ACME, story: str = "s1", **fields: Any
    ) -> NewsItem:
        """A headline received now."""
        headline = Headline(
            provider="BRFG",
            article_id=f"BRFG${story}",
            text="text",
            published_at=self.now_at - timedelta(seconds=1),
            received_at=self.now_at,
        )
        item = NewsItem(
            item_id=f"{story}:{contract.con_id}", story_id=story, headline=headline, contract=contract, text="text",
            catalyst=catalyst, catalyst_rule="rule", **fields
        )  # fmt: skip
        self.items.put_nowait(item)
        await self.settle()
        return item

    async def quote(self, bid: float, ask: float, con_id: int = 101, **fields: Any) -> None:
        """A quote received now."""
        values: dict[str, Any] = {
            "bid_size": 500, "ask_size": 500, "last": bid, "halted": False, "data_type": MarketDataType.LIVE,
            "received_at": self.now_at,
        } | fields  # fmt: skip
        self._push(("quotes", con_id), Quote(con_id, bid, ask, **values))
        await self.settle()

    async def trade(self, price: float, size: float, con_id: int = 101, time: datetime | None = None) -> None:
        """A trade that happened now."""
        self._totals[con_id] += int(size)
        total = self._totals[con_id]
        self._push(
            ("trades", con_id), TradeTick(con_id, time or self.now_at, price, size, total, price, self.now_at)
        )  # fmt: skip
        await self.settle()

    async def shock(self, start_s: float, seconds: int, con_id: int = 101, step: float = 0.01) -> None:
        """Every half second a trade of 500 shares, a cent higher, under a quote that follows; from T0 + start_s."""
        await self.run_until(start_s)
        for tick in range(2 * seconds):
            price = 10.0 + step * (tick + 1)
            await self.quote(price - 0.01, price, con_id)
            await self.trade(price, 500, con_id)
            await self.beat(start_s + (tick + 1) / 2, received_ns=tick)

    def _push(self, key: tuple[str, int], value: Any) -> None:
        if key in self.market.streams:
            self.market.streams[key].put_nowait(value)

    def decisions(self, final: bool | None = None) -> list[dict[str, Any]]:
        """Decision rows, all or by their final flag."""
        rows = self.journal["decisions"]
        return rows if final is None else [row for row in rows if bool(row["final"]) is final]

    def reasons(self) -> list[str]:
        """Reason of each row that is not final."""
        return [row["reason"] for row in self.decisions(final=False)]


@pytest.fixture
async def make_lab():
    """Labs, their engines cancelled at the end."""
    labs: list[Lab] = []

    def make() -> Lab:
        labs.append(Lab())
        return labs[-1]

    yield make
    tasks = [lab.task for lab in labs if lab.task]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def lab(make_lab):
    """One lab."""
    return make_lab()


@pytest.fixture
def no_data():
    """IB's honest nothing."""
    return NoData(162, "HMDS query returned no data")
