"""The request decoder under fire on both wires: `make fuzz` sends a million inputs, the suite a seeded few thousand."""

import logging
import random
import sys
import time
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibapi.account_summary_tags import AccountSummaryTags
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel
from ibapi.wrapper import EWrapper

from momentum_kit.simgateway.client import ClientSession
from momentum_kit.simgateway.embedding import Market, open_broker, open_market
from momentum_kit.simgateway.hub import Hub
from momentum_kit.simgateway.scenario import parse_scenario
from tests.helpers.fuzzing import fuzz_draw, fuzz_inputs

BATCH = 100
INPUTS = fuzz_inputs(4_000)
REQ_CURRENT_TIME = 26  # its place in `requests`
SLOWEST_S = 1.0  # of processor time for a single request; a hang would be far beyond it
NASTY = (
    *(b"", b"-1", b"0", b"2147483648", b"9" * 400, b"1e308", b"-1e309", b"nan", b"inf", b"1.7976931348623157E308"),
    *(b"true", b"AAPL", b"NEWS", b"BAG", b"\xff\xfe", b"%s%n", b"20261120 09:30:00 US/Eastern", b"1 D", b"5 secs"),
)


class Kept:
    """Stands in for the official client's socket and keeps what is sent."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def isConnected(self) -> bool:  # noqa: N802
        """It always is."""
        return True

    def sendMsg(self, message: bytes) -> int:  # noqa: N802
        """Keep it."""
        self.frames.append(message)
        return len(message)


@cache
def requests(version: int) -> tuple[bytes, ...]:
    """Payloads of every kind of request, as the official client encodes them for this server version."""
    client: Any = EClient(EWrapper())
    client.serverVersion_, client.conn = version, Kept()
    client.clientId, client.optCapab = 2, ""
    client.setConnState(EClient.CONNECTED)
    contract, order = Contract(), Order()
    contract.symbol, contract.secType, contract.exchange, contract.currency = "AAPL", "STK", "SMART", "USD"
    order.action, order.totalQuantity, order.orderType, order.lmtPrice, order.tif = "BUY", 10, "LMT", 200.0, "DAY"
    client.startApi()
    client.reqMktData(1, contract, "233,375,292", False, False, [])
    client.cancelMktData(1)
    client.reqMarketDataType(3)
    client.reqHistoricalData(2, contract, "", "1 D", "1 min", "TRADES", 1, 1, False, [])
    client.cancelHistoricalData(2)
    client.reqHeadTimeStamp(3, contract, "TRADES", 1, 1)
    client.reqRealTimeBars(4, contract, 5, "TRADES", True, [])
    client.cancelRealTimeBars(4)
    client.reqContractDetails(5, contract)
    client.reqMatchingSymbols(6, "AAP")
    client.reqMarketRule(26)
    client.reqNewsProviders()
    client.reqNewsArticle(7, "BRFG", "BRFG$1", [])
    client.reqHistoricalNews(8, 265598, "BRFG+DJNL", "", "", 10, [])
    client.placeOrder(9, contract, order)
    client.cancelOrder(9, OrderCancel())
    client.reqGlobalCancel(OrderCancel())
    client.reqOpenOrders()
    client.reqAllOpenOrders()
    client.reqCompletedOrders(True)
    client.reqExecutions(10, ExecutionFilter())
    client.reqPositions()
    client.reqAccountSummary(11, "All", AccountSummaryTags.AllTags)
    client.reqAccountUpdates(True, "")
    client.reqIds(1)
    client.reqCurrentTime()
    client.reqCurrentTimeInMillis()
    client.reqManagedAccts()
    client.reqTickByTickData(12, contract, "Last", 0, True)
    client.reqScannerParameters()
    client.reqPnL(13, "DU9000001", "")
    client.reqPnLSingle(14, "DU9000001", "", 265598)
    client.cancelPnL(13)
    client.cancelPnLSingle(14)
    client.reqHistoricalData(15, contract, "", "1 D", "1 min", "TRADES", 1, 1, True, [])
    client.reqHistoricalTicks(16, contract, "20261120-14:30:00", "", 10, "TRADES", 1, True, [])
    client.reqHistoricalData(17, contract, "", "5 D", "1 day", "SCHEDULE", 1, 1, False, [])
    return tuple(frame[4:] for frame in client.conn.frames)


@cache
def market() -> Market:
    """One market for all inputs: requests cannot change it."""
    return open_market(
        parse_scenario({"history_sessions": 5, "start": "09:35", "universe": {"small_caps": 0, "large_caps": 0}})
    )


def broken(draw: random.Random, version: int) -> bytes:
    """A request with something wrong: bytes, fields, its number, its length, or nothing at all."""
    payload = bytearray(draw.choice(requests(version)))
    for _ in range(draw.randint(0, 3)):
        at = draw.randrange(len(payload) + 1)
        match draw.randrange(6):
            case 0:
                payload[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                del payload[at:]
            case 2:
                payload[at:at] = draw.randbytes(draw.randint(1, 30))
            case 3:
                fields = bytes(payload).split(b"\0")
                fields[draw.randrange(len(fields))] = draw.choice(NASTY)
                payload = bytearray(b"\0".join(fields))
            case 4:
                other = draw.choice(requests(version))
                payload = bytearray(payload[:at] + other[at:])
            case _:
                payload = bytearray(draw.randbytes(draw.randint(0, 200)))
    return bytes(payload)


def started(hub: Hub, client_id: int) -> ClientSession:
    """A session that the hub knows by this id."""
    session = hub.open_session()
    hello = b"v157..%d" % hub.version_cap
    session.receive(b"API\0" + len(hello).to_bytes(4, "big") + hello)
    assert session.version == hub.version_cap
    assert hub.admit(session, client_id)
    session.take_output()
    return session


@pytest.mark.parametrize("version", [200, 226])
@pytest.mark.timeout(7200)
def test_no_input_harms_the_gateway(
    version: int, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing crashes or hangs, whatever one client sends; another client is answered after every batch."""
    caplog.set_level(logging.ERROR, "momentum_kit.simgateway")  # each refusal is a warning with its bytes
    sent = 0
    slowest_s = 0.0

    @settings(
        max_examples=max(1, INPUTS // 2 // BATCH),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**64 - 1))
    def batch(seed: int) -> None:
        nonlocal sent, slowest_s
        draw = fuzz_draw(seed)
        hub = Hub(market(), open_broker(market()), version_cap=version)
        healthy = started(hub, 1)
        attacker = hub.open_session()
        for _ in range(BATCH):
            if attacker.closing or attacker.client_id is None:
                hub.leave(attacker)
                attacker = started(hub, 2)
            payload = broken(draw, version)
            began = time.thread_time()
            attacker.receive(len(payload).to_bytes(4, "big") + payload)
            attacker.take_output()
            slowest_s = max(slowest_s, time.thread_time() - began)
            sent += 1
        healthy.take_output()
        question = requests(version)[REQ_CURRENT_TIME]
        healthy.receive(len(question).to_bytes(4, "big") + question)
        assert healthy.take_output()
        assert slowest_s < SLOWEST_S

    batch()
    with capsys.disabled():
        sys.stdout.write(f"\nfuzz: {sent:,} inputs at server version {version}, slowest {slowest_s * 1e3:.1f} ms\n")
    assert sent >= INPUTS // 2 * 0.9
