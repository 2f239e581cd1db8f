from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.errors import StorageError
from momentum_kit.storage.journal import SqliteJournal, decisions_digest, latest, query, summarise
from momentum_kit.storage.journal.summary import percentile
from tests.helpers.journal_rows import put

AT = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def session(journal: SqliteJournal, threshold: float = 5.0, reverse: bool = False) -> None:
    """Three headlines: a duplicate, an item refused by risk, an item that is bought and closed with profit."""
    rows = [
        ("headlines", {"at": AT, "story_id": "s1", "received_at": AT, "outcome": "skip", "reason": "duplicate story"}),
        ("headlines", {"at": AT, "story_id": "s2", "received_at": AT, "outcome": "item", "reason": ""}),
        ("headlines", {"at": AT, "story_id": "s3", "received_at": AT, "outcome": "item", "reason": ""}),
        ("headlines", {"at": AT, "story_id": "s4", "received_at": AT, "outcome": "item", "reason": ""}),
    ]
    for story, symbol in (("s2", "AAA"), ("s3", "BBB"), ("s4", "CCC"), ("s4", "DDD")):
        rows.append(("items", {"at": AT, "item_id": f"{story}:{symbol}", "story_id": story, "symbol": symbol}))
    for story, symbol, verdict, reason, final in (
        ("s2", "AAA", "signal", "", 1),
        ("s3", "BBB", "skip", "move", 0),
        ("s3", "BBB", "signal", "", 1),
        ("s4", "CCC", "skip", "rvol bar", 0),
        ("s4", "CCC", "skip", "rvol bar" if threshold > 1 else "z", 1),
    ):
        row = {"item_id": f"{story}:{symbol}", "story_id": story, "symbol": symbol, "verdict": verdict}
        rows.append(("decisions", {"at": AT, "decided_at": AT, "reason": reason, "final": final, **row}))
    rows += [
        ("risk", {"at": AT, "item_id": "s2:AAA", "story_id": "s2", "symbol": "AAA", "verdict": "refused",
                  "reason": "cool-down"}),
        ("risk", {"at": AT, "item_id": "s3:BBB", "story_id": "s3", "symbol": "BBB", "verdict": "accepted",
                  "reason": ""}),
    ]  # fmt: skip
    for number, leg in enumerate(("entry", "target", "stop"), start=1):
        rows.append(("orders", {"at": AT, "item_id": "s3:BBB", "order_id": number, "leg": leg, "change": "place",
                                "decide_to_sent_ms": 4.25 if leg == "stop" else None}))  # fmt: skip
    rows.append(("orders", {"at": AT, "item_id": "s3:BBB", "order_id": 3, "leg": "exit", "change": "modify"}))
    for exec_id, shares, price in (("a.1.01", 100, 10.0), ("a.2.01", 100, 11.0), ("a.2.02", 100, 10.9)):
        rows.append(("executions", {"at": AT, "exec_id": exec_id, "shares": str(shares), "price": price}))
        rows.append(("commissions", {"at": AT, "exec_id": exec_id, "commission_usd": 1.5}))
    rows += [
        ("round_trips", {"at": AT, "item_id": "s3:BBB", "gross_usd": 90.0, "costs_usd": 3.0, "net_usd": 87.0}),
        ("equity", {"at": AT, "realised_usd": 0.0, "unrealised_usd": 100.0, "costs_usd": 1.5}),
        ("equity", {"at": AT + timedelta(minutes=1), "realised_usd": 90.0, "unrealised_usd": 0.0, "costs_usd": 3.0}),
        ("incidents", {"at": AT, "kind": "stale quote", "text": "BBB"}),
    ]
    decided = [row for row in rows if row[0] in ("decisions", "risk", "headlines")]
    for table, columns in [*reversed(decided)] if reverse else rows:
        put(journal, table, **columns)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An empty journal."""
    path = tmp_path / "journal.db"
    SqliteJournal(path).close()
    return path


def fill(path: Path, **kwargs: object) -> Path:
    """The session above in a journal."""
    journal = SqliteJournal(path)
    session(journal, **kwargs)
    journal.close()
    return path


def test_a_session_is_summarised(path):
    """Every count follows from the rows; corrections of an execution count once, the last one's costs count."""
    assert summarise(fill(path)) == {
        "headlines": 4,
        "items": 4,
        "signals": 2,
        "skips": {"duplicate story": 1, "risk: cool-down": 1, "rvol bar": 1},
        "undecided": 1,
        "entries": 1,
        "orders": 3,
        "fills": 2,
        "round_trips": 1,
        "wins": 1,
        "gross_pnl_usd": 90.0,
        "costs_usd": 3.0,
        "net_pnl_usd": 87.0,
        "latency_ms": {"p50": 4.25, "p99": 4.25, "n": 1},
        "incidents": {"stale quote": 1},
        "signal_stories": [["s2", "AAA"], ["s3", "BBB"]],
        "entry_stories": [["s3", "BBB"]],
    }


def test_an_empty_journal_has_a_summary(path):
    """A session in which nothing happened has zeros and no latency, not an error."""
    summary = summarise(path)
    assert summary["net_pnl_usd"] == 0
    assert summary["latency_ms"] == {"p50": None, "p99": None, "n": 0}
    assert summary["skips"] == {}


def test_a_session_can_be_read_while_it_writes(path):
    """Reading needs no lock that the writing session would notice."""
    journal = SqliteJournal(path)
    session(journal)
    journal.flush()
    assert summarise(path)["headlines"] == 4
    put(journal, "headlines", at=AT, outcome="skip", reason="no ticker")
    assert journal.flush()
    assert summarise(path)["headlines"] == 5
    journal.close()


def test_reading_never_writes(path):
    """A question that would change the journal is refused."""
    with pytest.raises(StorageError, match="readonly"):
        query(path, "DELETE FROM headlines")


def test_a_missing_or_foreign_file_is_named(tmp_path):
    """No journal, or a file that is none, is one clear line and creates nothing."""
    with pytest.raises(StorageError, match="no such journal"):
        summarise(tmp_path / "journal.db")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "journal.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StorageError, match="not a database"):
        summarise(tmp_path / "journal.db")


def test_the_digest_is_of_what_was_decided_and_nothing_else(path, tmp_path):
    """Equal decisions give equal digests whatever the order written and wall time; profit does not enter."""
    other = tmp_path / "other.db"
    SqliteJournal(other).close()
    assert decisions_digest(fill(path)) == decisions_digest(fill(other, reverse=True))


def test_the_digest_changes_with_one_verdict(path, tmp_path):
    """Another threshold that changes one reason changes the digest."""
    other = tmp_path / "other.db"
    SqliteJournal(other).close()
    empty = decisions_digest(path)
    digests = {empty, decisions_digest(fill(path)), decisions_digest(fill(other, threshold=0.5))}
    assert len(digests) == 3
    assert all(len(digest) == 64 for digest in digests)


def test_later_corrections_replace_earlier_ones_in_any_order():
    """The highest correction of a match stays, ids without corrections stay as they are."""
    rows = [("a.b.02", 2), ("a.b.01", 1), ("a.c.01", 3), ("E1", 4), ("E2", 5)]
    assert sorted(latest(rows)) == [("E1", 4), ("E2", 5), ("a.b.02", 2), ("a.c.01", 3)]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_enough_values_do_not_exceed(values, share):
    """At least the share of values lies at or below it, and no smaller value does that."""
    ascending = sorted(values)
    found = percentile(ascending, share)
    below = sum(value <= found for value in ascending)
    assert below >= share * len(ascending) - 1e-9
    assert sum(value < found for value in ascending) < share * len(ascending)
