"""Phrases: the notation in which catalyst rules are written, and its translation into patterns of linear cost.

`pric* … offering` reads: a word beginning with pric, at most 40 characters of anything, the word offering. A space may
be a hyphen in the text, a hyphen may be a space or nothing, `(a|b)` is a choice, `(a )?` may be left out, `#` is a
number and `{money}` an amount of dollars. Every repetition is bounded, so that no text can make a pattern stand still.
From each phrase the words are taken of which one must stand in a text; a rule is tried only where one does.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

GAP = r"(?!\w).{0,40}?(?<!\w)"
MONEY = (
    r"(?:(?:us|ca?|a|hk)?[$€£]\s?\d[\d.,]{0,15}\s?(?:million|billion|thousand|mln|bln|mm|bn|m|b|"
    r"k)?(?!\w)"
    r"|\d[\d.,]{0,15}\s?(?:million|billion|mln|bln|mm|bn|m)(?!\w) (?:usd|dollars))"
)
_PARTS = {"{money}": MONEY, "…": GAP, "#": r"\d[\d.,]{0,15}", "*": r"\w{0,20}", " ": "[ -]", "-": "[ -]?"}
_TOKEN = re.compile(r"\{money\}| ?… ?|\)\?|[()|#*^ -]|[a-z0-9]+|[^a-z0-9]")
_WORD = re.compile(r"[a-z0-9]+")
_OF_TEXT = re.compile(r"(?<!')[a-z0-9]+")  # the s of "Acme's" is no word
_FREQUENT = frozenset(
    word
    for line in (
        "a an the of for to in on by with from at as and or not no is are was its it new up down after has have be",
        "been into over than more all about out u s",
    )
    for word in line.split()
)  # nearly every headline has one of them: the last by which to tell whether a phrase is worth a try
_SHORT = 2  # letters: such a word of a phrase stands for itself, a longer one for its beginning


_CUT_SHORT = tuple(
    (mark, re.compile(pattern), full)
    for mark, pattern, full in (
        ("shrs", r"\bshrs\b", "shares"),
        ("shs", r"\bshs\b", "shares"),
        (" ph", r"\bph\.? ?(?=(?:[1-4]|i{1,3})[ab]?\b)", "phase "),
        ("pct", r"(?<=\d) ?pct\b", "%"),
        ("r/s", r"\br/s\b", "reverse split"),
        ("mt", r"\bag(?:r?mt|rmt)s?\b", "agreement"),
    )
)


def spell_out(text: str) -> str:
    """A text in lower case without the short forms of newswires: "Shrs", "Ph 3", "pct"."""
    for mark, pattern, full in _CUT_SHORT:
        if mark in text:
            text = pattern.sub(full, text)
    return text


@dataclass(frozen=True, slots=True)
class Phrases:
    """Compiled phrases; words: beginnings of words, one of which any text that matches has; none: any may match."""

    pattern: re.Pattern[str]
    words: frozenset[str]


def phrases(*texts: str) -> Phrases:
    """Compile phrases, in the order in which they are tried at each place; ValueError for one without a fixed word."""
    translated = [_translate(text) for text in texts]
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(each for each, _ in translated)})(?!\w)")
    return Phrases(pattern, frozenset().union(*(words for _, words in translated)))


def _translate(text: str) -> tuple[str, frozenset[str]]:
    tokens = _TOKEN.findall(text)
    pattern, words, rest = _choice(tokens)
    if rest:
        raise ValueError(f"phrase {text!r}: a bracket too many")
    if words is None:
        raise ValueError(f"phrase {text!r}: no word of it must stand in a text")
    return pattern, words


def _choice(tokens: list[str]) -> tuple[str, frozenset[str] | None, list[str]]:
    """Alternatives up to a closing bracket or the end, and what is left behind it."""
    options, needed = [], []
    while True:
        pattern, words, tokens = _sequence(tokens)
        if not pattern:
            raise ValueError("phrase with an empty choice")
        options.append(pattern)
        needed.append(words)
        if not tokens or tokens[0] != "|":
            break
        tokens = tokens[1:]
    known = [words for words in needed if words is not None]
    return "|".join(options), frozenset().union(*known) if len(known) == len(needed) else None, tokens


def _sequence(tokens: list[str]) -> tuple[str, frozenset[str] | None, list[str]]:
    parts: list[str] = []
    candidates: list[frozenset[str]] = []
    begins = True  # whether a word may begin here
    while tokens and tokens[0] not in ("|", ")", ")?"):
        token, tokens = tokens[0], tokens[1:]
        if token == "(":
            inner, words, tokens = _choice(tokens)
            if not tokens:
                raise ValueError(f"phrase with ({inner}: a bracket is not closed")
            optional, tokens = tokens[0] == ")?", tokens[1:]
            parts.append(f"(?:{inner}){'?' if optional else ''}")
            if words and not optional and begins:
                candidates.append(words)
            begins = begins or inner.endswith("[ -]")
            continue
        stripped = token.strip() or token
        if _WORD.fullmatch(token):
            if begins:
                candidates.append(frozenset({token}))
            parts.append(token)
        else:
            parts.append(_PARTS.get(stripped, "^" if token == "^" else re.escape(token)))
        begins = stripped in ("…", " ", "^")
    best = min(candidates, key=_commonness, default=None)
    return "".join(parts), best, tokens


def _commonness(words: frozenset[str]) -> tuple[bool, int, int]:
    """How little it says of a text that it has one of these words."""
    return not _FREQUENT.isdisjoint(words), len(words), -min(map(len, words))


class RuleIndex:
    """Which of many phrases a text can match at all, by its words: one look-up a word."""

    def __init__(self, rules: Iterable[Phrases]) -> None:
        beginnings: dict[str, int] = {}
        self._always = 0
        for bit, rule in enumerate(rules):
            self._always |= 0 if rule.words else 1 << bit
            for word in rule.words:
                beginnings[word] = beginnings.get(word, 0) | 1 << bit
        longest = max(map(len, beginnings), default=0)

        @lru_cache(maxsize=1 << 16)
        def bits_of(word: str) -> int:
            bits = 0
            for end in range(1, min(len(word), longest) + 1):
                if end > _SHORT or end == len(word) or word.isdigit():
                    bits |= beginnings.get(word[:end], 0)
            return bits

        self._bits_of = bits_of

    def candidates(self, text: str) -> int:
        """A bit for each phrase, in the order of the constructor, that may match a text in lower case."""
        bits = self._always
        for word in set(_OF_TEXT.findall(text)):
            bits |= self._bits_of(word)
        return bits
