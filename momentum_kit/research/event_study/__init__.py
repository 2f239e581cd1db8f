"""How price, volume and spread move around headlines, and what a buyer would have netted."""

from momentum_kit.research.event_study.event_study import (
    LEAST_DAYS,
    LEAST_EVENTS,
    EventStudy,
    archived_bars,
    paths,
    study,
)
from momentum_kit.research.event_study.grouping import groups
from momentum_kit.research.event_study.net import group_table, net_by_delay

__all__ = [
    "LEAST_DAYS",
    "LEAST_EVENTS",
    "EventStudy",
    "archived_bars",
    "group_table",
    "groups",
    "net_by_delay",
    "paths",
    "study",
]
