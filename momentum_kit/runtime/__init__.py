"""Composition: what stands behind each port, in which process, and how it ends."""

from typing import TYPE_CHECKING

from momentum_kit.lazy_faces import lazy_names

if TYPE_CHECKING:
    from momentum_kit.runtime.bench import as_table, run_benchmark
    from momentum_kit.runtime.project import init_project

__all__ = ["as_table", "init_project", "run_benchmark"]

_HOMES = {
    "as_table": "momentum_kit.runtime.bench",
    "init_project": "momentum_kit.runtime.project",
    "run_benchmark": "momentum_kit.runtime.bench",
}
__getattr__ = lazy_names(__name__, _HOMES)
