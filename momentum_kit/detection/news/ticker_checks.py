"""Checks what is written as a ticker against the names around it and against what is listed."""

import re
from dataclasses import replace

from momentum_kit.detection.news.named_text import NamedText, RefusedName
from momentum_kit.detection.news.names import NameMatch
from momentum_kit.detection.news.roles import ECONOMY, rates_another
from momentum_kit.detection.news.symbol_words import STOP_WORDS
from momentum_kit.detection.news.symbols import (
    MatchLayer,
    Mention,
    abbreviates,
    find_bare,
    find_tickers,
    name_agrees,
    spells,
)

_UNKNOWN_REACH = 40  # characters beside an unlisted ticker in which its name should stand
_UNNAMED = {MatchLayer.EXCHANGE: 0.97, MatchLayer.CASHTAG: 0.9, MatchLayer.BRACKETED: 0.85, MatchLayer.LEADING: 0.75}


def checked_tickers(evidence: NamedText) -> tuple[list[Mention], list[RefusedName]]:
    """The tickers that hold, surest first within each form, and those that do not with the check that failed."""
    refusals: list[RefusedName] = []
    found = []
    for mention in find_tickers(evidence.text):
        if check := _failed_check(evidence, mention):
            failed, _, whose = check.partition(", ")
            refusals.append(RefusedName(f"{mention.symbol}, {whose}" if whose else mention.symbol, failed))
        else:
            sure = 0.99 if evidence.named(mention.symbol) else _UNNAMED[mention.layer]
            found.append(replace(mention, confidence=sure))
    found += _bare(evidence, {mention.symbol for mention in found}, refusals)
    tags = sum(mention.layer is MatchLayer.CASHTAG for mention in found)
    kept = []
    for mention in found:
        name = evidence.name_of(mention.symbol)
        slip = tags > 1 and len(mention.symbol) == 1 and mention.layer is MatchLayer.CASHTAG and name
        if slip and not evidence.named(mention.symbol):  # "$H $HZN"
            refusals.append(RefusedName(f"{mention.symbol}, {name}", "name disagrees"))
        elif rates_another(evidence, mention):
            refusals.append(RefusedName(mention.symbol, "rates another company"))
        else:
            kept.append(mention)
    return kept, refusals


def stands_bare(symbol: str, text: str) -> bool:
    """True if the symbol is a word in capitals of a text that has others; enough where a tie points to it already."""
    plain = len(symbol) > 1 and symbol.isalpha() and symbol not in STOP_WORDS and not text.isupper()
    return plain and re.search(rf"(?<![\w$.&-]){symbol}(?![\w&-])", text) is not None


def spelled_anywhere(symbol: str, text: str) -> bool:
    """True if the symbol or a word that begins to spell it stands in the text."""
    words = text.split()
    for at, word in enumerate(words):
        plain = word.strip("$(),.:;'")
        if plain == symbol or plain.casefold().startswith(symbol.casefold()):
            return True
        if plain[:1].isupper() and spells(symbol, " ".join(words[at : at + 3])):
            return True
    return False


def _bare(evidence: NamedText, known: set[str], refusals: list[RefusedName]) -> list[Mention]:
    """Tickers without any mark that the words around them bear out."""
    found = []
    for mention in find_bare(evidence.text):
        symbol = mention.symbol
        if symbol in known or symbol in STOP_WORDS or not evidence.listed(symbol):
            continue
        if other := evidence.around(mention):
            refusals.append(
                RefusedName(f"{symbol}, {other.issuer.symbol}, {other.issuer.name}", "part of another name")
            )
        elif evidence.named(symbol) or "stock" in evidence.text[mention.start :].casefold():
            found.append(replace(mention, confidence=0.8))
    return found


def _failed_check(evidence: NamedText, mention: Mention) -> str:
    """Why what is written as a ticker is none, empty if it is one."""
    symbol, master = mention.symbol, evidence.master
    word = "a word in capitals" if symbol in STOP_WORDS else ""
    if mention.layer is MatchLayer.EXCHANGE:
        return ""  # the newsroom wrote the listing down; a stale master must not overrule it
    if mention.exchange and not mention.before and not evidence.named(symbol):
        return "an exchange that tags nothing"
    if mention.exchange:
        return word or ("" if master is None or symbol in master else "not listed")
    if master is None:
        return word or ("abbreviates a phrase" if abbreviates(symbol, mention.before) else "")
    beside = evidence.beside(mention)
    if symbol not in master:
        return _unlisted(evidence, mention, word, beside)
    if mention.layer is MatchLayer.LEADING and ECONOMY.search(evidence.text):
        return "tells of the economy"
    if mention.layer is MatchLayer.LEADING and (other := evidence.around(mention)):
        return f"ambiguous, {other.issuer.symbol}, {other.issuer.name}"
    if mention.layer is MatchLayer.LEADING or not mention.alone:
        if word and evidence.named(symbol):
            return ""
        return word if mention.alone or not _listed_beside(evidence, mention) else ""
    if mention.layer is not MatchLayer.BRACKETED:
        return ""
    name = master.name(symbol)
    if beside and symbol in beside.issuer.symbols:
        return ""
    doubtful = mention.needs_name or beside is not None or abbreviates(symbol, mention.before, titled=True)
    return f"name disagrees, {name}" if doubtful and not name_agrees(name, mention) else ""


def _unlisted(evidence: NamedText, mention: Mention, word: str, beside: NameMatch | None) -> str:
    """The same for a symbol that the master does not have: where it may be stale, the words must spell it."""
    master = evidence.master
    if master is None or master.complete:
        return "not listed"
    if word:
        return word
    if mention.layer is MatchLayer.CASHTAG:
        return ""
    if mention.layer is MatchLayer.LEADING:
        behind = evidence.text[mention.start + len(mention.words) :].lstrip(": $")[:_UNKNOWN_REACH]
        return "" if mention.alone and len(mention.symbol) > 2 and _spelled(mention.symbol, behind) else "not listed"
    if not mention.alone or len(mention.symbol) < 2:
        return "not listed"
    spelled = _spelled_before(mention.symbol, mention.before)
    if beside and not spelled:
        return f"name disagrees, {beside.issuer.symbol}, {beside.issuer.name}"
    if not spelled or abbreviates(mention.symbol, mention.before, titled=True):
        return "not listed"
    return ""


def _listed_beside(evidence: NamedText, mention: Mention) -> bool:
    """True in "LDOS or NOW": a word in capitals between tickers is one."""
    beside = [each for each in find_tickers(evidence.text) if each.start == mention.start]
    others = [each for each in beside if each.symbol not in STOP_WORDS]
    return bool(others) and evidence.master is not None and all(each.symbol in evidence.master for each in others)


def _spelled(symbol: str, words: str) -> bool:
    """True if the words at hand begin with a name in capitals that spells the symbol."""
    name = re.match(r"(?:[A-Z0-9][\w.&'’-]*\s?){1,4}", words)  # noqa: RUF001
    return name is not None and spells(symbol, name[0])


def _spelled_before(symbol: str, before: str) -> bool:
    """True if the capitalised words right before a ticker spell it, from one of them on."""
    words = before.split()
    run: list[str] = []
    for word in reversed(words):
        if not (word[:1].isupper() or word[:1].isdigit() or word == "&"):
            break
        run.insert(0, word)
        if spells(symbol, " ".join(run)):
            return True
    return False
