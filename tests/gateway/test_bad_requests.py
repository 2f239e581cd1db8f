"""What a client hears whose requests are bad, on either wire: IB's code and text; other sessions hear nothing."""

import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from ibapi.contract import Contract
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel

from momentum_kit.simgateway.scenario import parse_scenario
from momentum_kit.simgateway.server import SimulatedGateway

Connect = Callable[..., Awaitable[Any]]
ALONE = {"history_sessions": 5, "universe": {"small_caps": 0, "large_caps": 0}}
CONTRACT_DETAILS, UNSUPPORTED = 9, 87_654
PROTOBUF = 200  # above it a message number says that its body is protobuf


@pytest.fixture(params=[200, 226], ids=["text", "protobuf"])
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[SimulatedGateway]:
    """AAPL's market on either wire."""
    async with SimulatedGateway(parse_scenario(ALONE), lock_step_s=1, server_version=request.param) as gateway:
        yield gateway


@pytest.fixture
async def pair(gateway: SimulatedGateway, connect_client: Connect) -> AsyncIterator[tuple[Any, Any]]:
    """A client that errs and one that does not, which must be served to the end and hear of nothing."""
    erring, other = await connect_client(gateway.port, 1), await connect_client(gateway.port, 2)
    other.reqMktData(1, _aapl(), "", False, False, [])
    await other.step()
    yield erring, other
    assert erring.isConnected()
    ticks = len(other.named("tickPrice", "tickSize"))
    for _ in range(3):
        await other.step()
    assert len(other.named("tickPrice", "tickSize")) > ticks
    assert [args.errorCode for args in other.named("error")] == [2104, 2106, 2158]
    await erring.step()


async def test_a_malformed_request(pair: Any, caplog: pytest.LogCaptureFixture) -> None:
    """320 with the request's id, and the log has the bytes."""
    erring, _ = pair
    body = {200: b"8\x007\x00not a number\0", 226: b"\x08\x07\x12\x7fnot a number"}[erring.serverVersion()]
    _send(erring, CONTRACT_DETAILS, body)
    await erring.wait_for(lambda: erring.errors(7))
    ((code, text),) = erring.errors(7)
    assert (code, text.startswith("Error reading request. ")) == (320, True)
    assert "not a number" in caplog.text


async def test_an_unsupported_message(pair: Any, caplog: pytest.LogCaptureFixture) -> None:
    """321 that names the number, and the log has the bytes."""
    erring, _ = pair
    _send(erring, UNSUPPORTED, b"what is this\0")
    await erring.wait_for(lambda: [code for code, _ in erring.errors(-1) if code == 321])
    assert f"Request {UNSUPPORTED} is not supported" in erring.errors(-1)[-1][1]
    assert "what is this" in caplog.text


@pytest.mark.parametrize(
    "ask",
    [
        lambda client, contract: client.reqContractDetails(7, contract),
        lambda client, contract: client.reqMktData(7, contract, "", False, False, []),
        lambda client, contract: client.reqHistoricalData(7, contract, "", "1 D", "1 min", "TRADES", 1, 1, False, []),
        lambda client, contract: client.reqHistoricalData(7, contract, "", "1 D", "1 min", "TRADES", 1, 1, True, []),
        lambda client, contract: client.reqHeadTimeStamp(7, contract, "TRADES", 1, 1),
        lambda client, contract: client.reqRealTimeBars(7, contract, 5, "TRADES", True, []),
        lambda client, contract: client.reqTickByTickData(7, contract, "Last", 0, False),
        lambda client, contract: client.reqHistoricalTicks(7, contract, "", "", 9, "TRADES", 1, True, []),
        lambda client, contract: client.placeOrder(7, contract, _order()),
    ],
    ids=["details", "quotes", "history", "updates", "head", "bars", "ticks", "past ticks", "order"],
)
async def test_an_unknown_contract(ask: Callable[[Any, Contract], None], pair: Any) -> None:
    """200 in IB's words, whatever was asked of it."""
    erring, _ = pair
    unknown = _aapl()
    unknown.symbol = "NOSUCH"
    ask(erring, unknown)
    await erring.wait_for(lambda: erring.errors(7))
    assert erring.errors(7) == [(200, "No security definition has been found for the request")]


@pytest.mark.parametrize(
    ("terms", "code", "text"),
    [
        ({"orderType": "NONE"}, 321, "Error validating request.-'bF' : cause - Invalid order type was entered"),
        ({"orderType": "MOC"}, 387, "Unsupported order type for this exchange and security type."),
        ({"orderType": "LOC"}, 387, "Unsupported order type for this exchange and security type."),
        ({"lmtPrice": 1.005}, 110, "The price does not conform to the minimum price variation for this contract."),
        ({"totalQuantity": Decimal("1.5")}, 10243, "Fractional-sized order cannot be placed via API."),
        ({"totalQuantity": Decimal(0)}, 434, "The order size cannot be zero."),
        ({"action": "HOLD"}, 321, "Error validating request.-'bF' : cause - Invalid side was entered"),
        ({"account": "DU777"}, 321, "Error validating request.-'bF' : cause - Invalid account code"),
        ({"parentId": 99}, 10006, "Missing parent order."),
        ({"totalQuantity": Decimal(10**7), "lmtPrice": 900.0}, 201, "Order rejected - reason:"),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value),
)
async def test_a_bad_order(terms: dict[str, Any], code: int, text: str, pair: Any) -> None:
    """Refused in IB's words, under the order's id; nothing of it works."""
    erring, _ = pair
    erring.placeOrder(7, _aapl(), _order(**terms))
    await erring.wait_for(lambda: erring.errors(7))
    assert erring.errors(7)[-1][0] == code
    assert erring.errors(7)[-1][1].startswith(text)
    erring.reqOpenOrders()
    await erring.wait_for(lambda: erring.named("openOrderEnd"))
    assert {call.status for call in erring.named("orderStatus")} <= {"Inactive", "Cancelled"}


async def test_a_bad_cancel(pair: Any) -> None:
    """Of an order that never was: 10147; of one that is done: 10148."""
    erring, other = pair
    erring.cancelOrder(77, OrderCancel())
    erring.placeOrder(8, _aapl(), _order())
    for _ in range(3):
        erring.cancelOrder(8, OrderCancel())
        await erring.step()
        await other.step()  # the first to step moves the market
    assert erring.errors(77) == [(10147, "OrderId 77 that needs to be cancelled is not found.")]
    assert [code for code, _ in erring.errors(8)] == [202, 10148, 10148]
    assert erring.errors(8)[-1][1] == "OrderId 8 that needs to be cancelled cannot be cancelled, state: Cancelled."


def _send(client: Any, number: int, body: bytes) -> None:
    """A message past the client's own encoder."""
    if client.serverVersion() > PROTOBUF:
        payload = struct.pack(">I", number + PROTOBUF) + body
    else:
        payload = b"%d\0" % number + body
    client.conn.socket.sendall(struct.pack(">I", len(payload)) + payload)


def _order(**terms: Any) -> Order:
    order = Order()
    order.action, order.orderType, order.totalQuantity, order.lmtPrice, order.tif = "BUY", "LMT", Decimal(1), 1.0, "DAY"
    for name, value in terms.items():
        setattr(order, name, value)
    return order


def _aapl() -> Contract:
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = "AAPL", "STK", "SMART", "USD"
    return contract
