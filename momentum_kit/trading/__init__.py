"""Pure: from a signal to a sized bracket, its lifecycle, fills, costs and profit."""

from momentum_kit.trading.costs import (
    CommissionPlan,
    CostBasis,
    CostTable,
    FillCosts,
    Rates,
    commission,
    commissions,
    parse_costs,
    rates_on,
)
from momentum_kit.trading.prices import US_STOCK_BANDS, exit_limit, round_price

__all__ = [
    "US_STOCK_BANDS",
    "CommissionPlan",
    "CostBasis",
    "CostTable",
    "FillCosts",
    "Rates",
    "commission",
    "commissions",
    "exit_limit",
    "parse_costs",
    "rates_on",
    "round_price",
]
