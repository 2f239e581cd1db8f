"""A small invented market for the tests of event tables: three companies, forty sessions, bars and headlines."""

import dataclasses
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from momentum_kit.detection.batch import micros
from momentum_kit.models.news import Headline, HeadlinePhase
from momentum_kit.research.events import MemorySource
from momentum_kit.sessions import TradingSession, previous_sessions
from momentum_kit.storage.archive import BARS, BARS_5S, QUOTES_5S, DatedMaster, Listing

COMPANIES = {"ACME": "Acme Therapeutics Inc", "GLBX": "Globex Corp", "HOOL": "Hooli Holdings"}
AFTER = date(2026, 7, 1)


def market_columns(rng, starts: np.ndarray, seconds: int) -> dict[str, np.ndarray]:
    """A random walk in cents near $5, one bar a start."""
    close = np.round(5 * np.exp(np.cumsum(rng.normal(0, 0.0005, starts.size))), 2)
    high, low = close + 0.01 * rng.integers(1, 4, starts.size), close - 0.01 * rng.integers(1, 4, starts.size)
    volume = rng.integers(100, 5000, starts.size).astype(float)
    return {
        "start": starts, "open": close, "high": high, "low": low, "close": close, "volume": volume,
        "wap": (high + low) / 2, "count": np.floor(volume / 50),
    }  # fmt: skip


def starts_of(sessions: list[TradingSession], seconds: int, first_s: int = 0, last_s: int = 10**6) -> np.ndarray:
    """Bar starts inside the sessions, from first_s to last_s after the open."""
    spans = [
        micros(s.open) + np.arange(first_s, min(last_s, int((s.close - s.open).total_seconds())), seconds) * 1_000_000
        for s in sessions
    ]
    return np.concatenate(spans)


def headline(number: int, at: datetime, symbol: str = "ACME", **fields) -> Headline:
    """A live headline on one company, received some 300 ms after its publication."""
    text = f"{COMPANIES.get(symbol, 'Nobody Inc')} (NASDAQ: {symbol}) wins contract number {number} from the navy"
    values = {"provider": "BRFG", "article_id": f"BRFG$st{number:04}", "text": text, "published_at": at}
    return Headline(**(values | {"received_at": at + timedelta(milliseconds=280 + number % 41)} | fields))


@pytest.fixture(scope="session")
def sessions() -> list[TradingSession]:
    """The forty sessions of the market."""
    return previous_sessions(AFTER, 40)


@pytest.fixture(scope="session")
def source(sessions) -> MemorySource:
    """Minutes for two companies, 5 s bars and quotes around noon for one of them, nothing for the third."""
    rng = np.random.default_rng(5)
    series = {}
    for symbol in ("ACME", "GLBX"):
        starts = starts_of(sessions, 60)
        series[BARS, symbol] = market_columns(rng, starts[rng.random(starts.size) < 0.9], 60)
    fives = starts_of(sessions, 5, 7200, 12_000)
    series[BARS_5S, "ACME"] = market_columns(rng, fives[rng.random(fives.size) < 0.7], 5)
    close = series[BARS_5S, "ACME"]["close"]
    series[QUOTES_5S, "ACME"] = {
        "start": series[BARS_5S, "ACME"]["start"], "bid_close": close - 0.01, "ask_close": close + 0.01,
        "bid_size": np.full(close.size, 300.0), "ask_size": np.full(close.size, 100.0),
    }  # fmt: skip
    names = ("bid_open", "bid_high", "bid_low", "ask_open", "ask_high", "ask_low")
    series[QUOTES_5S, "ACME"] |= dict.fromkeys(names, close)
    news = [
        headline(10 * d + i, session.open + timedelta(seconds=float(second)), symbol)
        for d, session in enumerate(sessions)
        for i, (second, symbol) in enumerate(
            [(rng.uniform(7300, 11_500), "ACME"), (rng.uniform(0, 20_000), "GLBX"), (rng.uniform(0, 9000), "HOOL")]
        )
    ]
    listings = tuple(
        Listing(symbol=symbol, con_id=100 + i, name=name) for i, (symbol, name) in enumerate(COMPANIES.items())
    )
    days = [session.day for session in sessions]
    return MemorySource(series=series, days=days, news=news, masters=[DatedMaster(days[0], listings, "test")])


@pytest.fixture(scope="session")
def with_news(source):
    """The same market with other headlines."""

    def make(*news: Headline) -> MemorySource:
        return dataclasses.replace(source, news=news)

    return make


@pytest.fixture(scope="session")
def unrecorded():
    """A headline as history gives it: nobody recorded when it was received."""

    def make(line: Headline) -> Headline:
        return dataclasses.replace(line, received_at=None, phase=HeadlinePhase.BACKFILL)

    return make
