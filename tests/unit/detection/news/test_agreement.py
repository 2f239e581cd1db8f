import pytest

from momentum_kit.detection.news import MatchLayer, Mention, disagreement, exchange_family, read_headline, same_company

NAME, CONTRACT, EXCHANGE, BRACKETED, CASHTAG = (
    MatchLayer.NAME, MatchLayer.CONTRACT, MatchLayer.EXCHANGE, MatchLayer.BRACKETED, MatchLayer.CASHTAG,
)  # fmt: skip


def check(
    mention: Mention, text: str, name: str, *, kind: str = "COMMON", exchange: str = "NASDAQ", known: str = ""
) -> str:
    """What disagrees with the broker's words."""
    return disagreement(
        mention, text, long_name=name, stock_type=kind, primary_exchange=exchange, known_name=known
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alphabet Inc.", "ALPHABET INC-CL C"),
        ("INTERNATIONAL BUSINESS MACHINES CORP", "INTL BUSINESS MACHINES CORP"),
        ("TAIWAN SEMICONDUCTOR MANUFACTURING CO LTD", "TAIWAN SEMICONDUCTOR-SP ADR"),
        ("BERKSHIRE HATHAWAY INC", "BERKSHIRE HATHAWAY INC-CL B"),
        ("LAUDER ESTEE COMPANIES INC", "ESTEE LAUDER COMPANIES-CL A"),
        ("Rail Vision", "RAIL VISION LTD"),
    ],
)
def test_the_brokers_spelling_is_the_same_company(one: str, other: str) -> None:
    """Classes, depositary shares, abbreviations and turned names change no company."""
    assert same_company(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Sears Holdings", "GLOBAL X DEFENSE TECH ETF"), ("First Solar", "FIRST BANCORP"), ("Vertex", "VERTIV HOLDINGS")],
)
def test_another_company_is_another(one: str, other: str) -> None:
    """Names that merely begin alike are not one."""
    assert not same_company(one, other)


def test_a_ticker_that_is_anothers_by_now_is_refused() -> None:
    """The words name one company, the broker lists another under its ticker."""
    by_name = Mention(symbol="SHLD", layer=NAME, words="Sears")
    assert check(by_name, "Sears files for bankruptcy", "GLOBAL X DEFENSE TECH ETF", known="Sears Holdings") == (
        "name disagrees: SHLD, GLOBAL X DEFENSE TECH ETF"
    )
    text = "Sears Holdings (NASDAQ: SHLD) files for bankruptcy"
    tagged = Mention(symbol="SHLD", layer=EXCHANGE, before="Sears Holdings (", words="SHLD", exchange="NASDAQ")
    assert check(tagged, text, "GLOBAL X DEFENSE TECH ETF").startswith("name disagrees")
    assert check(tagged, text, "SEARS HOLDINGS CORP") == ""


def test_kind_and_exchange_must_agree() -> None:
    """A name never buys a fund or a preferred; a listing that the text names must be where the broker has it."""
    by_name = Mention(symbol="ACME", layer=NAME, words="Acme")
    assert check(by_name, "Acme wins order", "ACME CORP", kind="PREFERRED") == "stock type disagrees: ACME, PREFERRED"
    tagged = Mention(symbol="ACME", layer=EXCHANGE, before="Acme (", words="ACME", exchange="OTCQB")
    assert check(tagged, "Acme (OTCQB: ACME) wins order", "ACME CORP", exchange="NYSE").startswith("exchange disagrees")
    assert check(tagged, "Acme (OTCQB: ACME) wins order", "ACME CORP", exchange="PINK") == ""
    assert [exchange_family(each) for each in ("NYSE American", "ARCA", "Nasdaq", "BATS")] == [
        "NYSE",
        "NYSE",
        "NASDAQ",
        "CBOE",
    ]


def test_silence_disagrees_with_nothing() -> None:
    """Where the broker tells no name, and where the text has a bare ticker, there is nothing to compare."""
    assert check(Mention(symbol="ACME", layer=NAME, words="Acme"), "Acme wins order", "") == ""
    assert (
        check(Mention(symbol="SLS", layer=CASHTAG, words="SLS"), "$SLS jumps on volume", "SELLAS LIFE SCIENCES") == ""
    )


def test_a_tie_must_be_borne_out_by_the_brokers_name() -> None:
    """Where no master knows the contract of a feed, its name as the broker has it must stand in the text."""
    (tied,) = read_headline("Phase 3 study met its primary endpoint", contract_symbol="ACME").mentions
    assert (tied.layer, tied.words) == (CONTRACT, "")
    assert check(tied, "Phase 3 study met its primary endpoint", "ACME THERAPEUTICS").startswith("name disagrees")
    assert check(tied, "Acme's study met its primary endpoint", "ACME THERAPEUTICS") == ""
