"""Weighs what stands around a candidate name: the kind of headline, the words before it and those behind it."""

from functools import cached_property
from itertools import pairwise

from momentum_kit.detection.news.grammar import Part, is_verb, part_of
from momentum_kit.detection.news.name_context import (
    AFTER_NAME,
    AFTER_TO,
    BEFORE_NAME,
    BIDS,
    BUSINESS_TALK,
    CHOOSES,
    COMPANIONS,
    COMPANY_TALK,
    JOINTLY,
    MODIFIES,
    MOVES,
    NOUNS_AFTER,
    OF_A_COMPANY,
    OFFICERS,
    OTHER_TALK,
    PLACING,
    RATED,
    RATINGS,
    TERMS,
    TITLES,
    WITH_IN,
)
from momentum_kit.detection.news.name_index import Fit, NameIndex
from momentum_kit.detection.news.name_words import (
    CORPORATE,
    DESCRIPTORS,
    FIELDS,
    LEGAL,
    Word,
    commonness,
    split_words,
)

_WIRE_MARKS = frozenset({"DJ", "BRIEF", "REFILE", "UPDATE", "CORRECT", "EXCLUSIVE"})  # before the text itself
_PLACED = 0.8  # what a name of plain words loses where a place or a noun follows
_PLACED_ALONE = 2.0  # what a name loses that only stands in, at or from something
_CLAUSE = 9  # words in which a verb is looked for
_NEW_CLAUSE = frozenset({"after", "as", "amid", "while", "that", "who", "which", "when", "because", "but", "if", "how"})
_THING = 2.8  # what a name loses where a thing is called by it and nothing else tells of a company
_THING_OF_THE_COINED = 0.7  # the same of a small company's coined word, which nothing else has for a name
_BREAKS = frozenset({";", ":", ",", "-", "–", "|", "'", '"'})  # noqa: RUF001
ORDINARY = 2.5  # words that weigh less prove nothing by themselves


def proper(word: str) -> bool:
    """True for a name of persons and places."""
    return commonness(word) in (5, 6)


class Surroundings:
    """One headline as its candidates see it."""

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

    def thing_follows(self, behind: int) -> float:
        """What plain words lose where no verb of companies is behind them but a place, or a noun they belong to."""
        if behind >= len(self.words):
            return 0.0
        follower = self.words[behind]
        if self.text[self.words[behind - 1].end : follower.start].strip():
            return 0.0
        key = follower.key
        if key in ("in", "of", "for", "at") and behind + 1 < len(self.words):
            after = self.words[behind + 1]
            return 0.0 if after.key in WITH_IN or not after.raw[0].isupper() else _PLACED
        known = (
            key in OF_A_COMPANY
            or self._part(behind) in (Part.DOES, Part.EITHER)
            or key in AFTER_NAME
            or key in NOUNS_AFTER
            or key in BEFORE_NAME
            or key in LEGAL
        )
        if known or key in DESCRIPTORS or not follower.raw[0].isupper() or follower.raw[0].isdigit():
            return 0.0
        if self.capitals:
            return 1.5 * _PLACED
        return _PLACED if not (key.endswith("s") and not key.endswith("ss")) else 0.0

    def behind(
        self, first: int, last: int, behind: int, weight: float, fit: Fit, *, doubtful: bool, coined: bool
    ) -> tuple[float, str]:
        """What stands behind a candidate, as weight, and what rules it out."""
        words = self.words
        for at in (first - 1, first):
            if last - first == 1 and at >= 0 and behind == last and self._is_term(at):
                return 0.0, f"part of a term ({words[at].raw} {words[at + 1].raw})"
        if behind == len(words):
            return 0.2, ""
        follower = words[behind]
        gap = self.text[words[behind - 1].end : follower.start]
        final = words[last - 1]
        possessive = final.key != final.bare or final.raw.endswith(("s'", "s’"))  # noqa: RUF001
        key = follower.key
        if gap == "-":
            if key in MODIFIES:
                return -1.0, f"modifies another ({follower.raw})"
            joined = self.index.begins(follower.bare) and commonness(follower.bare) in (0, 5, 6)
            return (-0.5 if joined or follower.raw[0].isdigit() else -2.0), ""  # "Pfizer-BioNTech"; "Uber-Hawk"
        gap = gap.strip()
        if gap[:1] == "(":
            return 0.8, ""  # a ticker or a place follows names
        if gap:
            if gap == "," and self._a_person_or_place(first, behind):
                return 0.0, "a person or a place"
            if gap == "," and key in ("others", "peers", "rivals"):
                return 1.5, ""
            if gap == "," and self._together(behind):
                return 1.2, ""
            speaks = gap[:1] == ":" and last - first == 1 and proper(words[first].bare)
            branded = final.key in CORPORATE or (not final.raw.isupper() and not final.raw[1:].islower())
            if gap[:1] == ":" and self.talk <= 0 and last - first <= 2 and not branded:
                return -1.0, ""  # who speaks of other things
            return (-0.5 if speaks else 0.3 if gap[:1] in ",:;" else 0.0), ""  # "Waller: Fed should cut"
        if key in COMPANIONS and not possessive:
            return 0.0, f"modifies another ({follower.raw})"
        if key in NOUNS_AFTER:
            return 2.2, ""
        if key in ("prices", "price") and behind + 1 < len(words) and words[behind + 1].key in MOVES:
            return -2.0, ""  # a good, not a company that prices its shares
        if (fit is Fit.BEGIN and last - first == 1 and weight < 1.0) or (key == "of" and not possessive):
            return -2.0, ""  # an ordinary word that some name begins with; "Oracle of Omaha"
        if key == "to":
            after = words[behind + 1].key if behind + 1 < len(words) else ""
            return (2.0 if after in AFTER_TO or after in RATINGS or after in ("market", "sector") else 0.0), ""
        if key == "in" and any(word.key in WITH_IN for word in words[behind + 1 : behind + 4]):
            return 2.0, ""
        if key == "on" and behind + 1 < len(words) and words[behind + 1].key in ("pace", "track"):
            return 1.2, ""
        if key in ("up", "down") and behind + 1 < len(words) and words[behind + 1].raw[0].isdigit():
            return 1.2, ""
        if key in AFTER_NAME:
            return 2.2, ""
        if key in OF_A_COMPANY:
            return 1.2, ""
        if possessive or follower.bare in LEGAL:
            return 0.6, ""
        part = self._part(behind)
        if part is Part.DOES or part is Part.EITHER:
            return (0.0 if doubtful and part is Part.EITHER else 1.2), ""
        if self._in_a_list(first, behind):
            return 1.2, ""
        if part is Part.THING and self.talk < 0.8 and behind == last:
            other = key in FIELDS or key in DESCRIPTORS  # "Capstone Copper" is not Capstone Holding
            return -_THING_OF_THE_COINED if coined and not other else -_THING, ""
        if follower.raw[0].isdigit() or key in ("study", "trial"):
            trial = last - first == 1 and final.raw.isupper() and not self.capitals
            return (-1.5 if trial else 0.0), ""
        if (
            key in PLACING
            and self.talk < 0.8
            and behind == last
            and (first == 0 or words[first - 1].key not in CHOOSES)
        ):
            return -_PLACED_ALONE, ""
        if key in BEFORE_NAME or not follower.raw[0].isupper():
            return 0.0, ""
        if key in FIELDS and fit is not Fit.WHOLE:
            return -1.5, ""  # "Capstone Copper" is not Capstone Holding
        if key in DESCRIPTORS:  # "Compass Group" is not Compass, Inc.
            another = -2.0 if weight < ORDINARY else 0.0 if fit is Fit.WHOLE else -1.5
            return (another if key in CORPORATE else 0.0), ""
        if fit is Fit.BEGIN or (fit is Fit.SHORT and weight < ORDINARY):
            return -2.0, ""  # another name that begins alike
        if weight < ORDINARY:
            verb = self.title and key.endswith("s") and not key.endswith("ss")
            return (-0.7 if verb else -1.5), ""
        return (-0.7 if fit is Fit.SHORT else 0.0), ""

    def _is_term(self, at: int) -> bool:
        """True where a word and the next one are a term of finance, whatever company is called by one of them."""
        return at + 1 < len(self.words) and (self.words[at].key, self.words[at + 1].key) in TERMS

    def _part(self, at: int) -> Part:
        """What a word is behind a name; what may be a plural is one where the clause has another verb to it."""
        part = part_of(self.words[at].raw)
        if part is not Part.EITHER:
            return part
        for place in range(at + 1, min(at + _CLAUSE, len(self.words))):
            word, gap = self.words[place], self.text[self.words[place - 1].end : self.words[place].start].strip()
            if (gap and gap not in "-'$&/") or word.key in _NEW_CLAUSE:
                break
            if (place == at + 1 and word.key in ("of", "and", "or")) or self._predicate(place):
                return Part.THING
        return part

    def _predicate(self, at: int) -> bool:
        """True for a verb of its own: "Rules For Banks Eased By"; not for the participle in "Delays Planned Sale"."""
        word = self.words[at]
        if part_of(word.raw) is not Part.DOES:
            return False
        if not word.key.endswith("ed"):
            return True
        return at + 1 == len(self.words) or part_of(self.words[at + 1].raw) is Part.SMALL

    def _in_a_list(self, first: int, at: int) -> bool:
        """True where several do something, and so without an s: "Ondas And Red Cat Extend Gains"."""
        if first == 0 or not is_verb(self.words[at].raw):
            return False
        gap = self.text[self.words[first - 1].end : self.words[first].start].strip()
        return gap == "," or self.words[first - 1].key == "and"

    def _a_person_or_place(self, first: int, behind: int) -> bool:
        """True for "Lindblad, 92, Dies" and "In Sarepta, Voters"."""
        words = self.words
        follower = words[behind]
        aged = follower.raw.isdigit() and len(follower.raw) < 4 and self.text[follower.end : follower.end + 1] == ","
        return aged or (first == 1 and words[0].key == "in" and self.talk <= 0)

    def _together(self, behind: int) -> bool:
        """True if what follows a comma is another's name and what both of them do."""
        verbs = self.words[behind + 1 : behind + 4]
        return self.words[behind].raw[0].isupper() and any(word.key in JOINTLY for word in verbs)

    def before(self, first: int, last: int, weight: float, *, plain: bool) -> tuple[float, str]:
        """The same of what stands before it."""
        words = self.words
        ordinary = weight < ORDINARY
        if first == 0 or (first == 1 and words[0].raw in _WIRE_MARKS):
            return (0.5 if self.talk > 0 or not ordinary else 0.2), ""
        previous = words[first - 1]
        gap = self.text[previous.end : words[first].start]
        if previous.key == "ex" or (ordinary and previous.key in ("former", "formerly")):
            return 0.0, "somebody's past"
        if previous.key in TITLES and gap in (" ", ". "):
            return 0.0, f"a person or a storm ({previous.raw})"
        if previous.key == "of" and first > 1 and words[first - 2].key in TITLES:
            return 0.0, f"a place ({words[first - 2].raw} of)"
        score = 0.0
        if gap == "-":
            score -= 0.0 if self.index.begins(previous.key) else 2.0  # "Rolls-Royce"; "Pfizer-BioNTech"
        elif not gap.strip():
            if previous.key in ("on", "of", "at") and first > 1 and words[first - 2].key in RATINGS:
                score += 2.2
            elif previous.key == "of" and first > 1 and words[first - 2].key in OFFICERS:
                score += 1.5
            elif previous.key in ("for", "of", "in") and first > 1 and words[first - 2].key in BIDS:
                score += 1.2
            elif previous.key in CHOOSES or (previous.key in RATED and self.talk >= 0.8):
                score += 0.8
            elif previous.key in PLACING and self.talk < 0.8:
                score -= _PLACED_ALONE
            elif previous.key not in BEFORE_NAME and not self._opens(previous):
                score -= self._attached(previous, ordinary=ordinary, single=last - first == 1, plain=plain)
        elif gap == ". " and len(previous.raw) == 1:
            score -= 3.0  # a person, or another company: "J. Alexander's"
        elif gap.strip() in _BREAKS:
            score += 0.3
        if words[first].raw[0].isupper() and not self.title and not self.capitals:
            score += 0.8  # a capital inside a sentence
        return score, ""

    def _opens(self, word: Word) -> bool:
        """True for a verb or a small word, which a name does not go on from: "Jury Finds Tandem Diabetes Owes"."""
        return word.raw[0].isalpha() and part_of(word.raw) in (Part.DOES, Part.SMALL)

    def _attached(self, previous: Word, *, ordinary: bool, single: bool, plain: bool) -> float:
        """What a word right before a candidate takes from it: the two may be one name."""
        if ordinary and proper(previous.key):
            return 2.0
        if plain and previous.raw[0].isupper() and previous.raw.isalpha() and not previous.raw.isupper():
            return 2.0  # "Hypersonic Rocket Lab": the words belong together
        thing = part_of(previous.raw) is Part.THING and not is_verb(previous.raw) and not previous.key.endswith("ing")
        if thing and self.talk < 0.8 and previous.raw[0].isupper() and not previous.raw.isupper():
            return 2.0
        if previous.raw[0].isupper() or previous.raw.isdigit():
            return 1.5 if ordinary else 0.6 if single else 0.3
        return 0.3 if ordinary and not self.title else 0.0
