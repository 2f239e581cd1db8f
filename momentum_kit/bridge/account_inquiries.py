"""AccountInquiries: what a notebook asks of its account beyond what a session needs; each method is a line or three."""

from dataclasses import replace
from functools import partial
from typing import Any

from momentum_kit.bridge import convert, events, inquiry_values
from momentum_kit.bridge.lists import merged_orders
from momentum_kit.bridge.market_inquiries import MarketInquiries
from momentum_kit.bridge.streams import Stream
from momentum_kit.errors import AnswerIncomplete, InputError, RequestFailed
from momentum_kit.models import (
    AccountProfit,
    AccountValue,
    Contract,
    Execution,
    GatewaySettings,
    ModelPosition,
    OpenOrder,
    OrderPreview,
    OrderRequest,
    PositionProfit,
    ValuedPosition,
)

MOST_DAYS = 366
DAYS_OF_EXECUTIONS, SETTINGS_FROM = 200, 219  # server versions


class AccountInquiries(MarketInquiries):
    """Profit, values and holdings by account, everybody's orders, executions of some days, and what an order costs."""

    _next_order_id = 0

    def next_order_id(self, above: int = 0) -> int:
        """A fresh order id, beyond `above` and the open orders this client was told of; each call draws another."""
        order_id = max(self._next_order_id, self._session.next_order_id, above + 1)
        self._next_order_id = order_id + 1
        return order_id

    async def fetch_what_if(self, contract: Contract, order: OrderRequest) -> OrderPreview:
        """What this order would do to margin and equity, and cost; nothing is placed. RequestFailed as IB refuses it.

        It draws an order id of its own, whatever the order's is, so that it can never change one that works.
        """
        session, order_id = self._session, self.next_order_id()
        ib_order = convert.to_ib_order(replace(order, order_id=order_id, transmit=True, parent_id=0))
        ib_order.whatIf = True
        answer = await session.requests.ask(
            order_id,
            lambda sent: session.send(
                "placeOrder", order_id, convert.to_ib_contract(contract), ib_order, at_hand_over=sent
            ),
            f"what-if of {order.action} {order.quantity} {contract}",
        )
        preview: OrderPreview = answer[0]
        return preview

    async def fetch_gateway_settings(self) -> GatewaySettings:
        """The gateway's own API settings. RequestFailed where it tells none: below server version 219."""
        session = self._session
        if session.health.server_version < SETTINGS_FROM:
            version = session.health.server_version
            raise RequestFailed(0, f"server version {version} does not tell its settings", "look at them yourself")
        from ibapi.protobuf.ConfigRequest_pb2 import ConfigRequest  # not in API 10.37, which never gets here

        req_id = session.requests.next_id()
        asked = ConfigRequest(reqId=req_id)
        answer = await session.requests.ask(
            req_id, lambda sent: session.send("reqConfigProtoBuf", asked, at_hand_over=sent), "settings of the gateway"
        )
        settings: GatewaySettings = answer[0]
        return settings

    def stream_profit(self, account: str) -> Stream[AccountProfit]:
        """Profit and loss of an account, about once a second where it changes."""
        return self._stream(
            f"profit of {account}",
            "reqPnL",
            account,
            "",
            cancel="cancelPnL",
            complete=lambda value: replace(value, account=account),
            of_market=False,
        )

    def stream_position_profit(self, account: str, con_id: int) -> Stream[PositionProfit]:
        """Profit and loss of one holding, about once a second where it changes."""
        return self._stream(
            f"profit of {con_id} in {account}",
            "reqPnLSingle",
            account,
            "",
            con_id,
            cancel="cancelPnLSingle",
            complete=partial(_of_holding, account=account, con_id=con_id),
            of_market=False,
        )

    async def fetch_account_values(self, account: str) -> tuple[AccountValue, ...]:
        """Every value of an account, by currency."""
        return await self._ask(
            f"values of {account}",
            "reqAccountUpdatesMulti",
            account,
            "",
            False,
            cancel="cancelAccountUpdatesMulti",
            always=True,
        )

    async def fetch_valued_positions(self, account: str) -> tuple[ValuedPosition, ...]:
        """The holdings of an account at TWS's own prices, which may be minutes old: for the eye, not for decisions."""
        session = self._session
        try:
            rows = await self._ask_by_name(events.ACCOUNT_DOWNLOAD, "reqAccountUpdates", True, account)
        finally:
            session.send_quietly("reqAccountUpdates", False, account)
        others = {row.account for row in rows} - {account}
        if others:  # its End names no request: rows of another account are another asker's
            raise AnswerIncomplete(events.ACCOUNT_DOWNLOAD, f"rows of {', '.join(sorted(others))}", "not asked for")
        held = {row.contract.con_id or row.contract: row for row in rows if isinstance(row, ValuedPosition)}
        return tuple(held.values())

    async def fetch_positions_of(self, account: str, model: str = "") -> tuple[ModelPosition, ...]:
        """The holdings of one account, or of one of its models."""
        rows = await self._ask(
            f"positions of {account}", "reqPositionsMulti", account, model, cancel="cancelPositionsMulti", always=True
        )
        return tuple({(row.account, row.model, row.contract.con_id or row.contract): row for row in rows}.values())

    async def fetch_all_open_orders(self) -> tuple[OpenOrder, ...]:
        """The open orders of every client and of TWS, each as last said.

        Their rows are told by stream_order_events as well. One list of orders is asked for at a time: its End has no
        id.
        """
        return merged_orders(await self._ask_by_name(events.OPEN_ORDERS, "reqAllOpenOrders"))

    async def fetch_executions(self, days: int = 1) -> tuple[Execution, ...]:
        """Executions since midnight, or of so many days, today included, from server version 200 on.

        On an empty day a gateway may never end the answer: RequestTimeout, unknown. Their commission reports arrive by
        stream_order_events, and so do executions of an answer that came too late, or that is not whole.
        """
        if not 1 <= days <= MOST_DAYS:
            raise InputError(f"executions of {days} days: 1 to {MOST_DAYS} can be asked for")
        if days > 1 and self._session.health.server_version < DAYS_OF_EXECUTIONS:
            version = self._session.health.server_version
            advice = "update TWS or IB Gateway, or take the Flex statement"
            raise RequestFailed(0, f"server version {version} lists executions since midnight only", advice)
        return await self._ask(events.EXECUTIONS, "reqExecutions", inquiry_values.to_ib_filter(days))


def _of_holding(value: Any, *, account: str, con_id: int) -> Any:
    return replace(value, account=account, con_id=con_id)
