"""Every example notebook runs from its first cell to its last, in a kernel of its own."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDS_A_GATEWAY = {"production"}  # runs headlessly against a gateway: `momentum-kit run`, tested with it
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").glob("*.ipynb") if path.stem not in NEEDS_A_GATEWAY)
CELL_S = 180  # of one cell, on a busy machine


def cells(notebook: Path, kind: str) -> list[str]:
    """Sources of the cells of a kind."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == kind]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs(notebook, tmp_path, monkeypatch):
    """No cell raises; what cells print may differ from day to day."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))  # nothing was tried or opened before
    nbval = ["-p", "nbval", "--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={CELL_S}"]
    alone = ["-q", "-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'nbval'}"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", str(notebook), *nbval, *alone, "--timeout=0"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=580,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert f"{len(cells(notebook, 'code'))} passed" in ran.stdout


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_functions_live_in_the_package(notebook):
    """A notebook defines nothing that a test should cover."""
    assert not re.findall(r"^\s*(?:async )?(?:def|class) \w+", "\n".join(cells(notebook, "code")), re.MULTILINE)


@pytest.mark.parametrize("notebook", [path for path in NOTEBOOKS if path.stem < "04"], ids=lambda path: path.stem)
def test_a_study_ends_in_a_decision(notebook):
    """In words, by the package, under a heading of its own."""
    assert cells(notebook, "markdown")[-1] == "## Decision"
    assert cells(notebook, "code")[-1].endswith(".conclusion()")
