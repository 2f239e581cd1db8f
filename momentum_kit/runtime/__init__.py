"""Composition: what stands behind each port, in which process, and how it ends."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from momentum_kit.runtime.bench import as_table, run_benchmark
    from momentum_kit.runtime.project import init_project

__all__ = ["as_table", "init_project", "run_benchmark"]

_HOMES = {
    "as_table": "momentum_kit.runtime.bench",
    "init_project": "momentum_kit.runtime.project",
    "run_benchmark": "momentum_kit.runtime.bench",
}


def __getattr__(name: str) -> Any:
    """Import a name of this face when it is first used (PEP 562)."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
