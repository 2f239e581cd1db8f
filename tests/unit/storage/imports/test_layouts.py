"""Files as their vendors' pages describe them: column names, order, time forms and units are taken from there alone."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from momentum_kit.cli import main
from momentum_kit.storage.archive import Archive

MARCH = datetime(2025, 3, 12, 13, 30, tzinfo=UTC)  # 09:30 in New York, summer time


@pytest.fixture
def take(tmp_path, capsys):
    """Imports a file as a shell would; returns its status, what was said, and the archive."""

    def run(kind: str, name: str, content: str | bytes, *options: str) -> tuple[int, str, Archive]:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        status = main(["data", "import", kind, str(file), "--archive", str(tmp_path / "archive"), *options])
        said = capsys.readouterr()
        return status, said.out + said.err, Archive(tmp_path / "archive")

    return run


POLYGON = """ticker,volume,open,close,high,low,window_start,transactions
ZZTOP,4930,20.29,20.28,20.3,20.25,1741786200000000000,129
ZZTOP,1815,20.28,20.28,20.31,20.25,1741786260000000000,57
"""


def test_polygon_flat_files_name_the_window_s_start_in_nanoseconds(take):
    """One gzipped file a day; whether its prices are adjusted is to be said, for the file does not tell."""
    packed = gzip.compress(POLYGON.encode())
    status, said, _ = take("csv", "2025-03-12.csv.gz", packed, "--layout", "polygon")
    assert (status, "say adjusted=false" in said) == (2, True)
    status, _, archive = take("csv", "2025-03-12.csv.gz", packed, "--layout", "polygon", "--map", "adjusted=false")
    first, second = archive.bars("ZZTOP", date(2025, 3, 12))
    assert status == 0
    assert (first.start, first.open, first.high, first.low, first.close) == (MARCH, 20.29, 20.3, 20.25, 20.28)
    assert (first.volume, first.count, second.count) == (4930, 129, 57)


RAW = """ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol
1741786200000000000,33,2,523,133550000000,135200000000,132710000000,134360000000,11015,ZZTOP
"""
PRETTY = """ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol
2025-03-12 13:30:00+00:00,33,2,523,133.55,135.2,132.71,134.36,11015,ZZTOP
"""


@pytest.mark.parametrize("content", [RAW, PRETTY])
def test_databento_is_read_plain_and_pretty(take, content):
    """Integers of 1e-9 USD and nanoseconds, or numbers and times for people; prices as traded."""
    status, said, archive = take("csv", "xnas-itch.ohlcv-1m.csv", content, "--layout", "databento")
    assert status == 0, said
    (bar,) = archive.bars("ZZTOP", date(2025, 3, 12))
    assert (bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume) == (
        MARCH, 133.55, 135.2, 132.71, 134.36, 11015,
    )  # fmt: skip
    assert not archive.provenance("bars_1m", "ZZTOP", date(2025, 3, 12)).adjusted


def test_alpaca_bars_as_a_frame(take):
    """Symbol and UTC time lead; trade_count and vwap are known."""
    content = (
        "symbol,timestamp,open,high,low,close,volume,trade_count,vwap\n"
        "ZZTOP,2025-03-12 13:30:00+00:00,21.0,21.5,20.9,21.2,14112.0,140.0,21.19\n"
    )
    status, said, archive = take("csv", "bars.csv", content, "--layout", "alpaca")
    assert status == 0, said
    (bar,) = archive.bars("ZZTOP", date(2025, 3, 12))
    assert (bar.start, bar.count, bar.wap) == (MARCH, 140, 21.19)


@pytest.mark.parametrize(
    ("name", "adjusted"),
    [("ZZTOP_full_1min_UNADJUSTED.txt", False), ("ZZTOP_full_1min_adjsplitdiv.txt", True)],
)
def test_firstrate_has_no_header_and_its_name_tells_the_adjustment(take, name, adjusted):
    """New York time, a bar's start; the symbol stands in the file's name."""
    content = "2025-03-12 09:30:00,20.29,20.3,20.25,20.28,4930\n2025-03-12 09:31:00,20.28,20.31,20.25,20.28,1815\n"
    status, said, archive = take("csv", name, content, "--layout", "firstrate")
    assert status == 0, said
    assert archive.bars("ZZTOP", date(2025, 3, 12))[0].start == MARCH
    assert archive.provenance("bars_1m", "ZZTOP", date(2025, 3, 12)).adjusted is adjusted


def test_kibot_has_date_and_time_apart(take):
    """mm/dd/yyyy and hh:mm of New York, no header, one file a symbol, adjusted unless it is said otherwise."""
    content = "03/12/2025,09:30,20.29,20.3,20.25,20.28,4930\r\n01/02/2026,15:59,20.28,20.31,20.25,20.28,1815\r\n"
    status, said, archive = take("csv", "ZZTOP.txt", content, "--layout", "kibot")
    assert status == 0, said
    assert archive.bars("ZZTOP", date(2025, 3, 12))[0].start == MARCH
    assert archive.bars("ZZTOP", date(2026, 1, 2))[0].start == datetime(2026, 1, 2, 20, 59, tzinfo=UTC)
    assert archive.provenance("bars_1m", "ZZTOP", date(2025, 3, 12)).adjusted
    _, _, archive = take("csv", "OTHR.txt", content, "--layout", "kibot", "--map", "adjusted=false")
    assert not archive.provenance("bars_1m", "OTHR", date(2025, 3, 12)).adjusted


@pytest.mark.parametrize(
    "stamp",
    ["20250312 09:30:00 US/Eastern", "20250312 08:30:00 US/Central", "2025-03-12 09:30:00-04:00", "1741786200",
     "20250312-13:30:00", "20250312  09:30:00"],
)  # fmt: skip
def test_ib_bars_in_every_form_of_their_time(take, stamp):
    """With the zone of the log-in, as ISO, seconds, in UTC, or as it was; minutes without a trade are left out."""
    content = (
        "date,open,high,low,close,volume,average,barCount\n"
        f"{stamp},20.29,20.3,20.25,20.28,4930,20.27,129\n"
        f"{stamp.replace(':30:00', ':31:00').replace('1741786200', '1741786260')},20.28,20.28,20.28,20.28,0,20.28,0\n"
    )
    status, said, archive = take("csv", "ZZTOP.csv", content, "--layout", "ib")
    assert status == 0, said
    (bar,) = archive.bars("ZZTOP", date(2025, 3, 12))
    assert (bar.start, bar.count, bar.wap) == (MARCH, 129, 20.27)


BENZINGA = [
    {
        "id": 13579246, "author": "Newsdesk", "created": "Wed, 12 Mar 2025 09:31:15 -0400",
        "updated": "Wed, 12 Mar 2025 09:40:00 -0400", "title": "Zztop Names New CFO, Raises Outlook", "teaser": "",
        "body": "", "url": "", "image": [], "channels": [{"name": "News"}], "tags": [],
        "stocks": [{"name": "ZZTOP"}, {"name": "OTHR"}],
    },
    {
        "id": 13579247, "author": "x", "created": "Wed, 12 Mar 2025 12:00:00 -0400", "updated": "",
        "title": "Markets Mixed At Noon", "teaser": "", "body": "", "url": "", "image": [], "channels": [], "tags": [],
        "stocks": [],
    },
]  # fmt: skip
POLYGON_NEWS = {
    "count": 1, "next_url": "", "request_id": "831afdb0b8078549fed053476984947a", "status": "OK",
    "results": [
        {
            "id": "8ec638777ca03b553ae516761c2a22ba", "publisher": {"name": "The Wire", "homepage_url": ""},
            "title": "Zztop wins a contract", "author": "", "published_utc": "2025-03-12T13:31:15Z",
            "article_url": "", "tickers": ["ZZTOP", "X:BTCUSD"], "keywords": ["Contract"], "insights": [],
        }
    ],
}  # fmt: skip


def test_benzinga_s_newsfeed_gives_each_stock_its_headline(take):
    """Times in the form of mail; nobody recorded a reception; a story without stocks has no contract."""
    status, said, archive = take("json", "news.json", json.dumps(BENZINGA), "--headlines", "benzinga")
    assert status == 0, said
    lines = archive.headlines(date(2025, 3, 12), date(2025, 3, 12))
    assert [(line.contract.symbol if line.contract else "", line.article_id) for line in lines] == [
        ("OTHR", "13579246"), ("ZZTOP", "13579246"), ("", "13579247"),
    ]  # fmt: skip
    assert lines[0].published_at == datetime(2025, 3, 12, 13, 31, 15, tzinfo=UTC)
    assert {line.received_at for line in lines} == {None}
    assert lines[0].provider == "BZ"


@pytest.mark.parametrize("lines", [False, True])
def test_polygon_s_news_is_read_whole_or_a_record_a_line(take, lines):
    """What is no stock among the tickers is left out, and counted."""
    content = "\n".join(map(json.dumps, POLYGON_NEWS["results"] * 1)) if lines else json.dumps(POLYGON_NEWS)
    status, said, archive = take("json", "news.jsonl" if lines else "news.json", content, "--headlines", "polygon")
    assert status == 0, said
    (line,) = archive.headlines(date(2025, 3, 12), date(2025, 3, 12))
    assert (line.provider, line.contract.symbol if line.contract else "") == ("The Wire", "ZZTOP")
    assert "1 symbols of headlines that are no US stock, left out" in said


def test_generic_headlines_have_our_names(take):
    """Several symbols stand in one cell, joined by commas."""
    content = 'published_at,provider,symbol,text\n2025-03-12T13:31:15Z,WIRE,"ZZTOP, OTHR",Zztop buys Othr\n'
    status, said, archive = take("csv", "h.csv", content, "--headlines", "generic")
    assert status == 0, said
    lines = archive.headlines(date(2025, 3, 12), date(2025, 3, 12))
    assert {line.contract.symbol for line in lines if line.contract} == {"ZZTOP", "OTHR"}


@pytest.mark.parametrize(
    ("kind", "name", "content", "options", "words"),
    [
        ("csv", "a.csv", POLYGON, ("--layout", "bloomberg"), "--layout bloomberg: no such layout; known: polygon,"),
        ("json", "a.json", "[]", ("--headlines", "x"), "--headlines x: no such layout; known: benzinga, polygon"),
        ("csv", "a.csv", POLYGON, ("--layout", "ib", "--headlines", "polygon"), "give one of them"),
        ("json", "a.json", "[1]", ("--headlines", "polygon"), "row 1: expected an object, not '1'"),
        ("json", "a.jsonl", '{"a": 1}\n{"a": ', ("--headlines", "polygon"), "row 2: not JSON"),
        ("json", "a.json", "{oops", ("--headlines", "polygon"), "line 1: not JSON"),
        ("csv", "a.csv", "x,y\n1,2\n", ("--layout", "alpaca"), "no column 'timestamp' for start; it has x, y"),
        ("lean", "a.zip", "", ("--layout", "ib"), "lean files need no mapping"),
    ],
)
def test_what_does_not_fit_is_one_line(take, kind, name, content, options, words):
    """With the remedy or the choices; nothing is stored."""
    status, said, _ = take(kind, name, content, *options)
    assert status == 2
    assert words in said
    assert len(said.splitlines()) == 1


def test_the_files_that_were_collected_are_read_by_layout(shared_data: Path, tmp_path: Path) -> None:
    """As people have them on disk."""
    cases = shared_data.parent / "cases" / "imports"
    if not cases.is_dir():
        pytest.skip("the collected files are not on this machine")
    for name, layout, more in (
        ("firstrate_noheader.txt", "firstrate", ["--map", "adjusted=false", "--map", "symbol=AAPL"]),
        ("kibot_noheader.txt", "kibot", ["--map", "symbol=AAPL"]),
        ("polygon_words.csv.gz", "polygon", ["--map", "adjusted=false"]),
    ):
        given = [
            "data",
            "import",
            "csv",
            str(cases / name),
            "--archive",
            str(tmp_path / name),
            "--layout",
            layout,
            *more,
        ]
        assert main(given) == 0, name
