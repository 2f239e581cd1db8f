"""What a store cannot hold is cleaned or left out, told, and takes nothing else along."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from momentum_kit.errors import StorageError
from momentum_kit.models import IncidentRow
from momentum_kit.storage.journal import SqliteJournal, query
from momentum_kit.storage.journal.encoding import to_column, to_json

AT = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
TEXTS = ["\ud800", "a\udfffb", "\ud83d", "\x00", "\x1b[2J", "\u202e", "x" * 1_000_000, "'; DROP TABLE incidents; --"]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_no_text_keeps_other_rows_from_the_journal(text: str, tmp_path: Path) -> None:
    """The row before it, itself and the row after it are all there."""
    told: list[str] = []
    journal = SqliteJournal(tmp_path / "journal.db", told.append)
    for words in ("before", text, "after"):
        journal.write(IncidentRow(at=AT, kind="word from outside", text=words))
    assert journal.flush()
    journal.close()
    rows = query(tmp_path / "journal.db", "SELECT text FROM incidents ORDER BY id")
    assert len(rows) == 3
    assert (rows[0], rows[2]) == (("before",), ("after",))
    assert told == []


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**400, [2**64], {"a": [10**400, "\ud800"]}, ("\udfff",)])
def test_no_value_is_beyond_what_a_file_can_hold(value: object) -> None:
    """A number beyond range is unknown, as nan is; half a character is a mark in its place."""
    for stored in (to_column(value), to_json(value)):
        assert stored is None or isinstance(stored, str)
        (stored or "").encode()


def test_a_row_that_the_store_refuses_is_left_out_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the reason: the others are written, nothing stays half done, and the session is told once."""
    told: list[str] = []
    journal = SqliteJournal(tmp_path / "journal.db", told.append)
    journal.write(IncidentRow(at=AT, kind="a", text="before"))
    with monkeypatch.context() as unclean:
        unclean.setattr("momentum_kit.storage.journal.journal.to_column", lambda value: value)
        journal.write(IncidentRow(at="2026", kind="a", text="\ud800"))  # type: ignore[arg-type]
    journal.write(IncidentRow(at=AT, kind="a", text="after"))
    assert journal.flush()
    assert journal.lost_rows == 1
    assert len(told) == 1
    assert "refused" in told[0]
    assert query(tmp_path / "journal.db", "SELECT text FROM incidents ORDER BY id") == [("before",), ("after",)]
    journal.write(IncidentRow(at=AT, kind="a", text="later"))
    assert journal.flush()
    with pytest.raises(StorageError, match="1 rows were not written"):
        journal.close()
