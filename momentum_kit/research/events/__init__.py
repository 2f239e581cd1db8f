"""Event tables: an archive's headlines tied to contracts, with features, gates and outcomes."""

from momentum_kit.research.events.events import build, event_table
from momentum_kit.research.events.features import EventSettings
from momentum_kit.research.events.headline_counts import HeadlineCounts, count_headlines
from momentum_kit.research.events.latency import ANY, Latency
from momentum_kit.research.events.news import News, Run, read_news
from momentum_kit.research.events.outcomes import FillAssumptions
from momentum_kit.research.events.settings import Assumptions, assumptions, exit_rules
from momentum_kit.research.events.source import MemorySource, Source
from momentum_kit.research.events.table import EventTable, Matrix

__all__ = [
    "ANY",
    "Assumptions",
    "EventSettings",
    "EventTable",
    "FillAssumptions",
    "HeadlineCounts",
    "Latency",
    "Matrix",
    "MemorySource",
    "News",
    "Run",
    "Source",
    "assumptions",
    "build",
    "count_headlines",
    "event_table",
    "exit_rules",
    "read_news",
]
