import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.errors import StorageError
from momentum_kit.notebook.live_view import last_verdict
from momentum_kit.notebook.live_view.session_record import KEPT, SessionRecord
from momentum_kit.notebook.live_view.views import headlines_table, orders_table
from momentum_kit.pages import Html

ITEM: dict[str, Any] = {"item_id": "s:1", "story_id": "s", "symbol": "ABCD", "con_id": 1}


def at(second: int) -> str:
    """A journal's time."""
    return f"2026-11-20T15:00:{second:02d}.000Z"


def decision(second: int, verdict: str = "skip", final: int = 0) -> dict[str, Any]:
    """A row of decisions."""
    return {**ITEM, "at": at(second), "decided_at": at(second), "verdict": verdict, "reason": "z" * (verdict == "skip"),
            "detail": "", "final": final, "price": 5.0, "features": None, "rules": []}  # fmt: skip


def order(second: int, order_id: int = 1, leg: str = "entry", change: str = "place") -> dict[str, Any]:
    """A row of orders."""
    return {**ITEM, "at": at(second), "order_id": order_id, "leg": leg, "action": "BUY", "order_type": "LMT",
            "quantity": "100", "limit_price": 5.0, "stop_price": None, "change": change}  # fmt: skip


def update(second: int, status: str, filled: str) -> dict[str, Any]:
    """A row of order_updates."""
    return {"at": at(second), "order_id": 1, "status": status, "filled": filled, "avg_fill_price": 5.0}


def test_a_verdict_only_ever_gets_further() -> None:
    """Watching, signal, ordered, bought, closed: rows that come late or twice never lead back."""
    record, seen = SessionRecord(), []
    rows = [
        ("decisions", decision(5)), ("decisions", decision(10, "signal", 1)), ("orders", order(10)),
        ("order_updates", update(11, "Filled", "100")), ("decisions", decision(5)),
        ("round_trips", {**ITEM, "reason": "target", "net_usd": 12.0}), ("orders", order(10)),
    ]  # fmt: skip
    for kind, row in rows:
        record.take(kind, row)
        seen.append(record.verdicts["s:1"].words)
    assert seen == ["watching", "signal", "ordered", "bought", "bought", "closed", "closed"]
    assert record.verdicts["s:1"].reason == "target, +12.00 USD"


def test_refusals_and_final_skips_say_why() -> None:
    """The risk gate's reason, the detector's last reason, the news handler's."""
    record = SessionRecord()
    record.take("decisions", decision(5, final=1))
    assert (record.verdicts["s:1"].words, record.verdicts["s:1"].reason) == ("no signal", "z")
    record.take("risk", {**ITEM, "verdict": "refused", "reason": "max positions"})
    assert record.verdicts["s:1"].reason == "risk: max positions"
    head = {"at": at(1), "story_id": "t", "article_id": "a", "text": "t", "outcome": "skip", "reason": "no ticker",
            "symbols": None}  # fmt: skip
    record.take("headlines", head)
    assert "no ticker" in headlines_table(record)


def test_an_order_is_shown_as_it_last_was() -> None:
    """A change replaces what was placed, an older row told again does not; its first time stays."""
    record = SessionRecord()
    for kind, row in (("orders", order(1)), ("orders", {**order(9, change="modify"), "limit_price": 6.0}),
                      ("orders", order(1)), ("order_updates", update(9, "Filled", "100")),
                      ("order_updates", update(3, "Submitted", "0"))):  # fmt: skip
        record.take(kind, row)
    shown = orders_table(record)
    for words in (">6.00<", "Filled", "100 of 100", "10:00:01"):
        assert words in shown


def test_memory_is_bounded() -> None:
    """A session of a thousand headlines keeps the newest."""
    record = SessionRecord()
    for number in range(3 * KEPT):
        head = {"at": at(1), "story_id": str(number), "article_id": "a", "text": "t", "outcome": "skip", "reason": "r",
                "symbols": []}  # fmt: skip
        record.take("headlines", head)
        record.take("log", {"level": "info", "logger": "x", "text": str(number)})
    assert len(record.headlines) == len(record.log) == KEPT
    assert isinstance(headlines_table(record), Html)
    assert f"newest 40 of {KEPT}" in headlines_table(record)


def test_what_nobody_shows_changes_nothing() -> None:
    """Events of other kinds pass."""
    record = SessionRecord()
    record.take("commissions", {"exec_id": "x"})
    assert record.version == 0


def test_a_session_that_runs_already_is_read_from_its_journal(write_session: Callable[..., Path]) -> None:
    """A panel that opens late, or after a kernel restart, shows everything from before; reading twice adds nothing."""
    record, path = SessionRecord(), write_session()
    record.read_journal(path)
    counts = [len(each) for each in (record.headlines, record.signals, record.orders, record.equity)]
    assert all(counts)
    assert "closed" in headlines_table(record) or "ordered" in headlines_table(record)
    record.read_journal(path, KEPT)
    assert counts == [len(each) for each in (record.headlines, record.signals, record.orders, record.equity)]
    assert record.curve == sorted(record.curve)
    with pytest.raises(StorageError):
        record.read_journal(path.with_name("none.db"))


def test_the_last_verdict_comes_with_its_rules(write_session: Callable[..., Path], journal_path: Path) -> None:
    """The newest last word with its rules as a structure; nothing where nothing was decided."""
    assert last_verdict(journal_path) == []
    (row,) = last_verdict(write_session())
    assert row["final"] == 1
    assert json.dumps(row["rules"])
    assert row["rules"][0]["rule"] == "z"
