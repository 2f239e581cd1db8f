"""ProbeOrders: the smallest orders far from the market, what is heard of them, and their end."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from momentum_kit.bridge import IBKRBridge
from momentum_kit.models import Contract, OrderAction, OrderRequest, Quote
from momentum_kit.runtime.probe.ear import Ear

FAR = 0.10
"""How far from the market a resting order lies, as a share of the price."""
REFERENCE = "probe"
LOOKS_AGAIN = 5


class ProbeOrders:
    """One client's. quiet_s: for so long nothing must come until it is taken for silence; patience_s: for an answer.

    rate: market seconds a second, of a simulated gateway. sent: every order by its id.
    """

    def __init__(
        self,
        bridge: IBKRBridge,
        contract: Contract,
        account: str,
        *,
        client_id: int,
        quiet_s: float,
        patience_s: float,
        rate: float = 1.0,
    ) -> None:
        self.bridge = bridge
        self.ear = Ear(bridge)
        self.contract = contract
        self.client_id = client_id
        self.low = self.high = 0.0
        self.quiet_s, self.patience_s, self.rate = quiet_s, patience_s, rate
        self.sent: dict[int, OrderRequest] = {}
        self._account = account

    def price(self, quote: Quote) -> None:
        """What is far from the market now."""
        self.low, self.high = round(quote.bid * (1 - FAR), 2), round(quote.ask * (1 + FAR), 2)

    async def buy(self, **terms: Any) -> int:
        """One share at the far limit, unless the terms say otherwise; returns the order id."""
        far = OrderRequest(
            action=OrderAction.BUY, quantity=Decimal(1), order_type="LMT", limit_price=self.low, account=self._account,
            order_ref=REFERENCE, order_id=self.bridge.next_order_id(),
        )  # fmt: skip
        await self.modify(replace(far, **terms))
        return far.order_id

    async def child(self, parent_id: int, quantity: int = 1, **terms: Any) -> int:
        """A far limit to sell what a parent would buy."""
        return await self.buy(
            action=OrderAction.SELL, quantity=Decimal(quantity), limit_price=self.high, parent_id=parent_id, **terms
        )

    async def modify(self, order: OrderRequest) -> None:
        """Send an order, or a known one again with other terms; it counts as sent whatever becomes of the sending."""
        self.sent[order.order_id] = order
        await self.bridge.place_order(self.contract, order)

    async def working(self, order_id: int) -> bool:
        """True once it works or is held; False where it ended, or nothing was heard."""
        seen = {"Submitted", "PreSubmitted"}
        await self.ear.until(lambda: self.ear.status(order_id) in seen or self.ear.ended(order_id), self.patience_s)
        return self.ear.status(order_id) in seen

    async def submitted(self, order_id: int) -> bool:
        """True once it is at the market."""
        return await self.ear.until(lambda: self.ear.status(order_id) == "Submitted", self.patience_s)

    async def cancel(self, *order_ids: int) -> None:
        """Cancel, and wait until each has ended."""
        for order_id in order_ids:
            if not self.ear.ended(order_id):
                await self.bridge.cancel_order(order_id)
        for order_id in order_ids:
            await self.ear.until(partial(self.ear.ended, order_id), self.patience_s)

    async def quiet(self) -> None:
        """Give what may still come its time; all that the gateway had sent by then has been heard."""
        await asyncio.sleep(self.quiet_s)
        await self.bridge.fetch_current_time()
        await self.bridge.settled()

    async def clear(self) -> list[int]:
        """Cancel all that may still work, staged orders on no list as well; the ids of those that would not end."""
        listed = {order.request.order_id for order in await self.bridge.fetch_open_orders()}
        for order_id in sorted(self.sent.keys()):
            if order_id in listed or not self.ear.ended(order_id):
                await self.bridge.cancel_order(order_id)
        for _ in range(LOOKS_AGAIN):
            left = {order.request.order_id for order in await self.bridge.fetch_open_orders()} & self.sent.keys()
            if not left:
                return []
            await asyncio.sleep(self.quiet_s)
        return sorted(left)

    @property
    def sale_sent(self) -> bool:
        """Whether a market order to sell has been sent: whatever became of it, no second one is."""
        return any(each.action is OrderAction.SELL and each.order_type == "MKT" for each in self.sent.values())

    async def bought(self) -> Decimal:
        """Shares that these orders have bought and not sold: the most that executions or statuses say of each."""
        if not any(order.order_type == "MKT" for order in self.sent.values()):
            return Decimal(0)  # what lies far from the market has not filled, and the day's list may have no end
        listed = await self.bridge.fetch_executions()
        known = {each.base_id: each for each in (*self.ear.filled, *listed) if each.order_ref == REFERENCE}
        total = Decimal(0)
        for order_id, order in self.sent.items():
            executed = sum((each.shares for each in known.values() if each.order_id == order_id), Decimal(0))
            total += order.action.sign * max(executed, self.ear.named(order_id))
        return total

    async def close(self) -> None:
        """Hear no more."""
        await self.ear.close()
