"""Finds which listed companies a headline is about: layered patterns, a symbol master, company names."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from rapidfuzz import fuzz

from momentum_kit.detection.news.headlines import normalise
from momentum_kit.detection.news.symbol_words import BROKERS, COMPANY_SUFFIXES, EXCHANGES, STOP_WORDS
from momentum_kit.errors import ConfigError
from momentum_kit.models import canonical_symbol

_TICKER = r"[A-Z]{1,5}(?:[./-][A-Z]{1,2})?"
# Inside a list a slash separates; read as part of a ticker too, it made the pattern exponential in the list's length.
_LISTED = r"\$?[A-Z]{1,5}(?:[.-][A-Z]{1,2})?"
_LIST = rf"{_LISTED}(?:\s*[,;/&]\s*{_LISTED})*"
_EXCHANGE = re.compile(rf"\b(?i:{EXCHANGES})\s*[:\-]\s*\$?({_TICKER}(?:\s*,\s*{_TICKER})*)(?![A-Za-z])")
_CASHTAG = re.compile(rf"(?<![\w$])\$({_TICKER})(?![A-Za-z])")
_BRACKETED = re.compile(rf"[(\[]({_LIST})[)\]]")
_LEADING = re.compile(rf"^\$?({_TICKER})(?::\s|\s+(?=(?:shares|stock)\b))")
_SPLIT = re.compile(r"\s*[,;&]\s*|\s+|/(?=[A-Z]{2})")

_ANALYST_VERB = (
    r"(?:upgrade|downgrade|reiterate|initiate|resume|maintain|raise|cut|lower|lift|hike|start|assume|reinstate)s?d?"
)
_RATES_SOMEONE = re.compile(rf"\b{_ANALYST_VERB}\b(?!\s+(?:to|at|by|from|with)\b)", re.IGNORECASE)
_RATING = re.compile(
    r"\b(?:upgrad|downgrad|reiterat|initiat|coverage|price target|target price|rating|overweight|underweight|"
    r"outperform|underperform|buy|sell|hold|neutral)",
    re.IGNORECASE,
)
_NAME_AGREES = 80.0  # rapidfuzz partial ratio of the distinctive words, 0..100
_NAME_REACH = 60  # characters before "(SYM)" in which its company name stands


class MatchLayer(IntEnum):
    """How a ticker was found, surest first."""

    CONTRACT = 1  # the subscription's own contract
    EXCHANGE = 2  # (NASDAQ: SYM)
    CASHTAG = 3  # $SYM
    BRACKETED = 4  # (SYM), [SYM]
    LEADING = 5  # SYM: ... or SYM shares ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One ticker in a headline; before: the words in front of it, where its company's name should stand."""

    symbol: str
    layer: MatchLayer
    before: str = ""
    alone: bool = True  # False inside a list of tickers, which has no names beside it

    @property
    def needs_name(self) -> bool:
        """True where capitals alone prove little: short ones, ordinary words, and what abbreviates a phrase."""
        if self.layer is not MatchLayer.BRACKETED or not self.alone:
            return False
        return len(self.symbol) <= 3 or self.symbol in STOP_WORDS or _abbreviates(self.symbol, self.before)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What looked like a company and was not taken for one; check: what failed, in words."""

    candidate: str
    check: str

    def __str__(self) -> str:
        return f"{self.check}: {self.candidate}"


class SymbolMaster:
    """Which symbols exist and what their companies are called."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = {canonical_symbol(symbol): name for symbol, name in names.items()}

    @classmethod
    def from_csv(cls, lines: Iterable[str]) -> "SymbolMaster":
        """From the lines of a CSV with the columns symbol and name; raises ConfigError on any other."""
        rows = csv.DictReader(lines)
        missing = {"symbol", "name"} - set(rows.fieldnames or ())
        if missing:
            raise ConfigError(f"symbol master: no column {' and no column '.join(sorted(missing))}")
        return cls({row["symbol"]: row["name"] or "" for row in rows if row["symbol"]})

    def __contains__(self, symbol: str) -> bool:
        return canonical_symbol(symbol) in self._names

    def __len__(self) -> int:
        return len(self._names)

    def name(self, symbol: str) -> str:
        """The company's name, empty if unknown."""
        return self._names.get(canonical_symbol(symbol), "")


def extract_tickers(text: str, contract_symbol: str = "", master: SymbolMaster | None = None) -> tuple[Mention, ...]:
    """The companies a cleaned headline is about, surest first, brokers who merely rate them left out.

    contract_symbol: the subscription the headline came by, empty on the broad tape.
    """
    return find_companies(text, contract_symbol, master)[0]


def find_companies(
    text: str, contract_symbol: str = "", master: SymbolMaster | None = None
) -> tuple[tuple[Mention, ...], tuple[Refusal, ...]]:
    """The same, and what was a candidate and refused."""
    refusals = []
    found = []
    for mention in _patterns(text):
        if check := _failed_check(mention, master):
            refusals.append(Refusal(mention.symbol, check))
        else:
            found.append(mention)
    if contract_symbol:
        if _is_subject(contract_symbol, text, found, master):
            found.insert(0, Mention(symbol=canonical_symbol(contract_symbol), layer=MatchLayer.CONTRACT))
        else:
            refusals.append(Refusal(canonical_symbol(contract_symbol), "the text names others"))
    unique = {mention.symbol: mention for mention in sorted(found, key=lambda m: m.layer, reverse=True)}
    mentions = sorted(unique.values(), key=lambda m: (m.layer, text.find(m.symbol)))
    raters = {mention.symbol for mention in mentions if _rates_another(mention.symbol, text)}
    refusals += [Refusal(symbol, "rates another company") for symbol in sorted(raters)]
    return tuple(mention for mention in mentions if mention.symbol not in raters), tuple(refusals)


def name_agrees(name: str, mention: Mention) -> bool:
    """True if the words before a ticker can be this company's name, its initials, or the ticker itself."""
    words, before = distinctive_words(name), normalise(mention.before).split()
    if not words or not before:
        return False
    initials = "".join(word[0] for word in words)
    if before[-1] == mention.symbol.lower() and len(mention.symbol) > 1:
        return True
    if len(initials) > 1 and initials in (before[-1], "".join(before[-len(initials) :])):
        return True  # P&G (PG), J&J (JNJ)
    near = " ".join(before[-len(words) - 2 :])
    return bool(fuzz.partial_ratio(" ".join(words), near) >= _NAME_AGREES)


def _patterns(text: str) -> Iterable[Mention]:
    for layer, pattern in (
        (MatchLayer.EXCHANGE, _EXCHANGE),
        (MatchLayer.CASHTAG, _CASHTAG),
        (MatchLayer.BRACKETED, _BRACKETED),
        (MatchLayer.LEADING, _LEADING),
    ):
        for match in pattern.finditer(text):
            before = text[max(0, match.start() - _NAME_REACH) : match.start()]
            parts = [part for part in _SPLIT.split(match[1]) if part]
            for part in parts:
                yield Mention(
                    symbol=canonical_symbol(part.lstrip("$")), layer=layer, before=before, alone=len(parts) == 1
                )


def _failed_check(mention: Mention, master: SymbolMaster | None) -> str:
    """Why a match of a pattern is no ticker, empty if it is one."""
    if mention.layer is MatchLayer.EXCHANGE:
        return ""  # the newsroom wrote the listing down; a stale master must not overrule it
    word = "a word in capitals" if mention.symbol in STOP_WORDS else ""
    if master is None:
        return word or ("abbreviates a phrase" if _abbreviates(mention.symbol, mention.before) else "")
    if mention.symbol not in master:
        return "not listed"
    if mention.layer is MatchLayer.LEADING or not mention.alone:
        return word
    if mention.needs_name and not name_agrees(name := master.name(mention.symbol), mention):
        return f"name disagrees, {name}"
    return ""


def _is_subject(symbol: str, text: str, found: list[Mention], master: SymbolMaster | None) -> bool:
    """The broker ties headlines to a contract loosely: where others are named and this one is not, it is not."""
    others = [mention for mention in found if mention.symbol != canonical_symbol(symbol)]
    if len(others) < len(found) or not others or master is None or not master.name(symbol):
        return True
    words = distinctive_words(master.name(symbol))
    return bool(words) and fuzz.partial_ratio(" ".join(words), normalise(text)) >= _NAME_AGREES


def distinctive_words(name: str) -> list[str]:
    """A company name in lower case without what every company is called: Inc, Group, Holdings."""
    return [word for word in normalise(name).split() if word not in COMPANY_SUFFIXES]


def _abbreviates(symbol: str, before: str) -> bool:
    """True for "artificial intelligence (AI)" in lower case: a phrase explained, not a company named."""
    words = re.findall(r"[A-Za-z]+", before)[-len(symbol) :]
    return len(words) == len(symbol) > 1 and all(
        word[0].upper() == letter and word[0].islower() for word, letter in zip(words, symbol, strict=True)
    )


def _rates_another(symbol: str, text: str) -> bool:
    """True for the broker in "Goldman (GS) downgraded NIO (NIO)" and after "downgraded at"; not for who is rated."""
    if symbol not in BROKERS or not _RATING.search(text):
        return False
    called = "|".join(re.escape(name) for name in (*BROKERS[symbol], f"({symbol})"))
    if re.search(rf"\b(?:at|by)\s+(?:{called})", text, re.IGNORECASE):
        return True
    verb = _RATES_SOMEONE.search(text)
    return verb is not None and re.search(called, text[: verb.start()], re.IGNORECASE) is not None
