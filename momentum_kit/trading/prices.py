"""Prices on the exchange's grid: market-rule bands, rounded to the side that is safe; used by sizing and exits."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Literal

from momentum_kit.models import PriceIncrement

Rounding = Literal["down", "up", "nearest"]

_MODES = {"down": ROUND_FLOOR, "up": ROUND_CEILING, "nearest": ROUND_HALF_EVEN}

US_STOCK_BANDS = (PriceIncrement(0.0, 0.0001), PriceIncrement(1.0, 0.01))
"""Reg NMS rule 612. For risk-reducing orders when the broker's own rule cannot be had; entries then wait."""


def round_price(price: float, bands: Sequence[PriceIncrement], rounding: Rounding) -> float:
    """Move a price (USD) onto the grid of its band; a valid price stays as it is.

    bands: ascending, as IB's market rule gives them. Raises ValueError for an empty rule or a price below it.
    """
    # Eight places remove binary noise (1.05 * 1.005), which a floor or ceiling would turn into a whole tick.
    exact = Decimal(repr(round(price, 8)))
    at = max((i for i, band in enumerate(bands) if _exact(band.low_edge) <= exact), default=-1)
    if at < 0:
        raise ValueError(f"no price band for {price}")
    step = _exact(bands[at].increment)
    rounded = (exact / step).to_integral_value(_MODES[rounding]) * step
    rounded = max(rounded, _exact(bands[at].low_edge))
    if at + 1 < len(bands):  # an upper neighbour's grid is coarser: its edge is the last price both know
        rounded = min(rounded, _exact(bands[at + 1].low_edge))
    return float(rounded)


def round_distance(distance: float, price: float, bands: Sequence[PriceIncrement]) -> float:
    """A distance (USD) in whole steps of the grid at a price, rounded up; ValueError for a price below the rule."""
    step = max((_exact(band.increment) for band in bands if _exact(band.low_edge) <= _exact(price)), default=None)
    if step is None:
        raise ValueError(f"no price band for {price}")
    return float((_exact(round(distance, 8)) / step).to_integral_value(ROUND_CEILING) * step)


def entry_limit(ask: float, cap_bps: float, bands: Sequence[PriceIncrement]) -> float:
    """The highest price (USD) a buy may pay: the ask plus the cap, rounded down so that the cap holds.

    Never below the ask itself, where one tick is wider than the cap.
    """
    return max(round_price(ask * (1 + cap_bps / 1e4), bands, "down"), round_price(ask, bands, "up"))


def exit_limit(bid: float, cap_bps: float, bands: Sequence[PriceIncrement]) -> float:
    """The lowest price (USD) a marketable sell may take outside regular hours: the bid less the cap."""
    return min(round_price(bid * (1 - cap_bps / 1e4), bands, "up"), round_price(bid, bands, "down"))


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))
