"""An index of company names by their beginnings: which companies can be meant where some words of a headline stand.

It holds every beginning of every name, former and trade names among them. A walk from a word takes the longest
beginning that stands there; the index says which companies share it, and which of them it means, if that can be told.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from momentum_kit.detection.news.grammar import Part, part_of
from momentum_kit.detection.news.name_words import (
    GENERIC,
    LEGAL,
    TRADE_NAMES,
    Word,
    commonness,
    core_words,
    name_words,
    short_words,
    weigh,
)

LONGEST = 6  # words of a name that are indexed
MORE_PROMINENT = 8  # times higher in a ranked list: then a shared name means the larger company
_FUND = re.compile(
    r"\b(?:funds?|etf|etn|etns|ishares|proshares|spdr|nuveen|blackrock \w+ (?:fund|trust)|municipal|"
    r"income trust|gold trust|bitcoin trust|ethereum trust|term trust|preferred securities)\b"
)
_TRUST = re.compile(r" trust(?:,? (?:ii|iii|series \w+))?$")
_OPERATES = re.compile(
    r"realty|propert|estate|hotel|lodging|hospitality|royalty|storage|industrial|oil|petroleum|mortgage"
)
_JOINS = frozenset({" ", "-", " & ", ". ", ".", " and ", "/", "\u2010", "\u2011"})


@dataclass(frozen=True, slots=True)
class Issuer:
    """A company with the symbol of its common stock; symbols: all that are listed under its name."""

    symbol: str
    name: str
    rank: int
    symbols: tuple[str, ...]
    core: tuple[str, ...]

    @property
    def blank_cheque(self) -> bool:
        """True for a shell that is to acquire a company; its sponsor's name is not its own."""
        return "acquisition" in self.core or "acquisitions" in self.core


class Fit(StrEnum):
    """How much of a name stands in the text."""

    WHOLE = "whole name"
    SHORT = "name without what it does"
    BEGIN = "beginning of the name"


class NameIndex:
    """Companies by the beginnings of their names. ranked: the most prominent company stands first in `names`."""

    def __init__(
        self, names: Mapping[str, str], former: Mapping[str, Sequence[str]] | None = None, *, ranked: bool = False
    ) -> None:
        self.ranked = ranked
        self.issuers: list[Issuer] = []
        self._by_symbol: dict[str, int] = {}
        self._begins: dict[str, list[int]] = {}
        self._whole: dict[str, list[int]] = {}
        self._short: dict[str, list[int]] = {}
        self._sharers: Counter[str] = Counter()
        self._weights: dict[str, float] = {}
        self._lower: set[str] = set()  # first words of names that are written without a capital
        symbols: dict[str, list[str]] = {}
        for symbol, name in names.items():
            symbols.setdefault(name, []).append(symbol)
        for rank, (name, listed) in enumerate(symbols.items()):
            primary = min(listed, key=lambda symbol: " " in symbol)  # registries list the common stock first
            words = name_words(name)
            number = len(self.issuers)
            self.issuers.append(Issuer(primary, name, rank, tuple(listed), tuple(core_words(words))))
            self._by_symbol.update(dict.fromkeys(listed, number))
            if words and not _is_fund(name.casefold()):
                self._sharers.update(set(words))
                self._add(number, words)
                if name[0].islower():
                    self._lower.add(words[0])
        more = [*(former or {}).items(), *TRADE_NAMES.items()]
        for symbol, others in more:
            if symbol in self._by_symbol:
                for name in others:
                    self._add(self._by_symbol[symbol], name_words(name))
        commonness("")  # reads the word lists now, and not under the first headline

    def issuer_of(self, symbol: str) -> Issuer | None:
        """The company of a symbol."""
        number = self._by_symbol.get(symbol)
        return None if number is None else self.issuers[number]

    def begins(self, word: str) -> bool:
        """True if some name begins with this word."""
        return word in self._begins

    def weigh(self, word: str) -> float:
        """How much a word proves, 0..3, by how many companies share it and how ordinary it is in English."""
        weight = self._weights.get(word)
        if weight is None:
            weight = self._weights[word] = weigh(word, self._sharers[word])
        return weight

    def walk(self, words: list[Word], at: int, text: str) -> tuple[str, int] | None:
        """The longest beginning of a name that starts at a word, and the word behind it; None where none does."""
        first = words[at]
        begins = self._begins
        key = first.key
        if key not in begins:
            key = first.bare
            if key not in begins:
                return None
        if first.raw.islower() and not first.raw[0].isdigit() and key not in self._lower:
            return None
        last = at + 1
        open_end = first.key == first.bare or key == first.key  # nothing of a name follows a possessive
        while open_end and last < len(words):
            word = words[last]
            gap = text[words[last - 1].end : word.start]
            following = last
            if word.key == "and" and last + 1 < len(words):
                following = last + 1
                word = words[following]
                gap = " "
            if gap not in _JOINS or (word.raw.islower() and not first.raw.islower() and not _may_be_small(word)):
                break  # "Apple hospitality": names have capitals throughout
            longer = f"{key} {word.key}"
            if longer not in begins:
                longer = f"{key} {word.bare}"
                if longer not in begins:
                    longer = self._abbreviated(key, word)
                    if not longer:
                        break
                open_end = word.key == word.bare
            key, last = longer, following + 1
        return None if first.raw.isdigit() and last == at + 1 else (key, last)

    def meant(self, key: str, written: str, legal: str) -> tuple[tuple[Issuer, ...], Fit]:
        """Which companies a beginning may mean, the likeliest first: one where the others are out of the question.

        written: as it stands in the text. legal: the legal form behind it, empty for none.
        """
        sharing = self._begins[key]
        whole, short = self._whole.get(key, ()), self._short.get(key, ())
        fit = Fit.WHOLE if whole else Fit.SHORT if short else Fit.BEGIN
        if legal and whole:
            exactly = [number for number in whole if legal in name_words(self.issuers[number].name)]
            sharing = exactly or list(whole)
        elif len(sharing) > 1:
            sharing = self._likeliest(key, written, sharing, list(whole or short or sharing), fit)
        return tuple(self.issuers[number] for number in sharing[:4]), fit

    def _likeliest(self, key: str, written: str, sharing: list[int], likely: list[int], fit: Fit) -> list[int]:
        """Those that are meant by a beginning that several share; two or more where that is open."""
        whole = self._whole.get(key, sharing)
        if same := [number for number in whole if self.issuers[number].symbol.casefold() == key]:
            return same[:1]
        if len(likely) > 1 and " " in key:  # "Tetra Tech" beside "Tetra Technologies": as it is written
            begin = re.compile(rf"{re.escape(written)}\b", re.IGNORECASE)
            likely = [number for number in likely if begin.match(self.issuers[number].name)] or likely
        if self.ranked:
            first, second = sorted(sharing, key=lambda number: self.issuers[number].rank)[:2]
            if (self.issuers[first].rank + 5) * MORE_PROMINENT <= self.issuers[second].rank:
                return [first] if len(likely) > 1 or likely[0] == first else [likely[0], first]
            better = [number for number in self._short.get(key, ()) if number < likely[0]]
            if len(likely) == 1 and better:
                return [*likely, *better]  # "Vertex" is the whole of one name, and the short one of a larger company
        elif len(likely) == 1 and fit is Fit.SHORT:
            return sorted(sharing, key=lambda number: number not in likely)
        return likely

    def _add(self, number: int, words: list[str]) -> None:
        core = core_words(words)[:LONGEST]
        if not core:
            return
        forms = [core]
        if len(core) > 1 and len(core[0]) == 1 and core[0].isalpha():  # "O REILLY AUTOMOTIVE" as registries spell it
            forms.append([core[0] + core[1], *core[2:]])
        for form in forms:
            key = ""
            for word in form:
                key = f"{key} {word}" if key else word
                _append(self._begins, key, number)
            _append(self._whole, key, number)
            if len(form) > 2 and form[-1] in ("holdings", "group"):  # "United Airlines" is whole without its Holdings
                _append(self._whole, " ".join(form[:-1]), number)
            _append(self._short, " ".join(short_words(form)), number)

    def _abbreviated(self, key: str, word: Word) -> str:
        """The longer beginning where a word is cut short: "Vor Bio" for Vor Biopharma, "NLS Pharma"."""
        cut = word.raw.casefold()
        if len(cut) < 3 or len(self._begins[key]) > 8 or word.key in GENERIC:
            return ""
        known = key.count(" ") + 1
        for number in self._begins[key]:
            core = self.issuers[number].core
            if len(core) > known and core[known] != word.key and core[known].startswith(cut):
                longer = f"{key} {core[known]}"
                if longer in self._begins:
                    return longer
        return ""


def _may_be_small(word: Word) -> bool:
    """True for what has no capital within names: "Jack in the Box", "Barclays plc"."""
    return word.key in LEGAL or part_of(word.raw) is Part.SMALL


def _is_fund(name: str) -> bool:
    """True for what only holds other things, and for a trust that runs no business: its name is its sponsor's."""
    trust = _TRUST.search(name) is not None and not _OPERATES.search(name)
    return trust or _FUND.search(name) is not None


def _append(table: dict[str, list[int]], key: str, number: int) -> None:
    listed = table.get(key)
    if listed is None:
        table[key] = [number]
    elif number not in listed[-3:]:
        listed.append(number)
