"""ProbeOrders: the smallest orders far from the market, what is heard of them, and their end."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

from momentum_kit.bridge import IBKRBridge
from momentum_kit.models import Contract, OrderAction, OrderRequest
from momentum_kit.runtime.probe.ear import Ear

FAR = 0.10
"""How far from the market a resting order lies, as a share of the price."""
REFERENCE = "probe"


class ProbeOrders:
    """One client's. quiet_s: for so long nothing must come until it is taken for silence; patience_s: for an answer."""

    def __init__(
        self,
        bridge: IBKRBridge,
        contract: Contract,
        account: str,
        *,
        client_id: int,
        bid: float,
        ask: float,
        quiet_s: float,
        patience_s: float,
    ) -> None:
        self.bridge = bridge
        self.ear = Ear(bridge)
        self.contract = contract
        self.client_id = client_id
        self.low, self.high = round(bid * (1 - FAR), 2), round(ask * (1 + FAR), 2)
        self.quiet_s, self.patience_s = quiet_s, patience_s
        self.sent: dict[int, OrderRequest] = {}
        self._account = account

    async def buy(self, **terms: Any) -> int:
        """One share at the far limit, unless the terms say otherwise; returns the order id."""
        far = OrderRequest(
            action=OrderAction.BUY, quantity=Decimal(1), order_type="LMT", limit_price=self.low, account=self._account,
            order_ref=REFERENCE,
        )  # fmt: skip
        request = await self.bridge.place_order(self.contract, replace(far, **terms))
        self.sent[request.order_id] = request
        return request.order_id

    async def child(self, parent_id: int, quantity: int = 1, **terms: Any) -> int:
        """A far limit to sell what a parent would buy."""
        return await self.buy(
            action=OrderAction.SELL, quantity=Decimal(quantity), limit_price=self.high, parent_id=parent_id, **terms
        )

    async def modify(self, order: OrderRequest) -> None:
        """Send a known order again, with other terms."""
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
            await self.ear.until(lambda each=order_id: self.ear.ended(each), self.patience_s)  # type: ignore[misc]

    async def quiet(self) -> None:
        """Give what may still come its time; all that the gateway had sent by then has been heard."""
        await asyncio.sleep(self.quiet_s)
        await self.bridge.fetch_current_time()
        await self.bridge.settled()

    async def clear(self) -> list[int]:
        """Cancel all that may still work; the ids of those that would not end."""
        listed = {order.request.order_id for order in await self.bridge.fetch_open_orders()}
        for order_id in sorted(listed & self.sent.keys()):
            await self.bridge.cancel_order(order_id)
        for _ in range(5):
            left = {order.request.order_id for order in await self.bridge.fetch_open_orders()} & self.sent.keys()
            if not left:
                return []
            await self.quiet()
        return sorted(left)

    async def close(self) -> None:
        """Hear no more."""
        await self.ear.close()


async def position(bridge: IBKRBridge, contract: Contract, account: str) -> Decimal:
    """Shares of a contract that the account holds; BrokerError where it is not told."""
    rows = await bridge.fetch_positions()
    held = [row.quantity for row in rows if row.contract.con_id == contract.con_id and row.account == account]
    return sum(held, Decimal(0))
