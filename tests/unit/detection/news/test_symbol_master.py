from datetime import date

import pytest

from momentum_kit.detection.news import ListedName, SymbolMaster, read_headline
from momentum_kit.errors import ConfigError

YEARS = SymbolMaster(
    [
        ListedName(symbol="PSTG", name="Pure Storage, Inc.", since=date(2015, 10, 7), until=date(2026, 2, 1)),
        ListedName(symbol="P", name="Everpure, Inc.", since=date(2026, 2, 1), shares=3.3e8),
        ListedName(symbol="P", name="Pandora Media Inc", since=date(2015, 10, 7), until=date(2019, 2, 1)),
        ListedName(symbol="XYZ", name="Block, Inc.", since=date(2021, 12, 10)),
        ListedName(symbol="XYZ", name="Square, Inc.", since=date(2015, 11, 19), until=date(2021, 12, 10)),
    ]
)


def test_master_from_csv() -> None:
    """Symbols in any spelling of a share class lead to one name."""
    master = SymbolMaster.from_csv(["symbol,name,exchange", "BRK-B,Berkshire Hathaway,NYSE", "AAPL,Apple Inc.,NASDAQ"])
    assert len(master) == 2
    assert "BRK.B" in master
    assert (master.name("BRK B"), master.exchange("BRK.B")) == ("Berkshire Hathaway", "NYSE")
    assert (master.name("NONE"), master.exchange("NONE")) == ("", "")
    assert master.shares("AAPL") is None


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["symbol,company", "AAPL,Apple"], "no column name"),
        (["symbol,name,since", "AAPL,Apple,2 May"], "line 2: since '2 May' is no day"),
        (["symbol,name,shares", "AAPL,Apple,10", "MSFT,Microsoft,many"], "line 3: shares 'many' is no number"),
    ],
)
def test_a_master_that_cannot_be_read_is_refused(lines: list[str], words: str) -> None:
    """One clear line names the column, and where a value is wrong its line."""
    with pytest.raises(ConfigError, match=words):
        SymbolMaster.from_csv(lines)


def test_a_day_is_read_with_the_names_of_that_day() -> None:
    """What was renamed or delisted later was still called so; before the first day the oldest names stand."""
    then, now = YEARS.as_of(date(2018, 5, 1)), YEARS.as_of(date(2026, 3, 1))
    assert [then.name(symbol) for symbol in ("P", "PSTG", "XYZ")] == [
        "Pandora Media Inc",
        "Pure Storage, Inc.",
        "Square, Inc.",
    ]
    assert [now.name(symbol) for symbol in ("P", "PSTG", "XYZ")] == ["Everpure, Inc.", "", "Block, Inc."]
    assert (now.shares("P"), YEARS.as_of(date(2026, 3, 1)) is now) == (3.3e8, True)
    assert YEARS.as_of(date(2001, 1, 1)).name("P") == "Pandora Media Inc"


def test_a_headline_is_read_with_the_names_of_its_day() -> None:
    """One headline is of two companies, eight years apart; a former name still leads to the company."""
    text = "Everpure Announces Second Quarter Revenue of $861 Million"
    assert read_headline(text, master=YEARS.as_of(date(2026, 3, 1))).subject == "P"
    assert read_headline(text, master=YEARS.as_of(date(2018, 5, 1))).subject == ""
    assert read_headline("Square Reports Fourth Quarter Results", master=YEARS).subject == "XYZ"


def test_without_days_a_master_is_the_same_on_every_day() -> None:
    """A plain list knows no history."""
    plain = SymbolMaster({"AAPL": "Apple Inc."})
    assert plain.as_of(date(2001, 1, 1)) is plain
