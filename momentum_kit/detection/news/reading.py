"""Reads one headline wholly: its words, its companies, which of them it is mainly about, and its catalyst.

One pure function, so that a live session, a study and the evaluation of the rules read alike.
"""

from dataclasses import dataclass

from momentum_kit.detection.news.catalysts import CatalystMatch, classify
from momentum_kit.detection.news.headlines import CleanHeadline, clean_headline
from momentum_kit.detection.news.symbols import Mention, Refusal, SymbolMaster, find_companies


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadHeadline:
    """What the rules made of a headline.

    subject: the symbol that it is mainly about, empty for none and for a list of equals.
    match: the catalyst, told for the subject.
    """

    clean: CleanHeadline
    mentions: tuple[Mention, ...]
    subject: str
    refusals: tuple[Refusal, ...]
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
    mentions, refusals = find_companies(clean.text, contract_symbol, master)
    subject = mentions[0].symbol if mentions else ""
    names = (subject,) if subject else ()
    match = classify(clean.text, names, analyst_action=clean.analyst_action)
    return ReadHeadline(clean=clean, mentions=mentions, subject=subject, refusals=refusals, match=match)
