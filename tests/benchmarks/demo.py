"""Wall time, peak memory over all processes, and latency of `momentum-kit demo`; `momentum-kit bench demo`."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from momentum_kit.errors import EngineError
from momentum_kit.runtime.bench import Row

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_S = 0.2


def measure() -> list[Row]:
    """All rows, from one demo of seed 7."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("config", "notebooks"):
            (Path(folder) / name).symlink_to(ROOT / name)
        demo = subprocess.Popen(
            [sys.executable, "-m", "momentum_kit.cli", "demo", "--seed", "7", "--json"],
            cwd=folder, env={**os.environ, "MOMENTUM_KIT_STATE_DIR": f"{folder}/state"}, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        peak_mb = _peak_mb(demo)
        assert demo.stdout
        with demo.stdout:
            printed = demo.stdout.read()
        if demo.returncode:
            raise EngineError(f"the demo ended with status {demo.returncode}")
    summary = json.loads(printed.splitlines()[-1])
    return [
        Row("a demo of 90 minutes", summary["wall_s"], "s", goal=60, least=False),
        Row("its peak memory, all processes", round(peak_mb), "MB", goal=900, least=False),
        *(Row(f"decision to last byte, {name}", summary["latency_ms"][name], "ms") for name in ("p50", "p99")),
    ]


def _peak_mb(demo: "subprocess.Popen[str]") -> float:
    """The most memory, until it ends."""
    watched, peak_mb = psutil.Process(demo.pid), 0.0
    while demo.poll() is None:
        peak_mb = max(peak_mb, _resident_mb(watched))
        try:
            demo.wait(SAMPLE_S)
        except subprocess.TimeoutExpired:
            continue
    return peak_mb


def _resident_mb(process: psutil.Process) -> float:
    """Resident memory of a process and all it started, MB; shared pages count once a process."""
    total = 0
    for member in (process, *process.children(recursive=True)):
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6
