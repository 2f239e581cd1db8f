"""What every attack starts from."""

import shutil
from pathlib import Path

import pytest

from tests.hostile.outsider import ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with a copy of the shipped configuration and notebooks."""
    folder = tmp_path / "project"
    for name in ("config", "notebooks"):
        shutil.copytree(ROOT / name, folder / name)
    return folder
