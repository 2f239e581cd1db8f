import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.detection.news import STRENGTH, classify
from momentum_kit.models.news import Catalyst

CASES = {
    Catalyst.OFFERING: [
        "Acme Therapeutics Announces $12 Million Registered Direct Offering",
        "Acme prices upsized public offering of common stock at $2.10",
        "Acme Announces Proposed Public Offering",
        "Acme announces pricing of $200 million convertible senior notes due 2031",
        "Acme files mixed shelf of up to $100M",
        "Acme enters warrant inducement agreement for $6 million gross proceeds",
        "Acme launches at-the-market equity program",
        "Acme to raise $8 million in private placement",
        "FDA approval in hand, Acme prices $50M public offering",
        "Acme Files S-3 Shelf Registration For $75M",
        "Acme announces closing of $5M underwritten offering",
    ],
    Catalyst.REVERSE_SPLIT: ["Acme announces 1-for-20 reverse stock split", "Acme sets share consolidation ratio"],
    Catalyst.DELISTING: [
        "Acme receives Nasdaq delisting notice",
        "Acme receives NYSE non-compliance letter",
        "Acme files for Chapter 11 bankruptcy protection",
        "Acme auditor raises going concern doubt",
        "Acme adopts plan of liquidation",
    ],
    Catalyst.CLINICAL_FAILURE: [
        "Acme receives Complete Response Letter from FDA for ACM-101",
        "FDA places clinical hold on Acme's gene therapy trial",
        "Acme's Phase 3 trial did not meet primary endpoint",
        "Acme drug misses main goal; Phase 2 study fails",
        "Acme discontinues Phase 2 trial of ACM-7",
        "FDA rejects Acme's drug",
    ],
    Catalyst.HALT: ["Acme shares halted, news pending", "Nasdaq halts trading in Acme"],
    Catalyst.LEGAL: [
        "SHAREHOLDER ALERT: Pomerantz Law Firm investigates claims on behalf of Acme investors",
        "Acme Class Action Deadline Approaching",
        "SEC charges Acme with accounting fraud",
        "Acme discloses DOJ investigation",
        "Short seller report targets Acme",
    ],
    Catalyst.MA_TARGET: [
        "Acme to be acquired by Globex for $12.50 per share in cash",
        "Acme agrees to be bought by private equity firm",
        "Acme receives unsolicited takeover offer from Globex",
        "Acme to go private in $2B deal",
        "Acme signs definitive merger agreement with Globex",
    ],
    Catalyst.FDA: [
        "FDA Approves Acme's ACM-101 for Migraine",
        "Acme receives FDA 510(k) clearance for heart monitor",
        "Acme granted Fast Track designation by FDA",
        "Acme's ACM-9 receives Breakthrough Therapy designation",
        "FDA lifts clinical hold on Acme's trial",
        "Acme wins FDA nod for insulin pump",
    ],
    Catalyst.CLINICAL_SUCCESS: [
        "Acme's Phase 3 study met its primary endpoint",
        "Acme announces positive topline data from Phase 2 trial",
        "Acme reports statistically significant improvement in pain score",
    ],
    Catalyst.EARNINGS: [
        "Acme Q3 EPS $0.45 beats $0.40 estimate",
        "Acme raises full-year guidance",
        "Acme reports third quarter results",
        "Acme sees Q4 revenue of $120M to $130M",
        "Acme tops revenue estimates",
        "Acme reports preliminary Q2 revenue above outlook",
    ],
    Catalyst.CONTRACT_AWARD: [
        "Acme awarded $45 million U.S. Army contract",
        "Acme wins $12M purchase order from European utility",
        "Acme secures contract with NASA",
        "Acme receives $3 million order for drones",
    ],
    Catalyst.PARTNERSHIP: [
        "Acme announces strategic partnership with Globex",
        "Acme enters licensing agreement with Initech",
        "Acme teams up with Globex on AI",
        "Acme signs memorandum of understanding with Umbrella",
    ],
    Catalyst.CRYPTO_TREASURY: [
        "Acme adopts Bitcoin treasury strategy",
        "Acme buys 200 bitcoin",
        "Acme purchases additional ETH for its reserve",
    ],
    Catalyst.ANALYST: [
        "Edward Jones downgraded Tesla (TSLA) to Hold",
        "BofA Securities reiterated Apple (AAPL) coverage with Buy",
        "Piper Sandler initiates coverage of Acme with Overweight",
        "Acme price target raised to $30 at Jefferies",
    ],
    Catalyst.OTHER: [
        "Tesla shareholders turning onto the exit ramp",
        "Acme to present at healthcare conference",
        "Acme appoints new chief financial officer",
        "Stocks to watch this week",
        "Acme schedules third quarter results call",
        "Acme to report fourth quarter results on February 12",
    ],
}


@pytest.mark.parametrize(("catalyst", "text"), [(c, text) for c, texts in CASES.items() for text in texts])
def test_realistic_headlines(catalyst, text):
    """Each headline gets its catalyst; where two fit, the more harmful one."""
    subject = ("Acme",) if catalyst is not Catalyst.MA_TARGET else ("Acme", "ACME")
    assert classify(text, subject).catalyst is catalyst


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
        "Acme shares higher",
    ],
)
def test_everyday_words_bar_nothing(text):
    """Words that also occur in harmful news do not make it harmful."""
    assert classify(text).catalyst is Catalyst.OTHER


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
    assert classify("Acme (ACM) at Street high", analyst_action=True).rule == "marked"
    assert classify("Acme prices public offering", analyst_action=True).catalyst is Catalyst.OFFERING


def test_every_catalyst_has_a_strength():
    """A catalyst without one would stop the engine when lines run out."""
    assert set(STRENGTH) == set(Catalyst)


@given(st.text())
def test_any_text_is_classified(text):
    """No text raises."""
    assert classify(text, (text[:5],)).rule
