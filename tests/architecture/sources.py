"""Who imports whom in a checkout's package, read from the source text alone."""

import ast
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

PACKAGE = "momentum_kit"
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
    def loaded(self) -> set[str]:
        """Every name that the code uses."""
        names = (node for node in ast.walk(self.tree) if isinstance(node, ast.Name))
        return {node.id for node in names if isinstance(node.ctx, ast.Load)}

    @cached_property
    def own(self) -> set[str]:
        """What is defined or assigned at the top."""
        defined = {node.name for node in self.tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
        assigned = (node for node in self.tree.body if isinstance(node, ast.Assign | ast.AnnAssign))
        names = (each for node in assigned for each in ast.walk(node) if isinstance(each, ast.Name))
        return defined | {each.id for each in names if isinstance(each.ctx, ast.Store)}

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


class Sources:
    """Every file of one checkout's package; `modules` are those that are no faces."""

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
        """Where a name that is imported from a module is defined; None for a package as such."""
        source, inner = self.sources.get(module), self.sources.get(f"{module}.{name}")
        if source is not None and source.face and name:
            for from_module, original, local in source.imports:
                if local == name and (from_module, original) != (module, name):
                    return self.definer(from_module, original)
            home = source.lazy.get(name, "")
            known = next((each for each in (home, f"{module}.{home}") if each in self.sources), "")
            if known:
                return self.definer(known, name)
        if inner is not None:
            return None if inner.face else (inner.name, "")
        return (source.name, name) if source and (not source.face or name in source.own) else None

    def targets(self, source: Source) -> set[str]:
        """The modules that a file imports, and faces with names of their own; of a face: what its own names need."""
        wanted = [each for each in source.imports if not source.face or each[2] in source.loaded]
        found = {self.definer(module, name) for module, name, _ in wanted}
        return {each[0] for each in found if each} - {source.name}

    @cached_property
    def importers(self) -> dict[str, list[str]]:
        """Module -> who imports it."""
        found: dict[str, list[str]] = {source.name: [] for source in self.modules}
        for source in self.modules:
            for target in self.targets(source) & found.keys():
                found[target].append(source.name)
        return found

    def circles(self) -> list[list[str]]:
        """Modules that import each other, directly or around: the strongly connected components of more than one."""
        names = [*self.sources]
        row = {name: number for number, name in enumerate(names)}
        edges = [(row[name], row[target]) for name, source in self.sources.items() for target in self.targets(source)]
        matrix = coo_matrix(([1] * len(edges), tuple(zip(*edges, strict=True))), shape=(len(names), len(names)))
        _, label = connected_components(matrix, connection="strong")
        found: dict[int, list[str]] = defaultdict(list)
        for name in names:
            found[label[row[name]]].append(name)
        return [each for each in found.values() if len(each) > 1]
