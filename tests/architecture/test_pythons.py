"""Which Pythons are promised, the same wherever it is said; and how `.ci/run` finds the newest."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[2]


def test_the_same_pythons_are_promised_everywhere() -> None:
    """Metadata, README and workflow name the same Pythons, and the oldest is the one that is required."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    workflow = yaml.safe_load((PROJECT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == promised
    assert f"Python {', '.join(promised[:-1])} or {promised[-1]}" in (PROJECT / "README.md").read_text(encoding="utf-8")
    assert project["requires-python"] == f">={promised[0]},<4"


def test_the_newest_python_that_works_comes_first(tmp_path: Path) -> None:
    """Shims that lead nowhere, previews and older Pythons are left out; of one minor version the latest patch stays."""
    said = {
        "path/python3.1": "True 3 1 9",
        "path/python3.97": "",  # leads nowhere
        "path/python3.98": "False 3 98 0",  # a preview, or without the lock of all threads
        "path/python3.99": "True 3 99 0",
        "path/python3.99-config": "True 3 99 9",
        "pyenv/versions/3.99.2/bin/python3.99": "True 3 99 2",
        "pyenv/versions/3.100.0/bin/python3.100": "True 3 100 0",
    }
    for name, answer in said.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\necho {answer}\n" if answer else "#!/bin/sh\nexit 127\n")
        file.chmod(0o755)
    found = subprocess.run(
        [sys.executable, PROJECT / ".ci" / "newer_pythons.py"],
        env=os.environ | {"PATH": str(tmp_path / "path"), "PYENV_ROOT": str(tmp_path / "pyenv")},
        capture_output=True,
        text=True,
        check=True,
    )
    newest = tmp_path / "pyenv" / "versions"
    assert found.stdout.splitlines() == [
        f"3.100 {newest / '3.100.0' / 'bin' / 'python3.100'}",
        f"3.99 {newest / '3.99.2' / 'bin' / 'python3.99'}",
    ]
    assert not found.stderr
