"""Before an order, pure: its size, and every limit it must pass."""

from momentum_kit.trading.risk.gate import Exposure, RiskVerdict, check_entry
from momentum_kit.trading.risk.sizing import BracketPlan, plan_bracket

__all__ = ["BracketPlan", "Exposure", "RiskVerdict", "check_entry", "plan_bracket"]
