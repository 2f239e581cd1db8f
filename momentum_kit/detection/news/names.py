"""Finds companies in a headline by their names, without a ticker: "Rail Vision Files For Mixed Shelf Offering".

Each place where a name may stand is weighed: how distinctive its words are, whether the name is whole, what stands
before and behind it, and what kind of headline it is. What weighs too little is refused, what two companies share
alike is ambiguous and refused as well, both with the reason. The cost is linear in the text.
"""

import math
from dataclasses import dataclass

from momentum_kit.detection.news.name_index import Fit, Issuer, NameIndex
from momentum_kit.detection.news.name_surroundings import ORDINARY, Surroundings, proper
from momentum_kit.detection.news.name_words import (
    ABBREVIATIONS,
    CORPORATE,
    COUNTRIES,
    DESCRIPTORS,
    GENERIC,
    LEGAL,
    LEGAL_ABROAD,
    NEVER_ALONE,
    Word,
    commonness,
    name_words,
)
from momentum_kit.detection.news.symbol_words import STOP_WORDS

ENOUGH = 3.3  # what a candidate must weigh; one rare whole word does, two ordinary ones need a company's context
COINED = 3.0  # what a word weighs that is no English and no other company's
LITTLE_KNOWN = 3000  # from this rank on: fame has namesakes
MOST_NAMES = 60
_NEXT_LEGAL = LEGAL - {"the", "trust", "class", "a", "se", "companies"}


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
    """Every place where a company's name may stand, in order, with what it weighs; the first MOST_NAMES of them.

    Each is held against the whole text, so that their number must have a bound; no headline names so many.
    """
    around = Surroundings(text, index)
    words = around.words
    found: list[NameMatch] = []
    at = 0
    while at < len(words) and len(found) < MOST_NAMES:
        walked = index.walk(words, at, text)
        if walked is None:
            at += 1
            continue
        key, last = walked
        behind = last
        if last < len(words) and _is_legal(words[last]):
            behind += 1
        if last - at > 1 or (key not in LEGAL and (behind > last or key not in GENERIC)):
            found.append(_match(around, key, at, last, behind))
        at = last
    return found


def _is_legal(word: Word) -> bool:
    return word.key in _NEXT_LEGAL and (word.raw[0].isupper() or word.raw in ("plc", "inc"))


def _match(around: Surroundings, key: str, first: int, last: int, behind: int) -> NameMatch:
    """Weigh the words from first to last as the beginning `key` of names; behind: past a legal form as well."""
    words, text = around.words, around.text
    parts = key.split()
    legal = behind > last
    form = words[last].key if legal else ""
    issuers, fit = around.index.meant(key, text[words[first].start : words[last - 1].end], form)
    weight = _weight(around, parts, fit, first, last)
    why_not = _ruled_out(around, parts, fit, first, last, legal=legal, issuers=issuers)
    score = weight
    if not why_not:
        score += 3.0 if legal else 0.0
        if fit is not Fit.BEGIN:
            score += 0.5 + (0.4 if len(parts) > 1 else 0.0)
        # A person's or a town's name wins elections as well: without talk of business the context says less.
        unsure = len(parts) == 1 and weight < ORDINARY and around.talk < 0.8
        if around.index.ranked and issuers[0].rank < 300:
            score += 0.3 if unsure else 1.0 if issuers[0].rank < 60 else 0.5
        talk = around.talk
        score += talk if not legal else max(talk, 0.0)
        plain = not legal and _plain(parts)
        little = around.index.ranked and issuers[0].rank >= LITTLE_KNOWN
        coined = little and len(parts) == 1 and weight >= COINED
        behind_it, why_not = around.behind(first, last, behind, weight, fit, doubtful=plain or unsure, coined=coined)
        if plain:
            behind_it -= around.thing_follows(behind)
        before_it, past = around.before(first, last, weight, plain=plain)
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


def _cut_short(word: Word) -> bool:
    """True for a newsroom's abbreviation; "Holding" for "Holdings" is none."""
    full = ABBREVIATIONS.get(word.raw.casefold())
    return full is not None and len(full) > len(word.raw) + 1


def _plain(parts: list[str]) -> bool:
    """True for a name of ordinary words only, which may stand for the things themselves: "Splash Beverage"."""
    return len(parts) > 1 and all(
        part in GENERIC or part in DESCRIPTORS or part in LEGAL or 0 < commonness(part) <= 4 for part in parts
    )


def _weight(around: Surroundings, parts: list[str], fit: Fit, first: int, last: int) -> float:
    if len(parts) == 1:
        weight = around.index.weigh(parts[0])
        # the short name of a company is a person's or a place's as likely
        if fit is not Fit.WHOLE and weight < ORDINARY and proper(parts[0]):
            return 1.0 if commonness(parts[0]) == 5 else 1.8
        return weight
    weight = sum(map(around.index.weigh, parts)) + 0.4 * (len(parts) - 2)
    telling = sum(part not in GENERIC and part not in LEGAL for part in parts)
    weight += 0.8 if telling > 1 else 0.4 if telling else 0.0
    if telling:
        weight += 0.8 if parts[-1] in CORPORATE else 0.0
        weight += 0.4 if any(_cut_short(word) for word in around.words[first:last]) else 0.0
    return weight


def _formed(issuers: tuple[Issuer, ...], form: str) -> bool:
    """True if one of them has this legal form, or a name without any."""
    forms = [LEGAL.intersection(name_words(issuer.name)) for issuer in issuers]
    return any(form in each or not each for each in forms)


def _ruled_out(
    around: Surroundings, parts: list[str], fit: Fit, first: int, last: int, *, legal: bool, issuers: tuple[Issuer, ...]
) -> str:
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
        form = around.words[last].bare
        return f"a company of another form ({form})" if form in LEGAL_ABROAD and not _formed(issuers, form) else ""
    if len(parts) > 1:
        telling = any(part not in GENERIC and part not in LEGAL and part not in DESCRIPTORS for part in parts)
        return "" if telling or fit is Fit.WHOLE else "a word of many names"
    word = around.words[first]
    if parts[0] in NEVER_ALONE:
        return "stands in headlines about others"
    if word.raw in STOP_WORDS or (word.bare.upper() in STOP_WORDS and word.raw[:2].isupper()):
        return "a word in capitals"
    if len(parts[0]) == 2 and parts[0].isalpha() and (around.capitals or not word.raw.isupper()):
        return "two letters"
    return "a word of many names" if parts[0] in GENERIC else ""
