"""Finds companies in a headline by their names, without a ticker: "Rail Vision Files For Mixed Shelf Offering".

Each place where a name may stand is weighed: how distinctive its words are, whether the name is whole, what stands
before and behind it, and what kind of headline it is. What weighs too little is refused, what two companies share
alike is ambiguous and refused as well, both with the reason. The cost is linear in the text.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from momentum_kit.detection.news.name_context import (
    AFTER_NAME,
    AFTER_TO,
    BEFORE_NAME,
    BUSINESS_TALK,
    COMPANIONS,
    COMPANY_TALK,
    MODIFIES,
    MOVES,
    NOUNS_AFTER,
    OTHER_TALK,
    RATED,
    RATINGS,
    STATES,
    VENUES,
    WEAKLY_AFTER,
)
from momentum_kit.detection.news.name_index import Fit, Issuer, NameIndex
from momentum_kit.detection.news.name_words import (
    ABBREVIATIONS,
    CORPORATE,
    COUNTRIES,
    DESCRIPTORS,
    GENERIC,
    LEGAL,
    NEVER_ALONE,
    Word,
    commonness,
    split_words,
)
from momentum_kit.detection.news.symbol_words import STOP_WORDS

ENOUGH = 3.3  # what a candidate must weigh; one rare whole word does, two ordinary ones need a company's context
ORDINARY = 2.5  # words that weigh less prove nothing by themselves
_NEXT_LEGAL = LEGAL - {"the", "trust", "class", "a", "se", "companies"}
_BREAKS = frozenset({";", ":", ",", "-", "–", "|", "'", '"'})  # noqa: RUF001


@dataclass(frozen=True, slots=True, kw_only=True)
class NameMatch:
    """Words of a headline that are a company's name, or could be: issuers has two or more where that is open.

    start, end: in the text, a legal form behind the name included. weight: of the words alone; score: with all that
    stands around them, from ENOUGH on it counts, unless why_not says what rules it out.
    """

    issuers: tuple[Issuer, ...]
    words: str
    start: int
    end: int
    fit: Fit
    weight: float
    score: float
    why_not: str = ""

    @property
    def issuer(self) -> Issuer:
        """The company, the likeliest where that is open."""
        return self.issuers[0]

    @property
    def counts(self) -> bool:
        """True if this is a company."""
        return self.score >= ENOUGH and not self.why_not

    @property
    def confidence(self) -> float:
        """0..1; what just suffices has 0.6."""
        return round(1 / (1 + math.exp(-(self.score - ENOUGH) - 0.4)), 3)


def find_names(text: str, index: NameIndex) -> list[NameMatch]:
    """Every place where a company's name may stand, in order, with what it weighs."""
    headline = _Headline(text, index)
    words = headline.words
    found = []
    at = 0
    while at < len(words):
        walked = index.walk(words, at, text)
        if walked is None:
            at += 1
            continue
        key, last = walked
        behind = last
        if last < len(words) and _is_legal(words[last]):
            behind += 1
        if last - at > 1 or (key not in LEGAL and (behind > last or key not in GENERIC)):
            found.append(headline.match(key, at, last, behind))
        at = last
    return found


def _is_legal(word: Word) -> bool:
    return word.key in _NEXT_LEGAL and (word.raw[0].isupper() or word.raw in ("plc", "inc"))


class _Headline:
    """What the candidates of one headline have in common."""

    def __init__(self, text: str, index: NameIndex) -> None:
        self.text = text
        self.index = index
        self.words = split_words(text)

    @cached_property
    def title(self) -> bool:
        """True if Every Word Has a Capital."""
        letters = [word.raw for word in self.words if len(word.raw) > 3 and word.raw.isalpha()]
        return sum(raw[0].isupper() for raw in letters) >= 0.7 * len(letters)

    @cached_property
    def capitals(self) -> bool:
        """True if EVERYTHING IS IN CAPITALS."""
        letters = [word.raw for word in self.words if len(word.raw) > 3 and word.raw.isalpha()]
        return bool(letters) and sum(raw.isupper() for raw in letters) >= 0.8 * len(letters)

    @cached_property
    def talk(self) -> float:
        """0.8 where the words are about a company, 0.4 about business, less where about other things."""
        keys = [word.key for word in self.words]
        said = {*keys, *map(" ".join, pairwise(keys))}
        if not said.isdisjoint(COMPANY_TALK):
            return 0.8
        if not said.isdisjoint(OTHER_TALK):
            return -1.5
        money = "$" in self.text or "%" in self.text
        return 0.4 if money or not said.isdisjoint(BUSINESS_TALK) else 0.0

    def match(self, key: str, first: int, last: int, behind: int) -> NameMatch:
        """Weigh the words from first to last as the beginning `key` of names; behind: past a legal form as well."""
        words, text = self.words, self.text
        parts = key.split()
        legal = behind > last
        form = words[last].key if legal else ""
        issuers, fit = self.index.meant(key, text[words[first].start : words[last - 1].end], form)
        weight = self._weight(parts, fit, first, last)
        why_not = self._ruled_out(parts, fit, first, legal=legal, issuers=issuers)
        score = weight
        if not why_not:
            score += 3.0 if legal else 0.0
            if fit is not Fit.BEGIN:
                score += 0.5 + (0.4 if len(parts) > 1 else 0.0)
            # A person's or a town's name wins elections as well: without talk of business the context says less.
            unsure = len(parts) == 1 and weight < ORDINARY and self.talk < 0.8
            if self.index.ranked and issuers[0].rank < 300:
                score += 0.3 if unsure else 1.0 if issuers[0].rank < 60 else 0.5
            score += self.talk if not legal else max(self.talk, 0.0)
            behind_it, why_not = self._behind(first, last, behind, weight, fit)
            before_it, past = self._before(first, last, weight)
            score += min(behind_it, 0.8) if unsure else behind_it
            score += before_it
            why_not = why_not or past
            score -= 0.8 if unsure else 0.0
        if len(issuers) > 1 and not why_not and score >= ENOUGH:
            why_not = "ambiguous"
        return NameMatch(
            issuers=issuers,
            words=text[words[first].start : words[last - 1].end],
            start=words[first].start,
            end=words[behind - 1].end,
            fit=fit,
            weight=weight,
            score=score,
            why_not=why_not,
        )

    @staticmethod
    def _proper(word: str) -> bool:
        """True for a name of persons and places."""
        return commonness(word) in (5, 6)

    def _weight(self, parts: list[str], fit: Fit, first: int, last: int) -> float:
        if len(parts) == 1:
            weight = self.index.weigh(parts[0])
            # the short name of a company is a person's or a place's as likely
            if fit is not Fit.WHOLE and weight < ORDINARY and self._proper(parts[0]):
                return 1.0 if commonness(parts[0]) == 5 else 1.8
            return weight
        weight = sum(map(self.index.weigh, parts)) + 0.4 * (len(parts) - 2)
        telling = sum(part not in GENERIC and part not in LEGAL for part in parts)
        weight += 0.8 if telling > 1 else 0.4 if telling else 0.0
        if telling:
            weight += 0.8 if parts[-1] in CORPORATE else 0.0
            weight += 0.4 if any(word.raw.casefold() in ABBREVIATIONS for word in self.words[first:last]) else 0.0
        return weight

    def _ruled_out(self, parts: list[str], fit: Fit, first: int, *, legal: bool, issuers: tuple[Issuer, ...]) -> str:
        """Why these words are no company whatever stands around them, empty if they can be one."""
        if (
            fit is Fit.BEGIN
            and len(issuers) == 1
            and issuers[0].core[len(parts) : len(parts) + 1]
            and (issuers[0].core[len(parts)] in COUNTRIES)
        ):
            return "the name of the parent"
        if any(issuer.blank_cheque for issuer in issuers) and not {"acquisition", "acquisitions"} & set(parts):
            return "a shell's name cut short"
        if legal:
            return ""
        if len(parts) > 1:
            telling = any(part not in GENERIC and part not in LEGAL and part not in DESCRIPTORS for part in parts)
            return "" if telling or fit is Fit.WHOLE else "a word of many names"
        word = self.words[first]
        if parts[0] in NEVER_ALONE:
            return "stands in headlines about others"
        if word.raw in STOP_WORDS or (word.bare.upper() in STOP_WORDS and word.raw[:2].isupper()):
            return "a word in capitals"
        if len(parts[0]) == 2 and parts[0].isalpha() and (self.capitals or not word.raw.isupper()):
            return "two letters"
        return "a word of many names" if parts[0] in GENERIC else ""

    def _behind(self, first: int, last: int, behind: int, weight: float, fit: Fit) -> tuple[float, str]:
        """What stands behind a candidate, as weight, and what rules it out."""
        words = self.words
        if behind == len(words):
            return 0.2, ""
        follower = words[behind]
        gap = self.text[words[behind - 1].end : follower.start]
        final = words[last - 1]
        possessive = final.key != final.bare or final.raw.endswith(("s'", "s’"))  # noqa: RUF001
        key = follower.key
        if gap == "-":
            return (-1.0, f"modifies another ({follower.raw})") if key in MODIFIES else (-0.5, "")
        gap = gap.strip()
        if gap[:1] == "(":
            return 0.8, ""  # a ticker or a place follows names
        if gap:
            if gap == "," and last - first == 1 and key in STATES:
                return 0.0, f"a town ({follower.raw})"
            speaks = gap[:1] == ":" and last - first == 1 and self._proper(words[first].bare)
            return (-0.5 if speaks else 0.3 if gap[:1] in ",:;" else 0.0), ""  # "Waller: Fed should cut"
        if key in COMPANIONS and not possessive:
            return 0.0, f"modifies another ({follower.raw})"
        if (key in VENUES and not possessive) or key in ("disease", "syndrome"):
            return 0.0, f"names a place, an event or a thing ({follower.raw})"
        if key in NOUNS_AFTER:
            return 2.2, ""
        if key in ("prices", "price") and behind + 1 < len(words) and words[behind + 1].key in MOVES:
            return -2.0, ""  # a good, not a company that prices its shares
        if (fit is Fit.BEGIN and last - first == 1 and weight < 1.0) or (key == "of" and not possessive):
            return -2.0, ""  # an ordinary word that some name begins with; "Oracle of Omaha"
        if key == "to":
            after = words[behind + 1].key if behind + 1 < len(words) else ""
            return (2.0 if after in AFTER_TO else 0.0), ""
        if key in AFTER_NAME:
            return 2.2, ""
        if key in WEAKLY_AFTER:
            return 1.2, ""
        if possessive or key in LEGAL:
            return 0.6, ""
        if follower.raw[0].isdigit() or key in ("study", "trial"):
            trial = last - first == 1 and final.raw.isupper() and not self.capitals
            return (-1.5 if trial else 0.0), ""
        if key in BEFORE_NAME or not follower.raw[0].isupper():
            return 0.0, ""
        if key in DESCRIPTORS:  # "Compass Group" is not Compass, Inc.
            return (-2.0 if key in CORPORATE and weight < ORDINARY else 0.0), ""
        if fit is Fit.BEGIN or (fit is Fit.SHORT and weight < ORDINARY):
            return -2.0, ""  # another name that begins alike
        if weight < ORDINARY:
            verb = self.title and key.endswith("s") and not key.endswith("ss")
            return (-0.7 if verb else -1.5), ""
        return (-0.7 if fit is Fit.SHORT else 0.0), ""

    def _before(self, first: int, last: int, weight: float) -> tuple[float, str]:
        """The same of what stands before it."""
        words = self.words
        ordinary = weight < ORDINARY
        if first == 0:
            return (0.5 if self.talk > 0 or not ordinary else 0.2), ""
        previous = words[first - 1]
        gap = self.text[previous.end : words[first].start]
        if previous.key == "ex" or (ordinary and previous.key in ("former", "formerly")):
            return 0.0, "somebody's past"
        score = 0.0
        if gap == "-":
            score -= 0.0 if self.index.begins(previous.key) else 2.0  # "Rolls-Royce"; "Pfizer-BioNTech"
        elif not gap.strip():
            if previous.key in ("on", "of", "at") and first > 1 and words[first - 2].key in RATINGS:
                score += 2.2
            elif previous.key in RATED and self.talk >= 0.8:
                score += 0.8
            elif previous.key not in BEFORE_NAME:
                score -= self._attached(previous, ordinary=ordinary, single=last - first == 1)
        elif gap == ". " and len(previous.raw) == 1:
            score -= 3.0  # a person, or another company: "J. Alexander's"
        elif gap.strip() in _BREAKS:
            score += 0.3
        if words[first].raw[0].isupper() and not self.title and not self.capitals:
            score += 0.8  # a capital inside a sentence
        return score, ""

    def _attached(self, previous: Word, *, ordinary: bool, single: bool) -> float:
        """What a word right before a candidate takes from it: the two may be one name."""
        if ordinary and self._proper(previous.key):
            return 2.0
        if previous.raw[0].isupper() or previous.raw.isdigit():
            return 1.5 if ordinary else 0.6 if single else 0.3
        return 0.3 if ordinary and not self.title else 0.0
