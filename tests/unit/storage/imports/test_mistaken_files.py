"""Files that are not what they are taken for: other intervals, days for times, bytes for text, other names, packed."""

import bz2
import gzip
import lzma
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from momentum_kit.errors import ArchiveError
from momentum_kit.storage.archive import Archive
from momentum_kit.storage.imports import import_tables, load_mapping

DAY = date(2025, 3, 12)
OPEN = datetime(2025, 3, 12, 13, 30, tzinfo=UTC)
HEADER = "start,open,high,low,close,volume\n"
PRICES = "8.1,8.4,8.05,8.25,930"
RAW = ("adjusted=false", "symbol=ZED")
NEWS = "published_at,provider,article_id,symbol,text\n"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty archive."""
    return Archive(tmp_path / "archive")


def take(archive: Archive, file: Path, *options: str, kind: str = "csv"):
    """Import with these --map options."""
    return import_tables(file, kind, load_mapping(None, options), archive)


def put(tmp_path: Path, content: str, name: str = "vendor.csv") -> Path:
    """One text file."""
    (tmp_path / name).write_text(content)
    return tmp_path / name


def every(step: timedelta, count: int) -> str:
    """Bars that stand a step apart."""
    return HEADER + "".join(f"{(OPEN + at * step).isoformat()},{PRICES}\n" for at in range(count))


@pytest.mark.parametrize(
    ("step", "count", "words"),
    [
        (timedelta(minutes=5), 78, "5 minutes"),
        (timedelta(minutes=2), 195, "2 minutes"),
        (timedelta(hours=1), 7, "60 minutes"),
        (timedelta(days=1), 5, "1440 minutes"),
    ],
)
def test_bars_of_a_longer_interval_are_no_minutes(archive, tmp_path, step, count, words):
    """A minute that holds the volume of five looks like a shock."""
    file = put(tmp_path, every(step, count))
    with pytest.raises(ArchiveError, match=f"multiple of {words} from the others: no bars of 60 s; --map on_coarse"):
        take(archive, file, *RAW)
    assert not archive.symbols(DAY)
    assert take(archive, file, *RAW, "on_coarse=keep").rows == count


def test_sparse_minutes_are_minutes(archive, tmp_path):
    """A small company trades now and then, and a few of its minutes may stand in step by chance."""
    minutes = [0, 10, 15, 40, 65, 90, 100, 135]
    rows = "".join(f"{(OPEN + timedelta(minutes=at)).isoformat()},{PRICES}\n" for at in minutes)
    assert take(archive, put(tmp_path, HEADER + rows), *RAW).rows == len(minutes)


def test_minutes_are_no_bars_of_five_seconds(archive, tmp_path):
    """The same of the other kind."""
    file = put(tmp_path, every(timedelta(minutes=1), 30))
    with pytest.raises(ArchiveError, match="multiple of 1 minutes from the others: no bars of 5 s"):
        take(archive, file, *RAW, "kind=bars_5s")


@pytest.mark.parametrize("stamp", ["2025-03-12", "20250312"])
@pytest.mark.parametrize("kind", ["bars_1m", "headlines"])
def test_a_date_is_no_time(archive, tmp_path, stamp, kind):
    """Nobody knows at which hour of the day it was."""
    rows = f"{HEADER}{stamp},{PRICES}\n" if kind == "bars_1m" else f"{NEWS}{stamp},QQ,1,ZED,Words\n"
    options = (*RAW, f"kind={kind}", "time_zone=America/New_York")
    with pytest.raises(ArchiveError, match=f"row 2: '{stamp}': a date without a time of day"):
        take(archive, put(tmp_path, rows), *options)
    with pytest.raises(ArchiveError, match="has no hour"):
        take(archive, put(tmp_path, rows), *options, "time_format=%Y-%m-%d")


def test_a_column_of_dates_is_no_time(archive, tmp_path):
    """Parquet's own type for it."""
    prices = {name: [8.0] for name in ("open", "high", "low", "close", "volume")}
    pq.write_table(pa.table({"start": [DAY], **prices}), tmp_path / "days.parquet")
    with pytest.raises(ArchiveError, match="row 1: 2025-03-12: a date without a time of day"):
        take(archive, tmp_path / "days.parquet", *RAW, kind="parquet")


@pytest.mark.parametrize("midnight", ["T00:00:00Z", "T00:00:00-04:00"])
def test_headlines_that_all_stand_at_midnight_are_dated_not_timed(archive, tmp_path, midnight):
    """A study would hear each of them hours before anybody did."""
    rows = "".join(f"2025-03-{day}{midnight},QQ,{day},ZED,Words {day}\n" for day in range(11, 15))
    with pytest.raises(ArchiveError, match="every headline stands at midnight"):
        take(archive, put(tmp_path, NEWS + rows), "kind=headlines")
    one_later = f"2025-03-17T11:00:00Z,QQ,17,ZED,Later\n{rows}"
    assert take(archive, put(tmp_path, NEWS + one_later), "kind=headlines").rows == 5


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BRK.B_full_1min_UNADJUSTED.csv", "BRK B"), ("BF-B_1min.csv", "BF B"), ("MOG_A_2025-03-12.csv", "MOG A"),
        ("BRK.A 1min.csv", "BRK A"), ("brk.b_1min.csv", "BRK B"), ("BRK.B.2025-03-12.csv", "BRK B"),
        ("aapl.us.csv", "AAPL"), ("BRK-B.US.csv", "BRK B"), ("AAPL.US_1min.csv", "AAPL"), ("T_1min.csv", "T"),
        ("AAPL_full_1min_adjsplit.csv", "AAPL"), ("AAPL-1m.csv", "AAPL"), ("XYZ.WS_1min.csv", "XYZ WS"),
    ],
)  # fmt: skip
def test_a_class_of_shares_survives_what_else_a_file_is_called(archive, tmp_path, name, symbol):
    """FirstRate, Stooq and EODHD name their files so; BRK is another company's ticker, or nobody's."""
    file = put(tmp_path, f"{HEADER}{OPEN.isoformat()},{PRICES}\n", name)
    assert take(archive, file, "adjusted=false", "symbol={file}").symbols == (symbol,)


@pytest.mark.parametrize(
    "name", ["20250312_AAPL.csv", "stock_AAPL.csv", "AAPL_trades.csv", "AAPL_min.csv", "BRK.b_1.csv"]
)
def test_a_name_that_leaves_the_symbol_open_is_refused(archive, tmp_path, name):
    """A day is no ticker, and min is no class of shares."""
    file = put(tmp_path, f"{HEADER}{OPEN.isoformat()},{PRICES}\n", name)
    with pytest.raises(ArchiveError, match="is not a symbol"):
        take(archive, file, "adjusted=false", "symbol={file}")


def test_bytes_are_text(archive, tmp_path):
    """As Spark and old pandas write it; of a fixed width, filled up with zeros."""
    columns = {"published_at": [OPEN], "provider": ["QQ"], "article_id": pa.array([17.0])}
    words = {"text": pa.array([b"Words of a company"]), "symbol": pa.array([b"ZED\0\0\0"], pa.binary(6))}
    pq.write_table(pa.table({**columns, **words}), tmp_path / "bytes.parquet")
    take(archive, tmp_path / "bytes.parquet", "kind=headlines", kind="parquet")
    (headline,) = archive.headlines(DAY, DAY)
    assert (headline.text, headline.article_id) == ("Words of a company", "17")
    assert headline.contract is not None
    assert headline.contract.symbol == "ZED"
    pq.write_table(pa.table({**columns, **words, "text": pa.array([b"caf\xe9"])}), tmp_path / "latin.parquet")
    with pytest.raises(ArchiveError, match="'text' holds bytes that are no UTF-8 text"):
        take(archive, tmp_path / "latin.parquet", "kind=headlines", kind="parquet")


def test_a_column_of_lists_is_not_passed_over(archive, tmp_path):
    """A headline without its symbols would be a headline of nobody."""
    columns = {"published_at": [OPEN], "provider": ["QQ"], "text": ["Words"], "Symbol": [["ZED", "ABC"]]}
    pq.write_table(pa.table(columns), tmp_path / "lists.parquet")
    with pytest.raises(ArchiveError, match="'Symbol' holds lists; write them as text, joined by commas"):
        take(archive, tmp_path / "lists.parquet", "kind=headlines", kind="parquet")


def test_a_list_written_as_text_is_a_list(archive, tmp_path):
    """As a frame's to_csv writes it, and as JSON does."""
    rows = f'{OPEN.isoformat()},QQ,1,"[\'ZED\', \'ABC\']",One\n{OPEN.isoformat()},QQ,2,"[""ZED""]",Two\n'
    report = take(archive, put(tmp_path, NEWS + rows), "kind=headlines", "separator=,")
    assert (report.symbols, report.rows, report.marks) == (("ABC", "ZED"), 3, {})


def test_prices_of_four_bytes_are_what_was_written(archive, tmp_path):
    """0.35 stays 0.35: as a 64-bit number of its own a 32-bit one is 0.3499999940395355."""
    prices = {name: pa.array([0.35], pa.float32()) for name in ("open", "high", "low", "close")}
    pq.write_table(pa.table({"start": [OPEN], **prices, "volume": [10]}), tmp_path / "small.parquet")
    take(archive, tmp_path / "small.parquet", *RAW, kind="parquet")
    assert archive.bars("ZED", DAY)[0].close == 0.35


def test_truth_is_no_number(archive, tmp_path):
    """A column of yes and no is none of volumes."""
    prices = {name: [8.0] for name in ("open", "high", "low", "close")}
    pq.write_table(pa.table({"start": [OPEN], **prices, "volume": [True]}), tmp_path / "flags.parquet")
    with pytest.raises(ArchiveError, match="volume is True, not a number"):
        take(archive, tmp_path / "flags.parquet", *RAW, kind="parquet")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (HEADER.replace(",", ";") + f"{OPEN.isoformat()};{PRICES.replace(',', ';')}\n", "--map 'delimiter=;'"),
        (HEADER.replace(",", "\t") + f"{OPEN.isoformat()}\t{PRICES.replace(',', chr(9))}\n", "--map 'delimiter=tab'"),
        (f"sep=,\n{HEADER}{OPEN.isoformat()},{PRICES}\n", "--map skip_rows=1"),
        (f"# downloaded today\n{HEADER}{OPEN.isoformat()},{PRICES}\n", "a comment\\? --map skip_rows=1"),
        (f"{HEADER}03/12/2025 9:30,{PRICES}\n", "say how it is written, such as --map 'time_format=%m/%d/%Y"),
    ],
)
def test_a_refusal_names_the_option_that_reads_it(archive, tmp_path, content, words):
    """Other separators, Excel's own first line, a comment above the header, another country's dates."""
    with pytest.raises(ArchiveError, match=words):
        take(archive, put(tmp_path, content), *RAW)


def test_blanks_around_the_names_of_columns_do_not_matter(archive, tmp_path):
    """Written by hand, or by a program that means well; a tab is called tab."""
    spaced = (HEADER + f"{OPEN.isoformat()},{PRICES}\n").replace(",", ", ")
    assert take(archive, put(tmp_path, spaced), *RAW).rows == 1
    tabbed = (HEADER + f"{(OPEN + timedelta(days=1)).isoformat()},{PRICES}\n").replace(",", "\t")
    assert take(archive, put(tmp_path, tabbed), *RAW, "delimiter=tab").rows == 1


def test_what_else_packs_a_file_is_named(archive, tmp_path):
    """No bytes of a packed file are read as a header."""
    content = f"{HEADER}{OPEN.isoformat()},{PRICES}\n".encode()
    with zipfile.ZipFile(tmp_path / "zip.csv", "w") as zipped:
        zipped.writestr("ZED.csv", content)
    (tmp_path / "xz.csv").write_bytes(lzma.compress(content))
    (tmp_path / "bz.csv").write_bytes(bz2.compress(content))
    (tmp_path / "gz.csv").write_bytes(gzip.compress(content))
    (tmp_path / "zst.csv").write_bytes(pa.Codec("zstd").compress(content, asbytes=True))
    pq.write_table(pa.table({"start": [OPEN]}), tmp_path / "parquet.csv")
    for name, words in (
        ("zip", "a zip archive or an Excel workbook: unpack it"), ("xz", "packed by xz"), ("bz", "packed by bzip2"),
        ("gz", "packed by gzip: name it .gz"), ("zst", "packed by zstd"), ("parquet", "import it as parquet"),
    ):  # fmt: skip
        with pytest.raises(ArchiveError, match=words):
            take(archive, tmp_path / f"{name}.csv", *RAW)


@pytest.mark.parametrize(
    "answer",
    [
        '{"news": [RECORD], "next_page_token": null}',
        '{"items": "1", "feed": [RECORD]}',
        '{"status": "ok", "totalResults": 1, "articles": [RECORD]}',
        '{"meta": {"found": 1}, "data": [RECORD]}',
    ],
)
def test_an_object_around_the_list_is_opened(archive, tmp_path, answer):
    """Whatever a service calls its list; what it says of each company is the symbol, if it names one."""
    record = (
        '{"title": "Words", "at": "2025-03-12T13:30:00Z", "by": "QQ", '
        '"of": [{"name": "Zed Industries, Inc.", "symbol": "ZED"}, {"ticker": "ABC", "score": 1}]}'
    )
    columns = ("columns.text=title", "columns.published_at=at", "columns.provider=by", "columns.symbol=of")
    file = put(tmp_path, answer.replace("RECORD", record), "answer.json")
    assert take(archive, file, "kind=headlines", "separator=,", *columns, kind="json").symbols == ("ABC", "ZED")
