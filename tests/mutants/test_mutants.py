"""The short version of `make mutants`, and what its runner says of bugs that nobody notices."""

import random
import subprocess
from pathlib import Path

import pytest

from tests.mutants.bugs import MUTANTS
from tests.mutants.mutant import PACKAGE, PROJECT, PYTEST, Fate, Mutant, Stale, Workshop, environment
from tests.mutants.run import main

pytestmark = pytest.mark.timeout(600)  # runs of pytest in a run of pytest, on a machine that may be busy

TEST = ("tests/test_sum.py::test_two_and_three",)
KILLED = Mutant("adds nothing", "sum.py", "a + b", "a", TEST)
MOVED_ON = Mutant("moved on", "sum.py", "a - b", "a", TEST)
SURVIVED = Mutant("the sign of an unused branch", "sum.py", "-1", "1", TEST)
FILES = {
    "momentum_kit/__init__.py": "",
    "momentum_kit/sum.py": "def add(a, b):\n    if a > 10**6:\n        return -1\n    return a + b\n",
    "tests/test_sum.py": "from momentum_kit.sum import add\n\n\ndef test_two_and_three():\n    assert add(2, 3) == 5\n",
    "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\naddopts = "-ra --import-mode=importlib"\n',
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A package of one function, and its test."""
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


def test_a_copy_has_nothing_that_others_are_writing(project: Path) -> None:
    """A cache file under its passing name may be gone before it is copied: it is left out, and the rest is whole."""
    compiled = project / PACKAGE / "__pycache__"
    compiled.mkdir()
    for name in ("sum.cpython-311.pyc", "sum.cpython-311.pyc.139", "sum.add-3.py311.nbi", "sum.add-3.py311.nbi.tmp.5e"):
        (compiled / name).touch()
    with Workshop(project) as workshop:
        copied = {file.name for file in (workshop._folder / PACKAGE / "__pycache__").iterdir()}
        assert copied == {"sum.cpython-311.pyc", "sum.add-3.py311.nbi"}
        assert (workshop._folder / PACKAGE / "sum.py").read_text() == FILES["momentum_kit/sum.py"]


def test_every_bug_can_still_be_planted() -> None:
    """What it replaces stands exactly once in its file, and with the bug in it is code; else move the bug along."""
    stale = []
    for mutant in MUTANTS:
        try:
            mutant.planted(PROJECT / PACKAGE)
        except Stale as error:
            stale.append(f"{mutant.name}: {error}")
    assert stale == []
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 45


def test_every_test_that_must_catch_a_bug_is_part_of_the_suite() -> None:
    """Each is found by its name, among the tests that `make test` runs."""
    named = {test for mutant in MUTANTS for test in mutant.tests}
    collecting = [*PYTEST, "--collect-only", *sorted(named)]
    done = subprocess.run(collecting, cwd=PROJECT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    found = {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}
    assert found == named


def test_a_sample_of_the_bugs_is_caught() -> None:
    """Two of the quick ones, others each time: pytest-randomly seeds the draw, and names its seed above."""
    drawn = random.sample([mutant for mutant in MUTANTS if mutant.quick], 2)
    with Workshop() as workshop:
        outcomes = [workshop.try_out(mutant) for mutant in drawn]
    assert all(each.fate is Fate.KILLED for each in outcomes), outcomes


def test_a_bug_that_is_caught_names_its_test(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table says what, where and by what, of those that the words choose; the working tree stays as it was."""
    assert main(["nothing"], [KILLED, SURVIVED], project) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[1].split()[:3] == ["adds", "nothing", "sum.py:4"]
    assert "test_sum.py::test_two_and_three" in rows[1]
    assert rows[-1] == "mutants: 1, survived: 0, stale: 0"
    assert (project / "momentum_kit/sum.py").read_text() == FILES["momentum_kit/sum.py"]


def test_a_bug_that_survives_or_is_stale_fails_the_run(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that pass with the bug in are no proof, nor is code that has moved on; each bug is alone in its copy."""
    assert main([], [SURVIVED, MOVED_ON, KILLED], project) == 1
    rows = capsys.readouterr().out.splitlines()
    assert "SURVIVED: its tests pass" in rows[1]
    assert "STALE: sum.py: what it replaces stands there 0 times" in rows[2]
    assert rows[-1] == "mutants: 3, survived: 1, stale: 1"
    assert main([], [MOVED_ON], project) == 1


@pytest.mark.parametrize(
    ("old", "new", "test", "why"),
    [
        ("a", "b", TEST[0], "stands there 4 times"),
        ("a + b", "a +", TEST[0], "no code"),
        ("a + b", "a + c", TEST[0], "a slip, not a bug: E   NameError"),
        ("a + b", "a", "tests/test_sum.py::test_gone", "its tests do not run"),
    ],
)
def test_a_bug_that_is_none_any_more_is_stale(project: Path, old: str, new: str, test: str, why: str) -> None:
    """Code that has moved on, a slip of the pen, and tests that are gone: each is told and counts as no catch."""
    with Workshop(project) as workshop:
        outcome = workshop.try_out(Mutant("any", "sum.py", old, new, (test,)))
    assert outcome.fate is Fate.STALE
    assert why in outcome.detail


def test_tests_that_fail_without_any_bug_prove_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They would catch whatever is planted: no mutant is tried."""
    (project / "tests/test_sum.py").write_text(FILES["tests/test_sum.py"].replace("== 5", "== 6"))
    assert main([], [KILLED], project) == 1
    told = capsys.readouterr()
    assert "the tests fail without any bug" in told.err
    assert not told.out
