"""Reads a Flex file as it stands: statements, their sections and rows of named values; nothing is interpreted.

The parser keeps no tree, knows no entities and no network: a document that brings a type definition is refused, and a
file that is larger than any day is not begun. A section that the query did not select is absent, one without rows is
there and empty; the difference is kept.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from momentum_kit.errors import InputError
from momentum_kit.plain_text import plain_text

MOST_BYTES = 64 * 1024 * 1024  # a day of 100,000 executions with every field selected
MOST_ELEMENTS = 500_000  # what the parser makes of one takes a hundred times the three bytes that it may have
DEEPEST = 20  # levels; IB's have six
LONGEST_PART = 256 * 1024  # bytes of one element's start with its attributes, or of whatever else stands in < and >
BLOCK_BYTES = 64 * 1024
REMEDY = "run the query as XML from Performance & Reports > Flex Queries and save what IB sends"

RESPONSE, STATEMENT = "FlexQueryResponse", "FlexStatement"
REFUSAL = "FlexStatementResponse"  # what the web service says instead of a statement
CONFIRMATIONS = "TCF"  # type of a Trade Confirmation query, which has no positions


class FlexRow(NamedTuple):
    """One row: its element's name, its values, and the line it stands on."""

    tag: str
    values: dict[str, str]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexPeriod:
    """One FlexStatement: an account over a period."""

    values: dict[str, str]
    sections: dict[str, list[FlexRow]] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """Its account, as the statement names it."""
        return plain_text(self.values.get("accountId", ""), 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexFile:
    """A file and its statements, in the order written."""

    file: Path
    periods: tuple[FlexPeriod, ...]

    @property
    def accounts(self) -> tuple[str, ...]:
        """Whose statements are in it."""
        return tuple(dict.fromkeys(period.account for period in self.periods))


def read_flex(file: Path) -> FlexFile:
    """Every statement of an Activity query's XML; InputError, one line, for anything else."""
    reader = _Reader(file)
    try:
        with file.open("rb") as source:
            if file.stat().st_size > MOST_BYTES:
                raise InputError(f"{file}: over {MOST_BYTES >> 20} MB, which is no day's statement; {REMEDY}")
            while block := source.read(BLOCK_BYTES):
                reader.feed(block)
        reader.feed(b"", last=True)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    return reader.result()


class _Reader:
    """One pass over a document."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._path: list[str] = []
        self._elements = self._fed = 0
        self._root: tuple[str, dict[str, str]] = ("", {})
        self._periods: list[FlexPeriod] = []
        self._words: dict[str, str] = {}  # text of the root's own children
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_definition
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def feed(self, block: bytes, *, last: bool = False) -> None:
        """Take in the next bytes."""
        self._fed += len(block)
        try:
            self._parser.Parse(block, last)
            if self._fed - self._parser.CurrentByteIndex > LONGEST_PART:
                raise ValueError(f"a part of over {LONGEST_PART >> 10} KB")
        except (expat.ExpatError, ValueError, LookupError) as error:  # the last two: encodings that expat has not
            words = str(error).splitlines()[0]
            raise InputError(f"{self._file}: not XML ({plain_text(words, 200)}); {REMEDY}") from None

    def result(self) -> FlexFile:
        name, values = self._root
        if name == REFUSAL:
            told = ": ".join(self._words[each] for each in ("ErrorCode", "ErrorMessage") if each in self._words)
            raise InputError(f"{self._file}: IB sent no statement but {plain_text(told, 300) or 'a refusal'}")
        if name != RESPONSE:
            raise InputError(f"{self._file}: no Flex statement, it begins with <{plain_text(name, 60)}>; {REMEDY}")
        if values.get("type") == CONFIRMATIONS:
            raise InputError(f"{self._file}: a Trade Confirmation query, which has no positions; use an Activity query")
        if not self._periods:
            raise InputError(f"{self._file}: IB's answer holds no statement (FlexStatement); {REMEDY}")
        return FlexFile(file=self._file, periods=tuple(self._periods))

    def _start(self, name: str, values: dict[str, str]) -> None:
        self._path.append(name)
        self._elements += 1
        if self._elements > MOST_ELEMENTS or len(self._path) > DEEPEST:
            told = f"over {MOST_ELEMENTS:,} elements" if self._elements > MOST_ELEMENTS else f"over {DEEPEST} levels"
            raise InputError(f"{self._file}: {told}, which no day's statement has; {REMEDY}")
        inside = self._path.index(STATEMENT) if STATEMENT in self._path[:4] else -1
        depth = len(self._path) - 1 - inside
        if len(self._path) == 1:
            self._root = name, values
        elif inside > 0 and depth == 0:
            self._periods.append(FlexPeriod(values=values))
        elif inside > 0 and depth == 1:
            self._periods[-1].sections.setdefault(name, [])
        elif inside > 0:
            row = FlexRow(name, values, self._parser.CurrentLineNumber)
            self._periods[-1].sections[self._path[inside + 1]].append(row)

    def _end(self, _: str) -> None:
        self._path.pop()

    def _text(self, text: str) -> None:
        if len(self._path) == 2:
            name = self._path[1]
            self._words[name] = f"{self._words.get(name, '')}{text}"[:500].strip()

    def _refuse_definition(self, *_: object) -> None:
        raise InputError(f"{self._file}: holds a document type definition, which no statement of IB's has; {REMEDY}")
