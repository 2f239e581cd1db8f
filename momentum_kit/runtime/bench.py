"""Runs a benchmark of the checkout, tests/benchmarks/NAME.py, and prints its rows beside their goals."""

import importlib
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from momentum_kit.errors import InputError

BENCHMARKS = Path(__file__).resolve().parents[2] / "tests" / "benchmarks"


@dataclass(frozen=True, slots=True)
class Row:
    """One measured value; peer: who else was measured in the same run. least: the goal is a floor, else a ceiling."""

    name: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    goal: float | None = None
    least: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The row as `bench --json` prints it; holds is null without a goal."""
        ratio = self.value / self.peer_value if self.peer_value else None
        holds = None if self.goal is None else (self.value >= self.goal if self.least else self.value <= self.goal)
        shown = {"name": self.name, "value": self.value, "unit": self.unit, "peer": self.peer}
        return shown | {"peer_value": self.peer_value, "ratio": ratio, "goal": self.goal, "holds": holds}


def known_benchmarks() -> list[str]:
    """Names of this checkout's benchmarks; empty where only the wheel is installed."""
    return sorted(file.stem for file in BENCHMARKS.glob("*.py") if "def measure(" in file.read_text(encoding="utf-8"))


def run_benchmark(name: str) -> dict[str, Any]:
    """Measure now: {"machine", "rows"}; InputError where there is no such benchmark, or no checkout."""
    known = known_benchmarks()
    if not known:
        raise InputError("benchmarks run from a checkout with the dev extra: git clone, make setup")
    if name not in known:
        raise InputError(f"no benchmark {name!r}; known: {', '.join(known)}")
    root = str(BENCHMARKS.parents[1])
    if root not in sys.path:
        sys.path.append(root)  # benchmarks are no part of the package: they lie beside it, in the checkout
    module = importlib.import_module(f"tests.benchmarks.{name}")
    return {"machine": machine(), "rows": [row.as_dict() for row in module.measure()]}


def machine() -> dict[str, Any]:
    """What the figures were measured on; load is the one-minute average before the run."""
    return {
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def as_table(result: dict[str, Any]) -> str:
    """The rows for a person."""
    lines = [", ".join(f"{key} {value}" for key, value in result["machine"].items())]
    for row in result["rows"]:
        goal = "" if row["goal"] is None else f"  goal {row['goal']:,g}: {'holds' if row['holds'] else 'MISSED'}"
        peer = "" if row["peer"] is None else f"  {row['peer']} {row['peer_value']:,g} (x {row['ratio']:.2f})"
        lines.append(f"{row['name']:<55} {row['value']:>12,g} {row['unit']}{peer}{goal}")
    return "\n".join(lines)
