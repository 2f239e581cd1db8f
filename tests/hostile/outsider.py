"""The command line as somebody outside meets it: a project folder, a state folder, one process a command."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def momentum_kit(
    project: Path, *arguments: str, umask: int | None = None, timeout_s: float = 110, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run one command in the project folder, with nothing of this process's environment but the path."""
    given = {"MOMENTUM_KIT_STATE_DIR": str(project / "state"), "PATH": os.environ["PATH"], "HOME": str(project)}
    given |= {name: os.environ[name] for name in ("MOMENTUM_KIT_DIES_WITH",) if name in os.environ}  # engines end too
    return subprocess.run(
        [sys.executable, "-m", "momentum_kit.cli", *arguments],
        cwd=project,
        env=given | environment,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout_s,
        umask=-1 if umask is None else umask,
    )


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One line on stderr with these words, no traceback, and an exit status that says no."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr[-2000:]
    assert done.returncode in (1, 2, 4), done.returncode
    for word in words:
        assert word in lines[0], lines[0]


def taken(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that succeeded printed."""
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def listing(folder: Path) -> dict[str, bytes]:
    """Every file at or below a folder with its content, to see that nothing of it was touched."""
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}
