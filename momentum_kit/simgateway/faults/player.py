"""Plays a scenario's faults: counts requests and events, watches market time, and lets effects.py act."""

import heapq
import itertools
import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from momentum_kit.errors import ScenarioError
from momentum_kit.sessions import NEW_YORK, exchange_day
from momentum_kit.simgateway.client import ClientSession, Incoming, ServingGateway
from momentum_kit.simgateway.events import ExecutionReport, OpenOrderReport, OrderEvent, StatusReport
from momentum_kit.simgateway.faults.delays import Delays
from momentum_kit.simgateway.faults.effects import FaultEffects
from momentum_kit.simgateway.protocol import REQUESTS
from momentum_kit.simgateway.scenario import (
    BustedTrade,
    ClientFault,
    DoomedModify,
    DropSocket,
    Fault,
    Lag,
    LateAnswer,
    ManualCancel,
    ManualTrade,
    Outage,
    RefuseStops,
    WhatIfAnswers,
    counted,
)

log = logging.getLogger(__name__)

OF_ONE_SYMBOL = ManualTrade | BustedTrade | ManualCancel | RefuseStops | DoomedModify | WhatIfAnswers


class FaultPlayer:
    """Plays the faults of one gateway; effects: what is wrong now, delays: what comes late, log: what was done when."""

    def __init__(self, hub: ServingGateway) -> None:
        self.log: list[dict[str, Any]] = []
        self.effects = FaultEffects(hub, self.later, self._note)
        self.delays = Delays(hub, self.later)
        self._hub = hub
        self._order = itertools.count()
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._waiting: list[tuple[Fault, Counter[str]]] = []
        self._known_orders: set[tuple[int, int]] = set()

    def add(self, fault: Fault) -> None:
        """Play it when its trigger says, or now if it has none. ScenarioError for a symbol that is not listed."""
        symbol = fault.symbol if isinstance(fault, OF_ONE_SYMBOL) else None
        if symbol and not self._hub.market.find(symbol=symbol):
            raise ScenarioError(f"fault for one symbol: {symbol} is not listed in this market")
        if fault.at is not None:
            moment = datetime.combine(exchange_day(self._hub.now), fault.at, NEW_YORK)
            self.later(moment, partial(self.play, fault))
        elif fault.before or fault.after:
            self._waiting.append((fault, Counter()))
        else:
            self.play(fault)

    def later(self, moment: datetime, action: Callable[[], None]) -> None:
        """Do something once market time has reached `moment`."""
        heapq.heappush(self._agenda, (moment, next(self._order), action))

    def advance(self, now: datetime) -> None:
        """Do what has fallen due."""
        while self._agenda and self._agenda[0][0] <= now:
            heapq.heappop(self._agenda)[2]()

    def admits(self, session: ClientSession, request: Incoming) -> bool:
        """Play what waits for this request; False if it is not to be handled now, or ever."""
        cut = False
        for fault, seen in list(self._waiting):
            if fault.before is None or not _concerns(fault, session):
                continue
            name, number = counted(fault.before)
            if REQUESTS[name] != request.kind or request.is_what_if:
                continue
            seen[name] += 1
            if seen[name] == number:
                self._waiting.remove((fault, seen))
                self.play(fault, session)
                cut |= isinstance(fault, DropSocket | Outage)
        return not cut and self.effects.admits(session, request) and self.delays.admits(session, request)

    def after_order_event(self, event: OrderEvent) -> None:
        """Count orders and fills that clients have heard of."""
        if not self._waiting or (isinstance(event, OpenOrderReport) and event.order.raw.get("whatIf") == "1"):
            return
        if isinstance(event, ExecutionReport):
            self._happened("fill", event.order.client_id)
        elif isinstance(event, OpenOrderReport | StatusReport):
            key = (event.order.client_id, event.order.order_id)
            if key not in self._known_orders:
                self._known_orders.add(key)
                self._happened("order", event.order.client_id)

    def after_headline(self) -> None:
        """Count headlines that were relayed."""
        self._happened("headline", None)

    def after_start(self, client_id: int) -> None:
        """Count clients that have started."""
        self._happened("client", client_id)

    def play(self, fault: Fault, session: ClientSession | None = None) -> None:
        """Do it now; `session` is the one whose request or event it was."""
        if isinstance(fault, Lag | LateAnswer):
            self._note(fault)
            self.delays.begin(fault)
        elif isinstance(fault, ClientFault):
            sessions = [session] if session else self._hub.sessions(fault.client)
            self._note(fault, clients=[each.client_id for each in sessions])
            for each in sessions:
                self.effects.on_client(fault, each)
        else:
            self._note(fault)
            self.effects.on_gateway(fault)

    def _happened(self, event: str, client_id: int | None) -> None:
        for fault, seen in list(self._waiting):
            wanted = fault.client if isinstance(fault, ClientFault) else None
            if fault.after is None or (wanted is not None and client_id not in (None, wanted)):
                continue
            name, number = counted(fault.after)
            seen[event] += 1
            if name == event and seen[event] == number:
                self._waiting.remove((fault, seen))
                self.play(fault)

    def _note(self, fault: Fault, **more: Any) -> None:
        given = fault.model_dump(mode="json", exclude={"at", "client"}, exclude_none=True)
        entry = {"time": self._hub.now.isoformat(), **given, **more}
        self.log.append(entry)
        log.warning("fault: %s", entry)


def _concerns(fault: Fault, session: ClientSession) -> bool:
    return not isinstance(fault, ClientFault) or fault.client in (None, session.client_id)
