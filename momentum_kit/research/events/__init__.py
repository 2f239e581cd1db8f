"""Event tables: an archive's headlines tied to contracts, with features, gates and outcomes."""

from typing import TYPE_CHECKING

from momentum_kit.lazy_faces import lazy_names

if TYPE_CHECKING:
    from momentum_kit.research.events.events import build, event_table
    from momentum_kit.research.events.features import EXTENDED_HOURS, EventSettings, catalysts
    from momentum_kit.research.events.news import News, Run, read_news
    from momentum_kit.research.events.outcomes import ExitRule, FillAssumptions, held_positions
    from momentum_kit.research.events.reading import ANY, Latency
    from momentum_kit.research.events.settings import StudyAssumptions, exit_rules, study_assumptions
    from momentum_kit.research.events.table import EventTable, Matrix
    from momentum_kit.research.source import MemorySource, Source

__all__ = [
    "ANY",
    "EXTENDED_HOURS",
    "EventSettings",
    "EventTable",
    "ExitRule",
    "FillAssumptions",
    "Latency",
    "Matrix",
    "MemorySource",
    "News",
    "Run",
    "Source",
    "StudyAssumptions",
    "build",
    "catalysts",
    "event_table",
    "exit_rules",
    "held_positions",
    "read_news",
    "study_assumptions",
]

_HOMES = {
    "ANY": "momentum_kit.research.events.reading",
    "EXTENDED_HOURS": "momentum_kit.research.events.features",
    "EventSettings": "momentum_kit.research.events.features",
    "EventTable": "momentum_kit.research.events.table",
    "ExitRule": "momentum_kit.research.events.outcomes",
    "FillAssumptions": "momentum_kit.research.events.outcomes",
    "Latency": "momentum_kit.research.events.reading",
    "Matrix": "momentum_kit.research.events.table",
    "MemorySource": "momentum_kit.research.source",
    "News": "momentum_kit.research.events.news",
    "Run": "momentum_kit.research.events.news",
    "Source": "momentum_kit.research.source",
    "StudyAssumptions": "momentum_kit.research.events.settings",
    "build": "momentum_kit.research.events.events",
    "catalysts": "momentum_kit.research.events.features",
    "event_table": "momentum_kit.research.events.events",
    "exit_rules": "momentum_kit.research.events.settings",
    "held_positions": "momentum_kit.research.events.outcomes",
    "read_news": "momentum_kit.research.events.news",
    "study_assumptions": "momentum_kit.research.events.settings",
}
__getattr__ = lazy_names(__name__, _HOMES)  # a report asks for one value and reads no headline
