"""How price, volume and spread move around headlines, and what a buyer would have netted."""

from momentum_kit.research.event_study.event_study import (
    LEAST_DAYS,
    LEAST_EVENTS,
    AbnormalReturns,
    abnormal_returns,
    archived_bars,
    paths,
)
from momentum_kit.research.event_study.grouping import first_known, groups
from momentum_kit.research.event_study.net import group_table, net_by_delay

__all__ = [
    "LEAST_DAYS",
    "LEAST_EVENTS",
    "AbnormalReturns",
    "abnormal_returns",
    "archived_bars",
    "first_known",
    "group_table",
    "groups",
    "net_by_delay",
    "paths",
]
