"""`make soak`: hours of a session at many times market speed; does memory stay flat, and the notebook small?

    momentum-kit sim --speed RATE  <-  engine  <-  kernel of notebooks/production.ipynb, by `momentum-kit run`

The market is tests/soak/market.yaml. Memory is each process's own (USS), sampled all the time; the first quarter of a
session fills baselines and caches, so that flat means: the last quarter's median against the second's.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import yaml

ROOT = Path(__file__).resolve().parents[2]
MARKET = Path(__file__).with_name("market.yaml")
ROLES = {
    "ipykernel": "kernel",
    "momentum_kit.runtime.engine": "engine",
    "cli sim": "gateway",
    "cli run": "runner",
}  # by command
SAMPLES = 400
LEAST_S = 0.2  # between two samples: each looks at every process of the machine
FLAT = 0.05  # more than that from the second to the last quarter is growth
NOTEBOOK_MB = 5.0


@dataclass
class Soak:
    """What came of it. quarters_mb: role -> the median of each quarter of the session; growth: last over second."""

    hours: float
    rate: float
    wall_s: float = 0.0
    exit_status: int = -1
    quarters_mb: dict[str, list[float]] = field(default_factory=dict)
    growth: dict[str, float] = field(default_factory=dict)
    notebook_mb: float = 0.0
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Ended in order, flat in the session's own processes, with a small notebook."""
        grown = max(self.growth.get(role, 0.0) for role in ("engine", "kernel"))
        return self.exit_status == 0 and grown <= FLAT and self.notebook_mb < NOTEBOOK_MB


def soak(hours: float, rate: float, folder: Path) -> Soak:
    """Run it in a folder of its own; what was measured."""
    found = Soak(hours, rate)
    samples: dict[str, list[float]] = {}
    project = _project(folder, rate)
    with _gateway(project, rate) as port:
        started = time.perf_counter()
        run = subprocess.Popen(
            [sys.executable, "-m", "momentum_kit.cli", "run", "notebooks/production.ipynb", "--config",
             "config/soak.yaml", "-p", "port", str(port), "--until", f"{round(hours * 60)}m", "--out", "out"],
            cwd=project, env=_environment(project), stdin=subprocess.DEVNULL,
        )  # fmt: skip
        every_s = max(timedelta(hours=hours).total_seconds() / rate / SAMPLES, LEAST_S)
        while run.poll() is None:
            _sample(project, samples)
            time.sleep(every_s)
        found.exit_status, found.wall_s = run.returncode, round(time.perf_counter() - started, 1)
    found.quarters_mb = {role: _quarters(values) for role, values in samples.items()}
    found.growth = {role: round(q[-1] / q[1] - 1, 4) for role, q in found.quarters_mb.items()}
    found.notebook_mb = round((project / "out" / "production.ipynb").stat().st_size / 1e6, 3)
    found.summary = json.loads((project / "out" / "summary.json").read_text(encoding="utf-8"))
    return found


def _project(folder: Path, rate: float) -> Path:
    for name in ("config", "notebooks"):
        shutil.copytree(ROOT / name, folder / name)
    content = yaml.safe_load((folder / "config" / "sim.yaml").read_text(encoding="utf-8"))
    content["clock"]["rate"] = rate
    (folder / "config" / "soak.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder


def _environment(project: Path) -> dict[str, str]:
    return {**os.environ, "MOMENTUM_KIT_STATE_DIR": str(project / "state")}


@contextmanager
def _gateway(project: Path, rate: float) -> Iterator[int]:
    gateway = subprocess.Popen(
        [sys.executable, "-m", "momentum_kit.cli", "sim", "--json", "--port", "0", "--scenario", str(MARKET),
         "--seed", "7", "--speed", str(rate)],
        cwd=project, env=_environment(project), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert gateway.stdout
    try:
        port: int = json.loads(gateway.stdout.readline())["port"]
        yield port
    finally:
        gateway.terminate()
        gateway.wait(60)
        gateway.stdout.close()


def _sample(project: Path, into: dict[str, list[float]]) -> None:
    """One sample of every process of this project."""
    for process in psutil.process_iter(["cmdline", "environ"]):
        if (process.info["environ"] or {}).get("MOMENTUM_KIT_STATE_DIR") != str(project / "state"):
            continue
        words = " ".join(process.info["cmdline"] or ())
        role = next((name for part, name in ROLES.items() if part in words), "")
        try:
            megabytes = process.memory_full_info().uss / 1e6
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if role and megabytes:
            into.setdefault(role, []).append(megabytes)


def _quarters(values: list[float]) -> list[float]:
    size = max(1, len(values) // 4)
    return [round(statistics.median(values[k * size : (k + 1) * size] or values[-1:]), 1) for k in range(4)]


def main() -> int:
    """Print what was measured; 1 unless everything holds."""
    parser = argparse.ArgumentParser(description="A long session at many times market speed.")
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--folder", type=Path, help="kept afterwards; by default a temporary one")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        found = soak(asked.hours, asked.rate, asked.folder or Path(temporary))
    kept = ("headlines", "signals", "entries", "round_trips", "net_pnl_usd", "incidents", "ended")
    print(f"{found.hours:g} h at {found.rate:g}x in {found.wall_s} s, exit status {found.exit_status}")
    print({name: found.summary[name] for name in kept if name in found.summary})
    print(
        f"{'':9}" + "".join(f"{f'quarter {k}':>12}" for k in range(1, 5)) + f"{'growth':>10}   MB of its own, medians"
    )
    for role, quarters in found.quarters_mb.items():
        print(f"{role:9}" + "".join(f"{each:>12.1f}" for each in quarters) + f"{found.growth[role]:>10.1%}")
    print(f"executed notebook {found.notebook_mb} MB (goal {NOTEBOOK_MB:g}), growth goal {FLAT:.0%}: ", end="")
    print("holds" if found.holds else "DOES NOT HOLD")
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main())
