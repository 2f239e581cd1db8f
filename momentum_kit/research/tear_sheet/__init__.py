"""The fills of one set of thresholds from every side: groups, features, unseen days, each fill on its tape."""

from momentum_kit.research.tear_sheet.fills import study_fills
from momentum_kit.research.tear_sheet.grouping import GROUPS, exit_table, rank_correlations, together
from momentum_kit.research.tear_sheet.tear_sheet import TearSheet

__all__ = ["GROUPS", "TearSheet", "exit_table", "rank_correlations", "study_fills", "together"]
