import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from momentum_kit.file_locks import lock, try_lock

WITHOUT = "import sys; sys.modules['fcntl'] = None; "
COMMAND = WITHOUT + "from momentum_kit.cli import main; sys.exit(main(sys.argv[1:]))"
REMEDY = "momentum_kit runs on Linux, on macOS, or on Windows inside WSL"
NEEDED = ("from momentum_kit import Kit", "from momentum_kit.storage.archive import Archive")


@pytest.fixture
def handles(tmp_path: Path) -> Iterator[list[int]]:
    """The same folder, opened three times."""
    opened = [os.open(tmp_path, os.O_RDONLY) for _ in range(3)]
    yield opened
    for handle in opened[1:]:
        os.close(handle)


def test_a_lock_keeps_others_out_until_its_file_is_closed(handles: list[int]) -> None:
    """Whoever waits for it gets it then, and nobody before."""
    lock(handles[0])
    assert not try_lock(handles[1])
    assert not try_lock(handles[1], shared=True)
    os.close(handles[0])
    assert try_lock(handles[1])


def test_shared_holders_stand_beside_each_other_and_bar_a_sole_one(handles: list[int]) -> None:
    """Two may look at once; who wants it alone waits for both."""
    assert try_lock(handles[0], shared=True)
    assert try_lock(handles[1], shared=True)
    assert not try_lock(handles[2])
    os.close(handles[0])


def run(folder: Path, code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A fresh interpreter without fcntl, as on native Windows."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("arguments", [["status"], ["init", "mine"]], ids=" ".join)
def test_without_fcntl_a_command_is_refused_in_one_line(arguments: list[str], tmp_path: Path) -> None:
    """Exit status 2, the systems that work, no traceback, and nothing was begun, whether it would lock or not."""
    done = run(tmp_path, COMMAND, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert REMEDY in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", NEEDED)
def test_without_fcntl_what_needs_locks_says_so(code: str, tmp_path: Path) -> None:
    """The error is ours, with the remedy, not Python's about a module that nobody knows."""
    done = run(tmp_path, WITHOUT + code)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("momentum_kit.errors.ConfigError: ")
    assert REMEDY in last
    assert "ModuleNotFoundError" not in done.stderr


def test_without_fcntl_the_version_and_the_help_are_told(tmp_path: Path) -> None:
    """Whoever reports a problem can say what they have."""
    for asked in ("--version", "--help"):
        done = run(tmp_path, COMMAND, asked)
        assert done.returncode == 0
        assert "momentum-kit" in done.stdout
