"""A bracket: its three orders, the exit that its target turns into, and how each stands at the broker.

The requests are pure functions of an intent; Bracket and Leg are the state that the order desk owns and changes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from momentum_kit.models import ExitRequest, Intent, IntentKind, OrderAction, OrderRequest, PriceIncrement
from momentum_kit.trading.orders.lifecycle import ACKNOWLEDGED, LIVE, OrderState
from momentum_kit.trading.prices import round_price

# type 1 would cancel the whole stop on the first shares of the target, and leave the rest bare
OCA_REDUCE_WITH_BLOCK = 2


def bracket_legs(
    intent: Intent, *, regular_hours: bool, stop_slack_pct: float, bands: Sequence[PriceIncrement]
) -> tuple[OrderRequest, OrderRequest, OrderRequest]:
    """Entry, target and stop in sending order; only the last is transmitted, which releases all three.

    The intent carries prices and the three order ids; the stop is that of `stop_order`.
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


def stop_type(*, regular_hours: bool, trails: bool) -> str:
    """The form in which a stop can trigger in this session; outside regular hours a plain or trailing one sleeps."""
    if not regular_hours:
        return "STP LMT"
    return "TRAIL" if trails else "STP"


def suits(stop: OrderRequest, form: str) -> bool:
    """True if a stop at rest need not be replaced by one of this form."""
    awake = stop.order_type == "STP LMT" if form == "STP" else stop.outside_rth and form == "STP LMT"
    return stop.order_type == form or awake


def stop_order(
    intent: Intent,
    quantity: Decimal,
    *,
    regular_hours: bool,
    stop_slack_pct: float,
    bands: Sequence[PriceIncrement],
) -> OrderRequest:
    """A protective stop that stands alone: GTC, transmitted, triggerable in this trading session.

    It begins at the intent's stop price, and follows the market where the intent has a trail and the session lets it.
    The limit of a STP LMT, with outsideRth, is stop_slack_pct per cent below the trigger.
    """
    assert intent.stop_price is not None
    form = stop_type(regular_hours=regular_hours, trails=intent.trail_usd is not None)
    order = OrderRequest(
        action=OrderAction.SELL,
        quantity=quantity,
        order_type=form,
        trailing_usd=intent.trail_usd if form == "TRAIL" else None,
        tif="GTC",
        outside_rth=not regular_hours,
        order_id=intent.stop_order_id,
        oca_group=oca_group(intent),
        oca_type=OCA_REDUCE_WITH_BLOCK,
        order_ref=intent.intent_id,
        account=intent.account,
    )
    return at_level(order, intent.stop_price, stop_slack_pct=stop_slack_pct, bands=bands)


def at_level(
    stop: OrderRequest, level: float, *, stop_slack_pct: float, bands: Sequence[PriceIncrement]
) -> OrderRequest:
    """The same stop with its trigger at a level (USD), and its limit below that where it has one."""
    limited = stop.order_type == "STP LMT"
    limit = round_price(level * (1 - stop_slack_pct / 100), bands, "down") if limited else None
    return replace(stop, stop_price=level, limit_price=limit, transmit=True)


def exit_order(intent: Intent, group: str, quantity: Decimal) -> OrderRequest:
    """A sell of its own for an exit, where no target is left to be turned; a member of the OCA group given."""
    return OrderRequest(
        action=OrderAction.SELL,
        quantity=quantity,
        order_type="MKT",
        tif="GTC",
        order_id=intent.target_order_id,
        oca_group=group,
        oca_type=OCA_REDUCE_WITH_BLOCK,
        order_ref=intent.intent_id,
        account=intent.account,
    )


def as_market(order: OrderRequest, quantity: Decimal) -> OrderRequest:
    """The same selling order, to be filled at once at any price; regular hours only."""
    return replace(
        order, quantity=quantity, order_type="MKT", limit_price=None, stop_price=None, outside_rth=False, transmit=True
    )


def as_limit(order: OrderRequest, quantity: Decimal, limit_price: float) -> OrderRequest:
    """The same selling order as a limit that works outside regular hours."""
    return replace(
        order,
        quantity=quantity,
        order_type="LMT",
        limit_price=limit_price,
        stop_price=None,
        outside_rth=True,
        transmit=True,
    )


def as_told(ours: OrderRequest, told: OrderRequest) -> OrderRequest:
    """Our request with the broker's type, size and prices; IB fills in prices that a type does not have."""
    kind = told.order_type
    if kind == "TRAIL" and ours.order_type == kind:
        return replace(trailed(ours, told), quantity=told.quantity, outside_rth=told.outside_rth, transmit=True)
    return replace(
        ours,
        order_type=kind,
        quantity=told.quantity,
        limit_price=told.limit_price if kind in ("LMT", "STP LMT") else None,
        stop_price=told.stop_price if kind in ("STP", "STP LMT", "TRAIL") else None,
        trailing_usd=told.trailing_usd,
        outside_rth=told.outside_rth,
        good_after=told.good_after or ours.good_after,
        transmit=True,
    )


def trailed(ours: OrderRequest, told: OrderRequest) -> OrderRequest:
    """Our request of a trailing stop, raised to where the broker says that it stands: it never moves back."""
    if ours.order_type != "TRAIL" or told.order_type != "TRAIL":
        return ours
    level = max(ours.stop_price or 0.0, told.stop_price or 0.0) or None
    return replace(ours, stop_price=level, trailing_usd=told.trailing_usd or ours.trailing_usd)


def oca_group(intent: Intent) -> str:
    """Name of the group in which each fill of one leg reduces the other."""
    return f"oca-{intent.intent_id}"


@dataclass(slots=True, kw_only=True)
class Leg:
    """One order of ours. request is what we sent last; changing: a modify is out that the broker has not echoed.

    named: the most shares that statuses and lists called filled; executions may still be on their way. spoken, heard:
    the numbers of the latest word to and from the broker about it, so that a list asked for earlier undoes neither.
    told, echo: the latest status and copy of the order that events brought. absent: whole lists in a row that do not
    have it. Times are elapsed seconds of the clock.
    """

    role: str  # entry, target, stop, exit or timed
    request: OrderRequest
    sent_at: float
    state: OrderState = OrderState.SENT
    perm_id: int = 0
    changing: bool = False
    size_before: Decimal = Decimal(0)  # of the latest change, which an exchange may refuse after the gateway's echo
    asked: Decimal = Decimal(0)  # the size that we asked for last; an echo that says less may be from before it
    cancel_sent_at: float | None = None
    named: Decimal = Decimal(0)
    left: Decimal = Decimal(0)  # by the status that named the most
    spoken: int = 0
    heard: int = 0
    told: str = ""
    echo: OrderRequest | None = None
    absent: int = 0
    absent_since: float = 0.0
    turned: bool = False  # an exit has made it marketable; of a time exit, its hour has come
    smaller: bool = False  # it may be smaller than request says, or done: the list of orders is asked at once
    limited: bool = False  # an exit's latest change was to make it a limit
    passed: bool = False  # it stayed a market order, and another one was sent beside it
    cap_price: float = 0.0  # USD, where the broker's price check holds it (2161), by its latest status
    untold_since: float | None = None  # when a notice alone ended it, which does not say how much it had filled

    def __post_init__(self) -> None:
        self.asked = self.asked or self.request.quantity

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

    @property
    def whole(self) -> Decimal:
        """Shares after which nothing of it is left, whichever size the broker works while a change is under way."""
        return max(self.request.quantity, self.size_before) if self.changing else self.request.quantity

    @property
    def most(self) -> Decimal:
        """The largest size at which the broker may work it: what was asked for, changed or believed since its list."""
        return max(self.request.quantity, self.size_before, self.asked)

    @property
    def at_rest(self) -> bool:
        """True if it may be modified now: nothing that we asked of it is outstanding."""
        return self.acknowledged and not self.changing and self.cancel_sent_at is None

    @property
    def refused_to_trail(self) -> bool:
        """True of a trailing stop that the broker does not take: refused, inactive, or gone with no word but a code."""
        refused = self.state in (OrderState.REJECTED, OrderState.INACTIVE)
        in_vain = self.state in (OrderState.UNKNOWN, OrderState.CANCELLED) and self.told in ("", "Inactive")
        return self.request.order_type == "TRAIL" and bool(self.heard) and (refused or in_vain)

    @property
    def selling(self) -> bool:
        """True if it would sell as soon as it works, whatever the price does: an exit; a time exit that has woken."""
        if self.role == "timed":
            return self.turned and self.state is OrderState.WORKING
        return self.role == "exit" or self.turned or self.request.order_type == "MKT"


@dataclass(slots=True, kw_only=True)
class Bracket:
    """The orders around one entry intent, until flat. Times are elapsed seconds of the clock.

    uncertain: why only the broker's list of orders can tell how they stand; empty while its events tell. listed: that
    list has been had whole since we know of the bracket, twice where it lacks a stop, so that an order which is not
    here does not exist.
    """

    intent: Intent
    sent_at: float
    listed: bool = True
    lists: int = 0  # whole ones without a stop, until `listed`
    legs: dict[str, Leg] = field(default_factory=dict)  # by role
    replaced: list[Leg] = field(default_factory=list)  # orders that another one of their role stands in for
    stops: list[Leg] = field(default_factory=list)  # all that were followed, whatever became of them
    exit: ExitRequest | None = None
    exit_reason: str = ""  # of the latest exit, also once it is done
    exit_intent_id: str = ""
    exit_tried_at: float | None = None
    exit_tries: int = 0
    exit_steps: int = 0  # by which its price has gone down, in the hours it is in
    exit_in_hours: bool | None = None  # whether those are regular ones
    prices_refused: int = 0  # by IB's price check, of what this exit was to sell at
    stop_tried_at: float | None = None
    stops_unheard: int = 0  # stops placed since the broker last accepted one
    first_fill_at: float | None = None
    idle_since: float | None = None  # nothing held, and the entry is done
    shrinking_since: float | None = None  # an order sells more than is held: its group is about to reduce it
    unsuited_since: float | None = None  # its stop needs another form in this session
    gapped_since: float | None = None  # the market is below the limit of a triggered stop
    selling_since: float | None = None  # the exit has met a stop that had triggered and sells by itself
    uncertain: str = ""
    reducing: list[str] = field(default_factory=list)  # intents of its exits and standalone stops
    alerted: set[str] = field(default_factory=set)  # what a human has been told already
    closed: bool = False

    def leave(self, request: ExitRequest) -> None:
        """Go for flat, for the reason given; what was asked first stays the reason."""
        if self.exit is None:
            self.exit, self.exit_reason = request, request.reason

    def let_stand_in(self) -> None:
        """A second stop takes the place of one that protects no more: to place a third would sell the same twice."""
        stop = self.stop
        if stop is not None and stop.protecting:
            return
        for other in self.replaced:
            if other.role == "stop" and other.protecting and other.cancel_sent_at is None:
                self.replaced.remove(other)
                if stop is not None and stop.live:
                    self.replaced.append(stop)
                self.legs["stop"] = other
                return

    def room(self, leg: Leg) -> Decimal:
        """The most shares that an order may have: a child can be no larger than its parent (201), and others can."""
        child = self.intent.kind is IntentKind.ENTRY and leg.request.order_ref == self.intent.intent_id
        return self.intent.quantity if child else Decimal("Infinity")

    @property
    def entry(self) -> Leg | None:
        """The leg that opens the position; None once adopted after it was done."""
        return self.legs.get("entry")

    @property
    def target(self) -> Leg | None:
        """The leg that takes the profit; an exit makes this same order marketable."""
        return self.legs.get("target")

    @property
    def stop(self) -> Leg | None:
        """The leg that protects the position; an exit leaves it alone, and their group reduces it."""
        return self.legs.get("stop")

    @property
    def timed(self) -> Leg | None:
        """The leg that the broker holds until the position must be gone; it sells what is left then."""
        return self.legs.get("timed")

    @property
    def trails(self) -> bool:
        """True if its stop is to follow the market: it was planned so, and the broker has not refused one."""
        return self.intent.trail_usd is not None and not any(leg.refused_to_trail for leg in self.stops)

    @property
    def stop_level(self) -> float | None:
        """Where a stop of it stands at least, USD: one that trails never below what it is known to have reached.

        That is what we sent and what the broker's echoes told, whatever became of the order; nothing is inferred.
        """
        trailing = self.intent.trail_usd is not None
        reached = [leg.request.stop_price for leg in self.stops if trailing or leg.request.order_type == "TRAIL"]
        return max((price for price in (self.intent.stop_price, *reached) if price is not None), default=None)

    @property
    def way_out(self) -> Leg | None:
        """The order that is selling the position now, if any."""
        return next((leg for leg in self if leg.selling and leg.protecting), None)

    @property
    def entry_live(self) -> bool:
        """True while the entry may still fill."""
        return self.entry is not None and self.entry.live

    @property
    def entry_untold(self) -> bool:
        """True while an entry that has ended may have bought more than anybody has said."""
        return any(leg.request.action is OrderAction.BUY and leg.untold_since is not None for leg in self)

    @property
    def any_live(self) -> bool:
        """True while any order may still fill."""
        return any(leg.live for leg in self)

    def __iter__(self) -> Iterator[Leg]:
        yield from self.legs.values()
        yield from self.replaced
