"""What a start costs: the import, and what a fresh clone compiles first; `momentum-kit bench start`."""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from momentum_kit.errors import EngineError
from momentum_kit.runtime.bench import Row

ROOT = Path(__file__).resolve().parents[2]
IMPORTS = 5
IMPORT = """
import time
started = time.perf_counter()
import momentum_kit
print(time.perf_counter() - started)
"""
SWEEP = ("--axis", "min_z_tod=4,6,8,10", "--axis", "max_spread_bps=100,70,50,35")


def measure() -> list[Row]:
    """All rows."""
    best_s = min(float(_printed("-c", IMPORT)) for _ in range(IMPORTS))
    with tempfile.TemporaryDirectory() as folder:
        fresh, study = {"NUMBA_CACHE_DIR": f"{folder}/compiled"}, ("--study", f"{folder}/study")
        first, again, swept, swept_again = (
            _cpu_s(fresh, "research", *words, *study)
            for words in (("events",), ("events",), ("sweep", *SWEEP), ("sweep", *SWEEP))
        )
    return [
        Row(f"import momentum_kit, best of {IMPORTS}", round(best_s * 1e3, 1), "ms", goal=150, least=False),
        Row("a fresh clone's first `research events`", round(first, 1), "CPU-s", goal=15, least=False),
        Row("of it, compiling", round(first - again, 1), "CPU-s"),
        Row(
            "a fresh clone's first `research sweep`, compiling",
            round(swept - swept_again, 1),
            "CPU-s",
            goal=3,
            least=False,
        ),
    ]


def _cpu_s(environment: dict[str, str], *words: str) -> float:
    """Processor time of one command, its children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _printed("-m", "momentum_kit.cli", *words, **environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _printed(*words: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True
    )
    if done.returncode:
        raise EngineError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout
