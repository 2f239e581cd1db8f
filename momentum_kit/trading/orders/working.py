"""What we have at the broker for one symbol: a bracket's legs as last sent and last heard; the order desk owns them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from momentum_kit.models import ExitRequest, Intent, OrderRequest
from momentum_kit.trading.orders.lifecycle import ACKNOWLEDGED, LIVE, OrderState


@dataclass(slots=True)
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


@dataclass(slots=True)
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
    told: set[str] = field(default_factory=set)  # what a human has been told already
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
