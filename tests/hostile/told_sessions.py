"""Sessions' journals as an outsider plants them: every table has a row, and words or rubbish stand where he likes."""

import sqlite3
from collections.abc import Collection
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from momentum_kit.storage.journal import SqliteJournal
from tests.helpers.journal_rows import put

DAY = "2026-11-17"
BEGIN = datetime(2026, 11, 17, 15, tzinfo=UTC)
SYMBOL, ORDERS = "XYZW", (1, 2, 3)
FREE = ("text", "reason", "detail", "provider", "catalyst", "advice", "meaning", "source", "why_held", "kind",
        "exchange", "order_ref", "catalyst_rule", "catalyst_words", "symbol")  # fmt: skip
"""Columns that hold words of the world's, or of somebody's who steers."""


def session(folder: Path, words: str = "XYZW wins a contract") -> Path:
    """One finished trade, an incident, a notice and a command, with these words wherever words of others stand."""
    folder.mkdir(parents=True)
    journal = SqliteJournal(folder / "journal.db")
    write = partial(put, journal)
    at = [BEGIN + timedelta(seconds=5 * step) for step in range(24)]
    named = {"item_id": "story:7", "symbol": SYMBOL, "con_id": 7}
    write("meta", key="owner", value="DU1")
    write("equity", at=at[0], realised_usd=0.0, unrealised_usd=0.0, costs_usd=0.0)
    write("headlines", at=at[0], story_id="story", provider="BRFG", article_id="BRFG$1", text=words, published_at=at[0],
          received_at=at[0], outcome="item", reason="", symbols=[SYMBOL])  # fmt: skip
    write("headlines", at=at[0], story_id="other", provider="BRFG", article_id="BRFG$2", text=words, received_at=at[0],
          outcome="skip", reason="no ticker", symbols=[])  # fmt: skip
    write("items", at=at[0], story_id="story", catalyst="contract", **named)
    for step in range(len(at)):
        price = 10.0 + 0.05 * (step % 7)
        write("marks", at=at[step], con_id=7, symbol=SYMBOL, price=price, bid=price - 0.01, ask=price + 0.01)
    rules = [{"rule": "z", "value": 3.0, "threshold": 4.4, "passed": False}]
    decided = {"story_id": "story", "features": {"z_tod": 3.0}, "rules": rules, "price": 10.0, **named}
    write("decisions", at=at[1], decided_at=at[1], verdict="skip", reason="z", detail=words, final=0, **decided)
    write("decisions", at=at[2], decided_at=at[2], verdict="signal", reason="", final=1, **decided)
    write("risk", at=at[2], verdict="refused", reason="max positions", limits=[], story_id="story", **named)
    for number, leg, price in zip(ORDERS, ("entry", "target", "stop"), (10.05, 10.4, 9.9), strict=True):
        column = "stop_price" if leg == "stop" else "limit_price"
        side, kind = "BUY" if leg == "entry" else "SELL", "STP" if leg == "stop" else "LMT"
        write("orders", at=at[2], order_id=number, leg=leg, action=side, quantity="100", order_type=kind,
              change="place", intent_id="i", **named, **{column: price})  # fmt: skip
    write("notices", at=at[2], order_id=1, code=399, text=words, meaning="warning", advice="wait")
    for number, side, step in ((1, "BUY", 3), (2, "SELL", 9)):
        write("executions", at=at[step], time=at[step], exec_id=f"0001.{number}.01", order_id=number, side=side,
              shares="100", price=10.0, liquidation=0, order_ref="mk-1", symbol=SYMBOL, con_id=7)  # fmt: skip
    write("exits", at=at[8], symbol=SYMBOL, con_id=7, reason="target")
    write("round_trips", at=at[9], opened_at=at[3], closed_at=at[9], quantity="100", entry_price=10.0, exit_price=10.2,
          gross_usd=20.0, costs_usd=2.0, net_usd=18.0, reason="target", r=1.8, **named)  # fmt: skip
    write("incidents", at=at[10], kind="broker", text=words)
    write("commands", at=at[11], command="pause", source="panel", outcome=words)
    journal.close()
    return folder


def plant(folder: Path, value: object, columns: Collection[str] = ()) -> None:
    """Put a value into every row's cells of these columns, or of all that hold text."""
    with closing(sqlite3.connect(folder / "journal.db", isolation_level=None)) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            for _, column, kind, needed, *_ in database.execute(f'PRAGMA table_info("{table}")').fetchall():
                chosen = column in columns or (not columns and kind == "TEXT")
                if chosen and not (needed and value is None):
                    database.execute(f'UPDATE OR REPLACE "{table}" SET "{column}" = ?', (value,))
