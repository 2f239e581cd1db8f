"""Whole or unknown: lists with a row that cannot be read, with others' rows, or with another request's End; both wires.

The rows are made by the simulated gateway's encoders, which the official client judges elsewhere; what is wrong with
them is put in here.
"""

import asyncio
import math
import struct
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from ibapi.protobuf.ExecutionDetails_pb2 import ExecutionDetails
from ibapi.protobuf.ExecutionRequest_pb2 import ExecutionRequest
from ibapi.protobuf.ManagedAccounts_pb2 import ManagedAccounts
from ibapi.protobuf.NextValidId_pb2 import NextValidId
from ibapi.protobuf.OpenOrder_pb2 import OpenOrder as OpenOrderProto
from ibapi.protobuf.Position_pb2 import Position as PositionProto

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import AnswerIncomplete, RequestTimeout
from momentum_kit.models.orders import CommissionReport, Execution, OpenOrder, OrderUpdate
from momentum_kit.simgateway.embedding import Instrument
from momentum_kit.simgateway.events import CommissionReportDue, ExecutionReport, SimOrder
from momentum_kit.simgateway.protocol.text import account, orders
from tests.helpers.shifted_wall import ShiftedWall

Gateway = Any  # the ScriptedGateway of conftest.py
Incidents = list[tuple[str, str]]
AT = datetime(2026, 4, 13, 19, 27, 4, tzinfo=UTC)
ITEM = Instrument(265598, "AAPL", "APPLE INC")
NAN, INFINITE = Decimal("NaN"), Decimal("Infinity")
STOP = SimOrder(
    client_id=17, order_id=7, perm_id=900211, con_id=265598, account="DU9000001", action="SELL",
    quantity=Decimal(833), order_type="STP", limit_price=None, stop_price=4.85, tif="GTC", outside_rth=False,
    transmit=True, parent_id=6, oca_group="group", oca_type=3, order_ref="intent-1", status="PreSubmitted", raw={},
)  # fmt: skip
BOUGHT = ExecutionReport(
    order=replace(STOP, action="BUY", order_id=6, perm_id=900210), exec_id="a.b.01.01", time=AT, exchange="IEX",
    side="BOT", shares=Decimal(833), price=5.0, cumulative=Decimal(833), average_price=5.0, liquidity=2,
)  # fmt: skip
ANSWERS = {
    "positions": ("fetch_positions", 61),
    "open orders": ("fetch_open_orders", 5),
    "completed orders": ("fetch_completed_orders", 99),
    "executions": ("fetch_executions", 7),
}


class Wire:
    """The gateway's side of one connection, in the layout of its server version."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.version: int = gateway.version

    def say(self, message: Callable[..., bytes], *values: Any) -> None:
        """Send one message of the simulated gateway's."""
        self.gateway.raw(message(self.version, *values))

    def say_row(self, which: str, req_id: int, *, size: Decimal = Decimal(833)) -> None:
        """A row of a list."""
        match which:
            case "positions":
                self.say(account.position, "DU9000001", ITEM, size, 5.0)
            case "open orders":
                self.say(orders.open_order, replace(STOP, quantity=size), ITEM)
            case "completed orders":
                self.say(orders.completed_order, replace(STOP, quantity=size), ITEM, "20260413 15:27:04 UTC", "")
            case "executions":
                self.say(orders.execution, req_id, replace(BOUGHT, shares=size), ITEM)

    def say_end(self, which: str, req_id: int) -> None:
        """The End of a list."""
        match which:
            case "positions":
                self.say(account.position_end)
            case "open orders":
                self.say(orders.open_orders_end)
            case "completed orders":
                self.say(orders.completed_orders_end)
            case "executions":
                self.say(orders.executions_end, req_id)

    async def asked(self, which: str) -> int:
        """The next request, which must be for this list; its id, if it has one."""
        raw = await asyncio.wait_for(self.gateway.raw_requests.get(), 60)
        fields = raw.split(b"\0")
        number = int.from_bytes(raw[:4], "big") - 200 if self.version > 200 else int(fields[0])
        assert number == ANSWERS[which][1]
        if which != "executions":
            return 0
        return ExecutionRequest.FromString(raw[4:]).reqId if self.version > 200 else int(fields[2])

    def cripple(self, which: str, req_id: int) -> None:
        """A row of which ibapi says nothing, or that it cannot decode."""
        if self.version > 200:  # without a contract: the official decoder returns without a word
            body: dict[str, tuple[int, Any]] = {
                "positions": (61, PositionProto(account="DU9000001", position="833")),
                "open orders": (5, OpenOrderProto(orderId=7)),
                "completed orders": (101, None),
                "executions": (11, ExecutionDetails(reqId=req_id)),
            }
            number, message = body[which]
            content = (number + 200).to_bytes(4, "big") + (message.SerializeToString() if message else b"")
            self.gateway.raw(struct.pack("!I", len(content)) + content)
        else:
            number = {"positions": 61, "open orders": 5, "completed orders": 101, "executions": 11}[which]
            self.gateway.send(number, *((req_id, "no order id") if which == "executions" else ("x",)))


def fetch(bridge: IBKRBridge, which: str) -> "asyncio.Task[tuple[Any, ...]]":
    """Ask for a list."""
    return asyncio.create_task(getattr(bridge, ANSWERS[which][0])())


@pytest.fixture(params=[200, 226], ids=["text", "protobuf"])
def wire(request: pytest.FixtureRequest, gateway: Gateway) -> Wire:
    """Either wire."""
    gateway.version = request.param
    wire = Wire(gateway)
    if request.param > 200:

        async def greet() -> None:
            for number, message in ((15, ManagedAccounts(accountsList="DU9000001")), (9, NextValidId(orderId=1))):
                content = (number + 200).to_bytes(4, "big") + message.SerializeToString()
                gateway.raw(struct.pack("!I", len(content)) + content)

        gateway.greet = greet
    return wire


@pytest.fixture
async def connected(wire: Wire, incidents: Incidents) -> AsyncIterator[IBKRBridge]:
    """A bridge on that wire."""
    async with IBKRBridge(
        port=wire.gateway.port, connect_timeout_s=60, request_timeout_s=60, messages_per_s=math.inf,
        on_incident=lambda kind, text: incidents.append((kind, text)), now=lambda: AT + timedelta(hours=1),
    ) as bridge:  # fmt: skip
        yield bridge


UNREADABLE = [(which, size) for which in ANSWERS for size in (NAN, INFINITE, Decimal(-833), None)]
UNREADABLE.remove(("positions", Decimal(-833)))  # short


@pytest.mark.parametrize(("which", "size"), UNREADABLE, ids=str)
async def test_a_list_with_an_unreadable_row_is_unknown(
    connected: IBKRBridge, wire: Wire, incidents: Incidents, which: str, size: Decimal | None
) -> None:
    """Never a shorter one: one error that names list, row and reason, one incident, and the next answer is whole."""
    asking = fetch(connected, which)
    req_id = await wire.asked(which)
    wire.say_row(which, req_id)
    if size is None:
        wire.cripple(which, req_id)
    else:
        wire.say_row(which, req_id, size=size)
    wire.say_end(which, req_id)
    with pytest.raises(AnswerIncomplete, match=f"{which}: unknown, a row could not be read") as caught:
        await asking
    assert caught.value.which == which
    assert caught.value.row and caught.value.why
    assert [kind for kind, _ in incidents] == ["unreadable"]
    again = fetch(connected, which)
    req_id = await wire.asked(which)
    wire.say_row(which, req_id)
    wire.say_end(which, req_id)
    assert len(await again) == 1


@pytest.mark.parametrize("which", ANSWERS)
async def test_an_unreadable_row_spoils_no_other_list(connected: IBKRBridge, wire: Wire, which: str) -> None:
    """All four are asked at once; only the one it belongs to is unknown."""
    asking = {}
    for each in ANSWERS:
        asking[each] = (fetch(connected, each), await wire.asked(each))
    for each, (_, req_id) in asking.items():
        wire.say_row(each, req_id, size=NAN if each == which else Decimal(833))
    for each, (_, req_id) in asking.items():
        wire.say_end(each, req_id)
    outcome = {each: await asyncio.gather(task, return_exceptions=True) for each, (task, _) in asking.items()}
    assert isinstance(outcome.pop(which)[0], AnswerIncomplete)
    assert [len(rows) for (rows,) in outcome.values()] == [1, 1, 1]


async def test_an_unreadable_status_leaves_open_orders_unknown(
    connected: IBKRBridge, wire: Wire, incidents: Incidents
) -> None:
    """What is filled is said by the status that follows each open order; alone it is told and ends nothing."""
    stream = connected.stream_order_events()
    wire.say(orders.order_status, replace(STOP, filled=NAN), "PreSubmitted")
    asking = fetch(connected, "open orders")
    await wire.asked("open orders")
    wire.say_row("open orders", 0)
    wire.say(orders.order_status, replace(STOP, filled=Decimal(-5)), "PreSubmitted")
    wire.say_end("open orders", 0)
    with pytest.raises(AnswerIncomplete):
        await asking
    assert [kind for kind, _ in incidents] == ["unreadable"] * 2
    wire.say(orders.order_status, STOP, "Submitted")
    assert [type(await anext(stream)) for _ in range(2)] == [OpenOrder, OrderUpdate]


async def test_what_changes_while_orders_are_listed_is_part_of_the_list(connected: IBKRBridge, wire: Wire) -> None:
    """An order that ends between request and End is listed as ended, one that was said before is not listed."""
    stream = connected.stream_order_events()
    before = replace(STOP, order_id=3, perm_id=900000)
    wire.say(orders.open_order, before, ITEM)
    await anext(stream)
    asking = fetch(connected, "open orders")
    await wire.asked("open orders")
    other = replace(STOP, client_id=0, order_id=7, perm_id=77)
    young = replace(STOP, order_id=8, perm_id=0)
    for order in (STOP, other, young):
        wire.say(orders.open_order, order, ITEM)
        wire.say(orders.order_status, order, order.status)
    wire.say(orders.open_order, replace(young, perm_id=900212), ITEM)
    wire.say(orders.order_status, replace(STOP, filled=Decimal(100), status="Cancelled"), "Cancelled")
    wire.say_end("open orders", 0)
    listed = [
        (order.client_id, order.request.order_id, order.perm_id, order.status, order.filled) for order in await asking
    ]
    assert listed == [
        (17, 7, 900211, "Cancelled", Decimal(100)),
        (0, 7, 77, "PreSubmitted", Decimal(0)),
        (17, 8, 900212, "PreSubmitted", Decimal(0)),
    ]


@pytest.mark.parametrize("which", [name for name in ANSWERS if name != "executions"])
async def test_a_stray_end_completes_nothing(connected: IBKRBridge, wire: Wire, which: str) -> None:
    """What was received before the request went out is not its answer, also if it is looked at afterwards."""
    asking = fetch(connected, which)  # goes out at the next turn of the loop, which is held up until there is a stray
    wire.say_row(which, 0, size=Decimal(7))
    wire.say_end(which, 0)
    received = connected._session.dispatcher.inbox._queue.queue
    while sum(map(len, received)) < 2:
        time.sleep(0.001)  # noqa: ASYNC251  the loop must not look at it yet
    await wire.asked(which)
    wire.say_row(which, 0)
    wire.say_end(which, 0)
    (row,) = await asking
    assert (row.quantity if which == "positions" else row.request.quantity) == Decimal(833)


async def test_a_late_end_is_the_old_requests(wall: ShiftedWall, wire: Wire) -> None:
    """A list that timed out answers late: its rows are not the next answer, which is asked for once more."""
    async with IBKRBridge(port=wire.gateway.port, request_timeout_s=60, in_order=True) as bridge:  # no link watch
        first = fetch(bridge, "positions")
        await wire.asked("positions")
        wire.say_row("positions", 0)
        await wall.pass_time(60)
        with pytest.raises(RequestTimeout):
            await first
        second = fetch(bridge, "positions")
        await wire.asked("positions")
        wire.say_end("positions", 0)
        await wire.asked("positions")
        wire.say_row("positions", 0, size=Decimal(100))
        wire.say_end("positions", 0)
        assert [row.quantity for row in await second] == [Decimal(100)]


async def test_an_execution_without_a_time_is_an_execution(
    connected: IBKRBridge, wire: Wire, incidents: Incidents
) -> None:
    """Shares and price count; the time is that of its receipt, which is said once, however often it is listed."""
    for _ in range(2):
        asking = fetch(connected, "executions")
        req_id = await wire.asked("executions")
        row = orders.execution(wire.version, req_id, BOUGHT, ITEM)
        unzoned = row.replace(b"US/Eastern", b"Mars/Olymp").replace(b"20260413-19:27:04", b"20269913-19:27:04")
        assert unzoned != row
        wire.gateway.raw(unzoned)
        wire.say_end("executions", req_id)
        (execution,) = await asking
        assert (execution.shares, execution.price) == (Decimal(833), 5.0)
        assert execution.time == execution.received_at == AT + timedelta(hours=1)
    assert [kind for kind, _ in incidents] == ["unreadable"]
    assert "a.b.01.01" in incidents[0][1] and "the time of receipt" in incidents[0][1]


@pytest.mark.parametrize(
    "wrong",
    [{"shares": Decimal(0)}, {"shares": Decimal(-1)}, {"price": math.nan}, {"price": -5.0}, {"price": math.inf},
     {"price": 0.0}, {"cumulative": NAN}],
    ids=str,
)  # fmt: skip
async def test_an_execution_of_nothing_or_at_no_price_is_none(
    connected: IBKRBridge, wire: Wire, incidents: Incidents, wrong: dict[str, Any]
) -> None:
    """It is told, reaches nobody, and the next one does."""
    stream = connected.stream_order_events()
    wire.say(orders.execution, -1, replace(BOUGHT, **wrong), ITEM)
    wire.say(orders.execution, -1, BOUGHT, ITEM)
    execution = await anext(stream)
    assert isinstance(execution, Execution)
    assert (execution.shares, execution.price) == (Decimal(833), 5.0)
    assert [kind for kind, _ in incidents] == ["unreadable"]


async def test_a_correction_to_no_shares_voids_its_match(connected: IBKRBridge, wire: Wire) -> None:
    """A bust can be said in no other way: it is read, where a first execution of no shares is not."""
    stream = connected.stream_order_events()
    void = replace(BOUGHT, exec_id="a.b.01.02", shares=Decimal(0), price=0.0)
    wire.say(orders.execution, -1, void, ITEM)
    execution = await anext(stream)
    assert isinstance(execution, Execution)
    assert (execution.shares, execution.base_id, execution.correction) == (Decimal(0), "a.b.01", 2)


async def test_an_unset_commission_is_nan_in_its_own_currency(connected: IBKRBridge, wire: Wire) -> None:
    """The largest double is no amount of money; the currency stays the report's."""
    stream = connected.stream_order_events()
    for commission in (1.7976931348623157e308, math.inf, 1.25):
        report = CommissionReportDue(
            client_id=17, exec_id="a.b.01.01", commission=commission, currency="CAD", realized_pnl=None
        )
        wire.say(orders.commission_report, report)
    heard = [await anext(stream) for _ in range(3)]
    assert all(isinstance(one, CommissionReport) and one.currency == "CAD" for one in heard)
    costs = [one.commission_usd for one in heard if isinstance(one, CommissionReport)]
    assert [math.isnan(cost) for cost in costs] == [True, True, False]
    assert costs[2] == 1.25
