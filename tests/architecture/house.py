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
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

PACKAGE = "momentum_kit"
PRAGMA = re.compile(r"#\s*(noqa|type:|fmt:|pragma|ruff:|mypy:|!)")
Name = tuple[str, str]  # module, name in it


@dataclass(frozen=True)
class Source:
    """One file of the package; face: it is the `__init__` of the package `name`."""

    name: str
    text: str
    tree: ast.Module
    face: bool

    @cached_property
    def imports(self) -> list[tuple[str, str, str]]:
        """Module, name and local name of every import of ours, however late and for whichever eyes; name may be ''."""
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(alias.name, "", alias.asname or alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = self.name.split(".")[: None if self.face else -1]
                base = base[: len(base) - node.level + 1] if node.level else []
                module = ".".join([*base, *([node.module] if node.module else [])])
                found += [(module, alias.name, alias.asname or alias.name) for alias in node.names]
        return [each for each in found if each[0].split(".")[0] == PACKAGE]

    @cached_property
    def classes(self) -> list[ast.ClassDef]:
        """Every class, however deep."""
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)]

    @cached_property
    def lazy(self) -> dict[str, str]:
        """Name -> module of a face that imports on first use: its tables of names and homes."""
        tables = [node for node in ast.walk(self.tree) if isinstance(node, ast.Dict)]
        pairs = [pair for table in tables for pair in zip(table.keys, table.values, strict=True)]
        return {
            str(key.value): str(value.value)
            for key, value in pairs
            if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
        }


class House:
    """Every file of one checkout's package, and what can be counted in it."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.sources: dict[str, Source] = {}
        for file in sorted((project / PACKAGE).rglob("*.py")):
            parts = file.relative_to(project).with_suffix("").parts
            face = parts[-1] == "__init__"
            name, text = ".".join(parts[:-1] if face else parts), file.read_text(encoding="utf-8")
            self.sources[name] = Source(name, text, ast.parse(text, str(file)), face)
        self.modules = [source for source in self.sources.values() if not source.face]

    def definer(self, module: str, name: str) -> Name | None:
        """Where a name that is imported from a module is defined; None for a package and what a face has of its own."""
        inner = self.sources.get(f"{module}.{name}")
        source = self.sources.get(module) if not name or inner is None else None
        if inner is not None or source is None:
            return None if inner is None or inner.face else (inner.name, "")
        if not source.face:
            return source.name, name
        for from_module, original, local in source.imports:
            if local == name and (from_module, original) != (module, name):
                return self.definer(from_module, original)
        home = source.lazy.get(name, "")
        known = next((each for each in (home, f"{module}.{home}") if each in self.sources), "")
        return self.definer(known, name) if known else None

    def targets(self, source: Source) -> set[str]:
        """The modules that a file imports."""
        found = {self.definer(module, name) for module, name, _ in source.imports}
        return {each[0] for each in found if each} - {source.name}

    @cached_property
    def importers(self) -> dict[str, list[str]]:
        """Module -> who imports it."""
        found: dict[str, list[str]] = {source.name: [] for source in self.modules}
        for source in self.modules:
            for target in self.targets(source):
                found[target].append(source.name)
        return found

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

    def circles(self) -> list[list[str]]:
        """Modules that import each other, directly or around: the strongly connected components of more than one."""
        names = [source.name for source in self.modules]
        row = {name: number for number, name in enumerate(names)}
        edges = [(row[source.name], row[target]) for source in self.modules for target in self.targets(source)]
        matrix = coo_matrix(([1] * len(edges), tuple(zip(*edges, strict=True))), shape=(len(names), len(names)))
        _, label = connected_components(matrix, connection="strong")
        found: dict[int, list[str]] = defaultdict(list)
        for name in names:
            found[label[row[name]]].append(name)
        return [each for each in found.values() if len(each) > 1]

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
