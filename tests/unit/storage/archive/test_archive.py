import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.errors import ArchiveError
from momentum_kit.models.market import Bar
from momentum_kit.storage.archive import (
    BARS,
    BARS_5S,
    QUOTES,
    Archive,
    Provenance,
    QuoteBar,
    Series,
    from_micros,
    in_days,
)

DAY = date(2013, 10, 11)
OPEN = datetime(2013, 10, 11, 13, 30, tzinfo=UTC)
ORIGIN = Provenance(source="a test", sha256="00ff", imported_at=datetime(2026, 11, 22, tzinfo=UTC), adjusted=False)


def bar(minute: int, close: float = 10.0) -> Bar:
    """One minute after the open."""
    return Bar(OPEN + timedelta(minutes=minute), 60, 10.0, max(10.5, close), 9.5, close, 1200.0, 10.1, 17)


def quote(minute: int) -> QuoteBar:
    """One minute of quotes after the open."""
    return QuoteBar(OPEN + timedelta(minutes=minute), 60, 9.9, 10.0, 9.8, 9.9, 300, 10.1, 10.2, 10.0, 10.1, 500)


def bars(symbol: str = "SPY", day: date = DAY, count: int = 3, origin: Provenance = ORIGIN) -> Series:
    """A few minutes of trades."""
    rows = [replace(bar(minute), start=bar(minute).start + (day - DAY)) for minute in range(count)]
    return Series(kind=BARS, symbol=symbol, day=day, rows=rows, provenance=origin)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty archive."""
    return Archive(tmp_path / "archive")


def files(archive: Archive) -> list[str]:
    """Every file below the archive's folder."""
    return sorted(str(file.relative_to(archive.root)) for file in archive.root.rglob("*") if file.is_file())


def test_what_is_stored_is_read_back(archive):
    """Bars and quotes come back as the values they were, in aware UTC, each from its own file."""
    quotes = Series(kind=QUOTES, symbol="SPY", day=DAY, rows=[quote(0), quote(1)], provenance=ORIGIN)
    assert archive.extend([bars(), quotes]) == 2
    assert archive.bars("SPY", DAY) == (bar(0), bar(1), bar(2))
    assert archive.quotes("SPY", DAY) == (quote(0), quote(1))
    assert archive.bars("SPY", DAY)[0].start.tzinfo is UTC
    assert archive.provenance(BARS, "SPY", DAY) == ORIGIN
    assert files(archive) == [
        "bars_1m/symbol=SPY/month=2013-10/bars.parquet",
        "quotes_1m/symbol=SPY/month=2013-10/bars.parquet",
    ]


@given(
    st.lists(
        st.tuples(
            st.floats(0.0001, 1e6, allow_subnormal=False),
            st.floats(0, 1e12),
            st.floats() | st.just(math.nan),
            st.integers(-1, 2**40),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_numbers_survive_the_file_exactly(tmp_path_factory, rows):
    """Prices, volumes, an unknown wap and large counts come back bit for bit."""
    archive = Archive(tmp_path_factory.mktemp("archive"))
    stored = [
        Bar(OPEN + timedelta(minutes=at), 60, price, price, price, price, volume, wap, count)
        for at, (price, volume, wap, count) in enumerate(rows)
    ]
    archive.extend([Series(kind=BARS, symbol="X", day=DAY, rows=stored, provenance=ORIGIN)])
    assert [repr(read) for read in archive.bars("X", DAY)] == [repr(bar) for bar in stored]


def test_days_and_symbols_list_what_there_is(archive):
    """Days ascend, over all symbols or for one; symbols ascend, over all days or on one."""
    earlier = date(2013, 10, 10)
    archive.extend([bars("SPY"), bars("SPY", earlier), bars("IBM"), bars("BRK B", earlier)])
    assert archive.days() == (earlier, DAY)
    assert archive.days("IBM") == (DAY,)
    assert archive.symbols() == ("BRK B", "IBM", "SPY")
    assert archive.symbols(DAY) == ("IBM", "SPY")


def test_a_folder_that_does_not_exist_is_an_empty_archive(archive):
    """Nothing there is no error until a day is asked for."""
    assert archive.days() == ()
    assert archive.symbols() == ()
    with pytest.raises(ArchiveError, match="symbols in the archive: none; momentum-kit data import lean PATH"):
        archive.bars("SPY", DAY)


def test_a_missing_day_names_the_days_that_exist(archive):
    """The error for a missing day or kind tells what could be asked for instead."""
    archive.extend([bars("SPY"), bars("SPY", date(2013, 10, 10))])
    with pytest.raises(ArchiveError, match="no bars of SPY on 2013-12-24; days in the archive: 2013-10-10, 2013-10-11"):
        archive.bars("SPY", date(2013, 12, 24))
    with pytest.raises(ArchiveError, match="no quotes of SPY on any day; symbols in the archive: SPY"):
        archive.quotes("SPY", DAY)


@pytest.mark.parametrize("symbol", ["", "../etc", "spy", "A/B"])
def test_a_symbol_that_is_no_symbol_is_refused(archive, symbol):
    """Nothing but a symbol becomes part of a path."""
    with pytest.raises(ArchiveError, match="is not a symbol"):
        archive.extend([bars(symbol)])
    assert files(archive) == []


def test_storing_again_replaces_the_day(archive):
    """The last import of a day is the one that counts, and no second file appears."""
    archive.extend([bars(count=3)])
    archive.extend([replace(bars(count=1), provenance=replace(ORIGIN, source="another"))])
    assert archive.bars("SPY", DAY) == (bar(0),)
    assert archive.provenance(BARS, "SPY", DAY).source == "another"
    assert len(files(archive)) == 1


def test_a_failure_on_the_way_leaves_the_archive_as_it_was(archive):
    """When a later series cannot be read, the earlier ones are not stored either and nothing lies about."""
    archive.extend([bars("SPY", count=1)])

    def broken():
        yield bars("IBM")
        yield bars("SPY", count=3)
        raise ArchiveError("row 7 is bad")

    with pytest.raises(ArchiveError, match="row 7"):
        archive.extend(broken())
    assert archive.symbols() == ("SPY",)
    assert archive.bars("SPY", DAY) == (bar(0),)
    assert len(list(archive.root.iterdir())) == 1


def test_an_unwritable_archive_is_named(tmp_path):
    """A path that cannot hold an archive is one clear line."""
    (tmp_path / "archive").write_text("a file, not a folder")
    with pytest.raises(ArchiveError, match="archive: cannot write to the archive: "):
        Archive(tmp_path / "archive").extend([bars()])


def test_a_damaged_file_is_named_with_the_remedy(archive):
    """A truncated Parquet file is an ArchiveError that says what to do, and no import writes over its other days."""
    archive.extend([bars()])
    (file,) = archive.root.rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:100])
    words = r"bars\.parquet: not readable .*; remove it and import its days again"
    with pytest.raises(ArchiveError, match=words):
        archive.bars("SPY", DAY)
    with pytest.raises(ArchiveError, match=words):
        archive.extend([bars(day=date(2013, 10, 10))])


def test_a_foreign_file_is_refused(archive):
    """A Parquet file without our provenance is not taken for ours."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = archive.root / "bars_1m" / "symbol=SPY" / "month=2013-10"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"a": [1]}), folder / "bars.parquet")
    with pytest.raises(ArchiveError, match=r"bars\.parquet: not written by momentum_kit"):
        archive.bars("SPY", DAY)


def test_the_whole_archive_answers_sql(archive):
    """Symbols and days are columns of one table; text symbols stay text, times are UTC."""
    archive.extend([bars("SPY"), bars("IBM", count=2), bars("007", count=1)])
    answer = archive.sql("SELECT symbol, day, count(*) AS n, min(start) AS first FROM bars_1m GROUP BY ALL ORDER BY 1")
    assert answer.to_pydict() == {
        "symbol": ["007", "IBM", "SPY"],
        "day": [DAY] * 3,
        "n": [1, 2, 3],
        "first": [OPEN] * 3,
    }


def test_a_wrong_question_is_one_line(archive):
    """A mistake in SQL, or a table the archive does not have, is an ArchiveError of one line."""
    with pytest.raises(ArchiveError, match="quotes_1m") as caught:
        archive.sql("SELECT * FROM quotes_1m")
    assert "\n" not in str(caught.value)


def test_columns_join_months_and_cut_at_new_york_midnights(archive):
    """Vectorised reading gives one array a column over any span of days, start in microseconds, only what is asked."""
    after = date(2013, 11, 4)
    later = Bar(datetime(2013, 11, 4, 14, 30, tzinfo=UTC), 60, 10, 10, 10, 10, 700, 10, 5)
    archive.extend(
        [
            bars(),
            bars(day=date(2013, 10, 10)),
            Series(kind=BARS, symbol="SPY", day=after, rows=[later], provenance=ORIGIN),
        ]
    )
    found = archive.columns(BARS, "SPY", DAY, after)
    assert [from_micros(start) for start in found["start"]] == [bar(0).start, bar(1).start, bar(2).start, later.start]
    assert found["volume"].tolist() == [1200, 1200, 1200, 700]
    assert {name: column.dtype.str for name, column in found.items() if column.dtype != float} == {"start": "<i8"}
    assert archive.columns(BARS, "SPY", date(2013, 10, 10), after, ["close"]).keys() == {"start", "close"}
    with pytest.raises(ArchiveError, match="no bars of SPY from 2013-10-12 to 2013-10-31"):
        archive.columns(BARS, "SPY", date(2013, 10, 12), date(2013, 10, 31))


def test_columns_and_values_are_one_series(archive):
    """Rows given as columns over several days, cut with in_days, are the same days as rows given as values."""
    given = [bars(day=day) for day in (date(2013, 10, 10), DAY)]
    joined = {name: np.concatenate([each.columns()[name] for each in given]) for name in given[0].columns()}
    assert archive.extend(in_days(BARS, "SPY", joined, ORIGIN)) == 2
    other = Archive(archive.root.parent / "other")
    other.extend(given)
    assert archive.days() == other.days() == (date(2013, 10, 10), DAY)
    assert [archive.bars("SPY", day) for day in archive.days()] == [other.bars("SPY", day) for day in other.days()]


def test_kinds_are_kept_apart(archive):
    """Five-second bars and quotes have their own series, and a row of another length is refused."""
    small = replace(bar(0), seconds=5)
    archive.extend([Series(kind=BARS_5S, symbol="SPY", day=DAY, rows=[small], provenance=ORIGIN)])
    assert archive.bars("SPY", DAY, BARS_5S) == (small,)
    assert archive.days("SPY") == ()
    assert archive.symbols(DAY, BARS_5S) == ("SPY",)
    with pytest.raises(ArchiveError, match="bars_1m: the row at 2013-10-11 13:30:00\\+00:00 lasts 5 s, not 60"):
        archive.extend([Series(kind=BARS, symbol="SPY", day=DAY, rows=[small], provenance=ORIGIN)])
    with pytest.raises(ArchiveError, match="no such kind: 'bars_1h'; known: bars_1m, "):
        archive.days(kind="bars_1h")


def test_a_recorded_gap_is_neither_a_day_nor_unknown(archive):
    """A day that the source had nothing for is not listed, is not an empty answer, and says who had nothing."""
    gap = Series(
        kind=BARS, symbol="SPY", day=DAY, rows=[], provenance=replace(ORIGIN, source="IB: HMDS query returned no data")
    )
    archive.extend([gap, bars(day=date(2013, 10, 10))])
    assert archive.days("SPY") == (date(2013, 10, 10),)
    assert not archive.holds(BARS, "SPY", DAY)
    assert [count for count, _ in archive.provenances(BARS, "SPY").values()] == [3, 0]
    with pytest.raises(ArchiveError, match="2013-10-11 is a recorded gap: IB: HMDS query returned no data"):
        archive.bars("SPY", DAY)


def test_a_day_can_say_which_times_it_speaks_for(archive):
    """Bars around a headline carry the times that were asked for, so silence differs from ignorance."""
    covered = ((OPEN, OPEN + timedelta(minutes=30)),)
    archive.extend([bars(origin=replace(ORIGIN, covered=covered))])
    assert archive.provenance(BARS, "SPY", DAY).covered == covered


@pytest.mark.parametrize(("stored", "given", "there", "new"), [(0, 1, "raw", "adjusted"), (1, 0, "adjusted", "raw")])
def test_raw_and_adjusted_prices_never_share_a_series(archive, stored, given, there, new):
    """A series is one or the other: in any month, in one change or in two."""
    first = bars(origin=replace(ORIGIN, adjusted=bool(stored)))
    second = bars(day=date(2013, 12, 2), origin=replace(ORIGIN, adjusted=bool(given)))
    words = f"{new} prices do not belong among {there} ones; give them an archive of their own"
    with pytest.raises(ArchiveError, match=words):
        archive.extend([first, second])
    assert archive.days() == ()
    archive.extend([first, replace(second, symbol="IBM")])
    with pytest.raises(ArchiveError, match=words):
        archive.extend([second])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([bar(1), bar(0)], "bars_1m of SPY on 2013-10-11: unsorted or overlapping"),
        ([bar(0), bar(0)], "unsorted or overlapping"),
        ([bar(0), replace(bar(0), start=OPEN + timedelta(seconds=30))], "unsorted or overlapping"),
        ([bar(24 * 60)], "2013-10-12 13:30:00\\+00:00 is not on that day in New York"),
    ],
)
def test_rows_that_are_no_series_are_refused(archive, rows, words):
    """Unsorted, repeated, overlapping rows and rows of another day change nothing."""
    with pytest.raises(ArchiveError, match=words):
        archive.extend([Series(kind=BARS, symbol="SPY", day=DAY, rows=rows, provenance=ORIGIN)])
    assert files(archive) == []


def test_a_long_stream_of_series_is_written_in_parts(archive, monkeypatch):
    """However many rows come, whatever their order, days of one month end up in one file."""
    monkeypatch.setattr("momentum_kit.storage.archive.writer.BUFFERED_ROWS", 4)
    days = [date(2013, 10, number) for number in (11, 10, 9, 8, 7)]
    assert archive.extend(bars(symbol, day) for day in days for symbol in ("SPY", "IBM")) == 10
    assert archive.days("SPY") == archive.days("IBM") == tuple(sorted(days))
    assert len(files(archive)) == 2


def test_a_killed_change_is_finished_or_dropped(archive):
    """Killed after its commit a change is completed by the next one; killed before, nothing of it is left."""
    archive.extend([bars("AAA")])
    committed, dropped = archive.root / ".import-1", archive.root / ".import-2"
    archive.extend([bars("BBB")])
    for folder in (committed, dropped):
        folder.mkdir()
    (archive.root / "bars_1m/symbol=BBB/month=2013-10/bars.parquet").replace(committed / "0-0a1b2c3d.parquet")
    (committed / "commit.json").write_text('{"0-0a1b2c3d.parquet": "bars_1m/symbol=BBB/month=2013-10/bars.parquet"}')
    (dropped / "0-0a1b2c3d.parquet").write_text("half a file")
    assert archive.symbols() == ("AAA",)
    archive.extend([bars("CCC")])
    assert archive.symbols() == ("AAA", "BBB", "CCC")
    assert [folder.name for folder in archive.root.iterdir()] == ["bars_1m"]


def test_two_writers_of_one_month_lose_nothing(archive):
    """Writers wait for each other, so each day that was written is there."""
    days = [date(2013, 10, number) for number in range(1, 25)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda day: archive.extend([bars(day=day)]), days))
    assert archive.days("SPY") == tuple(days)


@pytest.mark.parametrize("buffered", [1, 1000])
def test_a_day_given_in_parts_is_joined(archive, monkeypatch, buffered):
    """Parts of one day, in any order and from several sources, make one day; parts that overlap are refused."""
    monkeypatch.setattr("momentum_kit.storage.archive.writer.BUFFERED_ROWS", buffered)
    late = Series(kind=BARS, symbol="SPY", day=DAY, rows=[bar(5)], provenance=ORIGIN)
    early = Series(
        kind=BARS, symbol="SPY", day=DAY, rows=[bar(0), bar(1)], provenance=replace(ORIGIN, source="another")
    )
    assert archive.extend([late, early]) == 2
    assert archive.bars("SPY", DAY) == (bar(0), bar(1), bar(5))
    assert archive.provenance(BARS, "SPY", DAY).source == "a test; another"
    with pytest.raises(ArchiveError, match="a test and another overlap at 2013-10-11 13:30"):
        archive.extend([replace(late, rows=[bar(0)]), early])
    assert len(archive.bars("SPY", DAY)) == 3
