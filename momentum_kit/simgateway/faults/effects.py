"""What each fault does once it is due: to all data, news and requests, to one client's messages, or to its socket."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from momentum_kit.simgateway.client import TOO_MANY_OPEN, ClientSession, Incoming, ServingGateway
from momentum_kit.simgateway.events import OrderEvent, SimOrder
from momentum_kit.simgateway.faults.account_effects import act_on_account
from momentum_kit.simgateway.faults.message_faults import (
    DelayedFrames,
    DuplicatedFrames,
    MessageFaults,
    MiscountedFields,
    SwappedFrames,
    UnreadableFrames,
)
from momentum_kit.simgateway.protocol import REPLIES, Request
from momentum_kit.simgateway.protocol.text import (
    TickType,
    completed_orders_end,
    historical_news_end,
    open_orders_end,
    order_status,
    position_end,
    tick_price,
)
from momentum_kit.simgateway.scenario import (
    ORDER_MESSAGES,
    ClockSkew,
    CompetingSession,
    ConnectivityLost,
    DelayAcks,
    DropOrder,
    DropSocket,
    Duplicate,
    FarmFlap,
    Fault,
    GarbageFrame,
    Outage,
    OversizeFrame,
    Reorder,
    SlowReader,
    Stall,
    StrayEnd,
    Trickle,
    UnknownIds,
    UnreadableRow,
    WrongFieldCount,
)

LOST = "Connectivity between IB and Trader Workstation has been lost."
KEPT = "Connectivity between IB and Trader Workstation has been restored - data maintained."
ANEW = "Connectivity between IB and Trader Workstation has been restored - data lost."
FARM_NOTICES = {
    "usfarm": (2103, 2104, "Market data farm connection is {}:usfarm"),
    "ushmds": (2105, 2106, "HMDS data farm connection is {}:ushmds"),
    "secdefnj": (2157, 2158, "Sec-def data farm connection is {}:secdefnj"),
}
# Which farm answers a request; cancels wait with what they cancel, so that their order stays.
_ASKED = {"usfarm": {1, 2, 50, 51, 97, 98}, "ushmds": {20, 25, 87, 88, 89, 90, 96}, "secdefnj": {9, 78, 81}}
FARM_OF = {kind: farm for farm, kinds in _ASKED.items() for kind in kinds}
# What the gateway answers by itself while it has lost IB.
LOCAL = {
    Request.START_API,
    Request.IDS,
    Request.MANAGED_ACCOUNTS,
    Request.SERVER_LOG_LEVEL,
    Request.CURRENT_TIME,
    Request.CURRENT_TIME_IN_MILLIS,
}
_ENDS = {
    "openOrderEnd": open_orders_end,
    "positionEnd": position_end,
    "completedOrdersEnd": completed_orders_end,
}
RESTART_S = 5.0
NO_ID = UnknownIds.FIRST_ID


class GatewayProcess(Protocol):
    """The process around a hub, as far as faults reach it."""

    def go_down(self, down_wall_s: float | None) -> None:
        """End every connection and stop listening, for a while or for good (None)."""
        ...


class FaultEffects:
    """What is wrong now. later(moment, action) and note(fault, **more) belong to the FaultPlayer that acts here."""

    def __init__(
        self, hub: ServingGateway, later: Callable[[datetime, Callable[[], None]], None], note: Callable[..., None]
    ) -> None:
        self.skew = timedelta(0)
        self.offline = False
        self.down: set[str] = set()  # farms, and 'competing' while another session has the data
        self.process: GatewayProcess | None = None  # where there is one
        self._hub = hub
        self._later = later
        self._note = note
        self._held_requests: list[tuple[ClientSession, Incoming]] = []
        self._held_events: list[OrderEvent] = []
        self._swallow: set[ClientSession] = set()
        self._random = random.Random(hub.market.scenario.seed)

    @property
    def data_stopped(self) -> bool:
        """No quotes and bars reach a client."""
        return self.offline or "usfarm" in self.down or "competing" in self.down

    def open_history(self) -> int:
        """History requests that wait for an answer."""
        return sum(request.kind == Request.HISTORICAL_DATA for _, request in self._held_requests)

    def holds_back(self, event: OrderEvent) -> bool:
        """True if this is delivered later: the gateway has lost IB."""
        if self.offline:
            self._held_events.append(event)
        return self.offline

    def admits(self, session: ClientSession, request: Incoming) -> bool:
        """False if the request is swallowed, or waits for IB or a farm."""
        if session in self._swallow and request.kind == Request.PLACE_ORDER and not request.is_what_if:
            self._swallow.remove(session)
            return False
        if request.kind == Request.HISTORICAL_DATA and self.open_history() >= self._hub.limits.open_history:
            session.error(request.request_id, 322, f"Error processing request.-'bR' : cause - {TOO_MANY_OPEN}")
            return False
        waits = request.kind not in LOCAL if self.offline else FARM_OF.get(request.kind) in self.down
        if waits:
            self._held_requests.append((session, request))
        return not waits

    def on_gateway(self, fault: Fault) -> None:
        """Act on everybody."""
        match fault:
            case ConnectivityLost():
                self._lose(fault)
            case FarmFlap():
                self._flap(fault)
            case CompetingSession():
                self.down.add("competing")
                for session in self._hub.sessions():
                    for request_id in list(session.feeds.lines):
                        session.error(request_id, 10197, "No market data during competing live session")
                self._after(fault.for_s, lambda: self._up("competing"))
            case ClockSkew():
                self.skew = timedelta(seconds=fault.skew_s)
                self._after(fault.for_s, self._unskew)
            case Outage():
                if fault.kind == "second_login":
                    self._tell(1100, LOST)
                restart_s = RESTART_S if fault.kind == "nightly_restart" else None
                if self.process:
                    self.process.go_down(fault.down_wall_s or restart_s)
            case _:
                act_on_account(self._hub, fault)

    def on_client(self, fault: Fault, session: ClientSession) -> None:
        """Act on one connection."""
        socket = session.socket
        match fault:
            case DropSocket():
                socket.drop(fault.how) if socket else session.close()
            case Stall() if socket:
                socket.stall(fault.wall_s)
            case SlowReader() if socket:
                socket.stall(fault.wall_s, reading_only=True)
            case Trickle() if socket:
                socket.trickle(fault.wall_s, fault.size)
            case DropOrder():
                self._swallow.add(session)
            case GarbageFrame():
                session.send_raw(fault.size.to_bytes(4, "big") + self._random.randbytes(fault.size))
            case OversizeFrame():
                session.send_raw(fault.claims.to_bytes(4, "big") + b"4\0" * 8)
            case UnknownIds():
                _answer_nobody(session)
            case StrayEnd():
                for end in fault.ends:
                    session.send(_ENDS[end](session.version))
            case _:
                self._spoil(fault, session)

    def _spoil(self, fault: Fault, session: ClientSession) -> None:
        spoiled = session.filter
        if not isinstance(spoiled, MessageFaults):
            session.filter = spoiled = MessageFaults(session.version)
        match fault:
            case Duplicate():
                spoiled.add(DuplicatedFrames(_numbers(fault.messages), fault.count))
            case Reorder():
                spoiled.add(SwappedFrames(_numbers(fault.messages), fault.count))
            case UnreadableRow():
                spoiled.add(UnreadableFrames(_numbers(fault.messages), fault.count, session.version))
            case WrongFieldCount():
                numbers = _numbers(fault.messages)
                spoiled.add(MiscountedFields(numbers, fault.count, fields=fault.fields, version=session.version))
            case DelayAcks():
                until = self._hub.now + timedelta(seconds=fault.for_s)
                spoiled.add(DelayedFrames(_numbers(ORDER_MESSAGES), timedelta(milliseconds=fault.delay_ms), until))

    def _lose(self, fault: ConnectivityLost) -> None:
        self.offline = True
        # A gateway repeats 1100 many times during IB's nightly reset.
        for _ in range(fault.notices):
            self._tell(1100, LOST)
        if fault.restored != "never":
            self._after(fault.for_s, lambda: self._restore(fault))

    def _restore(self, fault: ConnectivityLost) -> None:
        self.offline = False
        kept = fault.restored == "data_kept"
        self._note(fault, restored_now=True)
        for session in self._hub.sessions():
            if not kept:
                session.feeds.lose_all()
            session.feeds.skip_bars(self._hub.now)  # what happened meanwhile is not made up for
        self._tell(*((1102, KEPT) if kept else (1101, ANEW)))
        events, self._held_events = self._held_events, []
        self._hub.deliver(events)
        for session in self._hub.sessions() if kept else ():
            for event in self._hub.broker.restored(session.client_id or 0):
                session.on_order(event)
        self._go_on()

    def _flap(self, fault: FarmFlap) -> None:
        broken, _, text = FARM_NOTICES[fault.farm]
        self.down.add(fault.farm)
        self._tell(broken, text.format("broken"))
        # After 2104 some lines may stay silent until they are asked for anew.
        silenced = {item.con_id for symbol in fault.stops for item in self._hub.market.find(symbol=symbol)}
        for session in self._hub.sessions():
            for con_id in silenced:
                session.feeds.silence(con_id)
        self._after(fault.for_s, lambda: self._mend(fault))

    def _mend(self, fault: FarmFlap) -> None:
        _, ok, text = FARM_NOTICES[fault.farm]
        self._note(fault, restored_now=True)
        self._tell(ok, text.format("OK"))
        self._up(fault.farm)

    def _up(self, farm: str) -> None:
        self.down.discard(farm)
        for session in self._hub.sessions():
            session.feeds.skip_bars(self._hub.now)
        self._go_on()

    def _go_on(self) -> None:
        """Handle what waited, unless it has to wait for something else."""
        held, self._held_requests = self._held_requests, []
        for session, request in held:
            if session.client_id is not None and self.admits(session, request):
                session.dispatch(request)

    def _unskew(self) -> None:
        self.skew = timedelta(0)

    def _tell(self, code: int, text: str) -> None:
        for session in self._hub.sessions():
            session.error(-1, code, text)

    def _after(self, market_s: float, action: Callable[[], None]) -> None:
        self._later(self._hub.now + timedelta(seconds=market_s), action)


def _numbers(names: tuple[str, ...]) -> set[int]:
    return {REPLIES[name] for name in names}


def _answer_nobody(session: ClientSession) -> None:
    nobody = SimOrder(
        client_id=session.client_id or 0,
        order_id=NO_ID,
        perm_id=NO_ID,
        con_id=0,
        account=session.hub.account,
        action="BUY",
        quantity=Decimal(1),
        order_type="LMT",
        limit_price=1.0,
    )
    session.send(tick_price(session.version, NO_ID, TickType.LAST, 1.0, 1, 0))
    session.send(historical_news_end(session.version, NO_ID, False))
    session.send(order_status(session.version, nobody, "Submitted"))
    session.error(NO_ID, 366, f"No historical data query found for ticker id:{NO_ID}")
