"""Ear: what one client hears of its orders, in order, and waiting for it."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

from momentum_kit.bridge import IBKRBridge
from momentum_kit.models import CommissionReport, Execution, OpenOrder, OrderNotice, OrderRequest, OrderUpdate
from momentum_kit.ports import OrderEvent

REFUSING = frozenset({"order dead", "price refused", "cancel verdict", "request failed"})
ENDED = frozenset({"Cancelled", "ApiCancelled", "Filled", "Inactive"})


class Ear:
    """Listens until it is closed."""

    def __init__(self, bridge: IBKRBridge) -> None:
        self.heard: list[OrderEvent] = []
        self._more = asyncio.Event()
        self._events = bridge.stream_order_events()
        self._listening = asyncio.create_task(self._listen(), name="probe listens")

    async def close(self) -> None:
        """Listen no more."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    async def until(self, happened: Callable[[], bool], patience_s: float) -> bool:
        """Wait for something to have been heard; False where it was not, within so many wall seconds."""
        try:
            async with asyncio.timeout(patience_s):
                while not happened():
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            return False
        return True

    def statuses(self, order_id: int) -> list[str]:
        """Of one order, repetitions included."""
        return [e.status for e in self.heard if isinstance(e, OrderUpdate) and e.order_id == order_id]

    def status(self, order_id: int) -> str:
        """The latest; '' before the first."""
        return next(reversed(self.statuses(order_id)), "")

    def named(self, order_id: int) -> Decimal:
        """The most that a status called filled."""
        told = (e.filled for e in self.heard if isinstance(e, OrderUpdate) and e.order_id == order_id)
        return max(told, default=Decimal(0))

    def codes(self, order_id: int) -> list[int]:
        """Errors and warnings on one order."""
        return [e.code for e in self.heard if isinstance(e, OrderNotice) and e.order_id == order_id]

    def echo(self, order_id: int) -> OrderRequest | None:
        """The broker's latest copy of one order."""
        copies = [e.request for e in self.heard if isinstance(e, OpenOrder) and e.request.order_id == order_id]
        return copies[-1] if copies else None

    @property
    def filled(self) -> list[Execution]:
        """Every execution that was heard."""
        return [e for e in self.heard if isinstance(e, Execution)]

    def executions(self, order_id: int) -> list[Execution]:
        """Of one order."""
        return [e for e in self.filled if e.order_id == order_id]

    def commission(self, exec_id: str) -> CommissionReport | None:
        """Of one execution, once it has come."""
        return next((e for e in self.heard if isinstance(e, CommissionReport) and e.exec_id == exec_id), None)

    def ended(self, order_id: int) -> bool:
        """True once a status or a refusal says that nothing of it works."""
        notices = (e for e in self.heard if isinstance(e, OrderNotice) and e.order_id == order_id)
        refused = any(notice.meaning in REFUSING for notice in notices)  # at the door: then no status ever comes
        return self.status(order_id) in ENDED or (refused and not self.statuses(order_id))

    async def _listen(self) -> None:
        async for event in self._events:
            self.heard.append(event)
            self._more.set()
