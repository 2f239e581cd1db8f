"""A bracket: its three orders, the exit that a resting stop turns into, and how each stands at the broker.

The requests are pure functions of an intent; Bracket and Leg are the state that the order desk owns and changes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from momentum_kit.models import ExitRequest, Intent, OrderAction, OrderRequest, PriceIncrement
from momentum_kit.trading.orders.lifecycle import ACKNOWLEDGED, LIVE, OrderState
from momentum_kit.trading.prices import round_price

# type 1 would cancel the whole stop on the first shares of the target, and leave the rest bare
OCA_REDUCE_WITH_BLOCK = 2


def bracket_legs(
    intent: Intent, *, regular_hours: bool, stop_slack_pct: float, bands: Sequence[PriceIncrement]
) -> tuple[OrderRequest, OrderRequest, OrderRequest]:
    """Entry, target and stop in sending order; only the last is transmitted, which releases all three.

    The intent carries prices and the three order ids. Outside regular hours a plain stop sleeps, so the stop is
    STP LMT with outsideRth, its limit stop_slack_pct per cent below the trigger.
    """
    assert intent.limit_price is not None and intent.target_price is not None and intent.stop_price is not None
    entry = OrderRequest(
        action=intent.action,
        quantity=intent.quantity,
        order_type="LMT",
        limit_price=intent.limit_price,
        tif="DAY",
        outside_rth=not regular_hours,
        transmit=False,
        order_id=intent.entry_order_id,
        order_ref=intent.intent_id,
        account=intent.account,
    )
    target = replace(
        entry,
        action=intent.action.opposite,
        limit_price=intent.target_price,
        tif="GTC",  # a DAY leg dies at a close that a halt may carry us through
        order_id=intent.target_order_id,
        parent_id=intent.entry_order_id,
        oca_group=oca_group(intent),
        oca_type=OCA_REDUCE_WITH_BLOCK,
    )
    stop = replace(
        stop_order(intent, intent.quantity, regular_hours=regular_hours, stop_slack_pct=stop_slack_pct, bands=bands),
        parent_id=intent.entry_order_id,
    )
    return entry, target, stop


def stop_order(
    intent: Intent,
    quantity: Decimal,
    *,
    regular_hours: bool,
    stop_slack_pct: float,
    bands: Sequence[PriceIncrement],
) -> OrderRequest:
    """A protective stop that stands alone: GTC, transmitted, triggerable in this trading session."""
    assert intent.stop_price is not None
    limit = None
    if not regular_hours:
        limit = round_price(intent.stop_price * (1 - stop_slack_pct / 100), bands, "down")
    return OrderRequest(
        action=OrderAction.SELL,
        quantity=quantity,
        order_type="STP" if regular_hours else "STP LMT",
        limit_price=limit,
        stop_price=intent.stop_price,
        tif="GTC",
        outside_rth=not regular_hours,
        order_id=intent.stop_order_id,
        oca_group=oca_group(intent),
        oca_type=OCA_REDUCE_WITH_BLOCK,
        order_ref=intent.intent_id,
        account=intent.account,
    )


def as_market(stop: OrderRequest, quantity: Decimal) -> OrderRequest:
    """The same order turned into a market order: it sells at once and its OCA group takes the target along."""
    return replace(
        stop,
        quantity=quantity,
        order_type="MKT",
        limit_price=None,
        stop_price=None,
        outside_rth=False,
        transmit=True,
    )


def as_limit(stop: OrderRequest, quantity: Decimal, limit_price: float) -> OrderRequest:
    """The same order turned into a marketable limit that works outside regular hours."""
    return replace(
        stop,
        quantity=quantity,
        order_type="LMT",
        limit_price=limit_price,
        stop_price=None,
        outside_rth=True,
        transmit=True,
    )


def oca_group(intent: Intent) -> str:
    """Name of the group in which each fill of one leg reduces the other."""
    return f"oca-{intent.intent_id}"


@dataclass(slots=True, kw_only=True)
class Leg:
    """One order. request is what we sent last; changing: a modify is out that the broker has not echoed.

    status_filled: shares that statuses say are filled; executions may still be on their way.
    """

    role: str  # entry, target or stop
    request: OrderRequest
    sent_at: datetime
    state: OrderState = OrderState.SENT
    perm_id: int = 0
    changing: bool = False
    cancel_sent_at: datetime | None = None
    status_filled: Decimal = Decimal(0)
    status_at: datetime | None = None

    @property
    def live(self) -> bool:
        """True while the order may still fill, as far as anybody knows."""
        return self.state in LIVE

    @property
    def protecting(self) -> bool:
        """True while it can trigger, or may: an inactive order is neither dead nor of any use."""
        return self.live and self.state is not OrderState.INACTIVE

    @property
    def acknowledged(self) -> bool:
        """True while the broker holds or works the order, so that it may be modified."""
        return self.state in ACKNOWLEDGED


@dataclass(slots=True, kw_only=True)
class Bracket:
    """The orders around one entry intent, until flat.

    uncertain: why only the broker's lists can tell how it stands; empty while its events tell. contradiction: what
    those lists said against our fills and orders when they were last asked; empty if nothing.
    """

    intent: Intent
    sent_at: datetime
    legs: dict[str, Leg] = field(default_factory=dict)  # by role
    replaced: list[Leg] = field(default_factory=list)  # stops that another one stands in for
    exit: ExitRequest | None = None
    exit_intent_id: str = ""
    exit_tried_at: datetime | None = None
    stop_tried_at: datetime | None = None
    first_fill_at: datetime | None = None
    idle_since: datetime | None = None  # flat, and the entry is done
    shrinking_since: datetime | None = None  # an order sells more than is held: its group is about to reduce it
    uncertain: str = ""
    contradiction: str = ""
    reducing: list[str] = field(default_factory=list)  # intents of its exits and standalone stops
    sold_elsewhere: Decimal = Decimal(0)  # shares of ours that the broker, asked twice, no longer has
    alerted: set[str] = field(default_factory=set)  # what a human has been told already
    closed: bool = False

    @property
    def entry(self) -> Leg | None:
        """The leg that opens the position; None once adopted after it was done."""
        return self.legs.get("entry")

    @property
    def target(self) -> Leg | None:
        """The leg that takes the profit."""
        return self.legs.get("target")

    @property
    def stop(self) -> Leg | None:
        """The leg that protects the position; an exit turns this same order into a selling one."""
        return self.legs.get("stop")

    @property
    def entry_live(self) -> bool:
        """True while the entry may still fill."""
        return self.entry is not None and self.entry.live

    @property
    def any_live(self) -> bool:
        """True while any order may still fill."""
        return any(leg.live for leg in self)

    def __iter__(self) -> Iterator[Leg]:
        yield from self.legs.values()
        yield from self.replaced
