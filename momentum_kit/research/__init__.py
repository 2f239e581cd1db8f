"""Studies on archives with the very functions that trade; `StudySteps` is their face."""

from typing import TYPE_CHECKING

from momentum_kit.lazy_faces import lazy_names

if TYPE_CHECKING:
    from momentum_kit.research.code_hash import code_version
    from momentum_kit.research.evaluation import evaluate_headlines
    from momentum_kit.research.seals import guard_sealed_day, record_folder
    from momentum_kit.research.study import StudySteps
    from momentum_kit.research.study.given import looked_up

__all__ = ["StudySteps", "code_version", "evaluate_headlines", "guard_sealed_day", "looked_up", "record_folder"]

_HOMES = {
    "StudySteps": "momentum_kit.research.study",
    "code_version": "momentum_kit.research.code_hash",
    "evaluate_headlines": "momentum_kit.research.evaluation",
    "guard_sealed_day": "momentum_kit.research.seals",
    "looked_up": "momentum_kit.research.study.given",
    "record_folder": "momentum_kit.research.seals",
}
__getattr__ = lazy_names(__name__, _HOMES)
