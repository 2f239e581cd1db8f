"""What house.py counts, on a package small enough to count by hand."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("house.py")
FILES = {
    "__init__.py": '_HOMES = {"Late": "momentum_kit.yard.gate"}\n',
    "yard/__init__.py": "from momentum_kit.yard.gate import Gate\nfrom momentum_kit.yard.shed import shed\n",
    "yard/gate.py": "class Gate:\n    def __init__(self, a, b, *, c): ...\nclass Late: ...\nclass Spade: ...\n",
    "yard/shed.py": (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    from momentum_kit.hall import Hall  # a reason\n"
        "def shed(): ...\n"
    ),
    "lane/__init__.py": "from momentum_kit.lane.end import End\nENDS = (End,)\n",
    "lane/end.py": "class End: ...\ndef ends():\n    from momentum_kit.lane import ENDS\n",
    "hall.py": (
        "from dataclasses import KW_ONLY, dataclass, field\n"
        "from momentum_kit.yard import Gate  # noqa: F401\n"
        "@dataclass\n"
        "class Spade:\n"
        "    one: int\n"
        "    made: int = field(init=False)\n"
        "    named: int = field(kw_only=True)\n"
        "@dataclass(frozen=True)\n"
        "class Hall(Spade):\n"
        "    two: int\n"
        "    three: int\n"
        "    _: KW_ONLY\n"
        "    four: int\n"
        "@dataclass(kw_only=True)\n"
        "class Porch(Hall):\n"
        "    five: int\n"
        "def late():\n"
        "    from momentum_kit.yard import shed\n"
        "    from momentum_kit import Late\n"
    ),
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The figures of a package of four modules and three faces."""
    project = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        file = project / "momentum_kit" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    done = subprocess.run([sys.executable, SCRIPT, project, "--json"], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_faces_are_no_modules(table: dict[str, Any]) -> None:
    """Modules are counted without faces, lines with them."""
    assert (table["modules"], table["faces"]) == (4, 3)
    assert table["lines"] == sum(text.count("\n") for text in FILES.values())
    assert (table["largest module"], table["median module"]) == ("19 momentum_kit.hall", 4)


def test_an_import_through_a_face_counts_for_the_module_that_defines(table: dict[str, Any]) -> None:
    """Gate, Late and shed each come through a face, one of them lazily; a face itself imports nothing."""
    gate, hall, shed = (f"momentum_kit.{name}" for name in ("yard.gate", "hall", "yard.shed"))
    assert table["modules with one importer"] == [hall, gate, shed]


def test_a_circle_may_be_closed_by_a_late_import_and_by_one_for_types(table: dict[str, Any]) -> None:
    """Hall and shed import each other, though never both at once; a lane's end needs what its face makes of it."""
    assert table["circles"] == [
        ["momentum_kit.hall", "momentum_kit.yard.shed"],
        ["momentum_kit.lane", "momentum_kit.lane.end"],
    ]


def test_constructors_by_position(table: dict[str, Any]) -> None:
    """Inherited fields count, those that must be named or are never given do not; nor does self."""
    assert table["largest positional constructor"] == 3
    assert table["constructors"] == [
        "3 momentum_kit.hall.Hall", "3 momentum_kit.hall.Porch", "2 momentum_kit.yard.gate.Gate.__init__",
        "1 momentum_kit.hall.Spade", "0 momentum_kit.lane.end.End", "0 momentum_kit.yard.gate.Late",
        "0 momentum_kit.yard.gate.Spade",
    ]  # fmt: skip
    assert table["largest positional __init__"] == 2


def test_doubled_names_and_comments(table: dict[str, Any]) -> None:
    """A name that stands twice is told with its places; a word to a tool is no comment."""
    assert table["class names defined twice"] == {"Spade": ["momentum_kit.hall:4", "momentum_kit.yard.gate:4"]}
    assert table["comments in 100 lines"] == round(100 / table["lines"], 2)
