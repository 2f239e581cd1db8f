"""The matrix's own script with the client that is installed here; `make matrix` runs it in all the others."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from momentum_kit.runtime.sim import gateway_process

pytestmark = pytest.mark.timeout(400)  # two processes, on a machine however busy
SCRIPT = Path(__file__).resolve().parent / "matrix" / "official_client.py"


@pytest.mark.parametrize("version", [200, 226])
def test_every_capability_passes(tmp_path: Path, version: int) -> None:
    """Each request and order flow works for the official client, in text and in protobuf, gateway and client apart."""
    arguments = ["--port", "0", "--scenario", "single", "--lock-step", "1", "--server-version", str(version)]
    with gateway_process(arguments, tmp_path / "gateway.err") as port:
        command = [sys.executable, str(SCRIPT), str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["server_version"] == version
    assert {name: result for name, result in found["results"].items() if result != "pass"} == {}
    assert len(found["results"]) > 15
