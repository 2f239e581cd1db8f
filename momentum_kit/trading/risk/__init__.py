"""Before an order, pure: its size, and every limit it must pass."""

from momentum_kit.trading.risk.facts import AccountFacts, EntryFacts, EntryOrder, Exposure, MarketFacts
from momentum_kit.trading.risk.gate import CHECKS, RiskVerdict, check_entry
from momentum_kit.trading.risk.maintenance import maintenance_until, to_maintenance_s
from momentum_kit.trading.risk.sizing import BracketPlan, plan_bracket

__all__ = [
    "CHECKS",
    "AccountFacts",
    "BracketPlan",
    "EntryFacts",
    "EntryOrder",
    "Exposure",
    "MarketFacts",
    "RiskVerdict",
    "check_entry",
    "maintenance_until",
    "plan_bracket",
    "to_maintenance_s",
]
