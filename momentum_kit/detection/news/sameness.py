"""Whether two headlines tell one story: by company, kind, stage, numbers, and the words that no other story has.

Newsrooms word one story in many ways, and companies issue many stories in nearly the same words. So two headlines are
one story only if nothing in them speaks against it: the same catalyst, direction and certainty; no other number of a
kind (money, per cent, phase, quarter, date); no other stage (proposed, priced, closed); and no names or things on both
sides that the other side lacks, since then the counterparty or the object is another.
"""

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from momentum_kit.detection.news.headlines import fold
from momentum_kit.models import Catalyst, Certainty, Direction

_COMMON = 4  # letters at the beginning of a word that its spellings share
LEAST_ALIKE = 85.0  # rapidfuzz ratio of two spellings of one name, 0..100
_LEAST_SHARED = 0.6  # of the words of the shorter headline, where no catalyst says what both are about

# Words that stand in headlines of any story: nothing follows from one headline having them and the other not.
_SAYS_NOTHING = """
    a an the of for to in on at by from with and or as is are was were be been being has have had will would may
    its it his her their this that than into over under up after before amid following via per about says say
    said announces announced announce reports reported report provides provided update updated updates
    correction corrected correcting corrects issues issued unveils discloses discloses reveals receives received
    receive gets got get secures secured wins won win awarded award awards lands landed inks inked signs signed
    enters entered enter executes executed strikes struck reaches reached begins first new today now also more
    most press release inc corp corporation co company ltd limited plc llc lp sa ag nv holdings holding group
    therapeutics pharma pharmaceutical pharmaceuticals biotech biosciences bio technologies technology tech intl
    international systems industries enterprises global common ordinary class shares share stock stocks adss ads
    securities underwritten registered million billion usd us u.s regarding positive topline top-line results
    result data pivotal minimum requirement operations all phase regulatory rating coverage target price hold
    his agreement deal pact public previously entire conditions certain approximately purchase contract order
    develop development program project selected selects chosen chooses picks named names appoints appointed
    appoint hires elects taps adopts adoption adopted to-be launches launched launch drug treatment therapy
    gross proceeds existing raises beat beats tops misses missed estimate estimates consensus expectations vs
"""
_EMPTY = frozenset(_SAYS_NOTHING.split())
_ONE_WORD = {
    "placement": "offering",
    "financing": "offering",
    "placements": "offering",
    "offerings": "offering",
    "secondary": "offering",
    "study": "trial",
    "studies": "trial",
    "trials": "trial",
    "collaboration": "partnership",
    "collaborate": "partnership",
    "collaborates": "partnership",
    "partners": "partnership",
    "partner": "partnership",
    "alliance": "partnership",
    "teams": "partnership",
    "clearance": "approval",
    "approve": "approval",
    "approves": "approval",
    "approved": "approval",
    "nod": "approval",
    "cleared": "approval",
    "clears": "approval",
    "authorization": "approval",
    "notification": "notice",
    "letter": "notice",
    "split": "split",
    "dosed": "dose",
    "doses": "dose",
    "dosing": "dose",
    "patients": "patient",
    "buyout": "acquire",
    "acquisition": "acquire",
    "acquires": "acquire",
    "acquired": "acquire",
    "buy": "acquire",
    "buys": "acquire",
    "bought": "acquire",
    "takeover": "acquire",
    "dollars": "usd",
    "bankrupt": "bankruptcy",
    "prices": "pricing",
    "priced": "pricing",
    "upgrades": "upgrade",
    "upgraded": "upgrade",
    "downgrades": "downgrade",
    "downgraded": "downgrade",
    "license": "licensing",
    "licenses": "licensing",
    "endpoints": "endpoint",
    "goal": "endpoint",
    "goals": "endpoint",
    "resigned": "resigns",
    "departure": "resigns",
    "resignation": "resigns",
    "departs": "resigns",
    "steps": "resigns",
    "leaves": "resigns",
    "removed": "lifts",
    "removes": "lifts",
    "lifted": "lifts",
    "removal": "lifts",
    "restarts": "restart",
    "restarted": "restart",
    "resumes": "restart",
    "resumed": "restart",
}
_TITLES = (
    ("chief executive officer", "ceo"),
    ("chief executive", "ceo"),
    ("chief financial officer", "cfo"),
    ("finance chief", "cfo"),
    ("chief operating officer", "coo"),
    ("chief medical officer", "cmo"),
    ("chief technology officer", "cto"),
    ("first quarter", "q1"),
    ("second quarter", "q2"),
    ("third quarter", "q3"),
    ("fourth quarter", "q4"),
    ("first-quarter", "q1"),
    ("second-quarter", "q2"),
    ("third-quarter", "q3"),
    ("fourth-quarter", "q4"),
    ("going private", "private"),
    ("go private", "private"),
    ("equity line", "line"),
)
_AGAIN = frozenset(
    {"second", "third", "fourth", "another", "additional", "follow-on", "expanded", "again", "further", "separate"}
)
_NEGATIONS = frozenset({"not", "no", "never", "without", "denies", "denied", "cannot"})
_LISTED_AT = re.compile(r"\((?:nasdaq|nyse|nysearca|amex|otc|tsx|cboe)\w{0,12}[ :-][^()]{0,40}\)")
_LONG = re.compile("|".join(long for long, _ in _TITLES))
_SHORT = dict(_TITLES)

# What excludes one another within a row: a story that is priced is not the one that was proposed.
_STAGES = (
    ("propos plan intend commenc launch", "pric", "clos complet", "upsiz", "withdr cancel terminat abandon"),
    (
        "accept submit fil",
        "approv clear",
        "reject declin refus crl",
        "expect await anticipat decision",
        "designat orphan",
    ),
    ("initiat start begin dose", "complet finish", "paus halt suspend", "resum restart", "discontinu terminat stop"),
    ("rais lift boost increas hik", "cut lower reduc slash trim", "reaffirm affirm reiterat maintain back"),
    ("upgrad", "downgrad", "initiat start", "reiterat maintain reaffirm", "resum"),
    ("meet met achiev hit", "miss fail"),
    ("win won award secur receiv", "los lost"),
    ("nam appoint hir elect", "resign depart step leav fire oust"),
    ("sue sues sued", "settl", "dismiss"),
    ("added adds join", "remov delet drop"),
    ("deficien notice", "regain", "delist", "extension"),
    ("interim", "final"),
    ("first", "second", "third", "fourth", "fifth"),
    ("intent loi", "definitive", "complet clos"),
    ("beat top exceed", "miss below"),
    ("up higher", "down lower"),
)

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_NUMBER = re.compile(
    r"(?P<phase>\bphase (?:\d[ab]?(?:/\d[ab]?)?|iv|i{1,3}[ab]?(?:/i{1,3}[ab]?)?)(?!\w))"
    rf"|(?P<date>\b{_MONTH} \d{{1,2}}(?![\d,.]\d)|\b\d{{1,2}} {_MONTH}(?!\w))"
    r"|(?P<quarter>\b[qh][1-4]\b|\b[1-4][qh]\b)"
    r"|(?P<year>\bfy ?'?\d{2,4}\b|\b20[12]\d\b)"
    r"|(?P<ratio>\b(?:\d{1,4}|one)[- ](?:for|to)[- ](?:\d{1,4})\b|\b1:\d{1,4}\b)"
    r"|(?P<name>\b[a-z]{1,6}-?\d{1,6}[a-z]{0,2}(?!\w))"
    r"|(?P<cents>\b\d{1,4}c\b)"
    r"|(?P<amount>(?P<sign>\$ ?|\(?\$?\(?)?(?P<digits>\d[\d,]{0,12}(?:\.\d{1,6})?) ?(?P<unit>%|"
    r"percent|million|billion|thousand|mln|bln|mm|bn|m|b|k)?(?!\w))"
)
_HAS_NUMBER = re.compile(r"\d|phase i|one[- ]for")
_WORD = re.compile(r"[a-z][a-z0-9&'-]*")
_SCALE = {
    "thousand": 1e3,
    "k": 1e3,
    "million": 1e6,
    "mln": 1e6,
    "mm": 1e6,
    "m": 1e6,
    "billion": 1e9,
    "bln": 1e9,
    "bn": 1e9,
    "b": 1e9,
}
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
_DEALS = frozenset({Catalyst.MA_TARGET, Catalyst.MA_ACQUIRER})


@dataclass(frozen=True, slots=True)
class StoryKind:
    """What a headline was read as, as far as stories are told apart by it."""

    catalyst: Catalyst
    about: Catalyst
    direction: Direction
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Facts:
    """What a headline says: names and things, numbers by their kind, and stages by the row of what excludes them."""

    words: frozenset[str]
    numbers: dict[str, frozenset[str]]
    stages: dict[int, frozenset[int]]


def same_kind(a: StoryKind, b: StoryKind) -> bool:
    """Neither another catalyst, nor another direction (where both have one), nor another certainty."""
    if a.catalyst is not b.catalyst and not {a.catalyst, b.catalyst} <= _DEALS:
        return False
    if a.about is not b.about and not {a.about, b.about} <= _DEALS:
        return False
    directions = {a.direction, b.direction} - {Direction.NONE}
    return len(directions) < 2 and a.certainty is b.certainty


def same_facts(a: Facts, b: Facts, *, one_company: bool, open_kind: bool) -> bool:
    """Nothing said on one side is contradicted on the other.

    one_company: both name the same company, which need not stand in the same words. open_kind: no catalyst says what
    both are about, so that more of the words must be shared.
    """
    if any(a.numbers.get(kind) != b.numbers.get(kind) for kind in ("again", "not")):
        return False
    for kind in a.numbers.keys() & b.numbers.keys():
        if not (a.numbers[kind] <= b.numbers[kind] or b.numbers[kind] <= a.numbers[kind]):
            return False
    if any(a.stages[row].isdisjoint(b.stages[row]) for row in a.stages.keys() & b.stages.keys()):
        return False
    shared = a.words & b.words
    only_a, only_b = a.words - shared, b.words - shared
    alike = {(x, y) for x in only_a for y in only_b if _alike(x, y)}
    only_a, only_b = only_a - {x for x, _ in alike}, only_b - {y for _, y in alike}
    if only_a and only_b:
        return False
    count = len(shared) + len(alike)
    if open_kind and count < _LEAST_SHARED * max(1, min(len(a.words), len(b.words))):
        return False
    return count > 0 or one_company


def marks_of(facts: Facts) -> int:
    """64 bits for the words: where each of two headlines has a bit that the other lacks, they tell two stories.

    A bit stands for the beginning of a word, as long as two spellings of one word have in common.
    """
    marks = 0
    for word in facts.words:
        marks |= 1 << (zlib.crc32(word[:_COMMON].encode("utf-8", "surrogatepass")) & 63)
    return marks


def _alike(x: str, y: str) -> bool:
    """Two spellings of one word: an abbreviation, a plural, a slip."""
    if x[:_COMMON] != y[:_COMMON] or min(len(x), len(y)) < _COMMON:
        return False
    return x.startswith(y) or y.startswith(x) or fuzz.ratio(x, y) >= LEAST_ALIKE


@lru_cache(maxsize=512)
def facts_of(text: str) -> Facts:
    """Read the facts of a cleaned headline."""
    low = _LONG.sub(lambda match: _SHORT[match[0]], _LISTED_AT.sub(" ", fold(text).lower()))
    numbers: dict[str, set[str]] = {}
    words: set[str] = set()

    def take(match: re.Match[str]) -> str:
        kind, value = _number(match)
        if kind == "name":
            words.add(value)
        else:
            numbers.setdefault(kind, set()).add(value)
        return " "

    rest = _NUMBER.sub(take, low) if _HAS_NUMBER.search(low) else low
    tokens = [token.removesuffix("'s").strip("'-&") for token in _WORD.findall(rest)]
    for kind, marks in (("again", _AGAIN), ("not", _NEGATIONS)):
        if found := marks.intersection(tokens):
            numbers[kind] = set(found)
    words |= {_ONE_WORD.get(token, token) for token in tokens if len(token) > 1 and token not in _EMPTY} - _EMPTY
    return Facts(frozenset(words), {kind: frozenset(values) for kind, values in numbers.items()}, _stages_of(tokens))


def _number(match: re.Match[str]) -> tuple[str, str]:
    kind, text = match.lastgroup or "", match[0]
    if match["amount"]:
        unit = match["unit"] or ""
        if unit in ("%", "percent"):
            return "percent", f"{float(match['digits'].replace(',', '')):g}"
        return "amount", f"{float(match['digits'].replace(',', '')) * _SCALE.get(unit, 1.0):g}"
    if match["cents"]:
        return "amount", f"{int(text[:-1]) / 100:g}"
    if match["phase"]:
        return "phase", re.sub(r"i+v?", lambda roman: _ROMAN[roman[0]], text[6:])
    if match["date"]:
        digits = re.search(r"\d+", text)
        month = re.search(r"[a-z]{3}", text)
        return "date", f"{month[0] if month else ''}{int(digits[0]) if digits else 0}"
    if match["quarter"]:
        return "quarter", "".join(sorted(text, reverse=True))
    if match["year"]:
        return "year", text[-2:]
    if match["ratio"]:
        return "ratio", re.sub(r"[- ](?:for|to)[- ]", ":", text).replace("one", "1")
    return ("name", text.replace("-", "")) if match["name"] else (kind, text)


def _beginnings() -> dict[str, tuple[tuple[int, int], ...]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for row, stages in enumerate(_STAGES):
        for place, stage in enumerate(stages):
            for beginning in stage.split():
                found.setdefault(beginning, []).append((row, place))
    return {beginning: tuple(rows) for beginning, rows in found.items()}


_ROWS = _beginnings()
_LONGEST = max(map(len, _ROWS))
_WHOLE = 4  # shorter beginnings stand for the word itself and its plural alone


@lru_cache(maxsize=1 << 14)
def _rows_of(word: str) -> tuple[tuple[int, int], ...]:
    """The longest beginning decides."""
    for end in range(min(len(word), _LONGEST), 1, -1):
        rows = _ROWS.get(word[:end])
        if rows and (end >= _WHOLE or word[end:] in ("", "s")):
            return rows
    return ()


def _stages_of(tokens: Iterable[str]) -> dict[int, frozenset[int]]:
    stages: dict[int, set[int]] = {}
    for token in tokens:
        for row, place in _rows_of(token):
            stages.setdefault(row, set()).add(place)
    return {row: frozenset(places) for row, places in stages.items()}
