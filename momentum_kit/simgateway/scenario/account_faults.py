"""Faults of the account and of what is told of it: trades by hand, ids that begin anew, lists late or torn."""

from typing import Literal

from pydantic import Field, model_validator

from momentum_kit.simgateway.protocol import REQUESTS
from momentum_kit.simgateway.scenario.fault_base import ClientFault, Fault, MessageFault, known_name


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


class BustedTrade(Fault):
    """The latest sale of an API client in a ticker is undone: its shares are back; nothing if there is none.

    ASSUMED: no message says so, the position's row changes, and the execution leaves the list of the day.
    """

    kind: Literal["busted_trade"] = "busted_trade"
    symbol: str
    """Ticker."""


class OrderIdsAnew(Fault):
    """Order ids begin anew: the next client to start is told 1, while the day's orders and executions stay listed.

    DOCUMENTED ("Reset API order ID sequence", TWS API, order submission; there only while no order works) and met on
    restarts as well (IBC issue 214, Lean IB issue 242): an id that a working order still has is a change of that order.
    """

    kind: Literal["order_ids_anew"] = "order_ids_anew"


class Lag(Fault):
    """What is told of one kind comes late, from now on and by itself: the kinds do not wait for one another.

    ASSUMED, as peers met it: positions trail executions by 1 to 5 s and more (ib_async issue 15); statuses, positions
    and executions come in any order, seconds apart in bad moments (nautilus_trader issue 4396, ibx issue 108).
    """

    kind: Literal["lag"] = "lag"
    of: Literal["statuses", "positions", "executions", "commissions"]
    """statuses: openOrder, orderStatus and errors of orders. positions: position and portfolio rows."""
    lag_ms: int = Field(default=2_000, ge=0, le=600_000)
    """Market milliseconds; 0 ends the lag, what is under way still comes in its order."""
    lists: bool = True
    """Answers to requests lag as well: they come at once and say how it was then. False: they say how it is."""


class LateAnswer(ClientFault):
    """Answers to some requests are held back for a while; everything else goes on, other answers included. ASSUMED."""

    kind: Literal["late_answer"] = "late_answer"
    requests: tuple[str, ...] = ("reqExecutions",)
    """Requests by IB's names: reqPositions, reqOpenOrders, reqCompletedOrders and so on."""
    delay_ms: int = Field(default=20_000, gt=0)
    """Market milliseconds."""
    count: int = Field(default=1, ge=1)
    """How many answers it hits."""
    content: Literal["as_asked", "as_answered"] = "as_asked"
    """as_asked: the answer says how it was when it was asked for. as_answered: how it is when it comes."""

    @model_validator(mode="after")
    def _known_requests(self) -> "LateAnswer":
        for name in self.requests:
            known_name(name, REQUESTS)
        return self


class StrayEnd(ClientFault):
    """The end of a list that nobody asked for; with `before`, it comes just ahead of the true answer. ASSUMED."""

    kind: Literal["stray_end"] = "stray_end"
    ends: tuple[Literal["openOrderEnd", "positionEnd", "completedOrdersEnd"], ...] = ("openOrderEnd",)
    """Which; their lists carry no id, so that a client cannot tell whose end it is."""


class UnreadableRow(MessageFault):
    """The quantity of a row is no number, so that the row cannot be read; the rest of the list and its end come."""

    kind: Literal["unreadable_row"] = "unreadable_row"
    messages: tuple[Literal["openOrder", "completedOrder", "position", "execDetails"], ...] = ("position",)
    """Which lists; rows that come by themselves are hit as well."""


class OrderPresets(Fault):
    """Precautionary settings of TWS or the gateway refuse orders from now on; with nothing given they are lifted.

    DOCUMENTED (TWS API, message codes). They meet new orders, their children and changes alike, sales as well.
    """

    kind: Literal["order_presets"] = "order_presets"
    size: int | None = Field(default=None, ge=1)
    """383 beyond so many shares; as installed it is 500."""
    value_usd: float | None = Field(default=None, gt=0)
    """451 beyond this value, at the order's own price or the touch."""
    percentage: float | None = Field(default=None, gt=0)
    """109 for a limit further than this from the touch that it meets."""


class RefuseStops(Fault):
    """New stops, stop-limits and trails of a symbol are refused, a bracket's too, while everything else goes through.

    ASSUMED, as users met it: 201 although market orders pass.
    """

    kind: Literal["refuse_stops"] = "refuse_stops"
    symbol: str
    """Ticker."""
    code: Literal[201, 110, 10326] = 201
    """201: every stop. 110: those off the grid. 10326: those in an OCA group."""
    grid_usd: float = Field(default=0.05, gt=0)
    """What 110 wants prices to be multiples of."""
    count: int | None = Field(default=None, ge=1)
    """How many; left out: from now on."""


class DoomedModify(Fault):
    """The next change of an order ends it: 201 and Inactive, instead of leaving it as it was. ASSUMED, met by peers."""

    kind: Literal["doomed_modify"] = "doomed_modify"
    symbol: str
    """Ticker."""
    order_type: Literal["MKT", "LMT", "STP", "STP LMT", "TRAIL"] | None = None
    """Only a change of an order that is of this type before it."""


class WhatIfAnswers(Fault):
    """What-if orders for a symbol are answered so from now on; orders themselves are not touched.

    ASSUMED but for the margin of hard names, which IB publishes by symbol: 100% of many small caps.
    """

    kind: Literal["what_if_answers"] = "what_if_answers"
    symbol: str
    """Ticker."""
    answer: Literal["margin", "unset", "refused", "silence", "late"] = "margin"
    """margin: at `rate`. unset: IB's largest double for every amount. refused: 201. late: as ever, after `delay_ms`."""
    rate: float = Field(default=1.0, ge=-10, le=1_000)
    """Change of initial margin over the order's notional."""
    delay_ms: int = Field(default=20_000, gt=0)
    """Market milliseconds."""
