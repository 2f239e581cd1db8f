import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.config import Thresholds
from momentum_kit.detection.news import STRENGTH, CatalystMatch, classify, coarse_label
from momentum_kit.models import Catalyst, Certainty, Direction
from tests.unit.detection.news.more_wordings import (
    DILUTION_IN_OTHER_WORDS,
    HARM_IN_OTHER_WORDS,
    MOVES_IN_OTHER_WORDS,
    NO_HARM,
)
from tests.unit.detection.news.wordings import (
    DILUTION_TOO,
    ENDED,
    MORE_COMMENTARY,
    MORE_DILUTION,
    MORE_HARM,
    MORE_RECAPS,
    NO_DILUTION,
    WORDINGS,
)


def each(table):
    """Catalyst and text of every wording in a table."""
    return [(catalyst, text) for catalyst, texts in table.items() for text in texts]


@pytest.mark.parametrize(("catalyst", "text"), each(WORDINGS))
def test_every_wording_is_read(catalyst, text):
    """Each headline gets its catalyst; where two fit, the more harmful one."""
    assert classify(text, ("ACME", "acme")).catalyst is catalyst


@pytest.mark.parametrize(("topic", "text"), each(ENDED))
def test_what_is_ended_or_denied_is_read_as_such(topic, text):
    """A withdrawn offering is no dilution, a regained listing no delisting; what it is about is still known."""
    match = classify(text, ("ACME", "acme"))
    assert (match.catalyst, match.about, match.is_dilution) == (Catalyst.OTHER, topic, False)


@pytest.mark.parametrize(
    "text", (*MORE_HARM, *HARM_IN_OTHER_WORDS, *MORE_RECAPS, *MOVES_IN_OTHER_WORDS, *MORE_COMMENTARY)
)
def test_harm_and_recaps_are_barred(text):
    """Whichever class they get."""
    assert classify(text, ("ACME", "acme")).barred


@pytest.mark.parametrize("text", (*DILUTION_TOO, *MORE_DILUTION, *DILUTION_IN_OTHER_WORDS))
def test_dilution_is_seen_beside_other_news(text):
    """Neither a recap nor a success hides it."""
    match = classify(text, ("ACME", "acme"))
    assert match.is_dilution
    assert match.barred


@pytest.mark.parametrize("text", NO_DILUTION)
def test_what_sells_no_shares_is_no_dilution(text):
    """First listings, plain debt, repayments, buybacks, and offerings of goods."""
    assert not classify(text, ("ACME", "acme")).is_dilution


@pytest.mark.parametrize(
    ("text", "direction", "certainty"),
    [
        ("Acme was NOT awarded the Army contract", Direction.DOWN, Certainty.DENIED),
        ("Acme terminates merger agreement with Globex", Direction.DOWN, Certainty.ENDED),
        ("Acme withdraws public offering", Direction.UP, Certainty.ENDED),
        ("Acme plans to acquire Initech", Direction.UP, Certainty.PLANNED),
        ("Acme awarded Army contract", Direction.UP, Certainty.DONE),
        ("Acme Q3 EPS 10c, consensus 14c", Direction.DOWN, Certainty.DONE),
        ("Acme Q3 EPS 14c, consensus 10c", Direction.UP, Certainty.DONE),
        ("Acme Q3 EPS $(0.31) vs. $(0.20) Est", Direction.DOWN, Certainty.DONE),
        ("Goldman upgrades Acme to Buy, cuts price target to $4", Direction.DOWN, Certainty.DONE),
        ("Acme schedules annual meeting", Direction.NONE, Certainty.DONE),
    ],
)
def test_direction_and_certainty(text, direction, certainty):
    """Which way a headline points, and whether it has happened."""
    match = classify(text, ("ACME", "acme"))
    assert (match.direction, match.certainty) == (direction, certainty)


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("Neogen sees FY26 revenue $820M-$840M, consensus $893.5M", Direction.DOWN),
        ("Five9 sees Q3 adjusted EPS 70c-72c, consensus 78c", Direction.DOWN),
        ("Lovesac sees Q2 EPS (96c)-(74c), consensus (45c)", Direction.DOWN),
        ("Xometry reports Q4 adjusted EPS (12c), consensus (5c)", Direction.DOWN),
        ("Xometry reports Q4 adjusted EPS (5c), consensus (12c)", Direction.UP),
        ("Chegg sees Q1 revenue between $104M and $106M, consensus $131M", Direction.DOWN),
        ("Fluence Energy: Sees FY25 revs of $2.6-2.8 bln vs $3.1 bln FactSet Consensus", Direction.DOWN),
        ("Fluence Energy: Sees FY25 revs of $3.2-3.4 bln vs $3.1 bln FactSet Consensus", Direction.UP),
        ("Enviva sees Q3 net loss of $80M-$90M, consensus loss $20M", Direction.DOWN),
        ("Hanesbrands Sees FY Sales $3.47B-$3.52B Vs $3.58B Est.", Direction.DOWN),
        ("Rocket Lab Sees Q4 Sales $125M-$135M vs $121.5M Est", Direction.UP),
        ("DraftKings sees FY26 revenue $6.2B-$6.6B, consensus $6.3B", Direction.NONE),
        ("Root reports Q1 EPS $(1.07), consensus $(0.34)", Direction.DOWN),
    ],
)
def test_a_range_is_held_against_what_was_expected(text, direction):
    """As The Fly, Briefing.com and Benzinga write outlooks; a range around the consensus says nothing."""
    assert classify(text, (text.split()[0],)).direction is direction


@pytest.mark.parametrize(
    "text",
    [
        "SCWorx board OKs 1:15 r/s, eff. 10/15",
        "BigBear.ai ATM: 14.6M Shares Sold This Quarter, Net $58M Raised",
        "Weave down 19% in premarket following in-line Q1 guide",
        "What's Eating Sana Biotechnology Shares Today",
        "INmune Bio says XPro did not slow cognitive decline in full Alzheimer's population",
        "TPI Composites Lenders Agree to Forbear Through July; Company Flags Doubt on Ability to Continue",
        "Cambium Networks won't meet 10-K deadline again, lender default continues",
        "Hertz to take $245M hit on EV sale",
        "Replimune BLA for RP1 turned away",
    ],
)
def test_harm_in_the_words_of_the_tapes_is_barred(text):
    """Each was open once: short forms, idioms, and a move that is told beside a quarter."""
    assert classify(text, (text.split()[0],)).barred


@pytest.mark.parametrize(
    "text",
    [
        "Praxis Tremor Drug Succeeds in Two Studies Once Thought Futile",
        "SELLAS: IDMC Finds No Futility, Clears REGAL to Go Until the 80th Death",
        "FDA lifts hold on Rocket's Danon program",
        "Yoshiharu Back in Good Standing: Nasdaq Closes Matter on Equity Rule",
        "KalVista's Ekterly Is A Go: Agency OKs First Oral Rescue For HAE After Brief Delay",
    ],
)
def test_the_end_of_a_harm_is_none(text):
    """What sounds bleak and tells of relief."""
    assert not classify(text, (text.split()[0],)).barred


def test_what_decided_is_kept():
    """The rule, the words, and how much money it is about."""
    match = classify("Acme prices $12.5 million registered direct offering at $0.85 per share", ("Acme",))
    assert (match.rule, match.words, match.amount_usd) == ("registered direct", "registered direct", 12.5e6)


def test_a_recap_says_what_it_repeats():
    """The move was made, whatever it was about; an opinion is about nothing new."""
    recap = classify("Acme shares are trading higher after FDA approval of its drug", ("Acme",))
    assert (recap.catalyst, recap.about, recap.is_recap, recap.barred) == (Catalyst.RECAP, Catalyst.FDA, True, True)
    assert coarse_label(recap) == "fda"
    assert classify("10 stocks moving Monday").is_roundup


def test_the_coarse_vocabulary_covers_every_class():
    """Sixteen words, no more, whatever the class and the topic."""
    words = {
        "offering", "reverse_split", "delisting", "clinical_failure", "halt", "legal", "ma_target", "ma_acquirer",
        "fda", "clinical_success", "earnings", "contract_award", "partnership", "crypto_treasury", "analyst", "other",
    }  # fmt: skip
    assert {coarse_label(CatalystMatch(catalyst=each, about=each, rule="any")) for each in Catalyst} == words


def test_barred_by_the_default_thresholds():
    """Every class that the thresholds name exists, and OTHER, the approvals and the orders pass."""
    assert set(Thresholds().barred_catalysts) <= set(Catalyst)
    assert not classify("Acme awarded $3M Army contract", ("Acme",)).barred
    assert classify("Acme awarded no contract", ("Acme",)).barred


@pytest.mark.parametrize(
    "text",
    [
        "Merger mania returns to Wall Street",
        "Why the merger boom is good for banks",
        "Acquisition costs fall for online retailers",
        "Takeover season: five stocks to watch",
        "Cash is king as share of savings rises",
        "Customer acquisition improves at Acme",
        "Buyout funds face a slow year",
        "Analyst: deal talk is overdone",
        "Mergers and acquisitions head leaves Acme",
    ],
)
def test_deal_words_without_context_are_no_deal(text):
    """Merger, takeover and acquisition alone announce nothing."""
    assert classify(text, ("Acme",)).catalyst not in (Catalyst.MA_TARGET, Catalyst.MA_ACQUIRER)


@pytest.mark.parametrize(
    "text",
    [
        "Acme maintains its offering of cloud services for schools",
        "Acme broadens product offering",
        "Trial of former executive begins",
        "Acme approves share buyback",
        "Acme to split its board",
        *NO_HARM,
    ],
)
def test_everyday_words_bar_nothing(text):
    """Words that also occur in harmful news do not make it harmful."""
    assert not classify(text, ("ACME", "Acme")).barred


@pytest.mark.parametrize(
    ("text", "subject", "catalyst"),
    [
        ("Pfizer (PFE) to acquire Seagen (SGEN) for $229 per share in cash", ("PFE", "Pfizer"), Catalyst.MA_ACQUIRER),
        ("Pfizer (PFE) to acquire Seagen (SGEN) for $229 per share in cash", ("SGEN", "Seagen"), Catalyst.MA_TARGET),
        ("Seagen to be acquired by Pfizer", ("SGEN", "Seagen"), Catalyst.MA_TARGET),
        ("Seagen to be acquired by Pfizer", ("PFE", "Pfizer"), Catalyst.MA_ACQUIRER),
        ("Pfizer to acquire Seagen", (), Catalyst.MA_TARGET),
        ("Acme completes acquisition of Initech", ("Acme",), Catalyst.MA_ACQUIRER),
    ],
)
def test_buyer_and_bought_are_told_apart(text, subject, catalyst):
    """The verb's side decides; where nobody can tell, it is the side on which no long is opened."""
    assert classify(text, subject).catalyst is catalyst


def test_the_newsrooms_marker_counts_where_no_rule_does():
    """`!` makes a headline an analyst's action, but never hides a harmful reading."""
    assert classify("Acme (ACM) stays with us", analyst_action=True).rule == "marked"
    assert classify("Acme prices public offering", analyst_action=True).catalyst is Catalyst.OFFERING


def test_every_catalyst_has_a_strength():
    """A catalyst without one would stop the engine when lines run out."""
    assert set(STRENGTH) == set(Catalyst)


@given(st.text())
def test_any_text_is_classified(text):
    """No text raises."""
    assert classify(text, (text[:5],)).rule
