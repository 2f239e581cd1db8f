"""A market day of invented bars and news for the pure detection tests."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from momentum_kit.models.contracts import Contract
from momentum_kit.models.market import Bar, MarketDataType, Quote, TradeTick
from momentum_kit.models.news import Catalyst, Headline, NewsItem
from momentum_kit.sessions import TradingSession, previous_sessions, session_on

DAY = date(2026, 11, 19)
CONTRACT = Contract("ACME", con_id=101)


@pytest.fixture(scope="session")
def today() -> TradingSession:
    """A regular Thursday."""
    session = session_on(DAY)
    assert session
    return session


@pytest.fixture(scope="session")
def earlier() -> list[TradingSession]:
    """The ten sessions before it."""
    return previous_sessions(DAY, 10)


@pytest.fixture(scope="session")
def make_bar() -> Callable[..., Bar]:
    """A bar with open, high, low and close around one price."""

    def make(start: datetime, close: float, *, seconds: int = 5, volume: float = 100.0, **fields: float) -> Bar:
        prices = {"open": close, "high": close, "low": close, "wap": close} | fields
        return Bar(
            start, seconds, prices["open"], prices["high"], prices["low"], close, volume, prices["wap"],
            int(prices.get("count", 1)),
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def make_minutes(make_bar) -> Callable[..., list[Bar]]:
    """A session's 1-minute bars: a seeded random walk with a fixed volume a minute."""

    def make(
        session: TradingSession, *, price: float = 10.0, volume: float = 1000.0, seed: int = 1, size: float = 0.001
    ) -> list[Bar]:
        count = round((session.close - session.open).total_seconds() / 60)
        steps = np.random.default_rng(seed).normal(0, size, count)
        closes = price * np.exp(np.cumsum(steps))
        starts = [session.open + timedelta(minutes=index) for index in range(count)]
        return [
            make_bar(start, float(close), seconds=60, volume=volume, count=10)
            for start, close in zip(starts, closes, strict=True)
        ]

    return make


@pytest.fixture(scope="session")
def make_tick() -> Callable[..., TradeTick]:
    """A trade of 100 shares."""

    def make(time: datetime, price: float = 10.0, size: float = 100.0, total: float = 0.0) -> TradeTick:
        return TradeTick(CONTRACT.con_id, time, price, size, total, price, time)

    return make


@pytest.fixture(scope="session")
def make_item() -> Callable[..., NewsItem]:
    """A news item received one second after its publication."""

    def make(received_at: datetime, catalyst: Catalyst = Catalyst.FDA, **fields: object) -> NewsItem:
        headline = Headline(
            provider="BRFG",
            article_id="BRFG$s1",
            text="text",
            published_at=received_at - timedelta(seconds=1),
            received_at=received_at,
        )
        return NewsItem(
            item_id="s1:101",
            story_id="s1",
            headline=headline,
            contract=CONTRACT,
            text="text",
            catalyst=catalyst,
            catalyst_rule="rule",
            **fields,
        )  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def make_quote() -> Callable[..., Quote]:
    """A live quote one cent wide."""

    def make(bid: float = 10.00, ask: float = 10.01, **fields: object) -> Quote:
        values: dict[str, object] = {
            "bid_size": 300, "ask_size": 100, "last": bid, "halted": False, "data_type": MarketDataType.LIVE,
            "received_at": datetime(2026, 11, 19, 15, tzinfo=UTC),
        } | fields  # fmt: skip
        return Quote(CONTRACT.con_id, bid, ask, **values)  # type: ignore[arg-type]

    return make
