import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import momentum_kit
from momentum_kit.errors import ResearchError
from momentum_kit.research.code_hash import DECIDING, code_version, source_hash

PACKAGE = Path(momentum_kit.__file__).parent
CALLED_NOT_DECIDING = (
    "momentum_kit.errors", "momentum_kit.file_locks", "momentum_kit.lazy_faces", "momentum_kit.moved_modules",
    "momentum_kit.json_text", "momentum_kit.yaml_files", "momentum_kit.pages", "momentum_kit.plain_text",
    "momentum_kit.private_files", "momentum_kit.storage", "momentum_kit.research.code_hash",
    "momentum_kit.models",  # whose face loads every module, needed or not
)  # fmt: skip
LOADED = """
import sys
from momentum_kit.research.events import *
import momentum_kit.research.validation, momentum_kit.research.sweep.kernel
import momentum_kit.research.sweep.passes
print(*sorted(name for name in sys.modules if name.startswith("momentum_kit.")), sep="\\n")
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kit's source elsewhere, to be changed."""
    folder = tmp_path_factory.mktemp("copy") / "kit"
    return Path(shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__", "_project")))


def hash_with_another_byte(root: Path, file: str) -> str:
    """The hash while one file of the copy is a byte longer."""
    content = (root / file).read_bytes()
    (root / file).write_bytes(content + b"\n")
    try:
        return source_hash(root)
    finally:
        (root / file).write_bytes(content)


@pytest.mark.parametrize("file", [*sorted(DECIDING), "detection/news/english.txt", "detection/news/verbs.txt"])
def test_a_changed_byte_where_something_decides_changes_the_version(copy: Path, file: str) -> None:
    """In each of the modules and packages that are listed, however deep, and in the words that they read by."""
    within = max((copy / file).rglob("*.py"), default=copy / file).relative_to(copy).as_posix()
    assert hash_with_another_byte(copy, within) != source_hash(copy)


def test_a_new_module_where_something_decides_changes_the_version(copy: Path) -> None:
    """Nobody has to write it down."""
    before = source_hash(copy)
    extra = copy / "detection" / "live" / "extra.py"
    extra.write_text("")
    assert source_hash(copy) != before
    extra.unlink()


@pytest.mark.parametrize(
    "file", ["notebook/panel/panel.py", "cli/research.py", "models/session.py", "runtime/session.py", "__init__.py"]
)
def test_a_change_of_what_only_shows_or_carries_out_leaves_the_version(copy: Path, file: str) -> None:
    """A panel or a command that changed makes no strategy file stale."""
    assert hash_with_another_byte(copy, file) == source_hash(copy)


def test_the_version_is_that_of_the_installed_files() -> None:
    """Release, and the first digits of the hash."""
    assert code_version().endswith(f"+src.{source_hash(PACKAGE)[:12]}")


def test_a_missing_part_is_no_version(tmp_path: Path) -> None:
    """Rather no result than one whose code nobody knows."""
    with pytest.raises(ResearchError, match="not installed"):
        source_hash(tmp_path)


def test_whatever_a_judgement_runs_on_is_listed_or_known_not_to_decide() -> None:
    """Every module of ours that events, sweep and validation load is in the version, or named here."""
    ran = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    for name in ran.stdout.split():
        file = PACKAGE.parent / f"{name.replace('.', '/')}.py"
        if not file.is_file() or name.startswith(CALLED_NOT_DECIDING):  # a face only hands names on
            continue
        place = file.relative_to(PACKAGE).as_posix()
        listed = any(place == each or place.startswith(f"{each}/") for each in DECIDING)
        assert listed, f"{place}: does it decide? then code_hash.DECIDING must name it, else CALLED_NOT_DECIDING"
