import math
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from momentum_kit.cli import main
from momentum_kit.errors import ArchiveError
from momentum_kit.models.market import Bar
from momentum_kit.sessions import session_on
from momentum_kit.storage.archive import BARS, QUOTES, Archive, QuoteBar
from momentum_kit.storage.imports import import_lean
from momentum_kit.storage.imports.report import CROSSED, ONE_SIDED

DAY = date(2013, 10, 11)
TRADES = "34200000,1000000,1005000,995000,1001000,1200\n34260000,1001000,1001000,1001000,1001000,5\n"
QUOTED = "34200000,999900,1000000,999800,999900,300,1000100,1000200,1000000,1000100,500\n"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty archive."""
    return Archive(tmp_path / "archive")


@pytest.fixture
def minute(tmp_path: Path) -> Path:
    """An empty Lean tree of minute data."""
    folder = tmp_path / "lean" / "equity" / "usa" / "minute"
    folder.mkdir(parents=True)
    return folder


def put(minute: Path, text: str, what: str = "trade", symbol: str = "spy", day: str = "20131011") -> Path:
    """One zip as Lean writes it."""
    (minute / symbol).mkdir(exist_ok=True)
    file = minute / symbol / f"{day}_{what}.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(f"{day}_{symbol}_minute_{what}.csv", text)
    return file


def test_minutes_become_bars_in_utc_and_usd(minute, archive):
    """Milliseconds since New York midnight become aware UTC starts, integers become USD, unknowns are marked."""
    put(minute, TRADES)
    put(minute, QUOTED, "quote")
    report = import_lean(minute, archive)
    first, second = archive.bars("SPY", DAY)
    assert first.start == datetime(2013, 10, 11, 13, 30, tzinfo=UTC)
    assert (first.open, first.high, first.low, first.close, first.volume) == (100.0, 100.5, 99.5, 100.1, 1200)
    assert (first.seconds, str(first.wap), first.count) == (60, "nan", -1)
    assert second.start == first.end
    assert archive.quotes("SPY", DAY) == (
        QuoteBar(first.start, 60, 99.99, 100.0, 99.98, 99.99, 300, 100.01, 100.02, 100.0, 100.01, 500),
    )
    assert (report.imported, report.unchanged, report.rows) == (2, 0, 3)
    assert (report.symbols, report.days) == (("SPY",), ("2013-10-11",))
    assert str(report) == "2 imported, 0 already there: 3 rows of SPY, 2013-10-11"


def test_a_side_that_nobody_quoted_is_unknown(minute, archive):
    """Before the open Lean leaves a side empty; the other is kept, the empty one is nan, and the report counts them."""
    asked = "14400000,,,,,0,704900,704900,704900,704900,500\n"
    bid = "16140000,702100,702100,702000,702000,300,,,,,0\n"
    put(minute, asked + bid + QUOTED, "quote", "twx")
    report = import_lean(minute, archive)
    first, second, third = archive.quotes("TWX", DAY)
    assert (first.ask_open, first.ask_close, first.ask_size) == (70.49, 70.49, 500)
    assert (second.bid_open, second.bid_close, second.bid_size) == (70.21, 70.2, 300)
    unknown = [first.bid_open, first.bid_close, first.bid_size, second.ask_open, second.ask_low, second.ask_size]
    assert all(math.isnan(value) for value in unknown)
    assert (first.two_sided, second.two_sided, third.two_sided) == (False, False, True)
    assert str(report).endswith("3 rows of TWX, 2013-10-11; 2 quotes have one side only, the other is unknown")


def test_winter_time_is_an_hour_further(minute, archive):
    """After the clocks go back the same New York minute is an hour later in UTC."""
    put(minute, TRADES, day="20131202")
    import_lean(minute, archive)
    assert archive.bars("SPY", date(2013, 12, 2))[0].start == datetime(2013, 12, 2, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize("start", [".", "..", "../../..", "spy", "spy/20131011_trade.zip"])
def test_any_folder_of_the_tree_or_a_single_file_can_be_given(minute, archive, start):
    """The path may be the whole data folder, the minute folder, one symbol's or one file."""
    put(minute, TRADES)
    assert import_lean(minute / start, archive).imported == 1


def test_importing_twice_changes_nothing(minute, archive):
    """The second import finds every file's content known and rewrites none."""
    put(minute, TRADES)
    import_lean(minute, archive)
    (file,) = archive.root.rglob("*.parquet")
    before = file.stat().st_mtime_ns, file.read_bytes()
    report = import_lean(minute, archive)
    assert (report.imported, report.unchanged) == (0, 1)
    assert (file.stat().st_mtime_ns, file.read_bytes()) == before


def test_changed_content_and_removed_files_are_imported_again(minute, archive):
    """A source that changed is imported again, and so is one whose file in the archive broke and was removed."""
    put(minute, TRADES)
    import_lean(minute, archive)
    put(minute, TRADES.splitlines(keepends=True)[0])
    assert import_lean(minute, archive).imported == 1
    assert len(archive.bars("SPY", DAY)) == 1
    (file,) = archive.root.rglob("*.parquet")
    file.write_bytes(b"broken")
    with pytest.raises(ArchiveError, match="remove it and import its days again"):
        import_lean(minute, archive)
    file.unlink()
    assert import_lean(minute, archive).imported == 1
    assert len(archive.bars("SPY", DAY)) == 1


def test_the_provenance_says_where_a_file_comes_from(minute, archive):
    """Source, its hash, the time of the import and that prices are unadjusted stand in the file."""
    put(minute, TRADES)
    before = datetime.now(UTC)
    import_lean(minute, archive)
    origin = archive.provenance(BARS, "SPY", DAY)
    assert origin.source == "QuantConnect Lean, spy/20131011_trade.zip"
    assert len(origin.sha256) == 64
    assert before <= origin.imported_at <= datetime.now(UTC)
    assert not origin.adjusted


FIRST = TRADES.splitlines(keepends=True)[0]


@pytest.mark.parametrize(
    ("text", "what", "expected"),
    [
        ("", "trade", "empty, not a single row"),
        (FIRST + FIRST, "trade", "row 2: unsorted"),
        (FIRST + "34140000,1,1,1,1,1\n", "trade", "row 2: unsorted"),
        (FIRST + "34260000,-1,1,-1,1,1\n", "trade", "row 2: negative or not a number"),
        (FIRST + "34260000,nan,1,1,1,1\n", "trade", "row 2: negative or not a number"),
        (FIRST + "34260000,1,,1,1,1\n", "trade", "row 2: column 3 is empty"),
        (FIRST + "34260000,1,1,1,1\n", "trade", "row 2: expected 6 columns, found 5"),
        (FIRST + "34260000,1,one,1,1,1\n", "trade", "row 2: could not convert string to float: 'one'"),
        (FIRST + "34260001,1,1,1,1,1\n", "trade", "row 2: 34260001 ms since midnight is not the start of a minute"),
        (FIRST + "86400000,1,1,1,1,1\n", "trade", "row 2: 86400000 ms since midnight"),
        (FIRST + "34260000,0,1,0,1,1\n", "trade", "row 2: a price of zero"),
        (FIRST + "34260000,1,2,3,4,1\n", "trade", "row 2: open or close lies outside low and high"),
        (FIRST + "34260000,1,1,1,1,0\n", "trade", "row 2: no volume"),
        (FIRST + "\n", "trade", "row 2: expected 6 columns, found 0"),
        ("34200000,100,100,100,100,1,99,101,99,101,1\n", "quote", "row 1: crossed: bid above ask"),
        ("34200000,100,102,100,102,1,100,101,100,101,1\n", "quote", "row 1: crossed: bid above ask"),
        (FIRST, "quote", "row 1: expected 11 columns, found 6"),
    ],
)
def test_a_bad_row_imports_nothing_and_is_named(minute, archive, text, what, expected):
    """File, row and remedy stand in the error, and the good files beside the bad one are not imported either."""
    put(minute, TRADES, symbol="aaa")
    bad = put(minute, text, what)
    with pytest.raises(ArchiveError) as caught:
        import_lean(minute, archive)
    assert str(caught.value).startswith(f"{bad}: {expected}")
    assert str(caught.value).endswith("nothing was imported; replace or remove the file and import again")
    assert archive.symbols() == ()
    assert list(archive.root.iterdir()) == []


def test_highs_may_cross_where_the_instants_differ(minute, archive):
    """The minute's highest bid may stand above its highest ask: they were never quoted together."""
    put(minute, "34200000,100,103,100,100,1,101,102,101,101,1\n", "quote")
    assert import_lean(minute, archive).imported == 1


def test_a_locked_market_is_real(minute, archive):
    """Bid equal to ask happens and is kept."""
    put(minute, "34200000,100,100,100,100,1,100,100,100,100,1\n", "quote")
    import_lean(minute, archive)
    assert archive.provenance(QUOTES, "SPY", DAY)


def test_a_broken_zip_is_named(minute, archive):
    """A truncated zip, and one with flipped bytes, are errors that name the file."""
    file = put(minute, TRADES * 1)
    whole = file.read_bytes()
    for broken in (b"", whole[:40], whole[:50] + b"\xff\xff\xff\xff" + whole[54:]):
        file.write_bytes(broken)
        with pytest.raises(ArchiveError, match=r"20131011_trade\.zip: broken zip .*nothing was imported"):
            import_lean(minute, archive)
    assert archive.days() == ()


def test_a_zip_with_the_wrong_insides_is_named(minute, archive):
    """Two CSVs in a zip, or bytes that are no text, are refused."""
    file = put(minute, TRADES)
    with zipfile.ZipFile(file, "a") as zipped:
        zipped.writestr("another.csv", TRADES)
    with pytest.raises(ArchiveError, match="expected one CSV inside, found 2"):
        import_lean(minute, archive)
    put(minute, "\xe9\n")
    with pytest.raises(ArchiveError, match="is not text"):
        import_lean(minute, archive)


def test_a_path_without_lean_data_says_what_is_expected(tmp_path, minute, archive):
    """A missing path, an empty folder and a day that is none are told apart."""
    with pytest.raises(ArchiveError, match="no such file or folder"):
        import_lean(tmp_path / "nowhere", archive)
    with pytest.raises(ArchiveError, match=r"no Lean minute data here; expected .*/minute/SYMBOL/"):
        import_lean(minute, archive)
    put(minute, TRADES, day="20131341")
    with pytest.raises(ArchiveError, match="20131341 is not a day"):
        import_lean(minute, archive)


def test_the_real_files_import_whole(shared_data, archive):
    """Lean's own sample data passes every check and gives full sessions of sane bars."""
    report = import_lean(shared_data / "lean", archive)
    assert report.imported == sum(1 for _ in (shared_data / "lean").rglob("*.zip"))
    assert set(archive.symbols(DAY)) == {"IBM", "SPY"}
    assert len([day for day in archive.days("SPY") if day < DAY]) == 5
    session = session_on(DAY)
    bars = [bar for bar in archive.bars("SPY", DAY) if session.contains(bar.start)]
    assert len(bars) == 390
    assert bars[0].start == session.open
    assert 168 < min(bar.low for bar in bars) < max(bar.high for bar in bars) < 171
    assert all(isinstance(bar, Bar) for bar in bars)
    assert import_lean(shared_data / "lean", archive).imported == 0


def test_crossed_and_one_sided_quotes_go_by_policy(minute, archive, capsys):
    """One crossed minute does not cost the day: dropped or kept, and counted either way."""
    good = "34200000,100,101,100,100,1,102,103,102,102,1\n"
    put(minute, good + "34260000,105,105,105,105,1,102,103,102,102,1\n34320000,,,,,0,102,103,102,102,1\n", "quote")
    with pytest.raises(ArchiveError, match="row 2: crossed: bid above ask; --map on_crossed=drop"):
        import_lean(minute, archive)
    dropped = import_lean(minute, archive, on_crossed="drop")
    assert (dropped.rows, dict(dropped.marks)) == (2, {f"{CROSSED}, dropped": 1, ONE_SIDED: 1})
    kept = import_lean(minute, Archive(archive.root / "kept"), on_crossed="keep", on_one_sided="drop")
    assert (kept.rows, dict(kept.marks)) == (2, {CROSSED: 1, f"{ONE_SIDED}, dropped": 1})
    with pytest.raises(ArchiveError, match="row 3: a side is missing"):
        import_lean(minute, archive, on_crossed="drop", on_one_sided="refuse")
    given = ["data", "import", "lean", str(minute), "--archive", str(archive.root / "shell")]
    assert main([*given, "--map", "on_crossed=drop"]) == 0
    assert "1 crossed quotes (bid above ask), dropped" in capsys.readouterr().out
    assert main([*given, "--map", "on_crossed=never"]) == 2
    assert "on_one_sided=drop|keep|refuse only" in capsys.readouterr().err
