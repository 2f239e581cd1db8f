"""What clients hear of an account where a person trades too, ids begin anew, and lists are late or torn."""

import contextlib
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import AnswerIncomplete, ScenarioError
from momentum_kit.simgateway.scenario import (
    BustedTrade,
    DoomedModify,
    Lag,
    LateAnswer,
    ManualCancel,
    ManualTrade,
    OrderIdsAnew,
    OrderPresets,
    RefuseStops,
    StrayEnd,
    UnreadableRow,
    parse_scenario,
)
from momentum_kit.simgateway.server import SimulatedGateway

SCENARIO = {
    "seed": 3,
    "start": "09:35",
    "end": "10:30",
    "history_sessions": 5,
    "universe": {"small_caps": 0, "large_caps": 0},
    "broker": {"partial_fill_share": 0},
}


@pytest.fixture(params=[200, 226], ids=["text", "protobuf"])
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[SimulatedGateway]:
    """AAPL's market on either wire, which moves a second when told."""
    async with SimulatedGateway(parse_scenario(SCENARIO), lock_step_s=1, server_version=request.param) as gateway:
        yield gateway


def an_order(action: str, kind: str, quantity: int = 10, **fields: Any) -> Order:
    """A DAY order; keywords by ibapi's names."""
    order = Order()
    order.action, order.orderType, order.totalQuantity, order.tif = action, kind, Decimal(quantity), "DAY"
    for name, value in fields.items():
        setattr(order, name, value)
    return order


async def steps(client: Any, count: int) -> None:
    """Move the market by so many seconds."""
    for _ in range(count):
        await client.step()


async def answer(client: Any, request: str, *args: Any, row: str, end: str) -> list[Any]:
    """Ask for a list and return its rows."""
    rows, ends = len(client.named(row)), len(client.named(end))
    getattr(client, request)(*args)
    await client.wait_for(lambda: len(client.named(end)) > ends)
    return client.named(row)[rows:]


async def executions(client: Any) -> list[Any]:
    """What answers reqExecutions, of whomever."""
    rows = await answer(client, "reqExecutions", 77, ExecutionFilter(), row="execDetails", end="execDetailsEnd")
    return [row.execution for row in rows]


async def test_a_person_sells_our_shares(gateway: SimulatedGateway, connect_client: Any, aapl: Contract) -> None:
    """A subscriber hears the new position and no execution; the list of executions has one of client 0, order 0."""
    client = await connect_client(gateway.port)
    client.reqPositions()
    client.placeOrder(1, aapl, an_order("BUY", "MKT"))
    await steps(client, 2)
    ours = len(client.named("execDetails"))
    gateway.inject(ManualTrade(symbol="AAPL", action="SELL", quantity=25))
    await client.wait_for(lambda: client.named("position")[-1].position == -15)
    assert len(client.named("execDetails")) == ours == 1
    listed = [(e.clientId, e.orderId, e.side, e.shares) for e in await executions(client)]
    assert listed == [(1, 1, "BOT", 10), (0, 0, "SLD", 25)]


async def test_a_sale_is_undone(gateway: SimulatedGateway, connect_client: Any, aapl: Contract) -> None:
    """Subscribers hear the position of before and nothing else; the list of executions has the purchase alone."""
    client = await connect_client(gateway.port)
    client.reqPositions()
    for order_id, action in ((1, "BUY"), (2, "SELL")):
        client.placeOrder(order_id, aapl, an_order(action, "MKT"))
        await steps(client, 2)
    assert client.named("position")[-1].position == 0
    told = len(client.named("orderStatus"))
    gateway.inject(BustedTrade(symbol="AAPL"))
    await client.wait_for(lambda: client.named("position")[-1].position == 10)
    assert [(e.orderId, e.side) for e in await executions(client)] == [(1, "BOT")]
    assert len(client.named("orderStatus")) == told


async def test_a_person_trades_while_nobody_is_connected(gateway: SimulatedGateway, connect_client: Any) -> None:
    """The next client finds the position, at the price that was given."""
    gateway.inject(ManualTrade(symbol="AAPL", action="BUY", quantity=40, price_usd=123.0))
    client = await connect_client(gateway.port)
    (row,) = await answer(client, "reqPositions", row="position", end="positionEnd")
    assert (row.position, round(row.avgCost, 1)) == (40, 123.0)


async def test_executions_of_others_may_stay_hidden(connect_client: Any) -> None:
    """By a switch a list without a client id has the asking client's executions alone, and no End if there are none."""
    hidden = {"foreign_executions": "own_client", "empty_executions": "end"}
    async with SimulatedGateway(parse_scenario(SCENARIO), lock_step_s=1, assumptions=hidden) as gateway:
        gateway.inject(ManualTrade(symbol="AAPL", action="BUY", quantity=40))
        client = await connect_client(gateway.port)
        assert await executions(client) == []


def test_a_person_trades_only_what_is_listed() -> None:
    """A fault that names another symbol is refused before anything starts."""
    with pytest.raises(ScenarioError, match="ZZZZ is not listed"):
        SimulatedGateway(parse_scenario(SCENARIO), faults=[ManualTrade(symbol="ZZZZ", quantity=1, after="fill 1")])


async def test_a_person_cancels_our_stop(gateway: SimulatedGateway, connect_client: Any, aapl: Contract) -> None:
    """Orders that match are told Cancelled with 202, the others work on."""
    client = await connect_client(gateway.port)
    client.placeOrder(1, aapl, an_order("BUY", "MKT"))
    await steps(client, 2)
    client.placeOrder(2, aapl, an_order("SELL", "STP", auxPrice=100.0))
    client.placeOrder(3, aapl, an_order("SELL", "LMT", lmtPrice=900.0))
    await steps(client, 1)
    gateway.inject(ManualCancel(symbol="AAPL", action="SELL", order_type="STP"))
    await client.wait_for(lambda: client.errors(2))
    assert [code for code, _ in client.errors(2)] == [202]
    assert [s.status for s in client.named("orderStatus") if s.orderId == 2][-1] == "Cancelled"
    (left,) = await answer(client, "reqOpenOrders", row="openOrder", end="openOrderEnd")
    assert left.orderId == 3


async def test_order_ids_begin_anew(gateway: SimulatedGateway, connect_client: Any, aapl: Contract) -> None:
    """The next session is told 1 and trades under it, while the morning's order and executions stay listed."""
    client = await connect_client(gateway.port)
    client.placeOrder(1, aapl, an_order("BUY", "MKT", orderRef="morning"))
    await steps(client, 2)
    gateway.inject(OrderIdsAnew())
    await client.close()
    again = await connect_client(gateway.port)
    assert again.named("nextValidId")[0].orderId == 1
    again.placeOrder(1, aapl, an_order("SELL", "MKT", orderRef="noon"))
    await steps(again, 2)
    assert [(e.orderId, e.orderRef) for e in await executions(again)] == [(1, "morning"), (1, "noon")]
    done = await answer(again, "reqCompletedOrders", True, row="completedOrder", end="completedOrdersEnd")
    assert [(row.order.orderRef, row.orderState.status) for row in done] == [("morning", "Filled"), ("noon", "Filled")]
    assert len({row.order.permId for row in done}) == 2
    assert gateway.truth()["positions"] == []


async def test_a_working_order_keeps_its_id(gateway: SimulatedGateway, connect_client: Any, aapl: Contract) -> None:
    """An id that an order of before still has is a change of that order, and its family stays together."""
    client = await connect_client(gateway.port)
    client.placeOrder(1, aapl, an_order("BUY", "MKT", transmit=False))
    client.placeOrder(2, aapl, an_order("SELL", "STP", auxPrice=100.0, parentId=1))
    await steps(client, 2)
    gateway.inject(OrderIdsAnew())
    await client.close()
    again = await connect_client(gateway.port)
    again.placeOrder(1, aapl, an_order("BUY", "LMT", 5, lmtPrice=100.0))
    again.placeOrder(2, aapl, an_order("BUY", "LMT", 5, lmtPrice=100.0))
    await steps(again, 1)
    assert [code for code, _ in again.errors(2)] == [105]
    open_now = await answer(again, "reqOpenOrders", row="openOrder", end="openOrderEnd")
    assert [(row.orderId, row.order.orderType, row.order.parentId) for row in open_now] == [
        (2, "STP", 1),
        (1, "LMT", 0),
    ]


def told(client: Any) -> list[tuple[str, Any]]:
    """What came of orders and positions, in order, as one word and one number."""
    words = []
    for call in client.calls:
        match call.name:
            case "orderStatus":
                words.append((call.args.status, int(call.args.filled)))
            case "execDetails":
                words.append(("execution", int(call.args.execution.shares)))
            case "position":
                words.append(("position", int(call.args.position)))
            case "commissionAndFeesReport" | "commissionReport":
                words.append(("commission", 0))
    return words


@pytest.mark.parametrize("of", ["statuses", "positions", "executions", "commissions"])
async def test_one_kind_lags_by_itself(of: Any, gateway: SimulatedGateway, connect_client: Any, aapl: Contract) -> None:
    """What lags comes four seconds after the rest, and the rest does not wait for it."""
    client = await connect_client(gateway.port)
    client.reqPositions()
    gateway.inject(Lag(of=of, lag_ms=4_000))
    client.placeOrder(1, aapl, an_order("BUY", "MKT"))
    last = {"statuses": ("Filled", 10), "executions": ("execution", 10), "positions": ("position", 10)}
    last["commissions"] = ("commission", 0)
    await steps(client, 3)
    assert {word for word in last.values() if word in told(client)} == set(last.values()) - {last[of]}
    await steps(client, 3)
    assert set(last.values()) <= set(told(client))


async def test_lists_lag_with_their_kind(gateway: SimulatedGateway, connect_client: Any, aapl: Contract) -> None:
    """Answers come at once and say how it was: no position, no execution, and an order that still works."""
    client = await connect_client(gateway.port)
    client.placeOrder(1, aapl, an_order("BUY", "LMT", lmtPrice=100.0))
    await steps(client, 1)
    for of in ("statuses", "positions", "executions"):
        gateway.inject(Lag(of=of, lag_ms=5_000))
    client.placeOrder(1, aapl, an_order("BUY", "MKT"))
    await steps(client, 3)
    assert gateway.truth()["fills"]
    assert await answer(client, "reqPositions", row="position", end="positionEnd") == []
    assert await executions(client) == []
    (still,) = await answer(client, "reqOpenOrders", row="openOrder", end="openOrderEnd")
    assert (still.order.orderType, still.orderState.status) == ("LMT", "Submitted")
    assert await answer(client, "reqCompletedOrders", True, row="completedOrder", end="completedOrdersEnd") == []
    await steps(client, 6)
    (held,) = await answer(client, "reqPositions", row="position", end="positionEnd")
    assert held.position == 10
    assert len(await executions(client)) == 1
    assert await answer(client, "reqOpenOrders", row="openOrder", end="openOrderEnd") == []
    done = await answer(client, "reqCompletedOrders", True, row="completedOrder", end="completedOrdersEnd")
    assert [row.orderState.status for row in done] == ["Filled"]


async def test_lists_need_not_lag(gateway: SimulatedGateway, connect_client: Any, aapl: Contract) -> None:
    """With lists: false only events are late."""
    client = await connect_client(gateway.port)
    gateway.inject(Lag(of="executions", lag_ms=5_000, lists=False))
    client.placeOrder(1, aapl, an_order("BUY", "MKT"))
    await steps(client, 2)
    assert not client.named("execDetails")
    assert len(await executions(client)) == 1


async def test_what_lags_keeps_its_order(gateway: SimulatedGateway, connect_client: Any, aapl: Contract) -> None:
    """A lag that ends lets nothing overtake what is under way."""
    client = await connect_client(gateway.port)
    gateway.inject(Lag(of="statuses", lag_ms=5_000))
    client.placeOrder(1, aapl, an_order("BUY", "LMT", lmtPrice=100.0))
    await steps(client, 1)
    gateway.inject(Lag(of="statuses", lag_ms=0))
    client.placeOrder(2, aapl, an_order("BUY", "LMT", lmtPrice=100.0))
    await steps(client, 1)
    assert not client.named("orderStatus")
    await steps(client, 6)
    assert [row.orderId for row in client.named("orderStatus")] == [1, 2]


@pytest.mark.parametrize(("content", "rows"), [("as_asked", 0), ("as_answered", 1)])
async def test_an_answer_is_held_back(
    content: Any, rows: int, gateway: SimulatedGateway, connect_client: Any, aapl: Contract
) -> None:
    """Executions are answered after twenty seconds, positions and the clock at once; nothing else waits."""
    client = await connect_client(gateway.port)
    gateway.inject(LateAnswer(requests=("reqExecutions",), delay_ms=20_000, content=content))
    client.reqExecutions(77, ExecutionFilter())
    client.placeOrder(1, aapl, an_order("BUY", "MKT"))
    await steps(client, 3)
    (held,) = await answer(client, "reqPositions", row="position", end="positionEnd")
    assert held.position == 10
    await steps(client, 16)
    assert not client.named("execDetailsEnd")
    await steps(client, 2)
    assert len(client.named("execDetailsEnd")) == 1
    assert len([row for row in client.named("execDetails") if row.reqId == 77]) == rows
    assert len(await executions(client)) == 1, "the next answer is held back no more"


async def test_an_answer_dies_with_its_client(gateway: SimulatedGateway, connect_client: Any) -> None:
    """The next session of the same client id never hears an answer to the one before."""
    client = await connect_client(gateway.port)
    gateway.inject(LateAnswer(requests=("reqPositions",), delay_ms=2_000))
    client.reqPositions()
    await steps(client, 1)
    await client.close()
    again = await connect_client(gateway.port)
    await steps(again, 5)
    assert not again.named("positionEnd")


async def test_an_end_comes_that_nobody_asked_for(
    gateway: SimulatedGateway, connect_client: Any, aapl: Contract
) -> None:
    """Ahead of the true answer: the list looks empty and whole, its rows come afterwards."""
    client = await connect_client(gateway.port)
    client.placeOrder(1, aapl, an_order("BUY", "LMT", lmtPrice=100.0))
    await steps(client, 1)
    gateway.inject(StrayEnd(ends=("openOrderEnd",), before="reqOpenOrders"))
    before = len(client.calls)
    client.reqOpenOrders()
    await client.wait_for(lambda: len(client.named("openOrderEnd")) == 2)
    assert [call.name for call in client.calls[before:]] == ["openOrderEnd", "openOrder", "openOrderEnd"]
    gateway.inject(StrayEnd(ends=("positionEnd", "completedOrdersEnd")))
    await client.wait_for(lambda: client.named("positionEnd") and client.named("completedOrdersEnd"))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("row", ["openOrder", "position", "completedOrder", "execDetails"])
async def test_a_row_cannot_be_read(row: Any, gateway: SimulatedGateway, connect_client: Any, aapl: Contract) -> None:
    """Our bridge loses the row, says so, and lives; the official client's loop ends at it."""
    incidents: list[tuple[str, str]] = []
    client = await connect_client(gateway.port, 9)
    client.placeOrder(1, aapl, an_order("BUY", "MKT"))
    client.placeOrder(2, aapl, an_order("BUY", "LMT", lmtPrice=100.0))
    await steps(client, 3)
    await client.close()
    gateway.inject(UnreadableRow(messages=(row,), after="client 1"))
    async with IBKRBridge(
        port=gateway.port,
        client_id=9,
        request_timeout_s=60,
        on_incident=lambda kind, text: incidents.append((kind, text)),
    ) as bridge:
        asked = {
            "openOrder": bridge.fetch_open_orders,
            "position": bridge.fetch_positions,
            "completedOrder": bridge.fetch_completed_orders,
            "execDetails": bridge.fetch_executions,
        }
        with contextlib.suppress(AnswerIncomplete):
            assert await asked[row]() == ()
        assert [kind for kind, _ in incidents] == ["unreadable"]
        assert "unreadable" in incidents[0][1]
        assert len(await asked[row]()) == 1


async def test_presets_refuse_and_are_lifted(gateway: SimulatedGateway, connect_client: Any, aapl: Contract) -> None:
    """383 beyond the size, also for the sale of what is held; lifted, everything goes through."""
    client = await connect_client(gateway.port)
    client.placeOrder(1, aapl, an_order("BUY", "MKT", 600))
    await steps(client, 3)
    gateway.inject(OrderPresets(size=500))
    client.placeOrder(2, aapl, an_order("SELL", "MKT", 600))
    await client.wait_for(lambda: client.errors(2))
    assert [code for code, _ in client.errors(2)] == [383]
    gateway.inject(OrderPresets())
    client.placeOrder(3, aapl, an_order("SELL", "MKT", 600))
    await steps(client, 3)
    assert gateway.truth()["positions"] == []


async def test_stops_are_refused(gateway: SimulatedGateway, connect_client: Any, aapl: Contract) -> None:
    """201 for as many as the fault says, while a market order passes."""
    client = await connect_client(gateway.port)
    gateway.inject(RefuseStops(symbol="AAPL", count=1))
    client.placeOrder(1, aapl, an_order("BUY", "MKT"))
    client.placeOrder(2, aapl, an_order("SELL", "STP", auxPrice=100.0))
    client.placeOrder(3, aapl, an_order("SELL", "STP", auxPrice=100.0))
    await steps(client, 3)
    assert [code for code, _ in client.errors(2)] == [201]
    assert client.errors(3) == []
    assert client.named("execDetails")


async def test_a_change_ends_the_order(gateway: SimulatedGateway, connect_client: Any, aapl: Contract) -> None:
    """201, then Inactive; the order is gone."""
    client = await connect_client(gateway.port)
    client.placeOrder(1, aapl, an_order("BUY", "LMT", lmtPrice=100.0))
    await steps(client, 1)
    gateway.inject(DoomedModify(symbol="AAPL"))
    client.placeOrder(1, aapl, an_order("BUY", "LMT", lmtPrice=101.0))
    await client.wait_for(lambda: client.errors(1))
    await steps(client, 1)
    assert [code for code, _ in client.errors(1)] == [201]
    assert client.named("orderStatus")[-1].status == "Inactive"
    assert await answer(client, "reqOpenOrders", row="openOrder", end="openOrderEnd") == []
