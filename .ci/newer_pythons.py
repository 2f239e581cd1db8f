"""Prints the Pythons of this machine that are newer than this one and work, newest first: version and path a line."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ASK = """
import sys, sysconfig
whole = sys.implementation.name == "cpython" and sys.version_info.releaselevel == "final"
print(whole and not sysconfig.get_config_var("Py_GIL_DISABLED"), *sys.version_info[:3])
"""


def candidates() -> Iterator[Path]:
    """Every python3.N on PATH, and those that pyenv keeps, activated or not."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for folder in [*map(Path, os.get_exec_path()), *(pyenv / "versions").glob("*/bin")]:
        if folder.is_dir():
            yield from (file for file in folder.iterdir() if re.fullmatch(r"python3\.\d+", file.name))


def version_of(python: Path) -> tuple[int, ...] | None:
    """What it says of itself; None for a shim of pyenv that leads nowhere, a preview, or another kind of Python."""
    try:
        said = subprocess.run([python, "-c", ASK], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    fit, *numbers = said.stdout.split() or ["False"]
    return tuple(map(int, numbers)) if said.returncode == 0 and fit == "True" else None


def main() -> None:
    """One line for each minor version, from its latest patch."""
    found: dict[tuple[int, ...], dict[tuple[int, ...], Path]] = {}
    for python in candidates():
        version = version_of(python)
        if version and sys.version_info[:2] < version[:2] < (4,):
            found.setdefault(version[:2], {}).setdefault(version, python)
    for minor, patches in sorted(found.items(), reverse=True):
        print(".".join(map(str, minor)), patches[max(patches)])


if __name__ == "__main__":
    main()
