"""What the gateway itself knows of our orders, second by second, and what must never be true of it.

Ours is what carries a reference of ours. Shares of a symbol that our executions bought and did not sell are ours as
long as the account has them; a person who sells more than their own sells some of ours.

Seconds count only while the services are connected and nothing is on its way that excuses them: events or answers that
the gateway still holds back, an order that it lost, a line that is down. The bounds:

- Orders of ours sell what nobody holds only where a stop fires while an exit is on its way, and no parent has both as
  children: their group does not yet hold them apart. So many shares at most as the exit had, and a human is called.
- What live orders of ours could sell is more than what is held of ours for at most 3 s (DESIGN.md: two whole answers,
  asked at once); where fills go on, it trails by no more than those of 3 s. Where a person sold shares of ours
  around a fill of ours, no row can be told from one that trails until the fill is older than rows may (POSITION_LAG_S).
- Shares of a sale that the broker has undone look like a person's, or like a row that trails: what is said of bare
  shares does not count until rows never trail for so long (NEVER_SO_LATE_S). Where it may have been undone while nobody
  listened, or a person trades the symbol as well, nobody can tell whose they are: then a human is told, and no more.
- Held shares of ours are without an order that can trigger or sells for at most 5 s: 2 s by the law, 2 s in which a
  partly filled entry may still fill while its children wait (PARTIAL_GRACE_S), 1 s for the step of these worlds. In a
  symbol whose orders were refused it is 10 s: a second try after 2 s, and a sale after 2 more. Outside regular hours it
  is 20 s more: below the limit of a stop that has triggered nothing but limits can sell, which step down each 5 s.
- No stop of a trailing position stands, for longer than 10 s, below what an echo has told in this life that it had
  reached; but where the broker starts a trail anew from the market, for which nobody can.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from momentum_kit.models import Intent, IntentKind
from momentum_kit.services.execution import is_ours
from momentum_kit.simgateway.broker import Presets
from momentum_kit.simgateway.broker.oca_groups import family_room
from momentum_kit.simgateway.broker.order_book import Stage, Ticket
from momentum_kit.simgateway.events import OpenOrderReport
from momentum_kit.simgateway.server import SimulatedGateway
from momentum_kit.simgateway.trading_hours import may_trade
from momentum_kit.trading.orders import NEVER_SO_LATE_S, POSITION_LAG_S
from tests.chaos.orders.worlds import World

ZERO = Decimal(0)
TOO_MUCH_S = 3
BESIDE_AN_EXIT_S = 3  # so much longer: the guardian leaves a stop to its group while an exit sells (PATIENCE_S)
BARE_S = 5
LOOSE_S = 10
LADDER_S = 20
# after it was played: how long a fault excuses a wrong order, beyond what the gateway still holds back, seconds
EXCUSES_S = {"drop_order": 20, "stray_end": 6, "unreadable_row": 8, "reorder": 3, "duplicate": 0, "delay_acks": 0}


@dataclass(frozen=True, slots=True)
class Holding:
    """Shares of one symbol at the gateway: ours bought and sold, all that the account has, and what orders could do."""

    bought: Decimal
    sold: Decimal
    position: Decimal
    could_sell: Decimal
    covered: Decimal
    orders: tuple[str, ...]
    leaving: bool  # an order of its group has sold some of it already

    @property
    def ours(self) -> Decimal:
        """Held of ours."""
        return min(self.bought - self.sold, max(self.position, ZERO))

    @property
    def peoples(self) -> Decimal:
        """Held of a person's own; negative: they sold so many of ours."""
        return self.position - (self.bought - self.sold)

    def __str__(self) -> str:
        orders = "; ".join(self.orders) or "no orders"
        return (
            f"ours {self.ours:f} (bought {self.bought:f}, sold {self.sold:f}), account {self.position:f}, orders could "
            f"sell {self.could_sell:f}, cover {self.covered:f}: {orders}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What the services say in the end, over all their lives. ledger: shares by con_id; executions: ids, journaled."""

    ledger: Callable[[int], Decimal]
    unresolved: tuple[Intent, ...]
    critical: list[str]
    executions: set[str]


@dataclass
class Watch:
    """Looks at the gateway after every step. violations: what was found, with the second; story: what happened."""

    gateway: SimulatedGateway
    world: World
    violations: list[str] = field(default_factory=list)
    story: list[tuple[int, str]] = field(default_factory=list)
    held_back_until: datetime | None = None
    excused_until: int = 0
    _too_much_s: Counter[int] = field(default_factory=Counter)
    _bare_s: Counter[int] = field(default_factory=Counter)
    _ours: dict[int, deque[Decimal]] = field(default_factory=dict)
    _refused: set[int] = field(default_factory=set)
    busted: set[int] = field(default_factory=set)
    _crossed: set[int] = field(default_factory=set)
    _last_fill: dict[int, datetime] = field(default_factory=dict)
    _faults_seen: int = 0
    _found: set[tuple[str, int]] = field(default_factory=set)
    _told: dict[int, str] = field(default_factory=dict)
    _reached: dict[int, float] = field(default_factory=dict)  # the highest trail that was told, by con_id
    _loose_s: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.began = self.gateway.hub.now
        self._hear_of_trails()
        delays = self.gateway.hub.faults.delays
        hold = delays._hold

        def held(session: Any, request: Any, fault: Any) -> None:
            until = self.gateway.hub.now + timedelta(milliseconds=fault.delay_ms)
            self.held_back_until = max(self.held_back_until or until, until)
            hold(session, request, fault)

        delays._hold = held

    def _hear_of_trails(self) -> None:
        """Note what every echo and every list says of where our trailing stops stand."""
        hub = self.gateway.hub
        deliver, listed = hub.deliver, hub.broker.open_orders

        def note(events: Any) -> Any:
            for event in events:
                order = event.order if isinstance(event, OpenOrderReport) else None
                if order is not None and order.order_type == "TRAIL" and is_ours(order.order_ref):
                    level = order.echoed_stop or 0.0
                    self._reached[order.con_id] = max(self._reached.get(order.con_id, 0.0), level)
            return events

        hub.deliver = lambda events: deliver(note(events))
        hub.broker.open_orders = lambda *args: note(listed(*args))

    @property
    def second(self) -> int:
        """Market seconds since the world began."""
        return round((self.gateway.hub.now - self.began).total_seconds())

    @property
    def excused(self) -> str:
        """Why the services may be wrong now; empty if nothing is on its way."""
        hub, now = self.gateway.hub, self.gateway.hub.now
        delays = hub.faults.delays
        if hub.faults.effects.offline:
            return "the gateway has lost IB"
        if hub.broker.troubles.presets != Presets():
            return "the gateway's presets refuse orders"
        if self.held_back_until is not None and now <= self.held_back_until:
            return "an answer is held back"
        late = [kind for kind, due in delays._last_due.items() if now < due] + [
            k for k, lag in delays._lags.items() if lag
        ]
        if set(late) & {"statuses", "positions", "executions"}:
            return f"{', '.join(late)} are late"
        return "a fault was just played" if self.second <= self.excused_until else ""

    def tell(self, text: str) -> None:
        """Note what happens, for whoever reads a failure."""
        self.story.append((self.second, text))

    def found(self, what: str, con_id: int, why: str) -> None:
        """Something that must not be, once for each kind and symbol."""
        if (what, con_id) not in self._found:
            self._found.add((what, con_id))
            self.violations.append(f"second {self.second}: {what}: {self._symbol(con_id)}: {why}")
            self.tell(f"VIOLATION {what}")

    def look(self, *, connected: bool, items: dict[str, str]) -> None:
        """After a step. connected: the services have recovered; items: news items by order reference."""
        self._see_faults()
        counts = connected and not self.excused
        for con_id, holding in self.holdings().items():
            words = str(holding)
            if self._told.get(con_id) != words:
                self._told[con_id] = words
                self.tell(f"{self._symbol(con_id)}: {words}")
            if holding.sold > holding.bought and con_id not in self._crossed:
                if self._crosses(con_id):
                    self._crossed.add(con_id)
                    continue
                whose = "a person's own shares" if holding.position >= 0 else "what nobody held"
                self.found("sold too much", con_id, f"our orders sold {whose}: {words}")
            filled_s = self._since_fill_s(con_id)
            excused = filled_s < POSITION_LAG_S and holding.peoples < 0  # a person sold of ours
            too_much = con_id not in self._crossed and counts and holding.could_sell > holding.ours and not excused
            self._too_much_s[con_id] = self._too_much_s[con_id] + 1 if too_much else 0
            lately = self._ours.setdefault(con_id, deque(maxlen=TOO_MUCH_S + 1))
            lately.append(holding.ours)
            at_most_s = TOO_MUCH_S + BESIDE_AN_EXIT_S * (holding.leaving or filled_s <= TOO_MUCH_S)
            if self._too_much_s[con_id] > at_most_s and holding.could_sell > max(lately):
                self.found("could sell more than is held", con_id, f"for {self._too_much_s[con_id]} s: {words}")
            excused = con_id in self.busted and (filled_s < NEVER_SO_LATE_S or self._nobody_can_tell(holding))
            bare = counts and holding.covered < holding.ours and not excused
            self._bare_s[con_id] = self._bare_s[con_id] + 1 if bare else 0
            ladder_s = 0 if may_trade(self.gateway.hub.now, extended=False) else LADDER_S
            if self._bare_s[con_id] > BARE_S * (1 + (con_id in self._refused)) + ladder_s:
                self.found("bare", con_id, f"for {self._bare_s[con_id]} s: {words}")
            self._look_at_trail(con_id, holding, counts=counts)
            if not connected or not holding.ours:
                self._reached.pop(con_id, None)
        self._look_at_entries(items)

    def holdings(self) -> dict[int, Holding]:
        """Each symbol as it stands."""
        state = self.gateway.hub.broker._state
        traded: defaultdict[tuple[int, str], Decimal] = defaultdict(Decimal)
        for report in state.executions:
            if is_ours(report.order.order_ref):
                traded[report.order.con_id, report.side] += report.shares
        found = {}
        for listing in self.world.listings:
            con_id = listing.instrument.con_id
            tickets = [t for t in state.book.working(con_id) if is_ours(t.order.order_ref)]
            selling = [t for t in tickets if t.sign < 0 and t.stage is not Stage.CHILD]
            could, covered = self._by_group(selling), self._by_group([t for t in selling if self._sells(t)])
            found[con_id] = Holding(
                bought=traded[con_id, "BOT"],
                sold=traded[con_id, "SLD"],
                position=state.account.quantity(con_id),
                could_sell=could,
                covered=covered,
                orders=tuple(map(_words, tickets)),
                leaving=any(ticket.order.filled for ticket in selling),
            )
        return found

    def _since_fill_s(self, con_id: int) -> float:
        """Seconds since our last fill in a symbol, undone or not."""
        fills = (
            report.time
            for report in self.gateway.hub.broker._state.executions
            if report.order.con_id == con_id and is_ours(report.order.order_ref)
        )
        last = max((*fills, self._last_fill.get(con_id, self.began)))
        self._last_fill[con_id] = last
        return (self.gateway.hub.now - last).total_seconds()

    def _crosses(self, con_id: int) -> bool:
        """True if the latest sales of ours are a stop's and an exit's that was on its way when it fired."""
        sales = [
            report
            for report in self.gateway.hub.broker._state.executions
            if report.order.con_id == con_id and is_ours(report.order.order_ref) and report.side == "SLD"
        ]
        within = timedelta(milliseconds=2 * self.world.latency_ms, seconds=1)
        last = [report.order for report in sales if self.gateway.hub.now - report.time <= within]
        stops = [order for order in last if order.stop_price is not None]
        exits = [order for order in last if order.stop_price is None]
        return any(
            stop.oca_group == each.oca_group and not (stop.parent_id and stop.parent_id == each.parent_id)
            for stop in stops
            for each in exits
        )

    def _nobody_can_tell(self, holding: Holding) -> bool:
        """True of a sale undone while nobody listened, perhaps, or where a person holds shares of the symbol too."""
        return self.world.unheard or holding.peoples != 0

    def _look_at_trail(self, con_id: int, holding: Holding, *, counts: bool) -> None:
        """A stop stands where it was told to have trailed to, or above."""
        reached = self._reached.get(con_id)
        anew = self.gateway.hub.broker.assumptions.trail_modified == "market"
        tickets = self.gateway.hub.broker._state.book.working(con_id)
        stops = [t for t in tickets if is_ours(t.order.order_ref) and t.awaits_trigger and self._sells(t)]
        loose = (
            counts
            and not anew
            and reached is not None
            and bool(holding.ours and stops)
            and max(t.order.stop_price or 0.0 for t in stops) < reached - 1e-6
        )
        self._loose_s[con_id] = self._loose_s[con_id] + 1 if loose else 0
        if self._loose_s[con_id] > LOOSE_S:
            self.found("loosened", con_id, f"for {self._loose_s[con_id]} s below {reached}: {holding}")

    def judge(self, ending: "Ending") -> None:
        """After calm has passed: what the services believe, what rests, and what was written down."""
        for con_id, holding in self.holdings().items():
            symbol = self._symbol(con_id)
            critical = [text for text in ending.critical if symbol in text]
            believed = ending.ledger(con_id)
            if con_id in self._crossed:
                continue  # short: nothing more is sent, and a human was called
            told = critical or any(symbol in text and "not ours" in text for _, text in self.story)
            differs = holding.ours and not believed
            if con_id in self.busted and told and self._nobody_can_tell(holding) and (differs or holding.peoples < 0):
                continue
            if believed != holding.ours:
                self.found("ledger", con_id, f"the ledger says {believed:f}: {holding}; {critical}")
            if holding.could_sell != holding.ours:
                self.found("orders at the end", con_id, str(holding))
            if holding.covered < holding.ours:
                self.found("unprotected at the end", con_id, str(holding))
            if not holding.ours and holding.orders:
                self.found("orphan orders", con_id, str(holding))
            if self.world.flatten_at_end and holding.ours and con_id not in self.busted:  # back after it, perhaps
                self.found("not flat at the end", con_id, str(holding))
            if holding.peoples < 0 and holding.sold < holding.bought and not critical:
                self.found("nobody was told", con_id, f"a person sold shares of ours: {holding}")
            left = [each for each in ending.unresolved if each.contract.con_id == con_id]
            if left and not holding.ours and not critical:
                self.found("unresolved intents", con_id, f"{[(i.kind.value, i.state.value) for i in left]}: {holding}")
            if holding.ours and not any(each.kind is IntentKind.ENTRY for each in left):
                self.found("nobody owns it", con_id, f"no entry is unresolved: {holding}")
        for words in self._staged():
            self.found("a staged leg was left", 0, words)
        for report in self.gateway.hub.broker._state.executions:
            if is_ours(report.order.order_ref) and report.exec_id.rpartition(".")[0] not in ending.executions:
                self.found("journal", report.order.con_id, f"execution {report.exec_id} is missing")

    def _staged(self) -> list[str]:
        """Orders of ours that were handed over and never transmitted."""
        return [
            _words(t) for t in self.gateway.hub.broker._book if t.stage is Stage.STAGED and is_ours(t.order.order_ref)
        ]

    def _by_group(self, tickets: list[Ticket]) -> Decimal:
        """Shares that these could sell together: an OCA group counts once."""
        groups: dict[object, Decimal] = {}
        book = self.gateway.hub.broker._book
        uncapped = self.gateway.hub.broker.assumptions.family_cap == "uncapped"
        for ticket in tickets:
            room, parent = ticket.order.remaining, book.parent(ticket)
            if parent is not None and parent.is_open and not uncapped:
                room = min(room, family_room(ticket, parent, book))  # never beyond what a living parent has filled
            key = ticket.order.oca_group or id(ticket)
            groups[key] = max(groups.get(key, ZERO), room)
        return sum(groups.values(), ZERO)

    def _sells(self, ticket: Ticket) -> bool:
        """True for an order that can trigger in this session, or sells at today's bid."""
        market, now = self.gateway.hub.market, self.gateway.hub.now
        quote = market.quote(ticket.order.con_id)
        if not may_trade(now, ticket.extended) or quote is None:
            return False
        limit = ticket.limit
        if ticket.waits_for_time(now) or (ticket.order.good_after is not None and ticket.stage is Stage.SENT):
            return False  # a time exit protects nobody before its hour, nor one that is never woken
        return ticket.awaits_trigger or limit is None or limit <= quote.bid

    def _look_at_entries(self, items: dict[str, str]) -> None:
        entered: Counter[str] = Counter()
        for ticket in self.gateway.hub.broker._book:
            order = ticket.order
            if (
                order.action == "BUY"
                and is_ours(order.order_ref)
                and ticket.stage is not Stage.STAGED
                and order.perm_id
            ):
                item = items.get(order.order_ref, order.order_ref)
                entered[item] += 1
                if entered[item] > 1:
                    self.found("a second entry", order.con_id, f"for {item}")

    def _see_faults(self) -> None:
        log = self.gateway.hub.faults.log
        for entry in log[self._faults_seen :]:
            self.tell(f"fault: { {k: v for k, v in entry.items() if k not in ('time', 'clients')} }")
            if entry["kind"] in ("refuse_stops", "doomed_modify"):
                self._refused |= {x.con_id for x in self.gateway.hub.market.find(symbol=entry["symbol"])}
            if entry["kind"] == "busted_trade":
                self.busted |= {x.con_id for x in self.gateway.hub.market.find(symbol=entry["symbol"])}
            lasts = EXCUSES_S.get(entry["kind"], 0)
            if entry["kind"] == "delay_acks":
                lasts = int(entry["for_s"] + entry["delay_ms"] / 1000) + 1
            if lasts:
                self.excused_until = max(self.excused_until, self.second + lasts)
        self._faults_seen = len(log)
        for session in self.gateway.hub.sessions():
            armed = [fault for fault in getattr(session.filter, "_faults", ()) if fault.left > 0]
            if armed or session in self.gateway.hub.faults.effects._swallow:
                self.excused_until = max(self.excused_until, self.second + 8 if armed else self.second + 20)

    def _symbol(self, con_id: int) -> str:
        found = self.gateway.hub.market.find(con_id=con_id)
        return found[0].symbol if found else str(con_id)


def _words(ticket: Ticket) -> str:
    order = ticket.order
    price = "" if order.limit_price is None else f" at {order.limit_price:g}"
    trigger = "" if order.stop_price is None else f" below {order.stop_price:g}"
    group = f" in {order.oca_group[-6:]}" if order.oca_group else ""
    return (
        f"{order.order_id} {order.action} {order.order_type} {order.remaining:f} of {order.quantity:f}{price}{trigger} "
        f"{order.status}/{ticket.stage.name.lower()}{group}"
    )
