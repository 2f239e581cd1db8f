import json
import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.errors import StorageError
from momentum_kit.models import JOURNAL_ROWS, IncidentRow, OrderAction, RiskCheck
from momentum_kit.models.journal_rows import columns_of
from momentum_kit.storage.journal import SqliteJournal, query
from momentum_kit.storage.journal import journal as journal_module
from momentum_kit.storage.journal.encoding import to_column
from momentum_kit.storage.journal.sqlite import read_table
from tests.helpers.journal_rows import put

AT = datetime(2026, 11, 20, 9, 30, 5, 250_400, tzinfo=timezone(timedelta(hours=-5)))


@pytest.fixture
def journal(tmp_path):
    """An open journal."""
    opened = SqliteJournal(tmp_path / "journal.db")
    yield opened
    opened.close()


def test_a_row_round_trips(journal):
    """Times become UTC text with milliseconds, decimals text, structures JSON; nan and infinity become null."""
    put(
        journal,
        "risk",
        at=AT,
        symbol="AAA",
        con_id=1,
        quantity=Decimal("833"),
        verdict="accepted",
        limits=(
            RiskCheck(rule="cool-down", value=float("inf"), limit=900.0, passed=True),
            RiskCheck(rule="z", value=float("nan"), limit=1.0, passed=False, detail="no z"),
        ),
    )
    assert journal.flush()
    (row,) = read_table(journal.path, "risk")
    assert (row["at"], row["quantity"], row["symbol"], row["item_id"]) == (
        "2026-11-20T14:30:05.250Z",
        "833",
        "AAA",
        None,
    )
    assert json.loads(row["limits"]) == [
        {"rule": "cool-down", "value": None, "limit": 900.0, "passed": True, "detail": ""},
        {"rule": "z", "value": None, "limit": 1.0, "passed": False, "detail": "no z"},
    ]
    assert row["wall_ns"] > 1_700_000_000_000_000_000


def test_rows_and_tables_are_equal_column_by_column(journal):
    """Each table has one class of rows, whose fields are its columns, in order; the journal adds id and wall_ns."""
    tables = {kind.table: ("id", "wall_ns", *columns_of(kind)) for kind in JOURNAL_ROWS}
    names = query(journal.path, "SELECT name FROM sqlite_schema WHERE type = 'table'")
    assert tables == {
        table: tuple(column for (column,) in query(journal.path, "SELECT name FROM pragma_table_info(?)", [table]))
        for (table,) in names
    }
    assert len(tables) == len(JOURNAL_ROWS)


def test_a_column_that_is_missing_or_unknown_makes_no_row():
    """A typo is an error where it is made (of mypy, and of the call), not at the next flush."""
    with pytest.raises(TypeError, match="colour"):
        IncidentRow(at=AT, kind="x", text="", colour="red")
    with pytest.raises(TypeError, match="text"):
        IncidentRow(at=AT, kind="x")
    with pytest.raises(TypeError, match="positional"):
        IncidentRow(AT, "x", "")


def test_naive_times_are_refused(journal):
    """A time without a zone never reaches the file."""
    with pytest.raises(ValueError, match="naive"):
        put(journal, "risk", at=datetime(2026, 1, 1))  # noqa: DTZ001


def test_rows_keep_their_order(journal):
    """Ids follow the order of writing, across flushes and differing columns."""
    for number in range(6):
        extra = {"source": "cli"} if number % 2 else {}
        put(journal, "commands", at=AT, command=str(number), **extra)
        if number == 2:
            journal.flush()
    journal.flush()
    rows = read_table(journal.path, "commands")
    assert [row["command"] for row in rows] == [str(number) for number in range(6)]


def test_a_reader_does_not_disturb(journal):
    """The kit reads while the engine writes."""
    put(journal, "meta", key="seed", value="7")
    journal.flush()
    reader = sqlite3.connect(f"file:{journal.path}?mode=ro", uri=True)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM meta").fetchone() == (1,)
    put(journal, "meta", key="speed", value="60")
    assert journal.flush()
    assert reader.execute("SELECT count(*) FROM meta").fetchone() == (1,)
    reader.close()
    assert [row["key"] for row in read_table(journal.path, "meta")] == ["seed", "speed"]


def test_a_failing_disk_loses_nothing(tmp_path):
    """A flush that fails keeps the rows, says so once, and the next one that works writes them all."""
    told = []
    journal = SqliteJournal(tmp_path / "journal.db", told.append)
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")  # what SQLite sees of a full disk
    for number in range(300):
        put(journal, "incidents", at=AT, kind="x", text=f"{number} " * 100)
    assert [journal.flush(), journal.flush()] == [False, False]
    assert journal.buffered == 300
    assert len(told) == 1
    assert "full" in told[0]
    assert "300 rows wait" in told[0]
    journal._connection.execute("PRAGMA max_page_count = 1073741823")
    put(journal, "incidents", at=AT, kind="x", text="last")
    assert journal.flush()
    assert "writing again" in told[1]
    journal.close()
    rows = read_table(journal.path, "incidents")
    assert (len(rows), rows[-1]["text"]) == (301, "last")


def test_the_buffer_is_bounded(tmp_path, monkeypatch):
    """Beyond the bound rows are counted as lost, and closing says so."""
    monkeypatch.setattr(journal_module, "MAX_BUFFERED_ROWS", 3)
    journal = SqliteJournal(tmp_path / "journal.db")
    for number in range(5):
        put(journal, "meta", key=str(number))
    with pytest.raises(StorageError, match="2 rows were not written"):
        journal.close()
    assert len(read_table(journal.path, "meta")) == 3


def test_writing_while_another_thread_flushes(tmp_path):
    """No row is lost or doubled between the loop that writes and a thread that flushes."""
    journal = SqliteJournal(tmp_path / "journal.db")
    done = threading.Event()

    def flush_until_done() -> None:
        while not done.is_set():
            journal.flush()

    thread = threading.Thread(target=flush_until_done)
    thread.start()
    for number in range(2000):
        put(journal, "meta", key=str(number))
    done.set()
    thread.join()
    journal.close()
    assert [row["key"] for row in read_table(journal.path, "meta")] == [str(number) for number in range(2000)]


def test_columns_of_simple_values():
    """Enums, booleans and dates have a plain form; what has none is refused."""
    assert to_column(OrderAction.BUY) == "BUY"
    assert type(to_column(OrderAction.BUY)) is str
    assert to_column(True) == 1
    assert to_column({"b": {3, 1}}) == '{"b":[1,3]}'
    with pytest.raises(TypeError, match="object cannot be stored"):
        to_column(object())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)  # fmt: skip
def test_structures_survive(value):
    """What JSON can say comes back as it went in."""
    assert json.loads(to_column([value])) == [value]


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)))  # noqa: DTZ001
def test_times_sort_as_text(at):
    """Later is greater, as text too."""
    later = at + timedelta(milliseconds=1)
    assert to_column(at) < to_column(later) or later.year > 9999
