"""Decides which companies a headline is about.

Tickers and names are candidates; what is kept must agree with what stands beside it. Whoever only acts (a broker who
rates, a law firm, the buyer of another, a partner named behind "with") is refused with the reason. A feed of one
contract is a hint: its company counts only where the text names it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from momentum_kit.detection.news.named_text import NAMED_BY_TIE, NamedText, RefusedName
from momentum_kit.detection.news.names import ENOUGH, NameMatch
from momentum_kit.detection.news.roles import POSSESSIVE, is_bought, is_chosen, speaks_of_others
from momentum_kit.detection.news.subject import CLAUSE, LIST, ROUND_UP, choose_subject
from momentum_kit.detection.news.symbol_master import SymbolMaster
from momentum_kit.detection.news.symbols import MatchLayer, Mention
from momentum_kit.detection.news.ticker_checks import checked_tickers, spelled_anywhere, stands_bare
from momentum_kit.models import canonical_symbol

_CLASS = re.compile(r"^,?\s(?:Class|Cl\.?)\s([A-C])\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Companies:
    """What a headline says about companies; subject: the symbol it is mainly about, empty for none or for equals."""

    mentions: tuple[Mention, ...]
    subject: str
    refusals: tuple[RefusedName, ...]


def find_companies(text: str, contract_symbol: str = "", master: SymbolMaster | None = None) -> Companies:
    """The companies of a cleaned headline, surest first.

    contract_symbol: the subscription the headline came by, empty on the broad tape.
    """
    evidence = NamedText(text, master)
    tickers, refusals = checked_tickers(evidence)
    names, others = _named(evidence, tickers)
    found = sorted([*tickers, *names], key=lambda each: (each.layer, each.start))
    refusals += others
    if contract_symbol:
        found = _tie(evidence, canonical_symbol(contract_symbol), found, refusals)
    unique: dict[str, Mention] = {}
    for mention in found:
        unique.setdefault(mention.symbol, mention)
    mentions = tuple(_without_siblings(list(unique.values()), refusals))
    return Companies(mentions, choose_subject(evidence, mentions), tuple(dict.fromkeys(refusals)))


def _named(evidence: NamedText, tickers: list[Mention]) -> tuple[list[Mention], list[RefusedName]]:
    """The companies that the headline is about by their names alone, and who is named but only acts."""
    refusals = [
        RefusedName(_candidates(name), name.why_not) for name in evidence.names if name.why_not and _heavy(name)
    ]
    if not evidence.accepted:
        return [], refusals
    tagged = {symbol for mention in tickers for symbol in evidence.symbols_of(mention.symbol)}
    targets = [name for name in evidence.accepted if is_bought(evidence, name) or _won(evidence, name)]
    round_up = ROUND_UP.search(evidence.text) is not None
    kept: list[NameMatch] = []
    for name in evidence.accepted:
        reason = speaks_of_others(evidence, name)
        if not reason and not round_up and name not in targets and not tagged & set(name.issuer.symbols):
            reason = "named beside a ticker" if tickers else _only_acts(evidence, name, kept, targets)
        if reason:
            refusals.append(RefusedName(f"{name.issuer.symbol}, {name.issuer.name}", reason))
        else:
            kept.append(name)
    mentions = [
        Mention(
            symbol=_class_of(evidence, name),
            layer=MatchLayer.NAME,
            words=name.words,
            confidence=name.confidence,
            start=name.start,
        )
        for name in kept
        if name.issuer.symbol not in tagged
    ]
    return mentions, refusals


def _only_acts(evidence: NamedText, name: NameMatch, kept: list[NameMatch], targets: list[NameMatch]) -> str:
    """Why a named company is not one that the headline is about, empty if it is."""
    if any(other.issuer is name.issuer for other in kept):
        return ""
    if any(other.start > name.start for other in targets):
        return "buys or chooses another company"
    if not kept:
        return ""
    between = evidence.text[kept[-1].end : name.start]
    owns = POSSESSIVE.match(evidence.text[name.end : name.end + 3])
    if LIST.match(between) or (CLAUSE.search(between) and not owns) or evidence.smaller(name, kept[-1]):
        return ""
    return "named beside another company"


def _won(evidence: NamedText, name: NameMatch) -> bool:
    """True for a company that another chose; not for the larger of the two, which serves many."""
    if not is_chosen(evidence, name):
        return False
    return not any(other.start < name.start and evidence.smaller(other, name) for other in evidence.accepted)


def _tie(evidence: NamedText, contract: str, found: list[Mention], refusals: list[RefusedName]) -> list[Mention]:
    """The contract of the feed first, where the text names its company."""
    name = evidence.name_of(contract)
    siblings = set(evidence.symbols_of(contract))
    own = next((mention for mention in found if siblings & set(evidence.symbols_of(mention.symbol))), None)
    words, confidence, check = "", 0.6, ""
    if own:
        words, confidence = own.words, 0.99
        found = [mention for mention in found if mention is not own and mention.symbol != contract]
    elif stands_bare(contract, evidence.text):
        words, confidence = contract, 0.8
    elif name:
        named = next((each for each in evidence.names if _tied_by(evidence, each, contract)), None)
        words, confidence = (named.words, 0.9) if named else ("", 0.0)
        check = "" if named else "the text does not name it"
    elif any(mention.layer <= MatchLayer.BRACKETED for mention in found):
        check = "the text names others"
    elif evidence.master is not None and not spelled_anywhere(contract, evidence.text):
        check = "the text does not name it"
    if check:
        refusals.append(RefusedName(f"{contract}, {name}" if name else contract, check))
        return found
    return [Mention(symbol=contract, layer=MatchLayer.CONTRACT, words=words, confidence=confidence), *found]


def _tied_by(evidence: NamedText, name: NameMatch, contract: str) -> bool:
    """True if words name the contract's company, and not as somebody who speaks of others."""
    meant = any(contract in issuer.symbols for issuer in name.issuers)
    weighs = name.weight >= NAMED_BY_TIE or name.score >= ENOUGH
    return meant and weighs and not speaks_of_others(evidence, name)


def _without_siblings(mentions: list[Mention], refusals: list[RefusedName]) -> Iterable[Mention]:
    """Without preferreds, units and warrants of a company whose common stock is there too."""
    there = {mention.symbol for mention in mentions}
    for mention in mentions:
        root, _, kind = mention.symbol.partition(" ")
        if len(root) == 5 and root[-1] in "UWR":
            root, kind = root[:-1], root[-1]
        if kind.startswith(("PR", "U", "W", "R")) and root in there:
            refusals.append(RefusedName(mention.symbol, f"beside its common stock {root}"))
        else:
            yield mention


def _class_of(evidence: NamedText, name: NameMatch) -> str:
    """The symbol of the class that the text names, else of the common stock."""
    match = _CLASS.match(evidence.text[name.end : name.end + 12])
    if match:
        of_class = f" {match[1].upper()}"
        return next((each for each in name.issuer.symbols if each.endswith(of_class)), name.issuer.symbol)
    return name.issuer.symbol


def _heavy(name: NameMatch) -> bool:
    """True if a candidate that was ruled out would have counted: such refusals are told."""
    return name.score >= ENOUGH


def _candidates(name: NameMatch) -> str:
    if name.why_not != "ambiguous":
        return name.words
    return "; ".join(f"{issuer.symbol}, {issuer.name}" for issuer in name.issuers[:3])
