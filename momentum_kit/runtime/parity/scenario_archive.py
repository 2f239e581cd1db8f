"""Writes the market of a scenario down as an archive day, as if it had been recorded: what a demo is replayed from."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from momentum_kit.models import Headline
from momentum_kit.sessions import TradingSession, session_on
from momentum_kit.simgateway.embedding import BarSeries, DayTape, GeneratedSource, Scenario
from momentum_kit.storage.archive import BARS, BARS_5S, QUOTES_5S, Archive, Listing, Provenance, Series

STEP_MS = 5000
BASELINE_DAYS = 20


def record_scenario(scenario: Scenario, folder: Path, beat_s: float) -> Path:
    """Write the scenario's day and the minutes of the days before it; returns the archive's folder.

    beat_s: the lock-step of the demo, at whose ends its headlines were received. An archive keeps no halts.
    """
    source, archive = GeneratedSource(scenario), Archive(folder)
    origin = Provenance(
        source=f"scenario {scenario.name}, seed {scenario.seed}",
        sha256="",
        imported_at=datetime.now(UTC),
        adjusted=False,
    )
    archive.extend(_series(source, scenario.session, origin))
    archive.add_symbol_master(
        scenario.day,
        [
            Listing(symbol=x.symbol, con_id=x.con_id, name=x.long_name, primary_exchange=x.primary_exchange)
            for x in source.instruments.values()
        ],
        origin,
    )
    start, step = scenario.starts_at.astimezone(UTC), timedelta(seconds=beat_s)
    told = [event for event in source.headlines if start < event.time <= scenario.ends_at]
    archive.add_headlines(
        [
            Headline(
                provider=e.provider,
                article_id=e.article_id,
                text=e.text,
                published_at=e.published,
                received_at=start - (start - e.time) // step * step,
                extra=e.extra,
            )
            for e in told
        ],
        origin,
    )
    return folder


def _series(source: GeneratedSource, session: TradingSession, origin: Provenance) -> Iterator[Series]:
    for con_id, item in sorted(source.instruments.items(), key=lambda each: each[1].symbol):
        tape = source.tape(con_id, session.day)
        if tape is None:
            continue
        for day in source.earlier_days[-BASELINE_DAYS:]:
            minutes = source.minutes(con_id, day, "TRADES")
            if minutes is not None:
                yield Series(kind=BARS, symbol=item.symbol, day=day, rows=_of_minutes(minutes, day), provenance=origin)
        yield Series(kind=BARS, symbol=item.symbol, day=session.day, rows=_of_trades(tape, 60_000), provenance=origin)
        yield Series(
            kind=BARS_5S, symbol=item.symbol, day=session.day, rows=_of_trades(tape, STEP_MS), provenance=origin
        )
        yield Series(kind=QUOTES_5S, symbol=item.symbol, day=session.day, rows=_of_quotes(tape), provenance=origin)


def _of_minutes(bars: BarSeries, day: date) -> dict[str, Any]:
    assert session_on(day) is not None  # earlier_days are sessions
    names = ("open", "high", "low", "close", "volume", "wap", "count")
    return {"start": bars.start_ms * 1000, **{name: getattr(bars, name).astype(np.float64) for name in names}}


def _of_trades(tape: DayTape, length_ms: int) -> dict[str, Any]:
    start, first = np.unique(tape.trade_ms // length_ms * length_ms, return_index=True)
    end = np.r_[first[1:], len(tape.trade_ms)]
    volume = np.add.reduceat(tape.size, first).astype(np.float64)
    return {
        "start": start * 1000, "open": tape.price[first], "high": np.maximum.reduceat(tape.price, first),
        "low": np.minimum.reduceat(tape.price, first), "close": tape.price[end - 1], "volume": volume,
        "wap": np.round(np.add.reduceat(tape.price * tape.size, first) / volume, 8),
        "count": (end - first).astype(np.float64),
    }  # fmt: skip


def _of_quotes(tape: DayTape) -> dict[str, Any]:
    """Every interval from the first quote on, opening at the quote in force."""
    start = np.arange(tape.quote_ms[0] // STEP_MS * STEP_MS, tape.quote_ms[-1] + 1, STEP_MS)
    first = np.searchsorted(tape.quote_ms, start)  # the first quote inside
    opened = np.maximum(first - 1, 0)
    last = np.maximum(np.searchsorted(tape.quote_ms, start + STEP_MS) - 1, 0)
    rows = np.stack([opened, np.maximum(last + 1, opened + 1)], axis=1).ravel()
    columns: dict[str, Any] = {"start": start * 1000}
    for side, price, size in (("bid", tape.bid, tape.bid_size), ("ask", tape.ask, tape.ask_size)):
        padded = np.r_[price, price[-1:]]
        columns |= {
            f"{side}_open": price[opened], f"{side}_high": np.maximum.reduceat(padded, rows)[::2],
            f"{side}_low": np.minimum.reduceat(padded, rows)[::2], f"{side}_close": price[last],
            f"{side}_size": size[last].astype(np.float64),
        }  # fmt: skip
    return columns
