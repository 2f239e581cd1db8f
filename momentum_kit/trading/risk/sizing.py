"""From a signal to the numbers of a bracket: stop by volatility, size by R; between risk settings and the risk gate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from momentum_kit.config import ExitSettings, RiskSettings
from momentum_kit.models import PriceIncrement
from momentum_kit.trading.prices import entry_limit, round_distance, round_price


@dataclass(frozen=True, slots=True, kw_only=True)
class BracketPlan:
    """Prices in USD on the exchange's grid, quantity in whole shares (0: nothing worth ordering).

    risk_usd is R: what is lost if the entry fills at its limit and the stop at its price. trail_usd: how far below the
    market the stop follows; None where it stands still.
    """

    quantity: Decimal
    limit_price: float
    target_price: float
    stop_price: float
    risk_usd: float
    trail_usd: float | None = None

    @property
    def notional_usd(self) -> float:
        """The most the entry can cost."""
        return float(self.quantity) * self.limit_price


def plan_bracket(
    ask: float, atr: float, risk: RiskSettings, exits: ExitSettings, bands: Sequence[PriceIncrement]
) -> BracketPlan:
    """Plan a long bracket on an ask (USD) with ATR14 of 1-minute bars (USD; nan leaves the least stop distance).

    Stop and target distances are measured from the ask and rounded away from it. The size takes the worst entry
    price, the limit, so a filled stop never costs more than risk_per_order_usd. A trail is trail_r stop distances,
    rounded up: a stop that far below a price on the grid is research's, which is rounded down.
    """
    distance = ask * exits.stop_min_pct / 100
    if math.isfinite(atr):
        distance = max(distance, exits.stop_atr * atr)
    limit = entry_limit(ask, exits.entry_cap_bps, bands)
    stop = round_price(max(ask - distance, 0.0), bands, "down")
    target = round_price(ask + exits.target_r * distance, bands, "up")
    per_share = limit - stop
    affordable = min(risk.risk_per_order_usd / per_share, risk.max_order_notional_usd / limit)
    # A stop at zero can never trigger: such a bracket has no protection and is not planned.
    quantity = math.floor(affordable + 1e-9) if stop > 0 else 0
    return BracketPlan(
        quantity=Decimal(quantity),
        limit_price=limit,
        target_price=target,
        stop_price=stop,
        risk_usd=quantity * per_share,
        trail_usd=None if exits.trail_r is None else round_distance(exits.trail_r * distance, ask, bands),
    )
