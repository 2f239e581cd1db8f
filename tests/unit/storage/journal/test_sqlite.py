import resource
import shutil
import sqlite3
import time

import pytest

from momentum_kit.errors import DatabaseTooNew, StorageError
from momentum_kit.storage.journal import open_database, query
from momentum_kit.storage.journal.sqlite import read_table

ONE = (("CREATE TABLE a (x INTEGER)",),)
TWO = (*ONE, ("CREATE TABLE b (y INTEGER)", "INSERT INTO b VALUES (7)"))
OURS = 4711


def test_new_file_is_migrated_and_in_wal_mode(tmp_path):
    """A fresh database has every step, its version and its owner."""
    path = tmp_path / "deep" / "x.db"
    connection = open_database(path, TWO, OURS, "NORMAL")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    tables = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall()
    assert tables == [("a", "CREATE TABLE a (x INTEGER)"), ("b", "CREATE TABLE b (y INTEGER)")]
    connection.close()


def test_old_file_gets_the_missing_steps_and_keeps_its_rows(tmp_path):
    """Only what is new is applied, once."""
    path = tmp_path / "x.db"
    connection = open_database(path, ONE, OURS, "FULL")
    connection.execute("INSERT INTO a VALUES (1)")
    connection.close()
    for _ in range(2):
        open_database(path, TWO, OURS, "FULL").close()
    assert read_table(path, "a") == [{"x": 1}]
    assert read_table(path, "b") == [{"y": 7}]


def test_newer_file_is_refused_and_untouched(tmp_path):
    """A later kit's file is named and keeps every byte."""
    path = tmp_path / "x.db"
    open_database(path, TWO, OURS, "FULL").close()
    before = path.read_bytes()
    with pytest.raises(DatabaseTooNew, match="version 2, this one knows 1"):
        open_database(path, ONE, OURS, "FULL")
    assert path.read_bytes() == before


def test_somebody_elses_database_is_refused(tmp_path):
    """A file of another application is never migrated."""
    path = tmp_path / "x.db"
    foreign = sqlite3.connect(path)
    foreign.execute("CREATE TABLE precious (x)")
    foreign.commit()
    foreign.close()
    with pytest.raises(StorageError, match="not one of this kind"):
        open_database(path, ONE, OURS, "FULL")


def test_a_file_that_is_just_being_made_is_no_foreign_one(tmp_path):
    """A database without owner or table, as another process leaves it for a moment, is taken and made."""
    path = tmp_path / "x.db"
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode=WAL")  # writes the first page, before any table
    assert path.stat().st_size
    open_database(path, ONE, OURS, "FULL").close()
    other.close()
    assert read_table(path, "a") == []


def test_a_file_that_another_process_is_making_is_waited_for(tmp_path, monkeypatch):
    """SQLite refuses to change the mode of a file that somebody writes to, at once and whatever the time-out."""
    path = tmp_path / "x.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waits = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        other.execute("COMMIT")

    monkeypatch.setattr(time, "sleep", wait)
    open_database(path, ONE, OURS, "FULL").close()
    other.close()
    assert len(waits) == 1
    assert read_table(path, "a") == []


def test_no_database_at_all(tmp_path):
    """Text in place of a database is one clear line."""
    path = tmp_path / "x.db"
    path.write_text("hello, I am not a database, and long enough to look at" * 20)
    with pytest.raises(StorageError, match="not a database"):
        open_database(path, ONE, OURS, "FULL")


def test_a_folder_in_its_place(tmp_path):
    """A path that cannot be opened is one clear line."""
    (tmp_path / "x.db").mkdir()
    with pytest.raises(StorageError) as refused:
        open_database(tmp_path / "x.db", ONE, OURS, "FULL")
    assert "\n" not in str(refused.value)


def test_a_file_where_the_folder_should_be(tmp_path):
    """An unwritable run folder is a StorageError too."""
    (tmp_path / "runs").write_text("")
    with pytest.raises(StorageError):
        open_database(tmp_path / "runs" / "x.db", ONE, OURS, "FULL")


def test_a_broken_step_leaves_the_version_before(tmp_path):
    """A migration that fails half-way is rolled back whole."""
    path = tmp_path / "x.db"
    open_database(path, ONE, OURS, "FULL").close()
    with pytest.raises(StorageError):
        open_database(path, (*ONE, ("CREATE TABLE b (y)", "CREATE TABLE a (again)")), OURS, "FULL")
    with pytest.raises(StorageError, match="no table 'b'"):
        read_table(path, "b")
    open_database(path, ONE, OURS, "FULL").close()


def test_reading_needs_an_existing_file(tmp_path):
    """Reading creates nothing."""
    with pytest.raises(StorageError):
        read_table(tmp_path / "none.db", "a")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def no_room():
    """From now on no file of this process can grow, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_session_that_has_ended_is_read_on_a_full_disk(tmp_path, request):
    """Its reader can make no file of its own beside it, and needs none: nobody writes."""
    path = tmp_path / "x.db"
    connection = open_database(path, TWO, OURS, "FULL")
    connection.close()
    assert [file.name for file in tmp_path.iterdir()] == ["x.db"]
    request.getfixturevalue("no_room")
    assert read_table(path, "b") == [{"y": 7}]
    assert query(path, "SELECT y FROM b") == [(7,)]


def test_what_stands_in_a_log_is_never_passed_over(tmp_path, request):
    """A session that died left rows in its log: they are read, or nothing is."""
    path, copy = tmp_path / "x.db", tmp_path / "copy" / "x.db"
    connection = open_database(path, TWO, OURS, "FULL")
    connection.execute("INSERT INTO b VALUES (8)")
    copy.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    connection.close()
    request.getfixturevalue("no_room")
    with pytest.raises(StorageError, match="I/O error"):
        read_table(copy, "b")
