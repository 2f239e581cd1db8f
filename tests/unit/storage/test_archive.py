import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.errors import ArchiveError
from momentum_kit.models import Bar
from momentum_kit.storage.archive import BARS, QUOTES, Archive, Provenance, QuoteBar, Series

DAY = date(2013, 10, 11)
OPEN = datetime(2013, 10, 11, 13, 30, tzinfo=UTC)
ORIGIN = Provenance("a test", "00ff", datetime(2026, 11, 22, tzinfo=UTC), adjusted=False)


def bar(minute: int, close: float = 10.0) -> Bar:
    """One minute after the open."""
    return Bar(OPEN + timedelta(minutes=minute), 60, 10.0, max(10.5, close), 9.5, close, 1200.0, 10.1, 17)


def quote(minute: int) -> QuoteBar:
    """One minute of quotes after the open."""
    return QuoteBar(OPEN + timedelta(minutes=minute), 60, 9.9, 10.0, 9.8, 9.9, 300, 10.1, 10.2, 10.0, 10.1, 500)


def bars(symbol: str = "SPY", day: date = DAY, count: int = 3, origin: Provenance = ORIGIN) -> Series:
    """A few minutes of trades."""
    rows = [replace(bar(minute), start=bar(minute).start + (day - DAY)) for minute in range(count)]
    return Series(BARS, symbol, day, rows, origin)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty archive."""
    return Archive(tmp_path / "archive")


def files(archive: Archive) -> list[str]:
    """Every file below the archive's folder."""
    return sorted(str(file.relative_to(archive.root)) for file in archive.root.rglob("*") if file.is_file())


def test_what_is_stored_is_read_back(archive):
    """Bars and quotes come back as the values they were, in aware UTC, each from its own file."""
    quotes = Series(QUOTES, "SPY", DAY, [quote(0), quote(1)], ORIGIN)
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
    archive.extend([Series(BARS, "X", DAY, stored, ORIGIN)])
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
