"""Pure: from a signal to a sized bracket, its lifecycle, fills, costs and profit."""

from momentum_kit.trading.costs import CostTable, Plan, Rates, commission, commissions, parse_costs, rates_on
from momentum_kit.trading.fills import impact
from momentum_kit.trading.prices import US_STOCK_BANDS, exit_limit

__all__ = [
    "US_STOCK_BANDS",
    "CostTable",
    "Plan",
    "Rates",
    "commission",
    "commissions",
    "exit_limit",
    "impact",
    "parse_costs",
    "rates_on",
]
