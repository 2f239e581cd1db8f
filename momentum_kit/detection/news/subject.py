"""Chooses the company that a headline is mainly about, or none where several are equals or it is about the market."""

import re

from momentum_kit.detection.news.named_text import NamedText
from momentum_kit.detection.news.roles import is_bought
from momentum_kit.detection.news.symbols import MatchLayer, Mention

ROUND_UP = re.compile(
    r"\b(?:here are \d+|\d+ \w*\s?stocks|stocks? (?:moving|to watch|that|making)|movers(?! spotlight)|round-?up|"
    r"and (?:other|more)\b.{0,30}$|stocks? market today|stocks making|big stocks)",
    re.IGNORECASE,
)
_MARKET = re.compile(
    r"^(?:(?:u\.?s\.?|asian?|european?|global|world|tech|small.cap)\s)?(?:wall street|stocks?|equit\w+|futures|dow|"
    r"nasdaq|s&p|gold|oil|crude|bitcoin|stock markets?|markets?|treasur\w+|dollar|russell)\b[^;:]{0,40}[;:]",
    re.IGNORECASE,
)
LIST = re.compile(r"^(?:['’]s)?(?:\s\([^)]*\))?\s*(?:,|/|&|,? and|,? or|vs\.?|versus|-|–)\s*$", re.IGNORECASE)  # noqa: RUF001
CLAUSE = re.compile(r"(?:[;:|]|\. |, | as | while | after )\s*$", re.IGNORECASE)


def choose_subject(evidence: NamedText, mentions: tuple[Mention, ...]) -> str:
    """Its symbol, or empty; mentions: what the headline is about, surest first."""
    if not mentions:
        return ""
    if ROUND_UP.search(evidence.text) or (_MARKET.search(evidence.text) and mentions[0].layer is MatchLayer.NAME):
        return ""
    if len(mentions) == 1:
        return mentions[0].symbol
    by_name = [mention for mention in mentions if mention.layer is MatchLayer.NAME]
    if len(by_name) == len(mentions):
        return _subject_of_names(evidence, by_name)
    for name in evidence.accepted:
        if is_bought(evidence, name):
            bought = next((each for each in mentions if each.symbol in name.issuer.symbols), None)
            if bought:
                return bought.symbol
    if mentions[0].layer is MatchLayer.CASHTAG:
        return _subject_of_tags(evidence, [each for each in mentions if each.layer is MatchLayer.CASHTAG])
    first = min(mentions, key=lambda each: each.start if each.layer is not MatchLayer.CONTRACT else -1)
    if first.layer is MatchLayer.LEADING and len(mentions) > 1 and _listing(evidence.text):
        return ""
    return first.symbol


def _subject_of_tags(evidence: NamedText, tagged: list[Mention]) -> str:
    named = [mention for mention in tagged if evidence.named(mention.symbol) and _named_outside(evidence, mention)]
    if named:
        return named[0].symbol
    unknown = [mention for mention in tagged if evidence.master and mention.symbol not in evidence.master]
    if len(tagged) > 1:
        return unknown[0].symbol if len(unknown) >= 1 else ""
    return tagged[0].symbol


def _named_outside(evidence: NamedText, mention: Mention) -> bool:
    return any(
        mention.symbol in issuer.symbols and evidence.text[name.start - 1 : name.start] != "$"
        for name in evidence.names
        for issuer in name.issuers
    )


def _subject_of_names(evidence: NamedText, mentions: list[Mention]) -> str:
    first, second = mentions[0], mentions[1]
    between = evidence.text[first.start + len(first.words) : second.start]
    if between in ("-", "–"):  # noqa: RUF001
        return first.symbol
    if LIST.match(between) and len(mentions) > 1:
        return ""
    names = {name.start: name for name in evidence.accepted}
    one, two = names.get(first.start), names.get(second.start)
    if one and two and evidence.smaller(two, one) and not CLAUSE.search(between):
        return second.symbol
    if two and is_bought(evidence, two):
        return second.symbol
    return "" if CLAUSE.search(between) else first.symbol


def _listing(text: str) -> bool:
    return re.match(r"^\S+ (?:or|vs\.?|versus|and|\$[A-Z])", text) is not None
