import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
BUILD = """
import sys
from poetry.core.masonry.api import build_sdist, build_wheel
for build in (build_wheel, build_sdist):
    build(sys.argv[1])
"""
INIT = "from pathlib import Path; from momentum_kit.runtime.project import init_project; init_project(Path('mine'))"


def test_an_installed_wheel_lays_out_the_whole_project(tmp_path):
    """The wheel carries what init lays out, nothing of the official client; init needs no checkout."""
    subprocess.run([sys.executable, "-c", BUILD, str(tmp_path)], cwd=PROJECT, check=True, capture_output=True)
    (wheel,), (sdist,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "site")
    with tarfile.open(sdist) as packed:
        assert not [name for name in packed.getnames() if "/ibapi/" in name]
    assert {folder.name.partition("-")[0] for folder in (tmp_path / "site").iterdir()} == {"momentum_kit"}
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    subprocess.run([sys.executable, "-c", INIT], cwd=tmp_path, env=environment, check=True)
    deployed = [file for file in (PROJECT / "deploy").rglob("*") if file.is_file() and file.suffix != ".pyc"]
    deployed = [file for file in deployed if "compose" not in file.parts]  # of a checkout
    tracked = [*(PROJECT / "config").rglob("*.yaml"), *(PROJECT / "notebooks").glob("*.ipynb"), *deployed]
    found = [file for file in (tmp_path / "mine").rglob("*") if file.is_file()]
    laid_out = {str(file.relative_to(tmp_path / "mine")) for file in found}
    assert laid_out == packed_for_init()
    assert laid_out >= {str(file.relative_to(PROJECT)) for file in tracked}


def packed_for_init() -> set[str]:
    """What pyproject.toml names, one by one."""
    content = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    return {each["include"] for each in content["tool"]["poetry"]["packages"] if "to" in each}
