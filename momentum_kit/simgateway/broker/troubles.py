"""What a fault has this broker refuse for a while: sizes and prices by the gateway's presets, stops, and modifies."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from momentum_kit.simgateway.broker.market_view import TopOfBook
from momentum_kit.simgateway.broker.order_book import STOP_TYPES
from momentum_kit.simgateway.broker.refusal import Refusal, rejected
from momentum_kit.simgateway.events import SimOrder

_OFF_GRID = Refusal(110, "The price does not conform to the minimum price variation for this contract.")
_NO_GROUP = Refusal(10326, "OCA group revision is not allowed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Presets:
    """Precautionary settings of TWS or the gateway, USD and shares; None: no limit.

    percentage: how far a limit may lie through or away from the touch that its order meets.
    """

    size: int | None = None
    value_usd: float | None = None
    percentage: float | None = None


@dataclass(slots=True, kw_only=True)
class StopTrouble:
    """New stops of a contract are refused with `code`, `left` times (None: for good).

    110: those off a grid of `grid_usd`. 10326: those in an OCA group. 201: all.
    """

    con_id: int
    code: int
    grid_usd: float
    left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfTrouble:
    """How what-if orders are answered: margin (at `rate` of the notional), unset, refused, silence, late."""

    answer: str
    rate: float
    delay: timedelta


@dataclass(slots=True)
class Troubles:
    """Every refusal that a fault has ordered."""

    top: TopOfBook
    presets: Presets = Presets()
    stops: list[StopTrouble] = field(default_factory=list)
    doomed: list[tuple[int, str | None]] = field(default_factory=list)  # contract and order type of modifies to come
    what_ifs: dict[int, WhatIfTrouble] = field(default_factory=dict)  # by con_id

    def preset_refusal(self, order: SimOrder) -> Refusal | None:
        """The preset that an order breaks."""
        presets = self.presets
        if presets == Presets():
            return None
        self.top.watch(order.con_id)
        touch = self.top.touch(order.con_id)
        met = touch.opposite(1 if order.action == "BUY" else -1)[0] if touch else 0.0
        value_usd = float(order.quantity) * (order.limit_price or order.stop_price or met)
        which = f'The following order "ID:{order.order_id}"'
        where = "Restriction is specified in Precautionary Settings of Global Configuration/Presets."
        if presets.size is not None and order.quantity > presets.size:
            return Refusal(383, f"{which} size exceeds the Size Limit of {presets.size}.\n{where}")
        if presets.value_usd is not None and value_usd > presets.value_usd:
            return Refusal(451, f"{which} value exceeds the Total Value Limit of {presets.value_usd:.2f}.\n{where}")
        if presets.percentage is None or order.order_type != "LMT" or order.limit_price is None or met <= 0:
            return None
        if abs(order.limit_price / met - 1) * 100 > presets.percentage:
            return Refusal(109, "Price is out of the range defined by the Percentage setting at order defaults frame.")
        return None

    def stop_refusal(self, order: SimOrder) -> Refusal | None:
        """Why a new stop is refused."""
        if order.order_type not in STOP_TYPES:
            return None
        for trouble in self.stops:
            if trouble.con_id != order.con_id or trouble.left == 0 or not _hits(trouble, order):
                continue
            trouble.left = None if trouble.left is None else trouble.left - 1
            return {110: _OFF_GRID, 10326: _NO_GROUP}.get(trouble.code, rejected("Stop orders are not accepted."))
        return None

    def dooms(self, con_id: int, order_type: str) -> bool:
        """True, once for each time it was ordered, if a modify of this order is to end it."""
        for one in ((con_id, order_type), (con_id, None)):
            if one in self.doomed:
                self.doomed.remove(one)
                return True
        return False


def _hits(trouble: StopTrouble, order: SimOrder) -> bool:
    if trouble.code == 10326:
        return bool(order.oca_group)
    if trouble.code == 110 and order.stop_price is not None:
        return Decimal(str(order.stop_price)) % Decimal(str(trouble.grid_usd)) != 0
    return True
