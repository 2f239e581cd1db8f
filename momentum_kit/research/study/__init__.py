"""The face of research for notebooks and the command line: an archive opened, and results that show themselves."""

from momentum_kit.research.study.event_list import EventList
from momentum_kit.research.study.event_study_view import EventStudy
from momentum_kit.research.study.headline_counts import HeadlineCounts
from momentum_kit.research.study.running import Cluster
from momentum_kit.research.study.study import StudySteps
from momentum_kit.research.study.sweep_view import Sweep
from momentum_kit.research.study.verdict_view import Judgement

__all__ = ["Cluster", "EventList", "EventStudy", "HeadlineCounts", "Judgement", "StudySteps", "Sweep"]
