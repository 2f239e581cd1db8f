"""What words are behind a name, and what follows for companies; the names are real ones, the sentences are not."""

import pytest

from momentum_kit.detection.news import read_headline
from momentum_kit.detection.news.grammar import Part, part_of
from momentum_kit.storage.symbols import bundled_master


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("Widens trims Unveils re-files upsizes Sank Tapped rallied", Part.DOES),
        ("Fields Heads grants shops", Part.EITHER),
        ("Enzymes Museum choir Bzzt process", Part.THING),
        ("Up the LOWER still 12%", Part.SMALL),
    ],
)
def test_a_word_is_a_verb_a_thing_or_small(words: str, part: Part) -> None:
    """By its form and a list of English verbs, whatever its case; what nobody knows is a thing."""
    assert {word: part_of(word) for word in words.split()} == dict.fromkeys(words.split(), part)


@pytest.mark.parametrize(
    "text",
    [
        "Masimo Vignelli Subway Map Returns",
        "Penumbra Eclipse Visible In Australia",
        "Insulet Pumping Station Fails In Rotterdam",
        "Twilio Duo Wins Eurovision Ticket For San Marino",
        "Regeneron Science Talent Search Names Finalists",
        "Halozyme Enzymes Mapped By Swedish Team",
        "Sweetgreen Fields Of Kentucky Draw Horse Buyers",
        "Nano Nuclear Physics Lab Opens In Geneva",
        "Energy Recovery Grants For Farmers Opened By Ministry",
        "Churchill Downs Track Sloppy For Stakes",
    ],
)
def test_a_name_before_a_thing_is_no_company(text: str) -> None:
    """A company acts; what stands before a noun, or a plural that another verb goes with, is called by a name only."""
    assert read_headline(text, master=bundled_master()).mentions == ()


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("Masimo Widens Recall Of Pulse Meters", "MASI"),
        ("Penumbra Grants License To Korean Maker", "PEN"),
        ("Insulet CEO To Retire In March", "PODD"),
        ("Twilio Board Adds Former Regulator", "TWLO"),
        ("Astera Labs, Rigetti Extend Slide", ""),
        ("Regeneron Drug Wins FDA Nod", "REGN"),
        ("Evaxion ups its loan to $12 mln", "EVAX"),
        ("Halozyme Therapeutics Inc's Enzyme Cleared In Japan", "HALO"),
        ("Arbiter Orders Tandem Diabetes To Refund Dealers", "TNDM"),
        ("Jack in the Box Trims Menu Prices", "JACK"),
    ],
)
def test_a_name_that_acts_is_a_company(text: str, symbol: str) -> None:
    """With a verb, an officer, a list of equals, talk of companies or a legal form behind it."""
    reading = read_headline(text, master=bundled_master())
    assert reading.mentions and reading.subject == symbol


@pytest.mark.parametrize(
    "text",
    [
        "Teens Post Less On Pinterest, Survey Finds",
        "Couples Meet Near Sweetgreen, Poll Says",
        "Community Health Systems In Peru Lack Nurses",
    ],
)
def test_a_name_where_something_happens_is_no_company(text: str) -> None:
    """Where nothing else tells of a company, a place is as likely, and a service that people use is not moved."""
    assert read_headline(text, master=bundled_master()).mentions == ()


@pytest.mark.parametrize(
    "text",
    [
        "Goldman Sachs Raises Tencent Music Rival's Target To 40 Yuan",
        "Barclays Now Sees Two Hikes From Norway",
        "Orion Oyj Raises Full-Year Outlook On Cancer Pill Sales",
        "Evolution Gaming AB Q3 Revenue Misses; Stockholm Shares Drop",
        "Olympic steel girders reach Brisbane",
        "Franklin Templeton Cuts Fee On Gold Fund",
        "Schwab Bond ETFs Draw $2 Billion",
        "Invesco QQQ Sets Volume Record",
        "MSCI Drops Four From Its Chile Index",
    ],
)
def test_another_companys_news_is_not_a_listed_ones(text: str) -> None:
    """Brokers speak of others; foreign legal forms and words in lower case make other names; funds have sponsors."""
    assert not {"GS", "BCS", "OEC", "GLPI", "ZEUS", "FGDL", "SCHW", "QQQ", "MSCI"} & {
        mention.symbol for mention in read_headline(text, master=bundled_master()).mentions
    }


def test_a_code_of_reuters_is_a_ticker() -> None:
    """A code and a letter for where it trades, in angle brackets at the end."""
    (mention,) = read_headline("US panel backs Soleno pill for rare hunger <SLNO.O>", master=bundled_master()).mentions
    assert (mention.symbol, mention.rule) == ("SLNO", "exchange")
    assert read_headline("Nordic utility cuts payout <NORDX.HE>", master=bundled_master()).mentions == ()
