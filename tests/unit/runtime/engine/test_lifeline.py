import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from momentum_kit.runtime.engine.lifeline import DIES_WITH

ROOT = Path(__file__).resolve().parents[4]
HOLDER = """
import sys
from momentum_kit.file_locks import lock
with open(sys.argv[1]) as held:
    lock(held)
    print("held", flush=True)
    sys.stdin.read()
"""


def test_an_engine_dies_with_the_test_that_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL to the holder of the file ends the engine at once, though another process had started it."""
    assert Path(os.environ[DIES_WITH]).is_file()  # this test's own, by tests/conftest.py
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (tmp_path / "held").touch()
    monkeypatch.setenv(DIES_WITH, str(tmp_path / "held"))
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        settings = {"broker.port": silent.getsockname()[1], "broker.connect_timeout_s": 300.0}
        order = {"config": str(tmp_path / "config" / "sim.yaml"), "overrides": settings, "run_dir": str(tmp_path)}
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path / "held")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        processes = [holder]
        try:
            assert holder.stdout
            assert holder.stdout.readline() == b"held\n"  # before there is an engine: it would take a free lock itself
            engine = subprocess.Popen(
                [sys.executable, "-m", "momentum_kit.runtime.engine", json.dumps(order)], stdin=subprocess.DEVNULL
            )
            processes.append(engine)
            with silent.accept()[0]:  # it lives, and waits for its gateway's first word
                assert engine.poll() is None
                holder.kill()
                assert engine.wait(30) == 1
        finally:
            for process in processes:
                process.kill()
                process.communicate()
