"""Faults of the account and of what is told of it: trades by hand, ids that begin anew, lists late or torn."""

from typing import Literal

from pydantic import Field

from momentum_kit.simgateway.scenario.fault_base import Fault


class ManualTrade(Fault):
    """A person trades in the same account, at once and in one piece, also while no client is connected.

    Clients see the position change; the execution is client 0's, with order id 0. ASSUMED: the price and the speed.
    """

    kind: Literal["manual_trade"] = "manual_trade"
    symbol: str
    """Ticker."""
    action: Literal["BUY", "SELL"] = "SELL"
    """What the person does."""
    quantity: int = Field(ge=1)
    """Shares; more than are held turns the position around."""
    price_usd: float | None = Field(default=None, gt=0)
    """Price of the execution; left out: the touch."""


class ManualCancel(Fault):
    """A person cancels working orders of API clients in TWS; their clients hear Cancelled and 202 (RECORDED: 202)."""

    kind: Literal["manual_cancel"] = "manual_cancel"
    symbol: str | None = None
    """Only orders in this ticker."""
    action: Literal["BUY", "SELL"] | None = None
    """Only orders of this side."""
    order_type: Literal["MKT", "LMT", "STP", "STP LMT", "TRAIL"] | None = None
    """Only orders of this type: STP for a bracket's stop, LMT with SELL for its target."""


class OrderIdsAnew(Fault):
    """Order ids begin anew: the next client to start is told 1, while the day's orders and executions stay listed.

    DOCUMENTED ("Reset API order ID sequence", TWS API, order submission; there only while no order works) and met on
    restarts as well (IBC issue 214, Lean IB issue 242): an id that a working order still has is a change of that order.
    """

    kind: Literal["order_ids_anew"] = "order_ids_anew"
