"""Mutant: one planted bug, and the workshop in which it is planted into a copy of the package and its tests are run."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = "momentum_kit"
COPIED = (PACKAGE, "tests")  # so that a run of minutes sees one state of what is being worked on
HALF_WRITTEN = ("*.pyc.*", "*.tmp.*")  # what others compile just now, of Python's, pytest's and numba's: soon renamed
TEST_S, RUN_S = 120, 300  # of one test, and of one mutant: a bug may well hang
PYTEST = [
    sys.executable, "-m", "pytest", "-q", "-x", "--tb=short", "-p", "pytest_asyncio.plugin", "-p", "pytest_timeout",
    "-p", "_hypothesis_pytestplugin", "-p", "no:cacheprovider", "--timeout", str(TEST_S), "--hypothesis-seed", "0",
]  # fmt: skip
NO_BUG = re.compile(r"^E\s+(NameError|ImportError|ModuleNotFoundError|AttributeError|TypeError)\b.*", re.MULTILINE)
FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)


class Stale(Exception):
    """The code has changed: the mutant no longer applies, is no code, or its tests are gone."""


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    """Its tests pass with the bug in: nobody would notice."""
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug in plain words: `old` must stand exactly once in the file (below momentum_kit/), `new` takes its place.

    tests: node ids, of which one at least must fail. quick: they take no more than a moment.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    quick: bool = True

    def planted(self, package: Path) -> tuple[str, int]:
        """The file's text with the bug in, and its line; Stale if it does not apply."""
        path = package / self.file
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if (found := text.count(self.old)) != 1:
            raise Stale(f"{self.file}: what it replaces stands there {found} times")
        changed = text.replace(self.old, self.new)
        try:
            compile(changed, self.file, "exec")
        except SyntaxError as error:
            raise Stale(f"{self.file}: with the bug in it is no code: {error}") from None
        return changed, text[: text.index(self.old)].count("\n") + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Of one mutant. detail: the test that failed, or why there is none."""

    mutant: Mutant
    fate: Fate
    line: int = 0
    detail: str = ""
    seconds: float = 0.0


class Workshop:
    """A copy of package and tests in a temporary folder, beside links to all else; the working tree is not touched."""

    def __init__(self, project: Path = PROJECT) -> None:
        self._project = project
        self._folder = Path()

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="mutants-"))
        for each in self._project.iterdir():
            if each.name in COPIED:
                shutil.copytree(each, self._folder / each.name, ignore=shutil.ignore_patterns(*HALF_WRITTEN))
            elif not each.name.startswith("."):
                (self._folder / each.name).symlink_to(each)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        shutil.rmtree(self._folder)

    def sound(self, tests: Iterable[str]) -> str:
        """Run tests without any bug, which compiles the copy as well; what they print if they fail, else nothing."""
        done = self._run(sorted(set(tests)), compiling=True)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def try_out(self, mutant: Mutant) -> Outcome:
        """Plant a bug, run its tests, take it out again."""
        started = time.perf_counter()
        path = self._folder / PACKAGE / mutant.file
        try:
            changed, line = mutant.planted(self._folder / PACKAGE)
        except Stale as error:
            return Outcome(mutant=mutant, fate=Fate.STALE, detail=str(error))
        sound, times = path.read_bytes(), path.stat()
        path.write_text(changed, encoding="utf-8")
        try:
            fate, detail = self._judge(mutant)
        finally:
            path.write_bytes(sound)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # what was compiled of it holds again
        return Outcome(mutant=mutant, fate=fate, line=line, detail=detail, seconds=time.perf_counter() - started)

    def _judge(self, mutant: Mutant) -> tuple[Fate, str]:
        try:
            done = self._run(mutant.tests)
        except subprocess.TimeoutExpired:
            return Fate.KILLED, f"hung for {RUN_S} s"
        if done.returncode == 0:
            return Fate.SURVIVED, "its tests pass"
        if done.returncode != 1:
            return Fate.STALE, f"its tests do not run: {done.stdout[-300:].strip()}"
        if broken := NO_BUG.search(done.stdout):
            return Fate.STALE, f"a slip, not a bug: {broken[0]}"
        failed = FAILED.search(done.stdout)
        return Fate.KILLED, failed[1] if failed else "its tests end early"

    def _run(self, tests: Iterable[str], *, compiling: bool = False) -> "subprocess.CompletedProcess[str]":
        where = {"PYTHONPATH": str(self._folder), "PYTHONDONTWRITEBYTECODE": "" if compiling else "1"}
        return subprocess.run(
            [*PYTEST, *tests], cwd=self._folder, env=environment() | where, capture_output=True, text=True, check=False,
            timeout=None if compiling else RUN_S,
        )  # fmt: skip


def environment() -> dict[str, str]:
    """Ours, without what belongs to the pytest that we may run under, nor plugins that take most of a start."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return ours | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
