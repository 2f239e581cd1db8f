"""What the simulated gateway sends, beside what a live one was recorded to send in the same situation."""

import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order

from momentum_kit.models.market import Bar
from momentum_kit.sessions import NEW_YORK
from momentum_kit.simgateway.embedding import Instrument, Scenario
from momentum_kit.simgateway.events import SimOrder
from momentum_kit.simgateway.protocol.text import market, orders
from momentum_kit.simgateway.scenario import parse_scenario
from momentum_kit.simgateway.server import SimulatedGateway

_KINDS = (
    ("empty", r""),
    ("integer", r"-?\d+"),
    ("decimal", r"-?\d+\.\d+(E-?\d+)?"),
    ("time", r"\d{8}  ?\d\d:\d\d:\d\d \S+"),
    ("text", r"(?s).*"),
)


def kind(field: str) -> str:
    """What sort of value a field holds."""
    return next(name for name, pattern in _KINDS if re.fullmatch(pattern, field))


def kinds(fields: list[str]) -> list[str]:
    """The message number, then the sort of every field."""
    return [fields[0], *map(kind, fields[1:])]


@pytest.fixture
def recorded(shared_data: Path) -> dict[str, list[str]]:
    """Recorded payloads by callback."""
    frames = json.loads((shared_data / "gateway" / "frames_sv200.json").read_text())["frames"]
    return {frame["callback"]: frame["fields"] for frame in frames}


@pytest.fixture
def scenario() -> Scenario:
    """A plain morning on delayed data, as when the ticks were recorded."""
    return parse_scenario({"name": "recorded", "seed": 5, "market_data_type": 3, "broker": {"partial_fill_share": 0}})


def _order(action: str, kind_of_order: str, **fields: Any) -> Order:
    order = Order()
    order.action, order.orderType, order.totalQuantity, order.tif = action, kind_of_order, Decimal(1), "DAY"
    for name, value in fields.items():
        setattr(order, name, value)
    return order


async def _everything(client: Any, aapl: Contract) -> None:
    client.reqContractDetails(1001, aapl)
    client.reqHistoricalData(1001, aapl, "20261119 16:00:00 US/Eastern", "1 D", "1 hour", "TRADES", 1, 1, False, [])
    client.reqMarketDataType(3)
    client.reqMktData(1001, aapl, "", True, False, [])
    client.placeOrder(1, aapl, _order("BUY", "LMT", lmtPrice=400.0, transmit=False))
    client.placeOrder(2, aapl, _order("SELL", "LMT", lmtPrice=2000.0, parentId=1, transmit=False, orderRef="mine"))
    client.placeOrder(3, aapl, _order("SELL", "STP", auxPrice=10.0, parentId=1, transmit=True))
    while not client.named("commissionAndFeesReport"):
        await client.step()
    client.reqAllOpenOrders()
    client.reqAccountSummary(1001, "All", "BuyingPower")
    client.reqPositions()
    client.reqExecutions(1002, ExecutionFilter())
    await client.wait_for(lambda: client.named("execDetailsEnd"))


async def test_every_recorded_payload_has_its_like(
    recorded: dict[str, list[str]],
    scenario: Scenario,
    connect_client: Callable[..., Awaitable[Any]],
    aapl: Contract,
    show_table: Callable[..., None],
) -> None:
    """For each recorded situation some message of ours has the same number, field count and kinds of fields."""
    async with SimulatedGateway(scenario, lock_step_s=0.5) as gateway:
        client = await connect_client(gateway.port)
        await _everything(client, aapl)
        rows = [_beside(callback, fields, client.frames) for callback, fields in recorded.items()]
    columns = ("callback", "id", "ours", "fields", "ours", "kinds of the fields", "same")
    show_table("recorded payloads at server version 200", columns, rows)
    assert [row for row in rows if row[-1] != "yes"] == []


def _beside(callback: str, fields: list[str], frames: list[list[str]]) -> tuple[Any, ...]:
    """A recorded payload beside the one of ours that is most like it."""
    candidates = [frame for frame in frames if frame[0] == fields[0]] or [[""]]
    ours = min(candidates, key=lambda frame: (abs(len(frame) - len(fields)), -_alike(frame, fields)))
    same = kinds(ours) == kinds(fields)
    wrong = [f"{at}: {kind(a)}, ours {kind(b)}" for at, (a, b) in enumerate(zip(fields, ours, strict=False))]
    wrong = [each for each, a, b in zip(wrong, fields, ours, strict=False) if kind(a) != kind(b)]
    counted = Counter(map(kind, fields[1:]))
    told = "; ".join(wrong) or " ".join(f"{count} {name}" for name, count in counted.items())
    return callback, fields[0], ours[0], len(fields), len(ours), told, "yes" if same else "no"


def _alike(ours: list[str], fields: list[str]) -> int:
    return sum(kind(a) == kind(b) for a, b in zip(ours, fields, strict=False))


def test_the_recorded_open_order_is_reproduced(recorded: dict[str, list[str]]) -> None:
    """From the same order, all 156 fields of openOrder are the recorded ones."""
    order = SimOrder(
        client_id=1,
        order_id=211,
        perm_id=900211,
        con_id=265598,
        account="DU9000001",
        action="SELL",
        quantity=Decimal(1),
        order_type="LMT",
        limit_price=2000.0,
        stop_price=None,
        tif="DAY",
        outside_rth=False,
        transmit=True,
        parent_id=210,
        oca_group="1571710075",
        oca_type=3,
        order_ref="sanitized-ref-001",
        status="PreSubmitted",
    )
    assert _fields(orders.open_order(200, order, Instrument(265598, "AAPL", "APPLE INC"))) == recorded["openOrder"]


def test_the_recorded_contract_is_reproduced(recorded: dict[str, list[str]]) -> None:
    """AAPL's contract details are the recorded ones, hours included."""
    item = Instrument(265598, "AAPL", "APPLE INC", isin="US0378331005")
    day = datetime(2026, 4, 5, tzinfo=UTC).date()
    assert _fields(market.contract_details(200, 1001, item, day)) == recorded["contractDetails"]


def test_the_recorded_history_is_reproduced(recorded: dict[str, list[str]]) -> None:
    """The recorded bars, decoded and sent again, give the recorded payload."""
    fields = recorded["historicalData"]
    bars = [_bar(fields[at : at + 8]) for at in range(3, len(fields), 8)]
    message = market.historical_data(200, 1001, bars, bars[0].start, bars[-1].start, 1)
    size = int.from_bytes(message[:4], "big")
    assert _fields(message[: 4 + size]) == fields


def _bar(fields: list[str]) -> Bar:
    start = datetime.strptime(fields[0][:17], "%Y%m%d %H:%M:%S").replace(tzinfo=NEW_YORK)
    prices = [float(field) for field in fields[1:5]]
    return Bar(start, 3600, *prices, float(fields[5]), float(fields[6]), int(fields[7]))


def _fields(message: bytes) -> list[str]:
    assert int.from_bytes(message[:4], "big") == len(message) - 4
    return message[4:].decode().split("\0")[:-1]
