"""Which stories were heard, and for which symbols; so that no story is judged twice, live or in a study.

A story is known by its id (the hash after `$`, the same on every feed), by its words, and, for a company, by what it
says: another wording of one story is the same story, whoever tells it. It keeps the time and id of its first arrival.
Held in arrays and bytes: three days of 50,000 stories each are to fit into 60 MB.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from momentum_kit.detection.news.catalysts import HARMFUL
from momentum_kit.detection.news.reading import ReadHeadline
from momentum_kit.detection.news.sameness import StoryKind, facts_of, marks_of, same_facts, same_kind
from momentum_kit.detection.news.symbols import MatchLayer
from momentum_kit.models import Catalyst, Certainty, Direction

UPDATED_WITHIN = timedelta(minutes=15)  # of a story's first telling: longer than anything is judged
LEAST_WORDS = 5  # shorter headlines ("Announces results") are shared by different stories
MOST_COMPARED = 60  # stories of one company that a new wording is compared with, the newest first
_TRIMMED = 4096  # forgotten stories at the head of the arrays before they are moved up
_BARS_LATER = HARMFUL | {Catalyst.ADVERSE}
_CATALYSTS, _DIRECTIONS, _CERTAINTIES = tuple(Catalyst), tuple(Direction), tuple(Certainty)
_KEY_BITS = (1 << 60) - 1  # an int of 60 bits takes 32 bytes, one more than that 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One headline as the memory compares it.

    symbols: the companies that it is tied to. named: those that its text names; a feed's hint alone proves no story.
    """

    story_id: str
    normalised: str
    text: str
    symbols: Sequence[str]
    named: Sequence[str]
    kind: StoryKind

    @classmethod
    def of(cls, reading: ReadHeadline) -> "Telling":
        """Of a headline that was read."""
        match, clean = reading.match, reading.clean
        return cls(
            story_id=clean.story_id,
            normalised=clean.normalised,
            text=clean.text,
            symbols=tuple(mention.symbol for mention in reading.mentions),
            named=tuple(
                each.symbol for each in reading.mentions if each.words or each.layer is not MatchLayer.CONTRACT
            ),
            kind=StoryKind(match.catalyst, match.about, match.direction, match.certainty),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What the memory knew of a telling.

    story_id: of its first arrival. known: the story had been heard. new: the symbols it had not been heard for.
    symbols: how many it has been heard for by now.
    """

    story_id: str
    known: bool
    new: tuple[str, ...]
    symbols: int


def bars_later(first: Catalyst, later: Catalyst) -> bool:
    """Whether a later telling bars what the first one began: harm that was not told at first.

    A bid for the company is no such harm: who buys and who is bought was told by the first telling.
    """
    return later in _BARS_LATER and first not in _BARS_LATER


def same_story(a: ReadHeadline, b: ReadHeadline) -> bool:
    """Whether two headlines tell one story; headlines that name different companies never do."""
    first, second = Telling.of(a), Telling.of(b)
    if first.story_id == second.story_id or (first.normalised == second.normalised and _telling_enough(first)):
        return True
    shared = set(first.named) & set(second.named)
    if first.named and second.named and not shared:
        return False
    return same_kind(first.kind, second.kind) and _same_words(first.text, second.text, first.kind, bool(shared))


def _same_words(a: str, b: str, kind: StoryKind, one_company: bool) -> bool:
    open_kind = kind.about is Catalyst.OTHER
    return same_facts(facts_of(a), facts_of(b), one_company=one_company, open_kind=open_kind)


def _telling_enough(telling: Telling) -> bool:
    return len(telling.normalised.split()) >= LEAST_WORDS


class StoryMemory:
    """Remembers stories for `keep` after they were first heard, each under a number that only grows."""

    def __init__(self, keep: timedelta) -> None:
        self._keep_s = keep.total_seconds()
        self._base = 0  # number of the story at the head of the arrays
        self._forgotten = 0  # number of the oldest that is remembered
        self._heard_at = array("d")
        self._keys = {"id": array("Q"), "words": array("Q")}  # 0 for none
        self._kinds = array("I")
        self._marks = array("Q")
        self._told = bytearray()  # one behind the other: its id and, behind a line break, its text if it has a company
        self._ends = array("Q", [0])  # of the parts of _told, beginning with its head
        self._symbols: list[tuple[str, ...]] = []
        self._tuples: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._by_key: dict[int, int] = {}
        self._by_symbol: dict[str, array[int]] = {}
        self._later_keys: dict[int, list[int]] = {}  # of stories that were told again in other words or under other ids

    def __len__(self) -> int:
        return self._base + len(self._kinds) - self._forgotten

    def hear(self, telling: Telling, now: datetime) -> Hearing:
        """Record a telling, at its time of reception, and say what was known of it."""
        heard_at = now.timestamp()
        self._forget(heard_at)
        keys = _keys(telling)
        known = next((self._by_key[key] for key in keys if key in self._by_key), None)
        marks = marks_of(facts_of(telling.text)) if telling.named else 0
        if known is None:
            known = self._told_otherwise(telling, marks)
        if known is None:
            return self._add(telling, keys, marks, heard_at)
        for key in keys:
            if key and key not in self._by_key:
                self._by_key[key] = known
                self._later_keys.setdefault(known, []).append(key)
        before = self._symbols[known - self._base]
        new = tuple(dict.fromkeys(symbol for symbol in telling.symbols if symbol not in before))
        if new:
            self._set_symbols(known, before + new)
        story_id = self._read(known).partition("\n")[0]
        return Hearing(story_id=story_id, known=True, new=new, symbols=len(before) + len(new))

    def _add(self, telling: Telling, keys: tuple[int, int], marks: int, heard_at: float) -> Hearing:
        number = self._base + len(self._kinds)
        text = f"{telling.story_id}\n{telling.text}" if telling.named else telling.story_id
        self._heard_at.append(heard_at)
        self._kinds.append(_packed(telling.kind))
        self._marks.append(marks)
        self._told += text.encode("utf-8", "surrogatepass")
        self._ends.append(self._ends[0] + len(self._told))
        self._symbols.append(())
        for held, key in zip(self._keys.values(), keys, strict=True):
            held.append(key)
            if key:
                self._by_key[key] = number
        for symbol in dict.fromkeys(telling.named):
            self._by_symbol.setdefault(symbol, array("Q")).append(number)
        new = tuple(dict.fromkeys(telling.symbols))
        self._set_symbols(number, new)
        return Hearing(story_id=telling.story_id, known=False, new=new, symbols=len(new))

    def _read(self, number: int) -> str:
        place = number - self._base
        begin, end = self._ends[place] - self._ends[0], self._ends[place + 1] - self._ends[0]
        return self._told[begin:end].decode("utf-8", "surrogatepass")

    def _set_symbols(self, number: int, symbols: tuple[str, ...]) -> None:
        self._symbols[number - self._base] = self._tuples.setdefault(symbols, symbols)

    def _told_otherwise(self, telling: Telling, marks: int) -> int | None:
        """The number of the story that this is another wording of, the newest that fits."""
        for number in self._of_companies(telling.named):
            place = number - self._base
            other = self._marks[place]
            if marks & ~other and other & ~marks:
                continue  # each has words that the other lacks
            if not same_kind(telling.kind, _unpacked(self._kinds[place])):
                continue
            if _same_words(telling.text, self._read(number).partition("\n")[2], telling.kind, True):
                return number
        return None

    def _of_companies(self, symbols: Iterable[str]) -> Iterable[int]:
        for symbol in symbols:
            numbers = self._by_symbol.get(symbol)
            if numbers is None:
                continue
            for number in reversed(numbers[-MOST_COMPARED:]):
                if number < self._forgotten:
                    break
                yield number

    def _forget(self, now: float) -> None:
        while self._forgotten < self._base + len(self._kinds):
            place = self._forgotten - self._base
            if now - self._heard_at[place] <= self._keep_s:
                break
            for key in (*(held[place] for held in self._keys.values()), *self._later_keys.pop(self._forgotten, ())):
                if key:
                    del self._by_key[key]
            for symbol in self._symbols[place]:
                self._forget_symbol(symbol)
            self._forgotten += 1
        if self._forgotten - self._base >= _TRIMMED:
            self._trim(self._forgotten - self._base)

    def _forget_symbol(self, symbol: str) -> None:
        numbers = self._by_symbol.get(symbol)
        if numbers and numbers[-1] <= self._forgotten:
            del self._by_symbol[symbol]
        elif numbers and len(numbers) > 2 * MOST_COMPARED:
            del numbers[:-MOST_COMPARED]

    def _trim(self, count: int) -> None:
        del self._told[: self._ends[count] - self._ends[0]]
        for held in (*self._keys.values(), self._marks, self._ends, self._kinds):
            del held[:count]
        del self._heard_at[:count], self._symbols[:count]
        self._base += count
        self._tuples = {each: each for each in self._symbols}


def _keys(telling: Telling) -> tuple[int, int]:
    """Of its id and of its words, 0 where they are too few; never 0 else."""
    by_words = hash(("words", telling.normalised)) & _KEY_BITS or 1 if _telling_enough(telling) else 0
    return hash(("id", telling.story_id)) & _KEY_BITS or 1, by_words


def _packed(kind: StoryKind) -> int:
    direction, certainty = _DIRECTIONS.index(kind.direction), _CERTAINTIES.index(kind.certainty)
    about = _CATALYSTS.index(kind.about)
    return ((_CATALYSTS.index(kind.catalyst) * 32 + about) * 4 + direction) * 4 + certainty


def _unpacked(packed: int) -> StoryKind:
    rest, certainty = divmod(packed, 4)
    rest, direction = divmod(rest, 4)
    catalyst, about = divmod(rest, 32)
    return StoryKind(_CATALYSTS[catalyst], _CATALYSTS[about], _DIRECTIONS[direction], _CERTAINTIES[certainty])
