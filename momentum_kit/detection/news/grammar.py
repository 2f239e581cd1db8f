"""Tells what a word of a headline is to the name before it: what somebody does, a thing, or one of the small words.

A company acts: "Masimo Cuts Outlook". Behind a name that is also a person's, a place's or a thing's stands a noun:
"Masimo Park Fair". Capitals tell neither apart where Every Word Has One, so the words do.
"""

from enum import Enum, auto
from functools import lru_cache
from importlib.resources import files

_SMALL = frozenset(
    word
    for line in (
        "a about above after against ahead all almost along already also am amid among an and any are around as at",
        "back be been before behind being below between both but by can could did do does down due during each else",
        "ever far flat for from further had has have he her here higher his how if in inside into is it its just",
        "least less like lower made may might more most must near nearly never new next no none not now of off on",
        "once one only onto or other our out outside over own past per sharply she should since slightly so some soon",
        "still such than that the their them then there they this those through to today together tomorrow too toward",
        "towards two under until up upon us via vs was we well were what when where which while who why will with",
        "within without would yesterday yet you whether though although despite following",
    )
    for word in line.split()
)
_PREFIXES = ("re", "up", "out", "pre", "over", "down", "de", "dis", "un", "mis", "co")


class Part(Enum):
    """What a word is, as far as it alone can tell; EITHER: as often a noun's plural as a verb, "Faces"."""

    DOES = auto()
    EITHER = auto()
    THING = auto()
    SMALL = auto()


@lru_cache(maxsize=1)
def _verbs() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Verbs whose third person is mostly one, those that are as often a noun, and irregular forms of the past."""
    lists: dict[str, list[str]] = {}
    for line in (files(__package__) / "verbs.txt").read_text(encoding="ascii").splitlines():
        if line.startswith("# "):
            current = lists.setdefault(line[2:], [])
        else:
            current.extend(line.split())
    return frozenset(lists["verb"]), frozenset(lists["either"]), frozenset(lists["past"])


@lru_cache(maxsize=1 << 14)
def part_of(word: str) -> Part:
    """What a word is; a word that no list has is taken for a thing, as most such words name somebody or something."""
    plain = word.casefold()
    if plain in _SMALL or not plain[:1].isalpha():
        return Part.SMALL
    verbs, either, past = _verbs()
    if plain in past or any(stem in verbs or stem in either for stem in _before_ed(plain)):
        return Part.DOES
    stems = _before_s(plain)
    if any(stem in verbs for stem in stems):
        return Part.DOES
    if any(stem in either for stem in stems):
        return Part.EITHER
    again = [stem[len(prefix) :].lstrip("-") for stem in stems for prefix in _PREFIXES if stem.startswith(prefix)]
    return Part.DOES if any(stem in verbs or stem in either for stem in again) else Part.THING


def is_verb(word: str) -> bool:
    """True for the plain form of a verb: "face"."""
    plain = word.casefold()
    return plain in _verbs()[0] or plain in _verbs()[1]


def _before_s(word: str) -> list[str]:
    if not word.endswith("s") or word.endswith("ss"):
        return []
    stems = [word[:-1]]
    if word.endswith("ies"):
        stems.append(word[:-3] + "y")
    elif word.endswith("es"):
        stems.append(word[:-2])
    return stems


def _before_ed(word: str) -> list[str]:
    if not word.endswith("ed") or len(word) < 5:  # "red", "need"
        return []
    stems = [word[:-2], word[:-1]]
    if word.endswith("ied"):
        stems.append(word[:-3] + "y")
    elif word[-3] == word[-4]:  # "tapped"
        stems.append(word[:-3])
    return stems
