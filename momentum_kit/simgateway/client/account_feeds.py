"""What one client subscribed to of its account: values, holdings, profit and loss; executions in, messages out."""

from datetime import datetime, timedelta
from decimal import Decimal

from momentum_kit.sessions import NEW_YORK
from momentum_kit.simgateway.broker import AccountPosition
from momentum_kit.simgateway.client.ports import GatewayState, Recipient
from momentum_kit.simgateway.protocol.text import (
    ProfitRequest,
    account_download_end,
    account_update_multi,
    account_update_multi_end,
    account_update_time,
    account_value,
    pnl,
    pnl_single,
    portfolio_value,
    position,
    position_end,
    position_multi,
    position_multi_end,
)

PROFIT_PERIOD = timedelta(seconds=1)  # TWS API, reqPnL


class AccountFeeds:
    """All subscriptions of one client to its account."""

    def __init__(self, client: Recipient, gateway: GatewayState) -> None:
        self._client = client
        self._gateway = gateway
        self._values = False  # reqAccountUpdates
        self._positions = False  # reqPositions
        self._values_by_id: set[int] = set()  # reqAccountUpdatesMulti
        self._positions_by_id: set[int] = set()  # reqPositionsMulti
        self._profits: dict[int, ProfitRequest] = {}
        self._sent_profits: dict[int, bytes] = {}
        self._profits_due: datetime | None = None

    def follow_values(self, *, subscribe: bool) -> None:
        """Send all values and holdings now, and again after every execution until unsubscribed."""
        self._values = subscribe
        if subscribe:
            self._send_values()
            self._client.send(account_download_end(self._client.version, self._gateway.account))

    def follow_values_by_id(self, request_id: int) -> None:
        """Send all values under this id now, and again after every execution until dropped."""
        self._values_by_id.add(request_id)
        self._send_values_by_id(request_id)
        self._client.send(account_update_multi_end(self._client.version, request_id))

    def drop_values_by_id(self, request_id: int) -> None:
        """Send nothing more under this id."""
        self._values_by_id.discard(request_id)

    def follow_positions(self) -> None:
        """Send all holdings now, and each one again when it changes."""
        self._positions = True
        for held in self._gateway.positions():
            self._send_position(held.con_id, held.quantity, held.average_cost)
        self._client.send(position_end(self._client.version))

    def drop_positions(self) -> None:
        """Send no holdings any more."""
        self._positions = False

    def follow_positions_by_id(self, request_id: int) -> None:
        """Send all holdings under this id now, and each one again when it changes, until dropped."""
        self._positions_by_id.add(request_id)
        for held in self._gateway.positions():
            self._send_position_by_id(request_id, held)
        self._client.send(position_multi_end(self._client.version, request_id))

    def drop_positions_by_id(self, request_id: int) -> None:
        """Send no holdings under this id any more."""
        self._positions_by_id.discard(request_id)

    def follow_profit(self, ask: ProfitRequest) -> None:
        """Send profit and loss now, then once a second of market time where it has changed."""
        self._profits[ask.request_id] = ask
        self._send_profit(ask)
        self._profits_due = self._profits_due or self._gateway.now + PROFIT_PERIOD

    def drop_profit(self, request_id: int) -> None:
        """Send this profit and loss no more."""
        self._profits.pop(request_id, None)
        self._sent_profits.pop(request_id, None)

    def on_execution(self, con_id: int) -> None:
        """Bring values and holdings up to date after an execution in this contract."""
        if self._positions or self._positions_by_id:
            # A position that has been closed is sent once more, with quantity 0; it is in no list any more.
            held = next((line for line in self._gateway.positions() if line.con_id == con_id), None)
            held = held or AccountPosition(con_id, Decimal(0), 0.0)
            if self._positions:
                self._send_position(con_id, held.quantity, held.average_cost)
            for request_id in sorted(self._positions_by_id):
                self._send_position_by_id(request_id, held)
        if self._values:
            self._send_values()
        for request_id in sorted(self._values_by_id):
            self._send_values_by_id(request_id)

    def on_time(self, now: datetime) -> None:
        """Send the profits and losses that have changed, if a second is over."""
        if self._profits and self._profits_due is not None and now >= self._profits_due:
            self._profits_due = now + PROFIT_PERIOD
            for ask in list(self._profits.values()):
                self._send_profit(ask)

    def _send_values(self) -> None:
        client, gateway = self._client, self._gateway
        for tag, value, currency in gateway.broker.account_values():
            client.send(account_value(client.version, gateway.account, tag, value, currency))
        for held in gateway.positions():
            item, mark = gateway.market.instruments[held.con_id], gateway.mark(held.con_id)
            # Without any price yet a holding is worth what it cost.
            price = held.average_cost if mark is None else mark
            client.send(portfolio_value(client.version, gateway.account, item, held.quantity, price, held.average_cost))
        client.send(account_update_time(client.version, f"{gateway.now.astimezone(NEW_YORK):%H:%M}"))

    def _send_values_by_id(self, request_id: int) -> None:
        client, gateway = self._client, self._gateway
        for tag, value, currency in gateway.broker.account_values():
            client.send(account_update_multi(client.version, request_id, gateway.account, tag, value, currency))

    def _send_position(self, con_id: int, quantity: Decimal, average_cost: float) -> None:
        client, gateway = self._client, self._gateway
        item = gateway.market.instruments[con_id]
        client.send(position(client.version, gateway.account, item, quantity, average_cost))

    def _send_position_by_id(self, request_id: int, held: AccountPosition) -> None:
        client, gateway = self._client, self._gateway
        item = gateway.market.instruments[held.con_id]
        row = position_multi(client.version, request_id, gateway.account, item, held.quantity, held.average_cost)
        client.send(row)

    def _send_profit(self, ask: ProfitRequest) -> None:
        message = self._profit_message(ask)
        if self._sent_profits.get(ask.request_id) != message:
            self._sent_profits[ask.request_id] = message
            self._client.send(message)

    def _profit_message(self, ask: ProfitRequest) -> bytes:
        version, broker = self._client.version, self._gateway.broker
        if ask.con_id is None:
            return pnl(version, ask.request_id, broker.profit())
        held = broker.account.quantity(ask.con_id)
        value = round(float(held) * (self._gateway.mark(ask.con_id) or 0.0), 2) if held else 0.0
        return pnl_single(version, ask.request_id, held, broker.profit(ask.con_id), value)
