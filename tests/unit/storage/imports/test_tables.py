import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from momentum_kit.errors import ArchiveError
from momentum_kit.models.news import HeadlinePhase
from momentum_kit.storage.archive import BARS, QUOTES, Archive
from momentum_kit.storage.imports import import_tables, load_mapping
from momentum_kit.storage.imports.report import REMEDY

DAY = date(2026, 11, 20)
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
HEAD = "time,open,high,low,close,volume\n"
ROWS = HEAD + "2026-11-20 09:30:00,10,10.5,9.5,10.1,1200\n2026-11-20 09:31:00,10.1,10.1,10.1,10.1,5\n"
NEW_YORK = ("columns.start=time", "time_zone=America/New_York", "adjusted=false", "symbol=SPY")
UTC_TIME = ("columns.start=time", "time_zone=UTC", "adjusted=false", "symbol=SPY")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty archive."""
    return Archive(tmp_path / "archive")


@pytest.fixture
def csv(tmp_path: Path):
    """Writes one CSV file."""

    def write(text: str, name: str = "bars.csv") -> Path:
        file = tmp_path / name
        file.write_text(text)
        return file

    return write


def take(file: Path, archive: Archive, *options: str, kind: str = "csv"):
    """Import with these --map options."""
    return import_tables(file, kind, load_mapping(None, options), archive)


def test_rows_become_bars_in_utc(csv, archive):
    """Stamps of the named zone become UTC starts; what the file does not have is marked unknown."""
    report = take(csv(ROWS), archive, *NEW_YORK)
    first, second = archive.bars("SPY", DAY)
    assert (first.start, second.start) == (OPEN, OPEN + timedelta(minutes=1))
    assert (first.open, first.high, first.low, first.close, first.volume) == (10, 10.5, 9.5, 10.1, 1200)
    assert (str(first.wap), first.count) == ("nan", -1)
    assert str(report) == "1 imported, 0 already there: 2 rows of SPY, 2026-11-20"
    origin = archive.provenance(BARS, "SPY", DAY)
    assert (origin.source.endswith("/bars.csv"), len(origin.sha256), origin.adjusted) == (True, 64, False)


def test_a_mapping_file_names_columns_units_and_symbols(csv, archive, tmp_path):
    """Cents become USD, lots become shares, end stamps become starts, symbols come from their column."""
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "kind: bars_1m\nadjusted: true\ntime_zone: America/New_York\ntime_format: '%d.%m.%Y %H:%M'\nstamp: end\n"
        "price_scale: 0.01\nvolume_scale: 100\ndelimiter: ';'\n"
        "columns: {start: [Date, Time], open: O, high: H, low: L, close: C, volume: V, symbol: Ticker, count: N}\n"
    )
    text = (
        "Ticker;Date;Time;O;H;L;C;V;N\nspy;20.11.2026;09:31;1000;1050;950;1010;12;7\nIBM;20.11.2026;09:31;1;1;1;1;1;1\n"
    )
    report = import_tables(csv(text), "csv", load_mapping(mapping), archive)
    (bar,) = archive.bars("SPY", DAY)
    assert (bar.start, bar.open, bar.volume, bar.count) == (OPEN, 10.0, 1200.0, 7)
    assert archive.provenance(BARS, "SPY", DAY).adjusted
    assert report.symbols == ("IBM", "SPY")


@pytest.mark.parametrize(
    ("stamps", "options"),
    [
        (("2026-11-20T14:30:00Z", "2026-11-20T09:31:00-05:00"), ("time_zone=",)),
        (("1795185000", "1795185060"), ("time_format=epoch_s",)),
        (("1795185000000", "1795185060000"), ("time_format=epoch_ms",)),
        (("1795185000000000000", "1795185060000000000"), ("time_format=epoch_ns",)),
        (("20261120 093000 -0500", "20261120 143100 +0000"), ("time_format=%Y%m%d %H%M%S %z",)),
    ],
)
def test_stamps_that_say_their_zone_need_none(csv, archive, stamps, options):
    """Offsets and epochs are times in any zone; no zone has to be given."""
    text = HEAD + "".join(f"{stamp},10,10,10,10,5\n" for stamp in stamps)
    take(csv(text), archive, "columns.start=time", "adjusted=false", "symbol=SPY", *options)
    assert [bar.start for bar in archive.bars("SPY", DAY)] == [OPEN, OPEN + timedelta(minutes=1)]


def test_parquet_is_imported_as_csv_is(archive, tmp_path):
    """Aware stamps need no zone, naive ones do, whatever tool wrote the file."""
    frame = pd.DataFrame({"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 5}, index=range(2))
    frame["start"] = pd.to_datetime([OPEN, OPEN + timedelta(minutes=1)], utc=True)
    frame.to_parquet(tmp_path / "aware.parquet")
    take(tmp_path / "aware.parquet", archive, "adjusted=false", "symbol=SPY", kind="parquet")
    assert archive.bars("SPY", DAY)[0].start == OPEN
    frame["start"] = frame["start"].dt.tz_localize(None)
    frame.to_parquet(tmp_path / "naive.parquet")
    with pytest.raises(ArchiveError, match=r"naive\.parquet: row 1: 2026-11-20 14:30:00: a time without a zone"):
        take(tmp_path / "naive.parquet", archive, "adjusted=false", "symbol=SPY", kind="parquet")


def test_a_folder_of_files_makes_whole_days(csv, archive, tmp_path):
    """Files cut at UTC midnight join into New York days; the symbol may be the file's name; gzip is read."""
    folder = tmp_path / "many"
    folder.mkdir()
    row = "{},10,10,10,10,5\n"
    (folder / "SPY.2.csv").write_text(HEAD + row.format("2026-11-21 00:10:00"))
    (folder / "SPY.1.csv").write_text(HEAD + row.format("2026-11-20 23:50:00"))
    with gzip.open(folder / "IBM.csv.gz", "wt") as zipped:
        zipped.write(HEAD + row.format("2026-11-20 15:00:00"))
    take(folder, archive, "columns.start=time", "time_zone=UTC", "adjusted=false", "symbol={file}")
    assert archive.symbols(DAY) == ("IBM", "SPY")
    assert len(archive.bars("SPY", DAY)) == 2
    (folder / "SPY.3.csv").write_text(HEAD + row.format("2026-11-21 00:10:00"))
    with pytest.raises(ArchiveError, match=r"SPY\.2\.csv and .*SPY\.3\.csv overlap at 2026-11-21 00:10"):
        take(folder, archive, "columns.start=time", "time_zone=UTC", "adjusted=false", "symbol={file}")


def test_bars_without_volume_can_be_left_out(csv, archive):
    """Fillers of a vendor are refused unless the mapping says to drop them."""
    text = ROWS + "2026-11-20 09:32:00,10.1,10.1,10.1,10.1,0\n"
    with pytest.raises(ArchiveError, match=r"row 4: SPY: no volume: .*--map drop_empty=true"):
        take(csv(text), archive, *NEW_YORK)
    take(csv(text), archive, *NEW_YORK, "drop_empty=true")
    assert len(archive.bars("SPY", DAY)) == 2


LATER = "2026-11-20 09:32:00"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("2026-11-20 09:30:00,10,10,10,10,5", "row 4: SPY: unsorted: earlier than the row before; sort"),
        ("2026-11-20 09:31:00,10,10,10,10,5", "row 4: SPY: duplicate: the same time as the row before"),
        ("2026-11-20 09:31:30,10,10,10,10,5", "row 4: SPY: not the start of a 60 s interval"),
        (f"{LATER},-10,10,10,10,5", "row 4: SPY: open is negative"),
        (f"{LATER},10,10,0,10,5", "row 4: SPY: low is zero"),
        (f"{LATER},10,9,10,10,5", "row 4: SPY: open or close lies outside low and high"),
        (f"{LATER},10,10,10,10,-5", "row 4: SPY: the volume is negative"),
        (f"{LATER},10,10,10,ten,5", "row 4: close is 'ten', not a number"),
        (f"{LATER},10,10,,10,5", "row 4: low is None, not a number"),
        (f"{LATER},10,inf,10,10,5", "row 4: SPY: high is missing or not a number"),
        ("soon,10,10,10,10,5", "row 4: 'soon' is not a time in the mapping's time_format"),
        (",10,10,10,10,5", "row 4: '' is not a time"),
        ("2026-11-20 09:32:00Z,10,10,10,10,5", "row 2: '2026-11-20 09:30:00': a time without a zone"),
        ("2026-11-01 01:30:00,10,10,10,10,5", "row 4: 2026-11-01 01:30:00 does not exist, or exists twice, in America"),
        ("1,2", "row 4: expected 6 columns, found 2: 1,2"),
    ],
)
def test_a_bad_row_imports_nothing_and_is_named(csv, archive, tmp_path, row, words):
    """File, row and remedy stand in the error, and what was good is not imported either."""
    csv(ROWS, "a_good.csv")
    bad = csv(f"{ROWS}{row}\n", "b_bad.csv")
    with pytest.raises(ArchiveError) as caught:
        take(tmp_path, archive, *NEW_YORK)
    assert str(caught.value).startswith(f"{bad}: {words}")
    assert str(caught.value).endswith(REMEDY)
    assert archive.symbols() == ()


def test_naive_times_are_refused_with_the_remedy(csv, archive):
    """Nobody guesses a zone."""
    with pytest.raises(ArchiveError, match=r"row 2: 2026-11-20 09:30:00: a time without a zone; give --map time_zone="):
        take(csv(ROWS), archive, "columns.start=time", "adjusted=false", "symbol=SPY")
    text = HEAD + "1795185000,10,10,10,10,5\n"
    with pytest.raises(
        ArchiveError, match="row 2: '1795185000' is a number; say what it counts: --map time_format=epoch_s;"
    ):
        take(csv(text), archive, *UTC_TIME)


def test_currencies_are_never_mixed(csv, archive):
    """A currency column must say USD in every row."""
    text = (
        "start,open,high,low,close,volume,currency\n2026-11-20T14:30Z,1,1,1,1,1,usd\n2026-11-20T14:31Z,1,1,1,1,1,CAD\n"
    )
    with pytest.raises(ArchiveError, match="row 3: mixed currencies: CAD; the archive keeps USD only"):
        take(csv(text), archive, "adjusted=false", "symbol=SPY")
    with pytest.raises(ArchiveError, match="row 2: CAD; the archive keeps USD only"):
        take(csv(text.replace("usd", "cad")), archive, "adjusted=false", "symbol=SPY")


def test_quotes_are_checked_on_both_sides(csv, archive):
    """Quote bars come in with unknown sizes; a crossed open or close is refused."""
    sides = [f"{side}_{name}" for side in ("bid", "ask") for name in ("open", "high", "low", "close")]
    head = f"start,{','.join(sides)}\n"
    options = ("kind=quotes_1m", "adjusted=false", "symbol=SPY")
    take(csv(head + "2026-11-20T14:30Z,9,9,9,9,10,10,10,10\n"), archive, *options)
    (quote,) = archive.quotes("SPY", DAY)
    assert (quote.bid_close, quote.ask_close, str(quote.bid_size)) == (9, 10, "nan")
    assert archive.days("SPY", QUOTES) == (DAY,)
    with pytest.raises(ArchiveError, match="row 2: SPY: crossed: bid above ask"):
        take(csv(head + "2026-11-20T14:30Z,9,11,9,11,10,10,10,10\n"), archive, *options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("symbol=SPY",), "say adjusted=false .prices as traded. or adjusted=true"),
        (("adjusted=false", "time_zone=Mars/Base"), "time_zone: no such time zone: Mars/Base"),
        (("adjusted=false", "columns.bid=x"), "columns: bars_1m has no bid; it has start, open"),
        (("adjusted=false", "colour=red"), "colour: Extra inputs are not permitted"),
        (("adjusted",), "--map adjusted: expected KEY=VALUE"),
        (("adjusted=false",), "no column 'start' for start; it has time, open"),
        (("adjusted=false", "columns.start=time", "time_zone=UTC"), "whose rows are these"),
        (("adjusted=false", "columns.start=time", "time_zone=UTC", "columns.volume=V"), "no column 'V' for volume"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(csv, archive, options, words):
    """Each mistake in a mapping is one line with the remedy."""
    with pytest.raises(ArchiveError, match=words):
        take(csv(ROWS), archive, *options)


def test_headlines_come_with_or_without_the_time_of_receipt(csv, archive):
    """received_at stays empty where nobody recorded it; a contract is tied where the file names one."""
    text = (
        "published_at,received_at,text,provider,symbol\n"
        "2026-11-20T15:00:00Z,2026-11-20T15:00:01.5Z,Acme wins,BRFG,acme\n"
        "2026-11-20T15:05:00Z,,Markets fall,BRFG,\n"
    )
    assert take(csv(text), archive, "kind=headlines").imported == 2
    heard, told = archive.headlines(DAY, DAY)
    assert (heard.contract.symbol, heard.phase) == ("ACME", HeadlinePhase.LIVE)
    assert heard.received_at - heard.published_at == timedelta(seconds=1.5)
    assert (told.contract, told.received_at, told.phase) == (None, None, HeadlinePhase.BACKFILL)
    assert take(csv(text), archive, "kind=headlines").imported == 0


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("2026-11-20T15:00:00Z,2026-11-20T14:00:00Z,Acme wins,BRFG", "row 2: received before it was published"),
        ("2026-11-20 15:00:00,,Acme wins,BRFG", "row 2: 2026-11-20 15:00:00: a time without a zone"),
        ("2026-11-20T15:00:00Z,,,BRFG", "row 2: no text"),
        ("2026-11-20T15:00:00Z,,Acme wins,", "row 2: no provider"),
        ("2026-11-20T15:00:00Z,,A,B\n2026-11-20T15:00:00Z,,A,B", "row 3: duplicate: B "),
    ],
)
def test_bad_headlines_are_named(csv, archive, row, words):
    """One bad headline imports none."""
    with pytest.raises(ArchiveError, match=words):
        take(csv(f"published_at,received_at,text,provider\n{row}\n"), archive, "kind=headlines")
    assert archive.headlines(DAY, DAY) == ()


@pytest.mark.parametrize("content", [b"", b"time,open,high,low,close,volume\n", b"\xff\xfe\x00x,\x00\n"])
def test_files_that_are_none_are_named(archive, tmp_path, content):
    """Empty files and bytes that are no text are one clear line."""
    file = tmp_path / "bars.csv"
    file.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"bars\.csv: .*nothing was imported"):
        take(file, archive, *NEW_YORK)
    with pytest.raises(ArchiveError, match="no such file or folder"):
        take(tmp_path / "nowhere", archive, *NEW_YORK)
    with pytest.raises(ArchiveError, match=r"no \*\.parquet file"):
        take(tmp_path, archive, *NEW_YORK, kind="parquet")
