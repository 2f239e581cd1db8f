"""Headlines read with the list that comes along: many companies in newsrooms' manners, and ordinary news."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from momentum_kit.detection.news import SymbolMaster, read_headline
from momentum_kit.storage.symbols import bundled_master

ORDINARY = Path(__file__).with_name("ordinary_headlines.txt").read_text(encoding="utf-8").splitlines()
COMPANIES = 200
SHORT = {"International": "Intl", "American": "Amer", "Pharmaceuticals": "Pharma", "Technologies": "Tech",
         "Holdings": "Hldgs", "Systems": "Sys", "Laboratories": "Labs", "Industries": "Inds"}  # fmt: skip
LEGAL = re.compile(r",?\s+(?:inc|corp|co|ltd|plc|s\.?a|n\.?v|ag|lp|llc|company|limited|corporation)\.?$", re.IGNORECASE)
FUNDS = re.compile(
    r"fund|etf|etn|trust|acquisition|income|proshares|barclays bank|ubs ag|bank of montreal", re.IGNORECASE
)


def printed(name: str) -> str:
    """A registry's name as a newsroom prints it: no state, no shouting."""
    words = re.sub(r"\s*/.*$", "", name).split()
    return " ".join(word.capitalize() if word.isupper() and len(word) > 3 else word for word in words)


def plain(name: str) -> str:
    """Without its legal form."""
    return LEGAL.sub("", printed(name)).rstrip(",")


def abbreviated(name: str) -> str:
    """In the short forms of a tape."""
    return " ".join(SHORT.get(word, word) for word in plain(name).split())


MANNERS: dict[str, Callable[[str], str]] = {
    "release": lambda name: f"{printed(name)} Announces Second Quarter Results",
    "offering": lambda name: f"{plain(name)} Announces Closing of $12 Million Registered Direct Offering",
    "tape": lambda name: f"{abbreviated(name)} sees Q3 EPS 12c-15c, consensus 20c",
    "move": lambda name: f"{plain(name)} shares are trading higher after the company reported topline data",
    "rating": lambda name: f"Barrington Research Reiterates Outperform on {plain(name)}, Maintains $24 Price Target",
    "question": lambda name: f"Why {plain(name)} Stock Is Soaring Today",
    "owner": lambda name: f"FDA Grants Fast Track Status to {plain(name)}'s Lead Candidate",
}


@pytest.fixture(scope="module")
def master() -> SymbolMaster:
    """US listings of August 2025."""
    return bundled_master()


@pytest.mark.parametrize("manner", MANNERS)
def test_companies_are_found_in_every_manner(master: SymbolMaster, manner: str) -> None:
    """Of 200 companies drawn by chance 95 in 100 at least are found by name, and hardly another is taken for one."""
    issuers = [issuer for issuer in master.index.issuers if not FUNDS.search(issuer.name)]
    found = wrong = 0
    for issuer in random.Random(29).sample(issuers, COMPANIES):
        symbols = {each.symbol for each in read_headline(MANNERS[manner](issuer.name), master=master).mentions}
        found += issuer.symbol in symbols
        wrong += bool(symbols - set(issuer.symbols))
    assert found >= 0.95 * COMPANIES
    assert wrong <= 0.01 * COMPANIES


def test_ordinary_news_names_nobody(master: SymbolMaster) -> None:
    """Central banks, sports, weather, persons and places that share a word with a company: at most one in 100."""
    taken = {line: read_headline(line, master=master).mentions for line in ORDINARY}
    wrong = {line: [each.symbol for each in mentions] for line, mentions in taken.items() if mentions}
    assert len(wrong) <= 0.01 * len(ORDINARY), wrong


def test_of_two_partners_the_news_moves_the_smaller(master: SymbolMaster) -> None:
    """Far below it in the list by size, a partner named second is the subject; one of its own size is not."""
    reading = read_headline("Microsoft Signs Multi-Year Agreement With Soligenix", master=master)
    assert (reading.subject, "SNGX" in {each.symbol for each in reading.mentions}) == ("SNGX", True)
    assert read_headline("Microsoft Signs Multi-Year Agreement With Oracle", master=master).subject == "MSFT"


def test_a_name_alone_never_leads_to_a_warrant(master: SymbolMaster) -> None:
    """The common stock stands for the company, whatever else is listed under its name."""
    for issuer in master.index.issuers:
        if len(issuer.symbols) > 1 and any(" " not in symbol for symbol in issuer.symbols):
            assert " " not in issuer.symbol
