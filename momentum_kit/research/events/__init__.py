"""Event tables: an archive's headlines tied to contracts, with features, gates and outcomes."""

from momentum_kit.research.events.events import build, event_table
from momentum_kit.research.events.features import EXTENDED_HOURS, EventSettings, catalysts
from momentum_kit.research.events.news import News, Run, read_news
from momentum_kit.research.events.outcomes import ExitRule, FillAssumptions
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
    "read_news",
    "study_assumptions",
]
