"""A seeded archive of a few symbols and sessions, made for parity: surges after some headlines, 5 s bars and quotes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from momentum_kit.models.contracts import Contract
from momentum_kit.models.news import Headline
from momentum_kit.sessions import TradingSession, previous_sessions, session_on
from momentum_kit.storage.archive import BARS, BARS_5S, QUOTES_5S, Archive, Listing, Provenance, Series

IMPORTED = datetime(2026, 11, 1, tzinfo=UTC)
SOURCE = Provenance(source="tests/parity/small_days.py", sha256="", imported_at=IMPORTED, adjusted=False)
TEXTS = (
    "{name} receives FDA approval for its new therapy, shares active",
    "{name} wins $90 million contract from the department of defense",
    "{name} announces pricing of $20 million public offering",
    "{name} reports record third quarter revenue and raises guidance",
)
SHARES_A_MINUTE = 2_000.0
EARLIER = 12  # sessions before the served day: more than a baseline needs


@dataclass(frozen=True)
class Made:
    """What write_days made: the folder and its days."""

    folder: Path
    days: tuple[date, ...]


def write_days(
    folder: Path,
    last: date,
    days: int = 1,
    symbols: int = 6,
    headlines: int = 12,
    seed: int = 1,
    quiet: float = 0.25,
    last_s: float = 21_600.0,
) -> Made:
    """An archive whose last `days` sessions have 5 s bars, quotes and `headlines` headlines each.

    quiet: the share of headlines that nothing follows. last_s: seconds after the open until which they come. Every
    third one came on the provider's broad tape, the others with the news of their contract.
    """
    archive = Archive(folder)
    session = session_on(last)
    assert session is not None
    sessions = [*previous_sessions(last, EARLIER + days - 1), session]
    served = sessions[-days:]
    names = [f"SYM{chr(65 + number // 26)}{chr(65 + number % 26)}" for number in range(symbols)]
    rng = np.random.default_rng(seed)
    told = {each.day: _headlines(rng, names, each, headlines, last_s) for each in served}
    series: list[Series] = []
    for number, name in enumerate(names):
        own = np.random.default_rng([seed, number])
        price = float(own.uniform(3, 15))
        for each in sessions:
            mine = [line for line in told.get(each.day, ()) if name in line.text]
            bars = _bars(own, each, price, mine, quiet)
            price = float(bars["close"][-1])
            series.append(Series(kind=BARS, symbol=name, day=each.day, rows=_minutes(bars), provenance=SOURCE))
            if each in served:
                series.append(Series(kind=BARS_5S, symbol=name, day=each.day, rows=bars, provenance=SOURCE))
                series.append(
                    Series(kind=QUOTES_5S, symbol=name, day=each.day, rows=_quotes(own, each, bars), provenance=SOURCE)
                )
    archive.extend(sorted(series, key=lambda one: (one.kind, one.symbol, one.day)))
    archive.add_symbol_master(
        sessions[0].day, [Listing(symbol=name, con_id=con_id(name), name=f"{name} INC") for name in names], SOURCE
    )
    archive.add_headlines([line for lines in told.values() for line in lines], SOURCE)
    return Made(folder, tuple(each.day for each in served))


def con_id(name: str) -> int:
    """The contract's id in these archives."""
    return 930_000_000 + ord(name[-2]) * 100 + ord(name[-1])


def _headlines(
    rng: np.random.Generator, names: Sequence[str], session: TradingSession, count: int, last_s: float
) -> list[Headline]:
    at = np.sort(rng.uniform(600, last_s, count))
    found = []
    for number, second in enumerate(at):
        name = names[int(rng.integers(len(names)))]
        published = session.open + timedelta(milliseconds=int(second * 1000))
        received = published + timedelta(milliseconds=int(rng.integers(80, 2500)))
        text = TEXTS[int(rng.integers(len(TEXTS)))].format(name=name)
        contract = Contract(name, con_id(name)) if number % 3 else None
        text = f"{text} (NASDAQ: {name}), number {number} of {session.day}"
        article = f"BZ${session.day:%m%d}{number:04x}"
        found.append(
            Headline(
                provider="BZ",
                article_id=article,
                text=text,
                published_at=published,
                received_at=received,
                contract=contract,
            )
        )
    return found


def _bars(
    rng: np.random.Generator, session: TradingSession, price: float, headlines: Sequence[Headline], quiet: float
) -> dict[str, Any]:
    """5 s bars of a whole session; headlines that are not quiet are followed by a surge of a minute or two."""
    count = int((session.close - session.open).total_seconds()) // 5
    second = np.arange(count) * 5.0
    drift, busy = np.zeros(count), np.ones(count)
    for line in headlines:
        assert line.received_at is not None
        since = second - (line.received_at - session.open).total_seconds()
        surge = 0.0 if rng.random() < quiet else float(rng.choice([0.02, 0.05, 0.09]))
        drift += np.where((since > 0) & (since <= 60), surge / 12, 0.0)
        busy = np.maximum(busy, np.where((since > -5) & (since < 120), 1 + 400 * surge, 1.0))
    path = price * np.exp(np.cumsum(rng.normal(0, 4e-4, count) * np.sqrt(busy) ** 0.5 + drift))
    trades = rng.poisson(1.2 * busy)
    close = np.round(path, 2)
    opened = np.r_[close[0], close[:-1]]
    reach = np.round(np.abs(rng.normal(0, 0.006, (2, count))), 2)
    high = np.round(np.maximum(opened, close) + np.where(trades > 2, reach[0], 0), 2)
    low = np.round(np.minimum(opened, close) - np.where(trades > 3, reach[1], 0), 2)
    single = trades <= 1
    opened, high, low = (np.where(single, close, column) for column in (opened, high, low))
    volume = np.rint(SHARES_A_MINUTE / 12 * trades / 1.2 * rng.uniform(0.5, 1.5, count))
    spread = np.where(high > low, rng.uniform(0.2, 0.8, count), 0.0)
    wap = np.round(low + (high - low) * spread, 4)
    start = _micros(session) + (second * 1e6).astype(np.int64)
    columns = {
        "start": start, "open": opened, "high": high, "low": low, "close": close, "volume": np.maximum(volume, trades),
        "wap": wap, "count": trades.astype(np.float64),
    }  # fmt: skip
    return {name: column[trades > 0] for name, column in columns.items()}


def _minutes(bars: dict[str, Any]) -> dict[str, Any]:
    start, first = np.unique(bars["start"] // 60_000_000 * 60_000_000, return_index=True)
    last = np.r_[first[1:], len(bars["start"])] - 1
    volume = np.add.reduceat(bars["volume"], first)
    return {
        "start": start, "open": bars["open"][first], "high": np.maximum.reduceat(bars["high"], first),
        "low": np.minimum.reduceat(bars["low"], first), "close": bars["close"][last], "volume": volume,
        "wap": np.add.reduceat(bars["wap"] * bars["volume"], first) / volume,
        "count": np.add.reduceat(bars["count"], first),
    }  # fmt: skip


def _quotes(rng: np.random.Generator, session: TradingSession, bars: dict[str, Any]) -> dict[str, Any]:
    """Every 5 s has a quote, a cent or two wide around the last close."""
    count = int((session.close - session.open).total_seconds()) // 5
    start = _micros(session) + np.arange(count) * 5_000_000
    row = np.maximum(np.searchsorted(bars["start"], start, side="right") - 1, 0)
    last = bars["close"][row]
    half = rng.choice([0.005, 0.01], count)
    bid, ask = np.round(last - half, 2), np.round(last + half, 2)
    ask = np.maximum(ask, bid + 0.01).round(2)
    sides = {"bid": (bid, np.r_[bid[:1], bid[:-1]]), "ask": (ask, np.r_[ask[:1], ask[:-1]])}
    columns: dict[str, Any] = {"start": start}
    for side, (close, opened) in sides.items():
        columns |= {
            f"{side}_open": opened, f"{side}_high": np.maximum(opened, close), f"{side}_low": np.minimum(opened, close),
            f"{side}_close": close, f"{side}_size": rng.integers(1, 40, count) * 100.0,
        }  # fmt: skip
    return columns


def _micros(session: TradingSession) -> int:
    return int(session.open.timestamp()) * 1_000_000
