"""The house in numbers: modules, lines, importers, doubled names, constructors, circles, comments, import contracts.

python tests/architecture/house.py [DIR] [--json]      DIR: a checkout; default: this one

Read from the source text alone, so that trees of any age can be compared. A face is a package's `__init__`: neither a
module nor an importer here, and what is imported through it counts for the module that defines the name.
"""

import argparse
import ast
import io
import json
import re
import subprocess
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from sources import Source, Sources

PRAGMA = re.compile(r"#\s*(noqa|type:|fmt:|pragma|ruff:|mypy:|!)")


class House(Sources):
    """What can be counted in it."""

    def doubled(self) -> dict[str, list[str]]:
        """Class names that are defined twice or more -> where."""
        places: dict[str, list[str]] = defaultdict(list)
        for source in self.sources.values():
            for node in source.classes:
                places[node.name].append(f"{source.name}:{node.lineno}")
        return {name: where for name, where in sorted(places.items()) if len(where) > 1}

    def constructors(self) -> list[tuple[int, str, bool]]:
        """How many arguments each constructor takes by position, most first, and whether it is an __init__ as written.

        The others are those that a dataclass or a named tuple makes of its fields.
        """
        found = [
            (len(self._positional(each, node)), f"{each.name}.{node.name}", _init(node) is not None)
            for each in self.sources.values()
            for node in each.classes
        ]
        return sorted(found, key=lambda row: (-row[0], row[1]))

    def _positional(self, source: Source, node: ast.ClassDef) -> list[str]:
        if (own := _init(node)) is not None:
            return [each.arg for each in (*own.args.posonlyargs, *own.args.args)[1:]]
        tuples = any(_last(base) == "NamedTuple" for base in node.bases)
        marks = [each for each in node.decorator_list if _last(each) == "dataclass"]
        if not marks and not tuples:
            return []
        inherited = [name for base in node.bases if (found := self._class(source, base))
                     for name in self._positional(*found)]  # fmt: skip
        if any(_says(mark, "kw_only", True) for mark in marks):
            return inherited
        return list(dict.fromkeys([*inherited, *_fields(node)]))

    def _class(self, source: Source, base: ast.expr) -> tuple[Source, ast.ClassDef] | None:
        name = _last(base)
        home = next((self.definer(module, of) for module, of, local in source.imports if local == name), None)
        module, name = home or (source.name, name)
        known = self.sources[module]
        return next(((known, each) for each in known.classes if each.name == name), None)

    def comments(self) -> int:
        """Comments; what only speaks to a tool is none."""
        tokens = (token for each in self.sources.values()
                  for token in tokenize.generate_tokens(io.StringIO(each.text).readline))  # fmt: skip
        return sum(token.type == tokenize.COMMENT and not PRAGMA.match(token.string) for token in tokens)

    def contracts(self) -> str:
        """import-linter's last word."""
        own = self.project / ".venv" / "bin" / "lint-imports"
        tool = own if own.exists() else Path(sys.executable).with_name("lint-imports")
        done = subprocess.run([str(tool), "--no-cache"], capture_output=True, text=True, cwd=self.project)
        return (done.stdout.strip() or done.stderr.strip()).splitlines()[-1]

    def table(self) -> dict[str, Any]:
        """Everything, in the order of the printed table."""
        lines = {source.name: source.text.count("\n") for source in self.sources.values()}
        by_size = sorted(((lines[source.name], source.name) for source in self.modules), reverse=True)
        constructors = self.constructors()
        return {
            "modules": len(self.modules), "faces": len(self.sources) - len(self.modules),
            "lines": sum(lines.values()), "median module": median(size for size, _ in by_size),
            "largest module": "{} {}".format(*by_size[0]), "modules under 60 lines": sum(n < 60 for n, _ in by_size),
            "modules over 350 lines": sum(size > 350 for size, _ in by_size),
            "modules with one importer": sorted(name for name, by in self.importers.items() if len(by) == 1),
            "class names defined twice": self.doubled(), "largest positional constructor": constructors[0][0],
            "largest positional __init__": next(count for count, _, written in constructors if written),
            "constructors": [f"{n} {name}{'.__init__' if written else ''}" for n, name, written in constructors[:11]],
            "circles": self.circles(),
            "comments in 100 lines": round(100 * self.comments() / sum(lines.values()), 2),
            "import contracts": self.contracts(),
        }  # fmt: skip


def _init(node: ast.ClassDef) -> ast.FunctionDef | None:
    return next((each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"), None)


def _fields(node: ast.ClassDef) -> Iterator[str]:
    """The fields of a dataclass or named tuple that may be given by position."""
    for each in node.body:
        if not isinstance(each, ast.AnnAssign) or not isinstance(each.target, ast.Name):
            continue
        if _last(each.annotation) == "KW_ONLY":
            return
        if "ClassVar" not in ast.unparse(each.annotation) and not any(
            _says(each.value, *without) for without in (("kw_only", True), ("init", False))
        ):
            yield each.target.id


def _last(node: ast.expr) -> str:
    """`c` of a.b.c, a.b.c(...) and a.b.c[...]."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _says(node: ast.expr | None, keyword: str, value: object) -> bool:
    """True for a call with this keyword."""
    given = node.keywords if isinstance(node, ast.Call) else []
    return any(each.arg == keyword and ast.unparse(each.value) == str(value) for each in given)


def as_text(table: dict[str, Any]) -> str:
    """One line a figure; what has places, indented below it."""
    lines = []
    for what, value in table.items():
        shown = len(value) if isinstance(value, list | dict) and what != "constructors" else value
        lines.append(f"{what:32} {'' if what == 'constructors' else shown}".rstrip())
        if isinstance(value, dict):
            lines += [f"    {name}: {', '.join(places)}" for name, places in value.items()]
        elif isinstance(value, list):
            lines += [f"    {each if isinstance(each, str) else ' '.join(each)}" for each in value]
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("project", nargs="?", type=Path, default=Path(__file__).resolve().parents[2])
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    table = House(given.project.resolve()).table()
    sys.stdout.write((json.dumps(table) if given.json else as_text(table)) + "\n")


if __name__ == "__main__":
    main()
