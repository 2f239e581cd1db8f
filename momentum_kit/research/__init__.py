"""Studies on archives with the very functions that trade; `StudySteps` is their face."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from momentum_kit.research.code_hash import code_version
    from momentum_kit.research.evaluation import evaluate_headlines
    from momentum_kit.research.seals import guard_sealed_day, record_folder
    from momentum_kit.research.study import StudySteps

__all__ = ["StudySteps", "code_version", "evaluate_headlines", "guard_sealed_day", "record_folder"]

_HOMES = {
    "StudySteps": "momentum_kit.research.study",
    "code_version": "momentum_kit.research.code_hash",
    "evaluate_headlines": "momentum_kit.research.evaluation",
    "guard_sealed_day": "momentum_kit.research.seals",
    "record_folder": "momentum_kit.research.seals",
}


def __getattr__(name: str) -> Any:
    """Import a name of this face when it is first used (PEP 562)."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
