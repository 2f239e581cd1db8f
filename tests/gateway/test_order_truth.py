"""What the official client hears where the broker acts by itself, holds back, previews, or speaks for others."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from ibapi.const import UNSET_DOUBLE
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel

from momentum_kit.sessions import NEW_YORK
from momentum_kit.simgateway.embedding import Scenario
from momentum_kit.simgateway.events import SimOrder
from momentum_kit.simgateway.scenario import ConnectivityLost, SymbolSpec, UniverseSpec, WhatIfAnswers
from momentum_kit.simgateway.server import SimulatedGateway

Connect = Callable[..., Awaitable[Any]]
AAPL = 265598


def order(action: str, kind: str, quantity: int = 10, **fields: Any) -> Order:
    """An order with an explicit tif."""
    made = Order()
    made.action, made.orderType, made.totalQuantity, made.tif = action, kind, Decimal(quantity), "DAY"
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def manual_order() -> SimOrder:
    """What a person enters in TWS."""
    return SimOrder(
        client_id=0,
        order_id=0,
        con_id=AAPL,
        account="",
        action="BUY",
        quantity=Decimal(5),
        order_type="LMT",
        limit_price=200.0,
        tif="GTC",
    )


@pytest.fixture(params=[200, 226])
def gateway(request: pytest.FixtureRequest) -> Callable[..., SimulatedGateway]:
    """Builds gateways on the text wire and on the protobuf wire; keywords answer switches."""

    def build(shortable: float = 3.0, **assumptions: Any) -> SimulatedGateway:
        universe = UniverseSpec(small_caps=0, large_caps=0, symbols=(SymbolSpec(symbol="AAPL", shortable=shortable),))
        scenario = Scenario(seed=11, universe=universe)
        return SimulatedGateway(scenario, server_version=request.param, lock_step_s=1, assumptions=assumptions)

    return build


async def filled(client: Any, count: int = 1) -> None:
    """Let the market run until so many executions were told."""
    for _ in range(60):
        if len([e for e in client.named("execDetails") if e.reqId == -1]) >= count:
            return
        await client.step()
    raise AssertionError("no fill")


async def test_corrections(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """The same execution again under .02; asked for, only the one that stands is listed."""
    async with gateway(execution_correction="every") as served:
        client = await connect_client(served.port)
        client.placeOrder(1, aapl, order("BUY", "MKT"))
        await filled(client)
        count = len(client.named("execDetails"))
        await filled(client, 2 * count)
        told = [e.execution.execId for e in client.named("execDetails")]
        assert {exec_id[:-3] for exec_id in told[:count]} == {exec_id[:-3] for exec_id in told[count:]}
        assert {exec_id[-3:] for exec_id in told[count:]} == {".02"}
        client.reqExecutions(9, ExecutionFilter())
        await client.wait_for(lambda: client.named("execDetailsEnd"))
        assert [e.execution.execId for e in client.named("execDetails") if e.reqId == 9] == told[count:]


async def test_liquidation(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """Every client hears an execution with liquidation=1 and order id -1; the account is flat."""
    async with gateway() as served:
        client, other = await connect_client(served.port, 1), await connect_client(served.port, 2)
        client.reqPositions()
        client.placeOrder(1, aapl, order("BUY", "MKT"))
        await filled(client)
        hub = served.hub
        hub.deliver(hub.broker.liquidate(AAPL, hub.now))
        served.flush()
        for each in (client, other):
            await each.wait_for(lambda each=each: any(e.execution.liquidation for e in each.named("execDetails")))
            forced = each.named("execDetails")[-1].execution
            assert (forced.orderId, forced.liquidation, forced.side) == (-1, 1, "SLD")
        await client.wait_for(lambda: client.named("position")[-1].position == 0)


async def test_price_cap_and_price_check(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """A far limit: 2161 with mktCapPrice, or 202 with the price check's words."""
    async with gateway() as served:
        client = await connect_client(served.port)
        client.placeOrder(1, aapl, order("BUY", "LMT", lmtPrice=900.0))
        await client.wait_for(lambda: client.named("orderStatus"))
        assert [code for code, _ in client.errors(1)] == [2161]
        assert 250 < client.named("orderStatus")[-1].mktCapPrice < 350
    async with gateway(far_limit="refused") as served:
        client = await connect_client(served.port)
        client.placeOrder(1, aapl, order("BUY", "LMT", lmtPrice=900.0))
        await client.wait_for(lambda: client.named("orderStatus"))
        assert [(code, "price" in text) for code, text in client.errors(1)] == [(202, True)]
        assert client.named("orderStatus")[-1].status == "Cancelled"


async def test_what_if(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """One openOrder with margin and commission; no order, no status."""
    async with gateway() as served:
        client = await connect_client(served.port)
        client.placeOrder(1, aapl, order("BUY", "LMT", 100, lmtPrice=200.0, whatIf=True))
        client.reqAllOpenOrders()
        await client.wait_for(lambda: client.named("openOrderEnd"))
        (told,) = client.named("openOrder")
        state = told.orderState
        assert told.order.whatIf
        assert [float(m) for m in (state.initMarginBefore, state.initMarginChange, state.initMarginAfter)] == [
            0.0,
            5000.0,
            5000.0,
        ]
        assert (state.commissionAndFees, state.commissionAndFeesCurrency) == (1.0, "USD")
        assert client.named("orderStatus") == []
        assert served.truth()["orders"] == []


@pytest.mark.parametrize(("answer", "margin"), [("margin", 30_000.0), ("unset", UNSET_DOUBLE), ("late", 5_000.0)])
async def test_what_if_answers(
    gateway: Any, connect_client: Connect, aapl: Contract, answer: Any, margin: float
) -> None:
    """As a scenario has it: a margin of its own, IB's word for none, or the usual one ten seconds later."""
    async with gateway() as served:
        served.inject(WhatIfAnswers(symbol="AAPL", answer=answer, rate=1.5, delay_ms=10_000))
        client = await connect_client(served.port)
        client.placeOrder(1, aapl, order("BUY", "LMT", 100, lmtPrice=200.0, whatIf=True))
        for _ in range(9):
            await client.step()
        assert bool(client.named("openOrder")) is (answer != "late")
        await client.step()
        await client.step()
        (told,) = client.named("openOrder")
        assert told.order.whatIf
        assert float(told.orderState.initMarginChange or UNSET_DOUBLE) == margin  # protobuf leaves an unset one out
        assert client.named("orderStatus") == []


@pytest.mark.parametrize(("answer", "codes"), [("refused", [201]), ("silence", [])])
async def test_what_if_is_not_answered(
    gateway: Any, connect_client: Connect, aapl: Contract, answer: Any, codes: list[int]
) -> None:
    """A refusal in IB's words, or nothing at all; an order of the symbol is taken as ever."""
    async with gateway() as served:
        served.inject(WhatIfAnswers(symbol="AAPL", answer=answer))
        client = await connect_client(served.port)
        client.placeOrder(1, aapl, order("BUY", "LMT", 100, lmtPrice=200.0, whatIf=True))
        client.placeOrder(2, aapl, order("BUY", "LMT", 100, lmtPrice=200.0))
        for _ in range(3):
            await client.step()
        assert [code for code, _ in client.errors(1)] == codes
        assert {told.orderId for told in client.named("openOrder")} == {2}


async def test_orders_of_others(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """All clients see them in the list of all; their own hears of them and, by a switch, alone may cancel them."""
    async with gateway(cancel_rights="owner") as served:
        owner, other = await connect_client(served.port, 1), await connect_client(served.port, 2)
        owner.placeOrder(7, aapl, order("BUY", "LMT", lmtPrice=200.0))
        await owner.wait_for(lambda: owner.named("orderStatus"))
        other.reqOpenOrders()
        await other.wait_for(lambda: other.named("openOrderEnd"))
        assert other.named("openOrder") == []
        other.reqAllOpenOrders()
        await other.wait_for(lambda: len(other.named("openOrderEnd")) == 2)
        (seen,) = other.named("openOrder")
        assert (seen.orderId, seen.order.clientId) == (7, 1)
        other.cancelOrder(7, OrderCancel())
        await other.wait_for(lambda: other.errors(7))
        assert other.errors(7)[0][0] == 10147
        owner.cancelOrder(7, OrderCancel())
        while owner.named("orderStatus")[-1].status != "Cancelled":
            await owner.step()


async def test_a_cancel_by_another_client(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """Recorded: both hear Cancelled, then 202."""
    async with gateway() as served:
        owner, other = await connect_client(served.port, 1), await connect_client(served.port, 2)
        owner.placeOrder(7, aapl, order("BUY", "LMT", lmtPrice=200.0))
        await owner.wait_for(lambda: owner.named("orderStatus"))
        other.cancelOrder(7, OrderCancel())
        await owner.step()
        for each in (owner, other):
            await each.wait_for(lambda each=each: each.errors(7))
            assert [code for code, _ in each.errors(7)] == [202]
            assert each.named("orderStatus")[-1].status == "Cancelled"


async def test_the_echo_of_a_trail(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """Recorded: a limit price near its trigger, the trigger itself as the trail's stop, and no aux price."""
    async with gateway() as served:
        client = await connect_client(served.port)
        client.placeOrder(1, aapl, order("SELL", "TRAIL", trailingPercent=2.0, trailStopPrice=200.0))
        await client.step()
        echo = client.named("openOrder")[-1].order
        assert abs(echo.lmtPrice - echo.trailStopPrice) < 0.01
        assert (echo.auxPrice, echo.trailingPercent) == (UNSET_DOUBLE, 2.0)


async def test_good_after_time(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """An order is held, PreSubmitted, until its time; then it works. The echo carries the time."""
    async with gateway() as served:
        client = await connect_client(served.port)
        when = f"{served.hub.now.astimezone(NEW_YORK) + timedelta(seconds=5):%Y%m%d %H:%M:%S} US/Eastern"
        client.placeOrder(1, aapl, order("BUY", "MKT", goodAfterTime=when))
        for _ in range(4):
            await client.step()
        assert client.named("openOrder")[-1].order.goodAfterTime == when
        assert {row.status for row in client.named("orderStatus")} == {"PreSubmitted"}
        assert not client.named("execDetails")
        await filled(client)
        assert client.named("execDetails")


async def test_manual_orders_and_client_0(gateway: Any, connect_client: Connect) -> None:
    """ReqOpenOrders of client 0 binds them; with reqAutoOpenOrders each new one is told and bound at once."""
    async with gateway() as served:
        hub = served.hub
        human, other = await connect_client(served.port, 0), await connect_client(served.port, 3)
        hub.deliver(hub.broker.enter_manually(manual_order(), hub.now))
        other.reqAllOpenOrders()
        await other.wait_for(lambda: other.named("openOrderEnd"))
        (seen,) = other.named("openOrder")
        assert (seen.orderId, seen.order.clientId) == (0, 0)
        assert human.named("openOrder") == []
        human.reqOpenOrders()
        await human.wait_for(lambda: human.named("openOrderEnd"))
        (bound,) = human.named("orderBound")
        assert (bound.clientId if hasattr(bound, "clientId") else bound.apiClientId) == 0
        (mine,) = human.named("openOrder")
        assert mine.orderId == -2
        human.reqAutoOpenOrders(True)
        await human.step()
        hub.deliver(hub.broker.enter_manually(manual_order(), hub.now))
        served.flush()
        await human.wait_for(lambda: len(human.named("orderBound")) == 2)
        human.cancelOrder(-2, OrderCancel())
        while not [s for s in human.named("orderStatus") if (s.orderId, s.status) == (-2, "Cancelled")]:
            await human.step()
        other.reqAutoOpenOrders(True)
        await other.wait_for(lambda: [code for code, _ in other.errors(-1) if code == 321])
        other.reqCompletedOrders(True)
        await other.wait_for(lambda: other.named("completedOrdersEnd"))
        assert other.named("completedOrder") == []
        other.reqCompletedOrders(False)
        await other.wait_for(lambda: len(other.named("completedOrdersEnd")) == 2)
        assert len(other.named("completedOrder")) == 1


async def test_short_sales(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """Tick 46 says how the shares are to be had, and the broker holds (404) or refuses (201) accordingly."""
    async with gateway(shortable=2.0) as served:
        client = await connect_client(served.port)
        client.reqMktData(5, aapl, "236", False, False, [])
        await client.wait_for(lambda: [t for t in client.named("tickGeneric") if t.tickType == 46])
        assert next(t.value for t in client.named("tickGeneric") if t.tickType == 46) == 2.0
        client.placeOrder(1, aapl, order("SELL", "MKT"))
        await client.wait_for(lambda: client.errors(1))
        assert client.errors(1)[0][0] == 404
        assert client.named("orderStatus")[-1].whyHeld == "locate"
        await filled(client)
    async with gateway(shortable=1.0) as served:
        client = await connect_client(served.port)
        client.placeOrder(1, aapl, order("SELL", "MKT"))
        await client.wait_for(lambda: client.errors(1))
        assert client.errors(1)[0][0] == 201


async def test_twenty_orders_and_ignored_hours(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """The twenty-first on one side is refused with 201; outsideRth on a market order is told with 2109."""
    async with gateway() as served:
        client = await connect_client(served.port)
        for number in range(1, 22):
            client.placeOrder(number, aapl, order("BUY", "LMT", 1, lmtPrice=200.0))
        client.placeOrder(30, aapl, order("SELL", "MKT", 1, outsideRth=True))
        await client.wait_for(lambda: client.errors(30))
        assert [code for code, _ in client.errors(21)] == [201]
        assert client.errors(20) == []
        assert client.errors(30)[0][0] == 2109


async def test_filters_of_executions(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """Client, side, symbol, time, days and dates narrow the list down."""
    async with gateway() as served:
        one, two = await connect_client(served.port, 1), await connect_client(served.port, 2)
        one.placeOrder(1, aapl, order("BUY", "MKT", 3))
        await filled(one)
        two.placeOrder(1, aapl, order("SELL", "MKT", 2))
        for _ in range(60):
            if two.named("execDetails"):
                break
            await one.step()

        numbers = iter(range(100, 200))

        async def listed(**terms: Any) -> list[str]:
            wanted, number = ExecutionFilter(), next(numbers)
            for name, value in terms.items():
                setattr(wanted, name, value)
            one.reqExecutions(number, wanted)
            await one.wait_for(lambda: [e for e in one.named("execDetailsEnd") if e.reqId == number])
            return sorted({e.execution.side for e in one.named("execDetails") if e.reqId == number})

        assert await listed() == ["BOT", "SLD"]
        assert await listed(clientId=2) == ["SLD"]
        assert await listed(side="BUY") == ["BOT"]
        assert await listed(symbol="IBM") == []
        assert await listed(time="20261120 20:00:00 US/Eastern") == []
        assert await listed(time="20261120 09:00:00 US/Eastern") == ["BOT", "SLD"]
        assert await listed(lastNDays=3) == ["BOT", "SLD"]
        assert await listed(specificDates=[20261119]) == []
        assert await listed(specificDates=[20261120]) == ["BOT", "SLD"]


@pytest.mark.parametrize("answer", ["silence", "end"])
async def test_executions_without_an_end(gateway: Any, connect_client: Connect, answer: str) -> None:
    """On a day without executions the end may never come."""
    async with gateway(empty_executions=answer) as served:
        client = await connect_client(served.port)
        client.reqExecutions(9, ExecutionFilter())
        await client.step()
        assert bool(client.named("execDetailsEnd")) is (answer == "end")


@pytest.mark.parametrize("answer", ["prompt", "late", "missing"])
async def test_commission_of_the_last_fill(gateway: Any, connect_client: Connect, aapl: Contract, answer: str) -> None:
    """The report of the execution that closes comes at once, five seconds later, or never."""
    async with gateway(closing_commission=answer) as served:
        client = await connect_client(served.port)
        client.placeOrder(1, aapl, order("BUY", "MKT"))
        await filled(client)
        bought = len(client.named("execDetails"))
        client.placeOrder(2, aapl, order("SELL", "MKT"))
        await filled(client, bought + 1)
        await client.step()
        at_once = len(_reports(client))
        for _ in range(10):
            await client.step()
        total = len(client.named("execDetails"))
        expected = {"prompt": (total, total), "late": (bought, total), "missing": (bought, bought)}
        assert (at_once, len(_reports(client))) == expected[answer]


def _reports(client: Any) -> list[Any]:
    return client.named("commissionReport", "commissionAndFeesReport")


@pytest.mark.parametrize("answer", ["execution_first", "status_first"])
async def test_execution_and_its_status(gateway: Any, connect_client: Connect, aapl: Contract, answer: str) -> None:
    """Either may be the first to tell of a fill."""
    async with gateway(fill_order=answer) as served:
        client = await connect_client(served.port)
        client.placeOrder(1, aapl, order("BUY", "MKT"))
        await filled(client)
        told = [c.name for c in client.calls if c.name == "execDetails" or _counts(c)]
        assert told[0] == ("execDetails" if answer == "execution_first" else "orderStatus")


def _counts(call: Any) -> bool:
    return call.name == "orderStatus" and call.args.filled > 0


@pytest.mark.parametrize("answer", ["silent", "transient_cancelled"])
async def test_a_staged_child(gateway: Any, connect_client: Connect, aapl: Contract, answer: str) -> None:
    """Nothing is told of it, or a Cancelled that does not hold: it works once it is transmitted."""
    async with gateway(staged_child=answer) as served:
        client = await connect_client(served.port)
        client.placeOrder(1, aapl, order("BUY", "LMT", lmtPrice=200.0, transmit=False))
        client.placeOrder(2, aapl, order("SELL", "LMT", lmtPrice=400.0, parentId=1, transmit=False))
        await client.step()
        assert [s.status for s in client.named("orderStatus")] == (["Cancelled"] if answer != "silent" else [])
        client.placeOrder(3, aapl, order("SELL", "STP", auxPrice=100.0, parentId=1))
        await client.wait_for(lambda: [s for s in client.named("orderStatus") if s.orderId == 3])
        assert [s.status for s in client.named("orderStatus") if s.orderId == 2][-1] == "PreSubmitted"


@pytest.mark.parametrize("answer", ["accepted", "refused"])
async def test_an_ioc_parent(gateway: Any, connect_client: Connect, aapl: Contract, answer: str) -> None:
    """It dies unfilled and takes its child along, or is refused with it from the start."""
    async with gateway(ioc_parent=answer) as served:
        client = await connect_client(served.port)
        client.placeOrder(1, aapl, order("BUY", "LMT", lmtPrice=200.0, tif="IOC", transmit=False))
        client.placeOrder(2, aapl, order("SELL", "STP", auxPrice=100.0, parentId=1))
        for _ in range(5):
            await client.step()
        codes = {code for number in (1, 2) for code, _ in client.errors(number)}
        assert codes == ({202} if answer == "accepted" else {201, 135})
        assert served.hub.broker.open_orders() == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [("nothing", set()), ("open_orders", {"openOrder"}), ("orders_and_executions", {"openOrder", "execDetails"})],
)
async def test_what_1102_repeats(
    gateway: Any, connect_client: Connect, aapl: Contract, answer: str, told: set[str]
) -> None:
    """After the gateway's own line is back: nothing, the client's working orders, or its executions as well."""
    async with gateway(restored_replay=answer) as served:
        client = await connect_client(served.port)
        client.placeOrder(1, aapl, order("BUY", "MKT"))
        await filled(client)
        client.placeOrder(2, aapl, order("BUY", "LMT", lmtPrice=200.0))
        await client.wait_for(lambda: [s for s in client.named("orderStatus") if s.orderId == 2])
        await client.step()
        client.calls.clear()
        served.inject(ConnectivityLost(for_s=2))
        for _ in range(4):
            await client.step()
        assert [code for code, _ in client.errors(-1)] == [1100, 1102]
        assert {call.name for call in client.calls} & {"openOrder", "execDetails"} == told
