"""The log of a session and the why of a symbol, from journals as sessions write them."""

from pathlib import Path

import pytest

from momentum_kit.errors import StorageError
from momentum_kit.notebook.record import SessionLog
from momentum_kit.storage.journal import SqliteJournal
from tests.helpers.journal_rows import put

AT = "2026-07-06T14:{:02d}:{:02d}.000Z"  # 10:00 in New York's summer
RULE = {"rule": "move", "value": 0.002, "threshold": 0.03, "passed": False}


def look(journal: SqliteJournal, second: int, *, reason: str, detail: str, final: bool = False, **more: object) -> None:
    """One decision on QRST."""
    put(
        journal, "decisions", at=AT.format(1, second), decided_at=AT.format(1, second), item_id="s:1", story_id="s",
        symbol="QRST", con_id=1, verdict="skip", reason=reason, detail=detail, final=final, price=4.2, rules=[RULE],
        **more,
    )  # fmt: skip


@pytest.fixture
def journal(journal_path: Path) -> SqliteJournal:
    """A story that was looked at three times for two reasons, and another that nobody could be named for."""
    journal = SqliteJournal(journal_path)
    put(journal, "headlines", at=AT.format(0, 5), provider="XY", story_id="s", text="Quarst wins a bid \u001b[2J",
        symbols=["QRST"], outcome="item", reason="")  # fmt: skip
    put(journal, "headlines", at=AT.format(0, 7), provider="XY", story_id="t", text="Rates are unchanged", symbols=[],
        outcome="skip", reason="no ticker", detail="")  # fmt: skip
    look(journal, 10, reason="move", detail="0.001 < 0.03")
    look(journal, 15, reason="move", detail="0.002 < 0.03")
    look(journal, 20, reason="spread", detail="180 > 100")
    look(journal, 25, reason="out of time", detail="", final=True)
    journal.flush()
    yield journal
    journal.close()


def test_why_tells_equal_refusals_once_with_the_latest_numbers(journal: SqliteJournal) -> None:
    """A person reads that it moved too little and then was too wide, in percent and bps, and sees each rule."""
    told = SessionLog(journal.path).why("qrst")
    assert told.splitlines()[0] == "QRST, Monday, 6 July 2026"
    assert told.count("move: 0.20% < 3.00%") == 1
    assert "0.10%" not in told
    assert "10:01:20 EDT" in told
    assert "180 bps > 100 bps" in told
    assert "given up at 4.20 USD, out of time" in told
    assert told.splitlines()[-1].split() == ["move", "FAILED", "0.20%,", "limit", "3.00%"]
    assert "Rates" not in told


def test_a_symbol_that_nobody_named_is_said_to_be_so(journal: SqliteJournal) -> None:
    """An empty answer would look like a failure."""
    assert SessionLog(journal.path).why("zzz") == "ZZZ: no headline named it, and no order was sent for it"


def test_a_log_goes_on_from_where_it_was_left(journal: SqliteJournal) -> None:
    """What was told is not told again; what the rows of one moment mean keeps its order."""
    session_log = SessionLog(journal.path)
    assert [line.minor for line in session_log.fresh()] == [False, False, True, True, True, False]
    assert session_log.fresh() == []
    order = {"order_id": 7, "symbol": "QRST", "leg": "exit", "action": "SELL", "order_type": "MKT", "quantity": 30}
    put(journal, "orders", at=AT.format(2, 0), change="place", **order)
    put(journal, "exits", at=AT.format(2, 0), symbol="QRST", con_id=1, reason="close")
    put(journal, "notices", at=AT.format(2, 1), order_id=7, code=399, text="waits for the open")
    journal.flush()
    assert [line.text for line in session_log.fresh()] == [
        "QRST: on its way out, close",
        "QRST: exit sent: SELL 30 MKT",
        "QRST: 399 waits for the open",
    ]


def test_a_corrected_execution_is_no_second_fill(journal: SqliteJournal) -> None:
    """IB sends the corrected match under the same id with a higher last number."""
    execution = {"symbol": "QRST", "con_id": 1, "side": "BUY", "shares": "30", "order_id": 7}
    put(journal, "executions", at=AT.format(3, 0), exec_id="0000e0d5.65.01.01", price=4.25, **execution)
    put(journal, "executions", at=AT.format(3, 9), exec_id="0000e0d5.65.01.02", price=4.24, **execution)
    journal.flush()
    told = [line.text for line in SessionLog(journal.path).fresh() if line.kind == "fill"]
    assert told == ["QRST: bought 30 at 4.25 USD", "QRST: corrected: bought 30 at 4.24 USD"]


def test_a_terminal_obeys_nothing_of_a_headline(journal: SqliteJournal) -> None:
    """An escape that clears the screen is shown as a blank."""
    assert all(line.text.isprintable() for line in SessionLog(journal.path).fresh())


def test_a_folder_without_a_journal_is_an_error_of_one_line(tmp_path: Path) -> None:
    """Nothing is created by looking."""
    with pytest.raises(StorageError, match="no such journal"):
        SessionLog(tmp_path / "journal.db").fresh()
    assert not list(tmp_path.iterdir())
