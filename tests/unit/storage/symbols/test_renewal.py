"""Lists as the SEC and the Nasdaq trader site publish them, shortened."""

import json
import pickle
from datetime import date
from pathlib import Path

import pytest

from momentum_kit.detection.news import SymbolMaster
from momentum_kit.errors import ConfigError, InputError
from momentum_kit.storage.symbols import bundled_master, open_master, renew

NASDAQ = """Symbol|Security Name|Market Category|Test Issue|Financial Status|Round Lot Size|ETF|NextShares
AAPL|Apple Inc. - Common Stock|Q|N|N|100|N|N
ACON|Aclarion, Inc. - Common Stock|S|N|D|100|N|N
ACONW|Aclarion, Inc. - Warrant|S|N|D|100|N|N
ZVZZT|NASDAQ TEST STOCK|G|Y|N|100|N|N
File Creation Time: 0105202621:31|||||||
"""
OTHER = """ACT Symbol|Security Name|Exchange|CQS Symbol|ETF|Round Lot Size|Test Issue|NASDAQ Symbol
A|Agilent Technologies, Inc. Common Stock|N|A|N|100|N|A
BRK.B|Berkshire Hathaway Inc. New Common Stock|N|BRK.B|N|100|N|BRK.B
BAC$L|Bank of America Corporation Non Cumulative Perpetual Conv Pfd Ser L|N|BACpL|N|100|N|BAC-L
UAMY|United States Antimony Corporation Common Stock|A|UAMY|N|100|N|UAMY
File Creation Time: 0105202621:31||||||
"""


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A folder with one list of each kind, and a master of five to renew."""
    (tmp_path / "nasdaqlisted.txt").write_text(NASDAQ)
    (tmp_path / "otherlisted.txt").write_text(OTHER)
    (tmp_path / "sec.json").write_text(sec([("Apple Inc.", "AAPL"), ("Newco Robotics Corp", "NEWC")]))
    (tmp_path / "own.csv").write_text("symbol,name,shares\nAAPL,Apple Inc.,14900000000\nMINE,My Own Holdings,\n")
    (tmp_path / "master.csv").write_text(
        "symbol,name,exchange,since,until,shares\n"
        "AAPL,Apple Inc.,Nasdaq,2025-08-31,,\n"
        "ACON,Aclarion Inc,Nasdaq,2025-08-31,,\n"
        "UAMY,Amer Antimony Works,NYSE American,2025-08-31,,\n"
        "GONE,Gone Tomorrow Inc,Nasdaq,2025-08-31,,\n"
        "OTCO,Over The Counter Co,OTC,2025-08-31,,\n"
    )
    return tmp_path


def sec(rows: list[tuple[str, str]]) -> str:
    """The shape of company_tickers_exchange.json."""
    data = [[1000 + row, name, symbol, "Nasdaq"] for row, (name, symbol) in enumerate(rows)]
    return json.dumps({"fields": ["cik", "name", "ticker", "exchange"], "data": data})


def test_the_exchanges_files_bring_a_master_up_to_their_day(lists: Path) -> None:
    """New, renamed and gone are counted; test issues are none; what no list covers stays."""
    done = renew(lists / "master.csv", [lists / "nasdaqlisted.txt", lists / "otherlisted.txt"])
    assert (done.day, done.listed, done.new, done.renamed, done.gone) == ("2026-01-05", 8, 4, 1, 1)
    master = open_master(lists, "master.csv")
    assert [master.name(symbol) for symbol in ("ACONW", "UAMY", "OTCO", "GONE", "ZVZZT")] == [
        "Aclarion, Inc.", "United States Antimony Corporation", "Over The Counter Co", "", "",
    ]  # fmt: skip
    assert ("BRK B" in master, "BAC PRL" in master, master.exchange("UAMY")) == (True, True, "NYSE American")
    assert (master.complete, master.day) == (False, date(2026, 1, 5))


def test_a_day_before_the_renewal_reads_with_the_names_of_then(lists: Path) -> None:
    """Renames and delistings keep their days."""
    renew(lists / "master.csv", [lists / "nasdaqlisted.txt", lists / "otherlisted.txt"])
    then = open_master(lists, "master.csv").as_of(date(2025, 12, 31))
    assert [then.name(symbol) for symbol in ("UAMY", "GONE", "ACONW")] == [
        "Amer Antimony Works",
        "Gone Tomorrow Inc",
        "",
    ]


def test_the_secs_list_and_a_users_own_join(lists: Path) -> None:
    """The first list's name holds; a CSV adds symbols and shares, and closes nothing."""
    done = renew(lists / "master.csv", [lists / "own.csv", lists / "sec.json", lists / "nasdaqlisted.txt"])
    master = open_master(lists, "master.csv")
    assert (master.shares("AAPL"), master.name("MINE"), master.name("NEWC")) == (
        14.9e9,
        "My Own Holdings",
        "Newco Robotics Corp",
    )
    assert "UAMY" in master
    assert "own.csv (csv, 2)" in str(done)


def test_shares_are_kept_by_date(lists: Path) -> None:
    """What was outstanding then is still known then."""
    for day, shares in (("2026-02-01", 15e9), ("2026-03-01", 14e9)):
        (lists / "own.csv").write_text(f"symbol,name,shares\nAAPL,Apple Inc.,{shares:.0f}\n")
        renew(lists / "master.csv", [lists / "own.csv"], date.fromisoformat(day))
    master = open_master(lists, "master.csv")
    known = [master.as_of(date(2026, month, 15)).shares("AAPL") for month in (1, 2, 3)]
    assert known == [None, 15e9, 14e9]


def test_a_renewal_twice_changes_nothing(lists: Path) -> None:
    """The same lists again: the same file."""
    given = [lists / "nasdaqlisted.txt", lists / "otherlisted.txt"]
    renew(lists / "master.csv", given)
    before = (lists / "master.csv").read_bytes()
    done = renew(lists / "master.csv", given)
    assert (done.new, done.renamed, done.gone) == (0, 0, 0)
    assert (lists / "master.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("Symbol|Security Name|Test Issue\nAAPL|Apple Inc. - Common Stock|N\n", "cut off; fetch it again"),
        ('{"fields": ["cik", "name"], "data": []}', "not the SEC's company_tickers_exchange.json"),
        ('{"fields": ', "not the SEC's company_tickers_exchange.json"),
        ("A|B\nFile Creation Time: 0105202621:31\n", "columns A, B; known: nasdaqlisted.txt"),
        ("ticker,company\nAAPL,Apple\n", "no column name and no column symbol"),
        (sec([("Newco Robotics Corp", "NEWC")]), "1 symbols on NASDAQ, 3 before; the list looks cut off"),
    ],
)
def test_a_list_that_cannot_be_trusted_changes_nothing(lists: Path, content: str, words: str) -> None:
    """One line says what is wrong with which file, and the master stays as it was."""
    before = (lists / "master.csv").read_bytes()
    (lists / "bad").write_text(content)
    with pytest.raises(InputError, match=words):
        renew(lists / "master.csv", [lists / "bad"], date(2026, 1, 5))
    assert (lists / "master.csv").read_bytes() == before


def test_older_lists_are_refused(lists: Path) -> None:
    """What was listed before says nothing of now."""
    with pytest.raises(InputError, match="older lists change nothing"):
        renew(lists / "master.csv", [lists / "sec.json"], date(2024, 1, 5))
    with pytest.raises(InputError, match="no list given"):
        renew(lists / "master.csv", [])


def test_the_list_that_comes_along_is_dated_and_sorted_by_size() -> None:
    """US listings of August 2025; the broker has the last word on what came since."""
    master = open_master(Path(), "")
    assert master is bundled_master()
    assert (len(master), master.day, master.complete, master.ranked) == (7386, date(2025, 8, 31), False, True)
    assert (master.name("AAPL"), master.as_of(date(2019, 1, 2)) is master) == ("Apple Inc.", True)


def test_the_users_own_file_comes_first(tmp_path: Path) -> None:
    """A plain list is complete; one that is missing or broken is told in one line."""
    (tmp_path / "mine.csv").write_text("\ufeffsymbol,name\nAAPL,Apple Inc.\n", encoding="utf-8")
    master = open_master(tmp_path, "mine.csv")
    assert (len(master), master.complete) == (1, True)
    with pytest.raises(ConfigError, match=r"none\.csv: no symbol master"):
        open_master(tmp_path, "none.csv")
    (tmp_path / "latin.csv").write_bytes("symbol,name\nX,Soci\u00e9t\u00e9\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8 at byte 18"):
        open_master(tmp_path, "latin.csv")


def test_a_master_is_built_once_a_process(tmp_path: Path) -> None:
    """However often a study sends it to its workers."""
    sent = pickle.dumps(bundled_master())
    first, second = pickle.loads(sent), pickle.loads(sent)
    assert first is second
    assert isinstance(first, SymbolMaster)
    assert first.name("AAPL") == "Apple Inc."
