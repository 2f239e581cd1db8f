import gzip
import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from momentum_kit.errors import ArchiveError
from momentum_kit.models import canonical_symbol
from momentum_kit.storage.archive import Archive
from momentum_kit.storage.imports import import_tables, load_mapping
from momentum_kit.storage.quality import examine

DAY = date(2025, 3, 12)  # New York is four hours behind UTC
OPEN = datetime(2025, 3, 12, 13, 30, tzinfo=UTC)
PRICES = "8.1,8.4,8.05,8.25,930"
HEADER = "start,open,high,low,close,volume\n"
RAW = ("adjusted=false", "symbol=ZED")
NEWS = "published_at,provider,symbol,text\n"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty archive."""
    return Archive(tmp_path / "archive")


def take(archive: Archive, file: Path, *options: str, kind: str = "csv"):
    """Import with these --map options."""
    return import_tables(file, kind, load_mapping(None, options), archive)


def put(tmp_path: Path, content: str | bytes, name: str = "vendor.csv") -> Path:
    """One file as a vendor ships it."""
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.mark.parametrize(
    ("stamp", "options"),
    [
        ("20250312-09:30", ("time_format=%Y%m%d-%H:%M", "time_zone=America/New_York")),
        ("20250312-13:30:00", ("time_format=%Y%m%d-%H:%M:%S", "time_zone=UTC")),
        ("2025-03-12 13:30:00+00", ()),
        ("2025-03-12 09:30:00-04", ()),
        ("2025-03-12 09:30:00-0400", ()),
        ("2025-03-12T13:30:00.000000Z", ()),
        ("2025-03-12 13:30:00 UTC", ()),
        ("20250312T093000-0400", ()),
        ("2025-03-12 09:30", ("time_zone=America/New_York",)),
        ("1741786200", ("time_format=epoch_s",)),
        ("1741786200000000000", ("time_format=epoch_ns",)),
    ],
)
def test_a_stamp_means_one_instant(archive, tmp_path, stamp, options):
    """A pattern without %z has no offset in its text; an offset may be hours alone; a count has a unit."""
    take(archive, put(tmp_path, f"{HEADER}{stamp},{PRICES}\n"), *RAW, *options)
    assert [bar.start for bar in archive.bars("ZED", DAY)] == [OPEN]


def test_a_date_behind_the_time_is_no_offset(archive, tmp_path):
    """Time and date in two columns, the date written day-month-year."""
    file = put(tmp_path, f"Clock,Day,open,high,low,close,volume\n09:30,12-03-2025,{PRICES}\n")
    mapping = put(
        tmp_path,
        "kind: bars_1m\nadjusted: false\nsymbol: ZED\ntime_zone: America/New_York\n"
        "time_format: '%H:%M %d-%m-%Y'\ncolumns: {start: [Clock, Day]}\n",
        "map.yaml",
    )
    import_tables(file, "csv", load_mapping(mapping), archive)
    assert [bar.start for bar in archive.bars("ZED", DAY)] == [OPEN]


@pytest.mark.parametrize(
    ("stamp", "options", "words"),
    [
        (
            "1741786200000",
            ("time_format=epoch_s",),
            "row 2: 1741786200000 as epoch_s .*; try --map time_format=epoch_ms",
        ),
        ("1741786200", ("time_format=epoch_ms",), "try --map time_format=epoch_s"),
        ("1741786200", (), "row 2: '1741786200' is a number; say what it counts: --map time_format=epoch_s"),
        ("1925-03-12T13:30:00Z", (), "row 2: 1925-03-12T13:30:00Z is not between 1990 and next year"),
        ("2925-03-12T13:30:00Z", (), "is not between 1990 and next year"),
        ("20250312-09:30", (), "row 2: '20250312-09:30' is not a time in the mapping's time_format"),
    ],
)
def test_an_absurd_time_is_refused_with_what_fits(archive, tmp_path, stamp, options, words):
    """One line names the row and the unit; nothing is stored."""
    with pytest.raises(ArchiveError, match=words):
        take(archive, put(tmp_path, f"{HEADER}{stamp},{PRICES}\n"), *RAW, *options)
    assert not archive.root.exists() or not list(archive.root.rglob("*.parquet"))


def test_a_file_without_a_header_is_read_whole(archive, tmp_path):
    """Columns by position or by names of one's own; the first row is a row."""
    rows = f"03/12/2025,09:30,{PRICES}\n03/12/2025,09:31,{PRICES}\n"
    mapping = put(
        tmp_path,
        "adjusted: false\nsymbol: ZED\ntime_zone: America/New_York\ntime_format: '%m/%d/%Y %H:%M'\nheader: none\n"
        "columns: {start: [1, 2], open: 3, high: 4, low: 5, close: 6, volume: 7}\n",
        "map.yaml",
    )
    import_tables(put(tmp_path, rows, "ZED.txt"), "csv", load_mapping(mapping), archive)
    assert [bar.start for bar in archive.bars("ZED", DAY)] == [OPEN, OPEN + timedelta(minutes=1)]
    again = Archive(tmp_path / "again")
    named = ("header=none", "names=start,open,high,low,close,volume", "time_zone=America/New_York")
    take(again, put(tmp_path, f"2025-03-12 09:30:00,{PRICES}\n2025-03-12 09:31:00,{PRICES}\n", "x.txt"), *RAW, *named)
    assert again.bars("ZED", DAY)[0].close == 8.25
    with pytest.raises(ArchiveError, match=r"no header\? --map header=none"):
        take(again, tmp_path / "x.txt", *RAW, "time_zone=America/New_York")


def test_numbers_as_they_are_written_elsewhere(archive, tmp_path):
    """Decimal commas and grouped digits, each by an option that the refusal names."""
    text = "start;open;high;low;close;volume\n12.03.2025 09:30;8,10;8,40;8,05;8,25;1.930\n"
    there = ("delimiter=;", "time_format=%d.%m.%Y %H:%M", "time_zone=America/New_York")
    take(archive, put(tmp_path, text), *RAW, *there, "decimal=,", "thousands=.")
    (bar,) = archive.bars("ZED", DAY)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (8.1, 8.4, 8.05, 8.25, 1930)
    with pytest.raises(ArchiveError, match="row 2: open is '8,10', not a number; --map decimal=,"):
        take(archive, put(tmp_path, text), *RAW, *there)
    grouped = put(tmp_path, f'{HEADER}{OPEN.isoformat()},8,8,8,8,"12,930"\n')
    with pytest.raises(ArchiveError, match="volume is '12,930', not a number; --map thousands=,"):
        take(archive, grouped, *RAW)
    take(archive, grouped, *RAW, "thousands=,")
    assert archive.bars("ZED", DAY)[0].volume == 12930


@pytest.mark.parametrize("ending", ["\n\n", "\r\n\r\n", "\n\n\n"])
def test_blank_lines_say_nothing(archive, tmp_path, ending):
    """They are passed over, in the middle and at the end, and errors still count lines as an editor does."""
    lines = [
        HEADER.strip(),
        f"{OPEN.isoformat()},{PRICES}",
        "",
        f"{(OPEN + timedelta(minutes=1)).isoformat()},{PRICES}",
    ]
    take(archive, put(tmp_path, "\n".join(lines) + ending), *RAW)
    assert len(archive.bars("ZED", DAY)) == 2
    lines[3] = lines[3].replace("8.1", "none")
    with pytest.raises(ArchiveError, match="row 4: open is 'none', not a number"):
        take(archive, put(tmp_path, "\n".join(lines) + ending), *RAW)


def test_text_in_another_encoding_is_named_or_refused(archive, tmp_path):
    """Latin-1 by name, UTF-16 by its mark; otherwise the row is named and nothing is stored."""
    latin = put(
        tmp_path, f"{NEWS}2025-03-12T14:00:00Z,QQ,ZED,Plain\n2025-03-12T14:05:00Z,QQ,ZED,Société\n".encode("latin-1")
    )
    with pytest.raises(ArchiveError, match="row 3: not utf-8 text; name the encoding: --map encoding=latin-1"):
        take(archive, latin, "kind=headlines")
    assert archive.headlines(DAY, DAY) == ()
    take(archive, latin, "kind=headlines", "encoding=latin-1")
    assert archive.headlines(DAY, DAY)[1].text == "Société"
    take(archive, put(tmp_path, f"{HEADER}{OPEN.isoformat()},{PRICES}\n".encode("utf-16"), "wide.csv"), *RAW)
    assert len(archive.bars("ZED", DAY)) == 1


@pytest.mark.parametrize("text", ["007", "true", "NaN", "2025", "1e5", "-"])
def test_a_headline_stays_the_text_it_is(archive, tmp_path, text):
    """Whatever looks like a number, a truth or nothing at all, in the text, the provider and the article id."""
    row = f"published_at,provider,symbol,article_id,text\n2025-03-12T14:00:00Z,{text},ZED,{text},{text}\n"
    take(archive, put(tmp_path, row), "kind=headlines")
    (headline,) = archive.headlines(DAY, DAY)
    assert (headline.provider, headline.article_id, headline.text) == (text, text, text)


def test_newlines_inside_quotes_are_text_whatever_the_size(archive, tmp_path):
    """Some megabytes of them."""
    rows = "".join(f'2025-03-12T14:00:00Z,QQ,ZED,"Line {n},\nnext {"y" * 60}"\n' for n in range(30_000))
    assert take(archive, put(tmp_path, NEWS + rows), "kind=headlines").imported == 30_000


def test_quotes_escaped_by_a_backslash_have_an_option(archive, tmp_path):
    """The refusal names it."""
    file = put(tmp_path, NEWS + '2025-03-12T14:00:00Z,QQ,ZED,"He said \\"no, never\\" twice"\n')
    with pytest.raises(
        ArchiveError, match=r"row 2: expected 4 columns, found 5: .*is a quote escaped by a backslash\?"
    ):
        take(archive, file, "kind=headlines")
    take(archive, file, "kind=headlines", "escape=\\")
    assert archive.headlines(DAY, DAY)[0].text == 'He said "no, never" twice'


def test_two_clocks_may_differ_a_little(archive, tmp_path):
    """Received a moment before it was published: taken as it stands and counted; an hour before: another zone."""
    head = "published_at,received_at,provider,symbol,text\n"
    file = put(tmp_path, head + "2025-03-12T14:00:01.000Z,2025-03-12T14:00:00.700Z,QQ,ZED,Words\n")
    report = take(archive, file, "kind=headlines")
    assert "1 headlines received before they were published" in str(report)
    (headline,) = archive.headlines(DAY, DAY)
    assert headline.received_at - headline.published_at == timedelta(seconds=-0.3)


@pytest.mark.parametrize(
    ("written", "symbol"),
    [
        ("MOG.A", "MOG A"), ("MOG-A", "MOG A"), ("MOG/A", "MOG A"), ("mog.a", "MOG A"), ("WFCpL", "WFC PRL"),
        ("WFC-PL", "WFC PRL"), ("WFC.PRL", "WFC PRL"), ("WFC/PR/L", "WFC PRL"), ("WFCPL", "WFCPL"), ("NAN", "NAN"),
    ],
)  # fmt: skip
def test_a_symbol_is_spelled_in_one_way(archive, tmp_path, written, symbol):
    """IB's way, wherever it comes from: a column, an option, a file's name."""
    assert canonical_symbol(written) == symbol
    table = put(tmp_path, f"symbol,{HEADER}{written},{OPEN.isoformat()},{PRICES}\n")
    assert take(archive, table, "adjusted=false").symbols == (symbol,)
    if "/" not in written:
        file = put(tmp_path, f"{HEADER}{OPEN.isoformat()},{PRICES}\n", f"{written}.csv")
        assert take(archive, file, "adjusted=false", "symbol={file}").symbols == (symbol,)


def test_a_preferred_is_not_the_company_that_its_capitals_spell(archive, tmp_path):
    """Two securities, two symbols; a mixed case that nobody knows is refused."""
    rows = "".join(f"{name},{OPEN.isoformat()},{PRICES}\n" for name in ("WFCpL", "WFCPL"))
    assert take(archive, put(tmp_path, f"symbol,{HEADER}{rows}"), "adjusted=false").symbols == ("WFC PRL", "WFCPL")
    with pytest.raises(ArchiveError, match="row 2: 'ABCr' is not a symbol"):
        take(archive, put(tmp_path, f"symbol,{HEADER}ABCr,{OPEN.isoformat()},{PRICES}\n"), "adjusted=false")


@pytest.mark.parametrize(
    ("name", "symbol"), [("ZED_1min.csv", "ZED"), ("ZED.2025-03-12.csv", "ZED"), ("MOG_A.CSV", "MOG A")]
)
def test_a_file_may_be_called_more_than_its_symbol(archive, tmp_path, name, symbol):
    """What holds a digit is no class of shares; endings in capitals are endings."""
    put(tmp_path / "in", f"{HEADER}{OPEN.isoformat()},{PRICES}\n", name)
    assert take(archive, tmp_path / "in", "adjusted=false", "symbol={file}").symbols == (symbol,)


def test_folders_that_name_a_value_are_columns(archive, tmp_path):
    """Hive's partitions, as most tools write Parquet."""
    folder = tmp_path / "lake" / "symbol=ZED"
    folder.mkdir(parents=True)
    columns = {"start": [OPEN], **{name: [8.0] for name in ("open", "high", "low", "close", "volume")}}
    pq.write_table(pa.table(columns), folder / "part-0.parquet")
    assert take(archive, tmp_path / "lake", "adjusted=false", "symbol={file}", kind="parquet").symbols == ("ZED",)


def test_text_columns_of_any_arrow_type_are_text(archive, tmp_path):
    """Categories and string views, currency included."""
    for kind in (pa.dictionary(pa.int32(), pa.string()), pa.string_view(), pa.large_string()):
        prices = {name: pa.array([8.0]) for name in ("open", "high", "low", "close", "volume")}
        words = {"symbol": pa.array(["ZED"]).cast(kind), "currency": pa.array(["USD"]).cast(kind)}
        pq.write_table(pa.table({"start": pa.array([OPEN]), **prices, **words}), tmp_path / "typed.parquet")
        assert take(archive, tmp_path / "typed.parquet", "adjusted=false", kind="parquet").symbols == ("ZED",)


QUOTES = "start,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close,bid_size,ask_size\n"
FINE = "8,8,8,8,8.02,8.02,8.02,8.02,300,500"
CROSSED = "8.05,8.05,8.05,8.05,8.02,8.02,8.02,8.02,300,500"
NO_BID = ",,,,8.02,8.02,8.02,8.02,,500"
ZERO_BID = "0,0,0,0,8.02,8.02,8.02,8.02,0,500"


def quotes(tmp_path: Path, *rows: str) -> Path:
    """Minutes of quotes, gzipped."""
    lines = [f"{(OPEN + timedelta(minutes=at)).isoformat()},{row}\n" for at, row in enumerate(rows)]
    return put(tmp_path, gzip.compress((QUOTES + "".join(lines)).encode()), "ZED.csv.gz")


def test_crossed_quotes_go_by_policy(archive, tmp_path):
    """Refused by row and symbol, dropped or kept; counted; the quality report names the symbol and the share."""
    file = quotes(tmp_path, FINE, CROSSED, FINE, FINE)
    options = (*RAW, "kind=quotes_1m")
    with pytest.raises(ArchiveError, match="row 3: ZED: crossed: bid above ask; --map on_crossed=drop leaves"):
        take(archive, file, *options)
    assert "3 rows of ZED, 2025-03-12; 1 crossed quotes (bid above ask), dropped" in str(
        take(archive, file, *options, "on_crossed=drop")
    )
    assert [quote.start.minute for quote in archive.quotes("ZED", DAY)] == [30, 32, 33]
    kept = Archive(tmp_path / "kept")
    assert take(kept, file, *options, "on_crossed=keep").marks.total() == 1
    (found,) = [each for each in examine(kept).findings if each.check == "crossed quotes"]
    assert (found.symbol, found.count) == ("ZED", 1)
    assert "25.0% of all of ZED's quotes" in found.detail


@pytest.mark.parametrize("row", [NO_BID, ZERO_BID])
def test_a_missing_side_is_unknown(archive, tmp_path, row):
    """Empty or written as zeros: nan, counted; another policy drops or refuses it; text is never a missing price."""
    file = quotes(tmp_path, FINE, row)
    options = (*RAW, "kind=quotes_1m")
    assert take(archive, file, *options).marks.total() == 1
    second = archive.quotes("ZED", DAY)[1]
    assert math.isnan(second.bid_open) and math.isnan(second.bid_size)
    assert (second.ask_close, second.ask_size) == (8.02, 500)
    with pytest.raises(ArchiveError, match="row 3: ZED: a side is missing; --map on_one_sided=drop"):
        take(archive, file, *options, "on_one_sided=refuse")
    with pytest.raises(ArchiveError, match="row 2: bid_open is 'n/q', not a number"):
        take(archive, quotes(tmp_path, FINE.replace("8,8,8,8,", "n/q,8,8,8,")), *options)


def test_a_volume_of_minus_one_is_unknown(archive, tmp_path):
    """IB's word for it: not zero, not refused, counted."""
    report = take(archive, put(tmp_path, f"{HEADER}{OPEN.isoformat()},8,8,8,8,-1\n"), *RAW)
    assert "1 bars whose volume is unknown" in str(report)
    assert math.isnan(archive.bars("ZED", DAY)[0].volume)


def test_prices_in_whole_parts_of_a_dollar_keep_their_decimals(archive, tmp_path):
    """Billionths, as fixed-point feeds ship them."""
    row = f"{OPEN.isoformat()},8100000000,8400000000,8050000000,8250000000,930\n"
    take(archive, put(tmp_path, HEADER + row), *RAW, "price_scale=1e-9")
    (bar,) = archive.bars("ZED", DAY)
    assert (bar.open, bar.high, bar.low, bar.close) == (8.1, 8.4, 8.05, 8.25)


def test_a_header_of_three_lines_is_said_rightly(archive, tmp_path):
    """Yfinance's frames as CSV: the refusal gives the options that read them, and they do."""
    text = (
        "Price,Close,High,Low,Open,Volume\nTicker,ZED,ZED,ZED,ZED,ZED\nDatetime,,,,,\n"
        f"{OPEN.isoformat()},8.25,8.4,8.05,8.1,930\n"
    )
    file = put(tmp_path, text)
    with pytest.raises(ArchiveError, match="header of three lines; give --map skip_rows=3") as refusal:
        take(archive, file, *RAW)
    advised = [each for each in str(refusal.value).split() if "=" in each]
    take(archive, file, *RAW, *(each.rstrip(";") for each in advised))
    assert archive.bars("ZED", DAY)[0].open == 8.1
