import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from momentum_kit.moved_modules import MOVED, ROOT, STUDY

OLD = (Path(__file__).parent / "modules_0_1_0.txt").read_text(encoding="utf-8").split()


def test_every_module_of_old_is_there_or_names_its_face() -> None:
    """Each module of 0.1.0 either is found or fails in one line; nothing else is said of any."""
    lost = []
    for name in OLD:
        found = None
        try:
            found = importlib.util.find_spec(name)
        except ModuleNotFoundError as error:
            if str(error).startswith(f"{name} is gone: "):
                continue
        if found is None:
            lost.append(name)
    assert lost == []


@pytest.mark.parametrize("face", [face for face in MOVED if face != STUDY])
def test_what_is_named_can_be_imported(face: str) -> None:
    """A face that a message names is a package, so that its inner modules may move on."""
    assert importlib.import_module(ROOT + face).__spec__.submodule_search_locations


@pytest.mark.parametrize(
    "statement",
    ["import momentum_kit.storage.query", "from momentum_kit.storage.query import query",
     "from momentum_kit.storage import query"],
)  # fmt: skip
def test_an_old_name_fails_in_one_line(statement: str) -> None:
    """However it is imported, the last line of the traceback names the new place."""
    done = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last == (
        "ModuleNotFoundError: momentum_kit.storage.query is gone: its names are in momentum_kit.storage.journal"
    )


@pytest.mark.parametrize("name", ["momentum_kit.nothing", "momentum_kit.storage.nothing", "nothing_of_ours"])
def test_what_never_was_fails_as_ever(name: str) -> None:
    """A slip of the pen is Python's own error, with the module's name."""
    with pytest.raises(ModuleNotFoundError, match="No module named") as raised:
        importlib.import_module(name)
    assert raised.value.name == name
