"""Reads YAML files as plain values, within bounds; what is none, or holds what no file of ours does, is told in a line.

Plain PyYAML keeps the last of two equal keys without a word, lets ten lines of anchors stand for a billion values, and
raises whatever a constructor happens to (ValueError for the 45th of a month, KeyError, RecursionError). Somebody else's
thresholds, scenarios or observed files are read here as well, so all of that ends here.
"""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from momentum_kit.errors import InputError

MOST_BYTES = 1024 * 1024
DEEPEST = 50  # levels
MOST_VALUES = 100_000  # with every anchor counted wherever it is used
MOST_BITS = 64


def read_yaml(file: Path, refused: type[InputError]) -> Any:
    """What a file holds, None where it is empty. Raises `refused`: one line with the file, the place and the reason."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise refused(f"{file}: over {MOST_BYTES >> 20} MB, which no YAML of the kit is")
        return yaml.load(content.decode(), _Loader)
    except OSError as error:
        raise refused(f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise refused(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise refused(f"{file}{where}: not valid YAML: {problem}") from None


def is_file(path: Path) -> bool:
    """Whether it is there; Path's own raises OSError for a name that no system takes, such as one of 300 letters."""
    try:
        return path.is_file()
    except OSError:
        return False


class _Loader(yaml.SafeLoader):
    """Counts what it composes before anything is made of it; a node that stands in two places counts twice."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._values = 0
        self._sizes: dict[int, int] = {}  # by the identity of a node, all of which live as long as the loader

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        before, self._depth, self._values = self._values, self._depth + 1, self._values + 1
        if self._depth > DEEPEST:
            raise _too_much(event, f"more than {DEEPEST} levels deep")
        node = super().compose_node(parent, index)
        if isinstance(event, yaml.AliasEvent):
            if id(node) not in self._sizes:
                raise _too_much(event, "an anchor that contains itself")
            self._values += self._sizes[id(node)]
        if self._values > MOST_VALUES:
            raise _too_much(event, f"more than {MOST_VALUES:,} values")
        self._depth -= 1
        self._sizes[id(node)] = self._values - before
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):  # each from some constructor
            raise _wrong(node, f"no {node.tag.rpartition(':')[2]}") from None
        if isinstance(value, int) and value.bit_length() > MOST_BITS:
            raise _wrong(node, "a number beyond range")
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise _wrong(node, "half a character") from None
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        if not isinstance(node, yaml.MappingNode):  # a word that says it is one
            raise _wrong(node, "no keys and values")
        seen: set[str] = set()
        for key, _ in node.value:
            text = str(key.value)
            if text in seen:
                raise _wrong(key, f"key {text} is given twice")
            seen.add(text)
        return super().construct_mapping(node, deep)


def _too_much(event: yaml.Event, problem: str) -> yaml.YAMLError:
    return yaml.composer.ComposerError(None, None, problem, event.start_mark)  # type: ignore[arg-type]


def _wrong(node: yaml.Node, problem: str) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
