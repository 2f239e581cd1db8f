"""Finds tickers in a headline by the forms in which newsrooms write them; companies.py joins them with the names."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from rapidfuzz import fuzz

from momentum_kit.detection.news.headlines import normalise
from momentum_kit.detection.news.symbol_words import COMPANY_SUFFIXES, EXCHANGES, STOP_WORDS
from momentum_kit.models import canonical_symbol

# ASCII letters only, and no letter of any alphabet behind them: a look-alike never makes a ticker.
_TICKER = r"[A-Z]{1,5}(?:[./-][A-Z]{1,2})?(?!\w)"
# Inside a list a slash separates; read as part of a ticker too, it made the pattern exponential in the list's length.
_LISTED = r"\$?[A-Z]{1,5}(?:[.-][A-Z]{1,2})?"
_LIST = rf"{_LISTED}(?:\s*[,;/&]\s*{_LISTED})*"
_EXCHANGE = re.compile(rf"\b((?i:{EXCHANGES}))\s?(?::|-(?! ))\s*\$?({_TICKER}(?:\s*,\s*{_TICKER})*)")
_CASHTAG = re.compile(rf"(?<![\w$])\$({_TICKER})")
_ANGLE = re.compile(rf"(?<!\S)>({_TICKER})(?=[:\s]|$)")  # Dow Jones: ">TPIC: TPI Composites ...", "... >SEE"
_RIC = re.compile(r"<([A-Z]{1,5})\.(?:O|OQ|N|A|K|PK)>")  # Reuters: "<SLNO.O>", a code and where it trades
_BRACKETED = re.compile(rf"[(\[]({_LIST})[)\]]")
_OF_A_TICKER = (
    r"(?i:shares?|stock|investors?|shareholders?|stockholders?|fraud|deadline|lawsuit|class|options?|calls|puts)"
)
_LEADING = re.compile(rf"^({_TICKER})(?::\s|\s+(?={_OF_A_TICKER}\b|\$[A-Z]))")
_OF_RESULTS = r"(?i:raises|lowers|cuts|sees|guides|reports|posts|beats|misses|backs|affirms)"
_RESULTS = re.compile(
    rf"^([A-Z]{{3,5}}) {_OF_RESULTS} (?=(?i:q[1-4]|[1-4]q|fy|full|guidance|outlook|revenue|eps|adj)\w{{0,4}}\b)"
)
_ALONE = re.compile(rf"(?<![\w$.&-])([A-Z]{{3,5}})(?=\s{_OF_A_TICKER}\b)")  # "Why IDT Stock Was Soaring"
_EITHER = re.compile(r"^([A-Z]{1,5}) (?:or|vs\.?|versus|and) ([A-Z]{1,5})(?=[:?]| (?:stock|shares)\b)")
_TRAILING = re.compile(r"\s[-–—:]{1,2}\s?([A-Z]{2,5})$")  # noqa: RUF001 (newsrooms' dashes)
_SPLIT = re.compile(r"\s*[,;&]\s*|\s+|/(?=[A-Z]{2})")
_REACH = 60  # characters before "(SYM)" in which its company name stands
_NAME_AGREES = 80.0  # rapidfuzz partial ratio of the distinctive words, 0..100


class MatchLayer(IntEnum):
    """How a company was found, surest first."""

    CONTRACT = 1  # the subscription's own contract
    EXCHANGE = 2  # (NASDAQ: SYM)
    CASHTAG = 3  # $SYM
    BRACKETED = 4  # (SYM), [SYM]
    LEADING = 5  # SYM: ... or SYM shares ...
    NAME = 6  # the company's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One company in a headline, by its ticker or its name.

    before: the words in front of a ticker, where its company's name should stand. alone: False inside a list of
    tickers, which has no names beside it. words: what matched. confidence: 0..1. exchange: as the text tags it.
    start: where in the text.
    """

    symbol: str
    layer: MatchLayer
    before: str = ""
    alone: bool = True
    words: str = ""
    confidence: float = 1.0
    exchange: str = ""
    start: int = 0

    @property
    def rule(self) -> str:
        """The rule that found it, in a word."""
        return self.layer.name.lower()

    @property
    def needs_name(self) -> bool:
        """True where capitals alone prove little: short ones, ordinary words, and what abbreviates a phrase."""
        if self.layer is not MatchLayer.BRACKETED or not self.alone:
            return False
        return len(self.symbol) <= 3 or self.symbol in STOP_WORDS or abbreviates(self.symbol, self.before)


def find_tickers(text: str) -> Iterable[Mention]:
    """Whatever is written as a ticker, listed or not, in the order of the layers."""
    for match in _EXCHANGE.finditer(text) if ":" in text or "-" in text else ():
        tagged = text[: match.start()].endswith(("(", "[", ", ", "; ", "/")) or text[match.end() :][:1] in (")", "]")
        layer = MatchLayer.EXCHANGE if tagged else MatchLayer.LEADING
        yield from _mentions(text, match, layer, match[2], exchange=match[1].upper())
    for match in _CASHTAG.finditer(text) if "$" in text else ():
        yield from _mentions(text, match, MatchLayer.CASHTAG, match[1])
    for match in _ANGLE.finditer(text) if ">" in text else ():
        yield from _mentions(text, match, MatchLayer.LEADING, match[1])
    for match in _RIC.finditer(text) if "<" in text else ():
        yield from _mentions(text, match, MatchLayer.EXCHANGE, match[1])
    for match in _BRACKETED.finditer(text) if "(" in text or "[" in text else ():
        yield from _mentions(text, match, MatchLayer.BRACKETED, match[1])
    if leading := _LEADING.match(text):
        yield from _mentions(text, leading, MatchLayer.LEADING, leading[1])
    if results := _RESULTS.match(text):
        yield from _mentions(text, results, MatchLayer.LEADING, results[1])
    if either := _EITHER.match(text):
        yield from _mentions(text, either, MatchLayer.LEADING, f"{either[1]},{either[2]}")


def find_bare(text: str) -> Iterable[Mention]:
    """Tickers that stand bare in the text and count only beside other evidence: "IDT Stock", "- TGT" at the end."""
    for match in _ALONE.finditer(text):
        yield from _mentions(text, match, MatchLayer.LEADING, match[1])
    if trailing := _TRAILING.search(text):
        yield from _mentions(text, trailing, MatchLayer.LEADING, trailing[1])


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


def distinctive_words(name: str) -> list[str]:
    """A company name in lower case without what every company is called: Inc, Group, Holdings."""
    return [word for word in normalise(name).split() if word not in COMPANY_SUFFIXES]


def abbreviates(symbol: str, before: str, *, titled: bool = False) -> bool:
    """True for "artificial intelligence (AI)" in lower case: a phrase explained, not a company named.

    titled: phrases in capitals as well, "Supplemental Nutrition Assistance Program (SNAP)".
    """
    words = re.findall(r"[A-Za-z]+", before)[-len(symbol) :]
    return len(words) == len(symbol) > 1 and all(
        word[0].upper() == letter and (titled or word[0].islower()) for word, letter in zip(words, symbol, strict=True)
    )


def spells(symbol: str, words: str) -> bool:
    """True if a ticker's letters stand in these words in order, the first ones alike: SPLK for Splunk."""
    letters = [each for each in symbol.casefold() if each.isalpha()]
    plain = normalise(words).replace(" ", "")
    if not letters or not plain or plain[0] != letters[0]:
        return False
    rest = iter(plain)
    return all(letter in rest for letter in letters)


def _mentions(text: str, match: re.Match[str], layer: MatchLayer, listed: str, exchange: str = "") -> Iterable[Mention]:
    before = text[max(0, match.start() - _REACH) : match.start()]
    parts = [part for part in _SPLIT.split(listed) if part]
    for part in parts:
        yield Mention(
            symbol=canonical_symbol(part.lstrip("$")),
            layer=layer,
            before=before,
            alone=len(parts) == 1,
            words=part,
            exchange=exchange,
            start=match.start(),
        )
