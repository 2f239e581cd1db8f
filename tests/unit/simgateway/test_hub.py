"""A burst is told in turns, and requests are served between them."""

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.order import Order
from ibapi.wrapper import EWrapper

from momentum_kit.simgateway.embedding import open_broker, open_market
from momentum_kit.simgateway.hub import Hub
from momentum_kit.simgateway.scenario import parse_scenario

HALF_MINUTE = timedelta(seconds=30)
SCENARIO = {"seed": 3, "history_sessions": 5, "universe": {"small_caps": 3, "large_caps": 0}}


class Client(EClient):
    """The official client's encoder joined to a session; keeps the gateway's messages as text fields."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(EWrapper())
        self.session = hub.open_session()
        self.conn = SimpleNamespace(isConnected=lambda: True, sendMsg=self.session.receive)
        self.session.receive(b"API\0\0\0\0\x09v100..200")
        self.serverVersion_, self.clientId = 200, 1
        self.setConnState(EClient.CONNECTED)
        self.startApi()
        self.session.take_output()

    def heard(self) -> list[list[str]]:
        """What has been sent since the last call."""
        data, messages = self.session.take_output(), []
        while data:
            end = 4 + int.from_bytes(data[:4], "big")
            messages.append(data[4:end].decode().split("\0")[:-1])
            data = data[end:]
        return messages


@pytest.fixture
def clients() -> Iterator[Any]:
    """Clients of markets of their own, all alike, each with ticks and bars of all it lists."""

    def connect() -> tuple[Hub, Client]:
        market = open_market(parse_scenario(SCENARIO))
        hub = Hub(market, open_broker(market), version_cap=200)
        client = Client(hub)
        for request_id, con_id in enumerate(sorted(market.instruments), start=10):
            client.reqMktData(request_id, _stock(con_id), "233,375", False, False, [])
            client.reqRealTimeBars(100 + request_id, _stock(con_id), 5, "TRADES", False, [])
        client.heard()
        return hub, client

    yield connect


def test_turns_tell_what_one_advance_tells(clients: Any) -> None:
    """Every message in the same order, whether it is told at once or turn by turn."""
    (at_once, one), (bit_by_bit, other) = clients(), clients()
    at_once.advance(at_once.now + HALF_MINUTE)
    turns = sum(1 for _ in bit_by_bit.advancing(bit_by_bit.now + HALF_MINUTE))
    told = one.heard()
    assert told == other.heard()
    assert len(told) > turns > 100


def test_an_order_does_not_wait_for_the_end_of_a_burst(clients: Any) -> None:
    """Placed between two turns it is answered at once; what was told before stays before it, and the rest follows."""
    hub, client = clients()
    undisturbed, other = clients()
    undisturbed.advance(undisturbed.now + HALF_MINUTE)
    burst = hub.advancing(hub.now + HALF_MINUTE)
    for _ in range(50):
        next(burst)
    before = client.heard()
    order = Order()
    order.action, order.totalQuantity, order.orderType, order.lmtPrice, order.tif = "BUY", 1, "LMT", 0.01, "DAY"
    client.placeOrder(1, _stock(265598), order)
    assert [fields[0] for fields in client.heard()][:1] == ["5"]
    for _ in burst:
        pass
    ticks = [fields for fields in before + client.heard() if fields[0] not in ("3", "5")]
    assert ticks == other.heard()


def _stock(con_id: int) -> Contract:
    contract = Contract()
    contract.conId, contract.secType, contract.exchange, contract.currency = con_id, "STK", "SMART", "USD"
    return contract
