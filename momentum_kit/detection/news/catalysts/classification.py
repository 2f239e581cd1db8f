"""Why a headline may move a price, and which way: the rules in order, the most harmful to a long position first.

First what sounds harmful and is its end, then harm, then what may lift a price; the first rule decides, unless the
words around it deny or end what it found: then the next may, and if none does the denied reading stands. Beside that
the kind of text is read (a recap, a list, an opinion, a law firm's advertisement), which is no news of its own.
"""

import math
import re
from dataclasses import dataclass
from typing import NamedTuple

from momentum_kit.config import Thresholds
from momentum_kit.detection.news.catalysts import direction
from momentum_kit.detection.news.catalysts.advances import ACQUIRES, BOUGHT, COURTS_WON, DEALS, MEDICINE, WON, clinical
from momentum_kit.detection.news.catalysts.business import ANALYSTS, BUSINESS, MILD, NUMBERS, PLANS
from momentum_kit.detection.news.catalysts.dilution import DILUTION, pays_for_treasury
from momentum_kit.detection.news.catalysts.doubts import DOUBTS, EASILY_UNDONE, NEGATED
from momentum_kit.detection.news.catalysts.kinds import KINDS
from momentum_kit.detection.news.catalysts.phrases import RuleIndex, spell_out
from momentum_kit.detection.news.catalysts.polarity import amount_usd, turned
from momentum_kit.detection.news.catalysts.rule import Rule
from momentum_kit.detection.news.catalysts.setbacks import RELIEVED, SETBACKS
from momentum_kit.detection.news.catalysts.troubles import LESSER_ILLS
from momentum_kit.detection.news.headlines import fold
from momentum_kit.models import Catalyst, Certainty, Direction

MOST_WORDS = 80  # characters kept of what decided


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalystMatch:
    """What a headline is: its trading class, and what decided it.

    catalyst: the class that bars or lets pass. about: the kind of event, where that is another (a recap of an
    approval, an estimate missed). rule: `none` for OTHER. words: those of the headline that decided.
    amount_usd: the largest sum in it, nan without one. is_dilution: whatever the class, shares are sold in it.
    """

    catalyst: Catalyst
    rule: str
    words: str = ""
    about: Catalyst = Catalyst.OTHER
    direction: Direction = Direction.NONE
    certainty: Certainty = Certainty.DONE
    amount_usd: float = math.nan
    is_dilution: bool = False
    is_recap: bool = False
    is_roundup: bool = False

    @property
    def barred(self) -> bool:
        """Whether the default thresholds open no long on it."""
        return self.catalyst in _BARRED


_BARRED = frozenset(Thresholds().barred_catalysts)


class _Found(NamedTuple):
    """A rule that found something; end: where its words end."""

    rule: Rule
    words: str
    catalyst: Catalyst
    topic: Catalyst
    direction: Direction
    certainty: Certainty
    end: int


_CONTENT = (
    *RELIEVED,
    *DILUTION,
    *SETBACKS[:1],
    *COURTS_WON,
    *SETBACKS[1:],
    *ANALYSTS,
    *DEALS,
    *MEDICINE,
    *NUMBERS,
    *BUSINESS,
    *MILD,
)
RULES = (*KINDS, *_CONTENT, *LESSER_ILLS, *DOUBTS)
_INDEX = RuleIndex([*(rule.phrases for rule in RULES), PLANS])
_FIRST_ILL = len(KINDS) + len(_CONTENT)
_FIRST_DOUBT = _FIRST_ILL + len(LESSER_ILLS)
_FIRST_NEGATED = RULES.index(NEGATED[0])
HARMFUL = frozenset(
    {
        Catalyst.OFFERING,
        Catalyst.PIPE,
        Catalyst.TREASURY_ISSUE,
        Catalyst.REVERSE_SPLIT,
        Catalyst.DELISTING,
        Catalyst.GOING_CONCERN,
        Catalyst.CLINICAL_FAILURE,
        Catalyst.HALT,
        Catalyst.LEGAL,
    }
)
"""What outweighs the form in which it is told: a recap of an offering is an offering."""
_BEHIND = re.compile(r"[;:-] ?(?:the |its )?$")
_AGAINST = re.compile(r"\b(?:against|over)\b(.*)")


def classify(text: str, subject: tuple[str, ...] = (), *, analyst_action: bool = False) -> CatalystMatch:
    """Read a cleaned headline.

    subject: how the headline may call the company (ticker, first words of its name); it tells the buyer from the
    bought and the winner of a suit from the loser. Where that stays open the company counts as the target, on which
    no long is opened. analyst_action: the newsroom's own marker, believed where no rule matches.
    """
    low = spell_out(fold(text).lower().replace("(k)", "k"))
    candidates = _INDEX.candidates(low)
    kind = _kind(low, candidates)
    if kind is not None and kind[0].catalyst is not Catalyst.RECAP:
        return _of_kind(low, *kind, None)
    names = tuple(name.lower() for name in subject if name)
    found = _content(low, candidates, names)
    if (
        kind is not None
        and found is not None
        and found.topic is not Catalyst.HALT
        and found.end <= kind[1].start()
        and _BEHIND.search(low, 0, kind[1].start())
    ):
        kind = None  # the news is told first, and the move behind it
    if kind is not None and (found is None or found.catalyst not in HARMFUL):
        return _of_kind(low, *kind, found)
    if found is None:
        if analyst_action:
            way = direction.of_analysts(low)
            worse = Catalyst.ADVERSE if way is Direction.DOWN else Catalyst.ANALYST
            return CatalystMatch(catalyst=worse, rule="marked", about=Catalyst.ANALYST, direction=way)
        return CatalystMatch(catalyst=Catalyst.OTHER, rule="none", amount_usd=amount_usd(low))
    return CatalystMatch(
        catalyst=found.catalyst,
        rule=found.rule.name,
        words=found.words[:MOST_WORDS],
        about=found.topic,
        direction=found.direction,
        certainty=_planned(low, candidates, found),
        amount_usd=amount_usd(low),
        is_dilution=found.rule.dilution and found.certainty is Certainty.DONE,
        is_recap=kind is not None,
    )


def _kind(low: str, candidates: int) -> tuple[Rule, re.Match[str]] | None:
    for place, rule in enumerate(KINDS):
        if candidates >> place & 1 and (match := rule.search(low)):
            return rule, match
    return None


def _of_kind(low: str, rule: Rule, match: re.Match[str], content: _Found | None) -> CatalystMatch:
    told = content.topic if content else rule.about or Catalyst.OTHER
    return CatalystMatch(
        catalyst=rule.catalyst,
        rule=rule.name,
        words=match[0][:MOST_WORDS],
        about=told,
        direction=rule.direction,
        amount_usd=amount_usd(low),
        is_recap=rule.catalyst is Catalyst.RECAP,
        is_roundup=rule.catalyst is Catalyst.ROUNDUP,
    )


def _content(low: str, candidates: int, names: tuple[str, ...]) -> _Found | None:
    undone: _Found | None = None
    decided: _Found | None = None
    for place, rule in enumerate(_CONTENT, len(KINDS)):
        if not candidates >> place & 1 or (match := rule.search(low)) is None:
            continue
        if rule.name == "met endpoint" and not clinical(low):
            continue
        certainty = turned(low, match.start(), match.end()) if rule.denied else None
        if certainty is None:
            decided = _read(rule, match, low, names)
            break
        undone = undone or _undo(rule, match, certainty)
    if decided is not None and decided.catalyst in HARMFUL:
        return decided
    ill = _first(LESSER_ILLS, _FIRST_ILL, low, candidates)
    if undone is not None and (decided is None or undone.catalyst is Catalyst.ADVERSE):
        return undone
    if ill is None and (decided is None or decided.catalyst in EASILY_UNDONE):
        doubts, first = (DOUBTS, _FIRST_DOUBT) if decided is None else (NEGATED, _FIRST_NEGATED)
        ill = _first(doubts, first, low, candidates)
    if ill is not None and decided is not None:
        return ill._replace(topic=decided.topic) if decided.rule.denied or decided.topic is not Catalyst.OTHER else ill
    return decided or ill


def _first(rules: tuple[Rule, ...], first: int, low: str, candidates: int) -> _Found | None:
    """The first of some rules that finds something; first: the place of these rules among all."""
    for place, rule in enumerate(rules, first):
        if not candidates >> place & 1 or (match := rule.search(low)) is None:
            continue
        if rule.denied and (certainty := turned(low, match.start(), match.end())):
            return _undo(rule, match, certainty)
        return _Found(rule, match[0], rule.catalyst, rule.topic, rule.direction, rule.certainty, match.end())
    return None


def _undo(rule: Rule, match: re.Match[str], certainty: Certainty) -> _Found:
    catalyst = rule.denied or rule.catalyst
    way = Direction.DOWN if catalyst is Catalyst.ADVERSE else Direction.UP
    return _Found(
        rule, match[0], catalyst, rule.topic if catalyst is not Catalyst.FDA else catalyst, way, certainty, match.end()
    )


def _read(rule: Rule, match: re.Match[str], low: str, names: tuple[str, ...]) -> _Found:
    catalyst, way = rule.catalyst, rule.direction
    if rule.dilution and pays_for_treasury(low):
        catalyst = Catalyst.TREASURY_ISSUE
    elif rule.name == ACQUIRES and not _named(low[: match.start()], names):
        catalyst = Catalyst.MA_TARGET
    elif rule.name == BOUGHT and _buys(low, match, names):
        catalyst = Catalyst.MA_ACQUIRER
    elif rule.name == WON and _lost(low, match, names):
        return _Found(rule, match[0], Catalyst.LEGAL, Catalyst.LEGAL, Direction.DOWN, rule.certainty, match.end())
    elif catalyst in (Catalyst.EARNINGS, Catalyst.GUIDANCE, Catalyst.ANALYST):
        way = direction.of_analysts(low) if catalyst is Catalyst.ANALYST else direction.of_numbers(low)
        if way is Direction.DOWN:
            return _Found(rule, match[0], Catalyst.ADVERSE, catalyst, way, rule.certainty, match.end())
    topic = rule.about or catalyst
    return _Found(rule, match[0], catalyst, topic, way, rule.certainty, match.end())


def _planned(low: str, candidates: int, found: _Found) -> Certainty:
    open_ = found.certainty is Certainty.DONE and found.rule.denied is not None
    if open_ and candidates >> len(RULES) & 1 and PLANS.pattern.search(low):
        return Certainty.PLANNED
    return found.certainty


def _buys(low: str, match: re.Match[str], names: tuple[str, ...]) -> bool:
    buyer = re.search(r"\b(?:by|from)\b(.*)", low[match.start() :])
    return buyer is not None and _named(buyer[1], names) and not _named(low[: match.start()], names)


def _lost(low: str, match: re.Match[str], names: tuple[str, ...]) -> bool:
    """Another's victory over the company; a suit against it that is dismissed is its own."""
    if re.search(r"\b(?:dismiss|drop|toss|throw|withdraw|clos|end|conclud|clear)", low):
        return False
    loser = _AGAINST.search(low, match.start())
    return loser is not None and _named(loser[1], names) and not _named(low[: loser.start()], names)


def _named(text: str, names: tuple[str, ...]) -> bool:
    return any(_stands_in(text, name) for name in names)


def _stands_in(text: str, name: str) -> bool:
    """As a word of its own; without a pattern, since every company would need one."""
    begin = text.find(name)
    while begin >= 0:
        end = begin + len(name)
        if not (text[begin - 1 : begin].isalnum() or text[end : end + 1].isalnum()):
            return True
        begin = text.find(name, begin + 1)
    return False
