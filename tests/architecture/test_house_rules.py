"""House rules that import-linter and ruff cannot express, checked on the syntax tree of every file."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "momentum_kit"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((PROJECT / "tests").rglob("*.py"))

ALLOWED = {
    "ibapi": ("bridge/",),
    "ibapi.protobuf": ("bridge/", "simgateway/"),  # generated schema classes: data, not the client
    "ipywidgets": ("notebook/",),
    "papermill": ("runtime/production",),
    "fcntl": ("file_locks.py",),  # of Unix alone: it says so in one line where there is none
    **dict.fromkeys(("grp", "pwd"), ("config/trust.py",)),  # who may write a file: users and groups are Unix's as well
    **dict.fromkeys(("pty", "resource", "syslog", "termios", "tty"), ()),  # of Unix alone, never needed
}
WALL_CLOCKS = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns")
ENVIRONMENTS = {"sim", "paper", "live"}


@cache
def tree(file: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def place(file: Path, line: int = 1) -> str:
    """Where it is, as a person reads it in a failure."""
    return f"{file.relative_to(PROJECT)}:{line}"


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Line and name of every module a file imports, however late."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module
            # `from ibapi import protobuf` imports the module ibapi.protobuf
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def dotted(node: ast.AST) -> str:
    """`a.b.c` of nested attributes, '' for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def compared(node: ast.Compare) -> set[object]:
    """The constants on either side of a comparison, also inside a tuple, list or set."""
    sides = [node.left, *node.comparators]
    inner = [each for side in sides if isinstance(side, ast.Tuple | ast.Set | ast.List) for each in side.elts]
    return {side.value for side in [*sides, *inner] if isinstance(side, ast.Constant)}


def test_third_parties_stay_where_they_belong():
    """Only bridge has ibapi (simgateway its schemas), notebook ipywidgets, production papermill, file_locks fcntl."""
    strays = []
    for file in SOURCES:
        for line, module in imports(file):
            fitting = [name for name in ALLOWED if module == name or module.startswith(f"{name}.")]
            if fitting and not str(file.relative_to(PACKAGE)).startswith(ALLOWED[max(fitting, key=len)]):
                strays.append(f"{place(file, line)} imports {module}")
    assert strays == []


def test_pure_packages_and_services_never_read_the_wall_clock():
    """In detection, trading and services the date comes from outside, or replay and live would differ."""
    readers = [
        f"{place(file, node.lineno)} calls {dotted(node.func)}"
        for file in SOURCES
        if file.relative_to(PACKAGE).parts[0] in {"detection", "trading", "services"}
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call) and dotted(node.func).endswith(WALL_CLOCKS)
    ]
    assert readers == []


def test_an_environment_is_an_address_and_never_a_branch():
    """Nothing outside the configuration compares with 'sim', 'paper' or 'live': it asks it what they imply."""
    branches = [
        place(file, node.lineno)
        for file in SOURCES
        if file != PACKAGE / "config" / "settings.py"
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Compare) and {text for text in compared(node) if isinstance(text, str)} & ENVIRONMENTS
    ]
    assert branches == []


def test_every_module_says_its_job():
    """The first line of a module is one sentence: its job and its place in the flow."""
    silent = [
        place(file)
        for file in SOURCES
        if not (ast.get_docstring(tree(file)) or "").partition("\n")[0].strip().endswith((".", ":"))
    ]
    assert silent == []


def test_every_test_states_a_behaviour():
    """A test function has a docstring: what holds, not how it is tested."""
    silent = [
        f"{place(file, node.lineno)} {node.name}"
        for file in TESTS
        for node in ast.walk(tree(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_every_rule_above_can_fail(tmp_path):
    """The helpers see what they are meant to see: a late import, a call and a comparison with an environment."""
    file = tmp_path / "sample.py"
    file.write_text(
        "def f(config):\n"
        "    from ibapi.client import EClient\n"
        "    if config.environment in ('paper', 'live'):\n"
        "        return datetime.datetime.now()\n"
    )
    nodes = list(ast.walk(tree(file)))
    assert "ibapi.client" in [module for _, module in imports(file)]
    assert any(compared(node) == {"paper", "live"} for node in nodes if isinstance(node, ast.Compare))
    assert [dotted(node.func) for node in nodes if isinstance(node, ast.Call)] == ["datetime.datetime.now"]
