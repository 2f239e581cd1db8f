"""`make lab` as it stands in the Makefile: a real JupyterLab, asked what it shows."""

import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.chaos.chaos_processes import wait_until

ROOT = Path(__file__).resolve().parents[2]


def lab_command() -> list[str]:
    """The words behind `jupyter` in the Makefile's recipe."""
    (line,) = re.findall(r"^\t@\$\(BIN\)/jupyter (lab .*?) \$\(if", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return shlex.split(line)


def test_the_lab_opens_at_the_notebooks_and_shows_runs_and_config(tmp_path: Path, own_port: int) -> None:
    """From the project's folder, as make starts it: what a session leaves and what it was told are a click away."""
    for name in ("notebooks", "config", "runs"):
        (tmp_path / name).mkdir()
    options = [
        "--no-browser",
        "--allow-root",
        f"--port={own_port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=t",
    ]
    with (tmp_path / "lab.log").open("w") as log:
        lab = subprocess.Popen(
            [sys.executable, "-m", "jupyter", *lab_command(), *options],
            cwd=tmp_path, stdout=log, stderr=log, env={**os.environ, "HOME": str(tmp_path)},
        )  # fmt: skip

    def asked(path: str) -> Any:
        assert lab.poll() is None, (tmp_path / "lab.log").read_text()
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{own_port}/{path}token=t", timeout=5)
        except OSError:
            return None

    try:
        with wait_until(lambda: asked("api/contents?"), "JupyterLab answers") as answer:
            shown = {each["name"] for each in json.load(answer)["content"]}
        assert {"notebooks", "config", "runs"} <= shown
        with asked("?") as opened:
            assert opened.url.partition("?")[0].endswith("/lab/tree/notebooks")
    finally:
        lab.terminate()
        lab.wait(60)
