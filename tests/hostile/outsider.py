"""The command line as somebody outside meets it: a project folder, a state folder, an environment of its own."""

import os
import subprocess
import sys
from pathlib import Path

from tests.helpers.command_line import call_main

ROOT = Path(__file__).resolve().parent.parent.parent
Done = subprocess.CompletedProcess[str]


def momentum_kit(project: Path, *arguments: str, **environment: str) -> Done:
    """Run one command in the project folder and in this process: a start of the interpreter would prove nothing."""
    return call_main(arguments, project, environment_of(project, environment))


def momentum_kit_process(
    project: Path, *arguments: str, umask: int | None = None, timeout_s: float = 110, **environment: str
) -> Done:
    """The same in a process of its own: what may take all memory, has a umask, starts an engine or meets its lock."""
    return subprocess.run(
        [sys.executable, "-m", "momentum_kit.cli", *arguments],
        cwd=project,
        env=environment_of(project, environment),
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout_s,
        umask=-1 if umask is None else umask,
    )


def environment_of(project: Path, more: dict[str, str]) -> dict[str, str]:
    """Nothing of this process's own but the path."""
    given = {"MOMENTUM_KIT_STATE_DIR": str(project / "state"), "PATH": os.environ["PATH"], "HOME": str(project)}
    kept = ("MOMENTUM_KIT_DIES_WITH", "PYTHONPATH")  # engines end with the tests; the code is that of the tests
    given |= {name: os.environ[name] for name in kept if name in os.environ}
    return given | more


def refused(done: Done, *words: str) -> None:
    """One line on stderr with these words, no traceback, and an exit status that says no."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr[-2000:]
    assert done.returncode in (1, 2, 4), done.returncode
    for word in words:
        assert word in lines[0], lines[0]


def taken(done: Done) -> str:
    """What a command that succeeded printed."""
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def listing(folder: Path) -> dict[str, bytes]:
    """Every file at or below a folder with its content, to see that nothing of it was touched."""
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}
