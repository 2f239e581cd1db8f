"""Numbers that are none: nothing is counted with them, no service ends, and the broker's lists are asked."""

from dataclasses import replace
from decimal import Decimal

import pytest

from momentum_kit.models import Execution, OpenOrder, OrderUpdate, Position
from momentum_kit.ports import OrderEvent
from tests.helpers.trading_desk import Desk, trading_desk


def status(desk: Desk, filled: str, remaining: str) -> OrderUpdate:
    """The stop's status as the broker might tell it."""
    stop = desk.broker.leg(1, "stop")
    return OrderUpdate(
        order_id=stop.request.order_id, perm_id=stop.perm_id, client_id=17, parent_id=0, status="PreSubmitted",
        filled=Decimal(filled), remaining=Decimal(remaining), avg_fill_price=0.0, last_fill_price=0.0, why_held="",
        market_cap_price=0.0, received_at=desk.clock.now(),
    )  # fmt: skip


def echo(desk: Desk, filled: str, quantity: str) -> OpenOrder:
    """The stop's openOrder."""
    stop = desk.broker.leg(1, "stop")
    return OpenOrder(
        contract=stop.contract, request=replace(stop.request, quantity=Decimal(quantity)), perm_id=stop.perm_id,
        client_id=17, status="PreSubmitted", received_at=desk.clock.now(), filled=Decimal(filled),
    )  # fmt: skip


def execution(desk: Desk, shares: str) -> Execution:
    """An execution of the stop."""
    bought, stop = desk.broker.executions[0], desk.broker.leg(1, "stop").request
    own = {"order_id": stop.order_id, "order_ref": stop.order_ref, "exec_id": "9999.01"}
    return replace(bought, shares=Decimal(shares), **own)


@pytest.mark.parametrize(
    ("filled", "remaining"), [("NaN", "1"), ("-5", "838"), ("Infinity", "0"), ("0", "NaN"), ("0", "-1"), ("sNaN", "1")]
)
async def test_a_status_without_a_number_changes_nothing(tmp_path, filled, remaining):
    """The position keeps its stop and target, a person is told, and the lists are asked at once."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        await check_nothing_follows(desk, status(desk, filled, remaining))


@pytest.mark.parametrize(("filled", "quantity"), [("NaN", "833"), ("0", "NaN"), ("-1", "833"), ("0", "Infinity")])
async def test_an_echo_without_a_number_changes_nothing(tmp_path, filled, quantity):
    """As a status."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        await check_nothing_follows(desk, echo(desk, filled, quantity))


@pytest.mark.parametrize("shares", ["NaN", "-10", "Infinity"])
async def test_an_execution_without_a_number_is_not_counted(tmp_path, shares):
    """The book stays as it is; what it should have said comes with the list of executions."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        await check_nothing_follows(desk, execution(desk, shares))


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "-Infinity"])
async def test_a_position_without_a_number_says_nothing(tmp_path, quantity):
    """A short position is a number; these are none."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        row = desk.broker.say_position(1)
        await desk.settle()
        await check_nothing_follows(desk, replace(row, quantity=Decimal(quantity)))


async def check_nothing_follows(desk: Desk, event: OrderEvent | Position) -> None:
    """Nothing is sent, nothing is halted, the broker's lists are asked, and the service goes on."""
    sent, asked = len(desk.broker.sent), []
    ask = desk.broker.fetch_positions

    async def counted() -> tuple[Position, ...]:
        asked.append(event)
        return await ask()

    desk.broker.fetch_positions = counted  # type: ignore[method-assign]
    if isinstance(event, Position):
        desk.broker.rows.put_nowait(event)
    else:
        desk.broker.say(event)
    await desk.beat(1)
    assert desk.broker.sent[sent:] == []
    assert asked
    assert desk.ledger.position(1) == 833
    (told,) = [row["text"] for row in desk.journal["incidents"] if row["kind"] == "unreadable"]
    assert type(event).__name__ in told
    await desk.beat(20)
    assert desk.broker.sent[sent:] == []
    assert desk.halts == []
