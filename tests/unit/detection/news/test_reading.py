import pytest

from momentum_kit.detection.news import RefusedName, SymbolMaster, read_headline

MASTER = SymbolMaster({"AMD": "Advanced Micro Devices", "NWTX": "Northwind Therapeutics Inc", "GS": "Goldman Sachs"})


def test_one_reading_has_all_that_is_known_of_a_headline() -> None:
    """Words, companies, whom it is about, and its catalyst, from the text as the broker sent it."""
    reading = read_headline(
        "{A:800015:L:en:K:0.5:C:0.9}*Northwind Therapeutics (NASDAQ: NWTX) announces FDA approval",
        article_id="BRFG$1e1f54ec",
        master=MASTER,
    )
    assert (reading.clean.story_id, reading.clean.flash, reading.clean.sentiment) == ("1e1f54ec", True, 0.5)
    assert [mention.symbol for mention in reading.mentions] == [reading.subject] == ["NWTX"]
    assert (reading.match.catalyst, reading.refusals) == ("fda", ())


@pytest.mark.parametrize(
    ("text", "contract", "refusal"),
    [
        (
            "Macular degeneration (AMD) drug meets its goal",
            "",
            RefusedName("AMD, Advanced Micro Devices", "name disagrees"),
        ),
        (
            "Goldman downgraded Northwind (NWTX) to Sell",
            "AMD",
            RefusedName("AMD, Advanced Micro Devices", "the text does not name it"),
        ),
        ("Goldman Sachs (GS) downgraded Northwind (NWTX)", "", RefusedName("GS", "rates another company")),
        ("Zephyr Corp (ZPHR) soars", "", RefusedName("ZPHR", "not listed")),
    ],
)
def test_what_is_refused_says_which_check_failed(text: str, contract: str, refusal: RefusedName) -> None:
    """A candidate that was not taken for a company stands there with the reason, in words."""
    assert refusal in read_headline(text, contract_symbol=contract, master=MASTER).refusals


def test_a_refusal_reads_as_a_line() -> None:
    """The check first, then whom it refused."""
    assert (
        str(RefusedName("AMD, Advanced Micro Devices", "name disagrees"))
        == "name disagrees: AMD, Advanced Micro Devices"
    )


def test_the_catalyst_is_the_subjects() -> None:
    """Who is bought and who buys is told by names as well as by tickers."""
    master = SymbolMaster({"GLBX": "Globex Robotics Inc", "NWTX": "Northwind Therapeutics Inc"})
    bought = read_headline("Globex Robotics to Acquire Northwind Therapeutics for $9 a Share in Cash", master=master)
    buyer = read_headline("Globex Robotics to Acquire Privately Held Sensor Maker", master=master)
    assert (bought.subject, bought.match.catalyst) == ("NWTX", "ma_target")
    assert (buyer.subject, buyer.match.catalyst) == ("GLBX", "ma_acquirer")


def test_three_companies_without_a_subject_are_a_list() -> None:
    """Where none is the subject, nothing is news of any; two partners are no list."""
    master = SymbolMaster(
        {"GLBX": "Globex Robotics Inc", "NWTX": "Northwind Therapeutics Inc", "ZPHR": "Zephyrion Bio"}
    )
    several = read_headline("Names of note: Globex Robotics, Northwind Therapeutics, Zephyrion Bio", master=master)
    two = read_headline("Globex Robotics, Northwind Therapeutics Sign Sensor Deal", master=master)
    assert (several.subject, several.match.catalyst, several.match.is_roundup) == ("", "roundup", True)
    assert not two.match.is_roundup
