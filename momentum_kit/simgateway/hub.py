"""The whole simulated gateway without sockets: one market, one broker, many client sessions, one market clock.

Market time moves in `Hub.advancing` and nowhere else. For each market event, in order of time: first everything that
was due before it (the broker's answers, faults, conflated quotes, closed bars), then the event itself to the clients,
then what the broker makes of it. So no client sees a fill before the print that caused it, and two runs with the same
requests at the same market times send the same bytes.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal

from momentum_kit.simgateway.broker import UNBOUND, AccountPosition, CompletedOrder, SimulatedBroker, is_manual
from momentum_kit.simgateway.client import ClientSession, Incoming, Limits
from momentum_kit.simgateway.client.handlers import HANDLERS
from momentum_kit.simgateway.events import (
    BulletinEvent,
    CommissionReportDue,
    ExecutionReport,
    HaltEvent,
    MarketEvent,
    NewsEvent,
    OrderBound,
    OrderErrorReport,
    OrderEvent,
    StatusReport,
)
from momentum_kit.simgateway.faults import FaultPlayer
from momentum_kit.simgateway.lock_step import LockStep
from momentum_kit.simgateway.market import Market
from momentum_kit.simgateway.protocol.text import news_bulletin
from momentum_kit.simgateway.scenario import Fault

REMEMBERED_HEADLINES = 200
NOTICE = 1  # the kind of a bulletin that closes no exchange


class Hub:
    """Routes market and order events to sessions; nothing here waits, reads a wall clock or touches a socket.

    now: market time, aware UTC. lock_step: the step by which the driving client's reqCurrentTimeInMillis moves the
    market; None where someone else calls `advance`. limits: IB's, relaxed as the scenario says. faults: played
    besides the scenario's own.
    """

    def __init__(
        self,
        market: Market,
        broker: SimulatedBroker,
        *,
        version_cap: int,
        lock_step: timedelta | None = None,
        limits: Limits | None = None,
        faults: Iterable[Fault] = (),
    ) -> None:
        self.market = market
        self.broker = broker
        self.account = broker.account.name
        self.version_cap = version_cap
        self.now = market.now
        self.headlines: deque[NewsEvent] = deque(maxlen=REMEMBERED_HEADLINES)
        self.bulletins = [BulletinEvent(1, NOTICE, f"Trading day {market.scenario.day:%Y-%m-%d}: all systems up", "")]
        self._lock_step = None if lock_step is None else LockStep(market, lock_step)
        self._sessions: dict[int, ClientSession] = {}
        self._driver: ClientSession | None = None
        self.limits = limits or Limits(market.scenario.limits)
        self.history_sleeps = broker.assumptions.history_farm == "inactive"  # until it is asked for something
        self.faults = FaultPlayer(self)
        for fault in (*market.scenario.faults, *faults):
            self.faults.add(fault)

    @property
    def clock_time(self) -> datetime:
        """The gateway's clock as clients read it: market time, but for a fault."""
        return self.now + self.faults.effects.skew

    @property
    def offline(self) -> bool:
        """The gateway has lost IB: a fault's doing, as the next two are."""
        return self.faults.effects.offline

    @property
    def farms_down(self) -> frozenset[str]:
        """Data farms that are broken."""
        return frozenset(self.faults.effects.down)

    @property
    def competing(self) -> bool:
        """Another session of this user has the market data."""
        return "competing" in self.faults.effects.down

    @property
    def data_stopped(self) -> bool:
        """No quotes and bars reach a client: a fault's doing."""
        return self.faults.effects.data_stopped

    @property
    def lines_used(self) -> int:
        """Market data lines in use by all clients of this login."""
        return sum(session.feeds.lines_used for session in self._sessions.values())

    @property
    def ticks_used(self) -> int:
        """Tick-by-tick subscriptions of all clients of this login."""
        return sum(len(session.feeds.ticks) for session in self._sessions.values())

    def open_session(self) -> ClientSession:
        """A session for a client that has just connected."""
        return ClientSession(self, HANDLERS)

    def sessions(self, client_id: int | None = None) -> list[ClientSession]:
        """Sessions that have started, by client id; one of them, or all."""
        return [self._sessions[key] for key in sorted(self._sessions) if client_id in (None, key)]

    def admit(self, session: ClientSession, client_id: int) -> bool:
        """Give a session its client id; False if another one holds it."""
        if client_id in self._sessions:
            return False
        session.client_id = client_id
        self._sessions[client_id] = session
        return True

    def started(self, session: ClientSession) -> None:
        """A session has been greeted; faults may wait for it."""
        if session.client_id is not None:
            self.faults.after_start(session.client_id)

    def may_handle(self, session: ClientSession, request: Incoming) -> bool:
        """False if a fault swallows this request, or lets it wait."""
        return self.faults.admits(session, request)

    def leave(self, session: ClientSession) -> None:
        """Forget a session whose socket is gone; its orders stay with the broker."""
        if session.client_id is not None:
            del self._sessions[session.client_id]
            session.client_id = None
        if self._driver is session:
            self._driver = None

    def mark(self, con_id: int) -> float | None:
        """The price a holding is valued at, USD: the last print, else the mid."""
        last, quote = self.market.last(con_id), self.market.quote(con_id)
        if last is not None:
            return last.price
        return None if quote is None else (quote.bid + quote.ask) / 2

    def step(self, session: ClientSession) -> datetime:
        """The time to tell; in lock-step the session that drives (the first to ask) moves the market first."""
        if self._lock_step is None:
            return self.clock_time
        self._driver = self._driver or session
        if self._driver is session:
            to, moves = self._lock_step.next()
            if not moves:
                return to  # announced: it happens at the next step
            self.advance(to)
        return self.clock_time

    def advance(self, to: datetime) -> None:
        """Let market time reach `to`: every event in order to the broker and to every client."""
        for _ in self.advancing(to):
            pass

    def advancing(self, to: datetime) -> Iterator[None]:
        """The same in small turns: whoever drives it can serve requests in the middle of a burst."""
        # Requests handled between two turns see the market as of `now`, so what they cause is in order as well.
        for event in self.market.advancing(to):
            self._move_to(event.time)
            yield from self._sending_due(event.time)
            if isinstance(event, NewsEvent):
                self.headlines.append(event)
            self._send_market(event)
            if isinstance(event, HaltEvent):
                self._tell_halt(event)
            self.deliver(self.broker.on_market(event))
            yield
        self._move_to(to)
        yield from self._sending_due(to)
        for session in self._sessions.values():
            session.on_time(to)

    def deliver(self, events: Iterable[OrderEvent]) -> None:
        """Hand order events to the client they belong to; a broker's liquidation concerns every client."""
        for event in events:
            if self.faults.effects.holds_back(event):
                continue
            kept = self.faults.delays.keeps(event, self._tell_late)
            if not kept:
                self._tell(event)
            if isinstance(event, ExecutionReport):
                self.tell_position(event.order.con_id)
            if not kept:
                self.faults.after_order_event(event)

    def positions(self) -> list[AccountPosition]:
        """All holdings as clients are told them; a fault may let them trail."""
        return self.broker.positions(self.faults.delays.as_of("positions"))

    def open_orders(self, client_id: int | None) -> list[OrderEvent]:
        """Working orders of one client, or of all (None), as clients are told them."""
        return self.faults.delays.open_orders(client_id)

    def completed_orders(self, *, api_only: bool) -> list[CompletedOrder]:
        """Orders that ended today, as clients are told them."""
        return self.faults.delays.completed_orders(api_only=api_only)

    def listed_until(self, kind: Literal["executions", "commissions"]) -> datetime:
        """The moment up to which lists of this kind reach; now, but for a fault."""
        return self.faults.delays.as_of(kind)

    def _tell_late(self, event: OrderEvent) -> None:
        self._tell(event)
        self.faults.after_order_event(event)

    def tell_position(self, con_id: int) -> None:
        """Holdings and values are the account's: every subscriber hears of any client's fill."""

        def tell() -> None:
            for session in self._sessions.values():
                session.account_feeds.on_execution(con_id)

        if not self.faults.delays.keeps_position(tell):
            tell()

    def _tell(self, event: OrderEvent) -> None:
        # The broker's own forced sale (liquidation 1, order id -1) is nobody's order: every client hears of it.
        if isinstance(event, ExecutionReport) and event.liquidation:
            receivers = list(self._sessions.values())
        else:
            owner = self._sessions.get(_client_of(event))
            receivers = [owner] if owner and (owner.sees_manual_orders or not _is_unbound(event)) else []
        for session in receivers:
            session.on_order(event)
        self.faults.delays.heard(event)

    def _send_market(self, event: MarketEvent) -> None:
        if not self.data_stopped:
            for session in self._sessions.values():
                session.feeds.on_market(event)
        if isinstance(event, NewsEvent) and not self.faults.effects.offline:
            if self.data_stopped:  # news does not come through the market data farm
                for session in self._sessions.values():
                    session.feeds.send_headlines(session.feeds.news.values(), [event])
            self.faults.after_headline()

    def _tell_halt(self, event: HaltEvent) -> None:
        item = self.market.instruments[event.con_id]
        text = f"{item.symbol}: trading {'is halted' if event.state else 'goes on'}"
        bulletin = BulletinEvent(len(self.bulletins) + 1, NOTICE, text, item.primary_exchange)
        self.bulletins.append(bulletin)
        for session in self._sessions.values():
            if session.hears_bulletins and not self.faults.effects.offline:
                session.send(news_bulletin(session.version, bulletin))

    def _sending_due(self, moment: datetime) -> Iterator[None]:
        for session in list(self._sessions.values()):  # clients come and go between two turns
            while not self.data_stopped and session.feeds.send_next_due(moment):
                yield

    def _move_to(self, moment: datetime) -> None:
        self.now = max(self.now, moment)
        self.deliver(self.broker.advance(self.now))
        self.faults.advance(self.now)


def _is_unbound(event: OrderEvent) -> bool:
    if isinstance(event, CommissionReportDue | OrderErrorReport | OrderBound):
        return False
    return is_manual(event.order.client_id, event.order.order_id) and event.order.order_id == UNBOUND


def _client_of(event: OrderEvent) -> int:
    if isinstance(event, CommissionReportDue | OrderErrorReport | OrderBound):
        return event.client_id
    if isinstance(event, StatusReport) and event.hearer is not None:
        return event.hearer
    return event.order.client_id
