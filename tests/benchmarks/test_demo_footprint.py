"""Wall time, peak memory over all processes, and latency of `momentum-kit demo`, with its goals beside them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLE_S = 0.2


def _resident_mb(process: psutil.Process) -> float:
    """Resident memory of a process and all it started, MB; shared pages count once a process."""
    total = 0
    for member in (process, *process.children(recursive=True)):
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def test_the_demo_fits_its_goals(tmp_path: Path, capsys) -> None:
    """A whole demo: prints what it took; the numbers are for a human, only the outcome is asserted."""
    for folder in ("config", "notebooks"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    environment = {**os.environ, "MOMENTUM_KIT_STATE_DIR": str(tmp_path / "state")}
    demo = subprocess.Popen(
        [sys.executable, "-m", "momentum_kit.cli", "demo", "--seed", "7", "--json"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    watched, peak_mb = psutil.Process(demo.pid), 0.0
    while demo.poll() is None:
        peak_mb = max(peak_mb, _resident_mb(watched))
        try:
            demo.wait(SAMPLE_S)
        except subprocess.TimeoutExpired:
            continue
    assert demo.stdout
    with demo.stdout:
        summary = json.loads(demo.stdout.read().splitlines()[-1])
    assert demo.returncode == 0
    with capsys.disabled():
        print(f"\ndemo: {summary['wall_s']} s (goal 60), peak {peak_mb:.0f} MB over all processes (goal 900), ", end="")
        print("decision to last byte p50 {p50} ms, p99 {p99} ms".format(**summary["latency_ms"]))
