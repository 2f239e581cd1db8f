"""Reads one headline wholly: its words, its companies, which of them it is mainly about, and its catalyst.

One pure function, so that a live session, a study and the evaluation of the rules read alike.
"""

from dataclasses import dataclass, replace

from momentum_kit.detection.news.catalysts import CatalystMatch, classify
from momentum_kit.detection.news.companies import Companies, find_companies
from momentum_kit.detection.news.headlines import CleanHeadline, clean_headline
from momentum_kit.detection.news.named_text import RefusedName
from momentum_kit.detection.news.symbol_master import SymbolMaster
from momentum_kit.detection.news.symbols import Mention, distinctive_words
from momentum_kit.models import Catalyst

LISTED_TOGETHER = 3  # companies of which none is the subject: a list, and no news of any


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadHeadline:
    """What the rules made of a headline.

    subject: the symbol that it is mainly about, empty for none and for a list of equals.
    match: the catalyst, told for the subject.
    """

    clean: CleanHeadline
    mentions: tuple[Mention, ...]
    subject: str
    refusals: tuple[RefusedName, ...]
    match: CatalystMatch


def read_headline(
    text: str,
    *,
    extra: str = "",
    article_id: str = "",
    contract_symbol: str = "",
    master: SymbolMaster | None = None,
) -> ReadHeadline:
    """Read a headline as the broker sent it; never raises, whatever the text.

    extra: tickNews' extraData. contract_symbol: the subscription it came by, empty on the broad tape.
    master: None where nobody knows what is listed.
    """
    clean = clean_headline(text, extra, article_id)
    found = find_companies(clean.text, contract_symbol, master)
    match = classify(clean.text, _called(found, master), analyst_action=clean.analyst_action)
    if len(found.mentions) >= LISTED_TOGETHER and not found.subject and not match.barred:
        match = replace(match, catalyst=Catalyst.ROUNDUP, rule="a list of companies", is_roundup=True)
    return ReadHeadline(
        clean=clean, mentions=found.mentions, subject=found.subject, refusals=found.refusals, match=match
    )


def _called(found: Companies, master: SymbolMaster | None) -> tuple[str, ...]:
    """How the headline may call the company that it is mainly about: ticker, the words that named it, its name."""
    about = [mention for mention in found.mentions if mention.symbol == found.subject] or list(found.mentions[:1])
    if not about:
        return ()
    symbol = about[0].symbol
    name = distinctive_words(master.name(symbol))[:1] if master else []
    return (symbol, *(mention.words for mention in about if mention.words), *name)
