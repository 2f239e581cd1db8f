import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.detection.news import MatchLayer, Mention, SymbolMaster, find_companies, name_agrees
from momentum_kit.models import canonical_symbol

MASTER = SymbolMaster(
    {
        "AAPL": "Apple Inc.",
        "MSFT": "Microsoft Corporation",
        "TSLA": "Tesla, Inc.",
        "NIO": "NIO Inc.",
        "F": "Ford Motor Company",
        "GM": "General Motors Company",
        "T": "AT&T Inc.",
        "PG": "Procter & Gamble Co",
        "AI": "C3.ai, Inc.",
        "EPA": "Enterprise Pattern Analytics Corp",
        "GS": "Goldman Sachs Group Inc",
        "C": "Citigroup Inc",
        "BRK.B": "Berkshire Hathaway Inc",
        "IBM": "International Business Machines Corp",
        "NWTX": "Northwind Therapeutics Inc",
        "NOW": "ServiceNow, Inc.",
        "ALL": "Allstate Corp",
        "AMZN": "Amazon.com, Inc.",
        "SNAP": "Snap Inc.",
        "IT": "Gartner Inc",
    }
)


def symbols(text, contract="", master=MASTER):
    """The tickers alone."""
    return [mention.symbol for mention in find_companies(text, contract, master).mentions]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Edward Jones downgraded Tesla (TSLA) to Hold", ["TSLA"]),
        ("Northwind Therapeutics (NASDAQ: NWTX) announces FDA approval", ["NWTX"]),
        ("Northwind Therapeutics (Nasdaq:NWTX) announces results", ["NWTX"]),
        ("Ford (NYSE: F) recalls trucks", ["F"]),
        ("Ford Motor (F) recalls trucks", ["F"]),
        ("$TSLA jumps on delivery numbers", ["TSLA"]),
        ("[AAPL] Apple to host event", ["AAPL"]),
        ("AAPL: Apple to host event", ["AAPL"]),
        ("IBM shares jump after results", ["IBM"]),
        ("Procter & Gamble (PG) raises prices", ["PG"]),
        ("P&G (PG) raises prices", ["PG"]),
        ("AT&T (T) raises outlook", ["T"]),
        ("GM (GM) idles plant", ["GM"]),
        ("Berkshire Hathaway (BRK.B) buys back shares", ["BRK B"]),
        ("C3.ai (AI) wins federal contract", ["AI"]),
        ("ServiceNow (NYSE: NOW) to join index", ["NOW"]),
        ("Movers: (AAPL, MSFT, F, GM)", ["AAPL", "MSFT", "F", "GM"]),
        ("Apple (AAPL) and Microsoft (MSFT) settle", ["AAPL", "MSFT"]),
    ],
)
def test_tickers_are_found_in_every_form(text, found):
    """Exchange, cashtag, brackets, lists and leading tickers, checked against the master."""
    assert symbols(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "FDA approves new artificial intelligence (AI) device",
        "Environmental Protection Agency (EPA) tightens rules",
        "ALL EYES ON THE FED",
        "CEO: we will grow",
        "UPDATE: markets rally",
        "Company reports Q1 EPS of $0.10 vs $0.05",
        "Sales rise to $5M from $4M",
        "The C (C) sharp study",
        "Unknown Corp (ZZZZ) soars",
        "TSX: maple index falls",
        "Nasdaq: IT stocks lead the rally",
        "$TSL\u0410 jumps on delivery numbers",
        "(\u0422SLA) jumps on delivery numbers",
        "Supplemental Nutrition Assistance Program (SNAP) funding lapses",
        "",
    ],
)
def test_words_in_capitals_are_not_tickers(text):
    """Agencies, titles, abbreviated phrases and unknown symbols name nobody."""
    assert symbols(text) == []


def test_without_a_master_the_stop_list_still_holds():
    """Capitals that are words stay out; a plausible ticker stays in, to be confirmed by the gateway."""
    assert symbols("FDA clears device of Acme Corp (ACME), CEO says", master=None) == ["ACME"]
    assert symbols("Advances in artificial intelligence (AI)", master=None) == []
    assert symbols("Acme (NASDAQ: AI) wins order", master=None) == ["AI"]


def test_the_contract_of_the_subscription_comes_first():
    """A headline on a symbol's own feed is about that symbol where its text names it, by ticker or by name."""
    (mention,) = find_companies("Tesla shareholders turning onto the exit ramp", "TSLA", MASTER).mentions
    assert (mention.symbol, mention.layer, mention.words) == ("TSLA", MatchLayer.CONTRACT, "Tesla")
    assert symbols("Apple (AAPL) sues Tesla (TSLA)", "TSLA") == ["TSLA", "AAPL"]
    assert symbols("Shareholders turning onto the exit ramp", "TSLA") == []


def test_a_contract_that_others_displace_is_not_the_subject():
    """Where the text names others and not the contract, the broker's tie is too loose to trade on."""
    assert symbols("Ford Motor (F) recalls trucks", "TSLA") == ["F"]
    assert symbols("Ford Motor (F) to follow Tesla's price cuts", "TSLA") == ["TSLA", "F"]


@pytest.mark.parametrize(
    ("text", "contract", "found"),
    [
        ("Goldman Sachs (GS) downgraded NIO (NIO) to Sell", "", ["NIO"]),
        ("Goldman downgraded NIO (NIO)", "GS", ["NIO"]),
        ("Moody's cuts France's rating", "", []),
        ("Goldman upgrades its view on copper", "GS", []),
        ("Goldman Sachs (GS) downgraded to Hold at Citigroup (C)", "", ["GS"]),
        ("Goldman Sachs (GS) reports record trading revenue", "", ["GS"]),
    ],
)
def test_brokers_act_and_are_not_the_target(text, contract, found):
    """Who rates another company is left out; a broker that is rated or reports stays."""
    assert symbols(text, contract) == found


def test_names_agree_by_words_initials_or_ticker():
    """The words before a ticker decide whose ticker it can be."""
    assert name_agrees("Procter & Gamble Co", Mention(symbol="PG", layer=MatchLayer.BRACKETED, before="Shares of P&G "))
    assert name_agrees("General Motors Company", Mention(symbol="GM", layer=MatchLayer.BRACKETED, before="GM "))
    assert name_agrees(
        "Apple Inc.", Mention(symbol="AAPL", layer=MatchLayer.BRACKETED, before="Regulators fine Apple ")
    )
    assert not name_agrees(
        "Enterprise Pattern Analytics", Mention(symbol="EPA", layer=MatchLayer.BRACKETED, before="Protection Agency ")
    )
    assert not name_agrees("", Mention(symbol="X", layer=MatchLayer.BRACKETED, before="United States Steel "))


@given(st.text(alphabet=st.sampled_from("ABCabc ($):[].,-&/NYSE")), st.sampled_from(["", "AAPL"]))
def test_any_text_gives_distinct_symbols(text, contract):
    """Never raises, never names a symbol twice, with a master only what it knows or an exchange vouches for."""
    found = find_companies(text, contract, MASTER).mentions
    assert len({mention.symbol for mention in found}) == len(found)
    assert all(m.symbol in MASTER or m.layer <= MatchLayer.EXCHANGE for m in found)
    assert all(m.symbol == canonical_symbol(m.symbol) for m in found)
