"""Orders out, broker truth in: bytes on the wire, the order of events, and honest unknowns."""

import asyncio
import math
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge, Pacing, router
from momentum_kit.bridge.pacing import SendRate
from momentum_kit.errors import AnswerIncomplete, InputError, NoData, PacingViolation, RequestFailed, RequestTimeout
from momentum_kit.models.contracts import Contract, PriceIncrement, SymbolMatch
from momentum_kit.models.orders import (
    CommissionReport,
    Execution,
    OpenOrder,
    OrderAction,
    OrderNotice,
    OrderRequest,
    OrderUpdate,
)
from tests.helpers.shifted_wall import ShiftedWall

AAPL = Contract("AAPL", 265598)
BUY = OrderRequest(
    action=OrderAction.BUY,
    quantity=Decimal(10),
    order_type="LMT",
    limit_price=101.5,
    order_ref="intent-1",
    account="DU9000001",
)
EXECUTION = (
    "11|{req_id}|{order}|265598|AAPL|STK||0.0|||IEX|USD|AAPL|NMS|{exec}|20260413 15:27:04 US/Eastern|DU1|IEX|BOT|1"
    "|257.95|3|1|0|1|257.95|intent-1||||2|0|"
)
Gateway = Any  # the ScriptedGateway of conftest.py
Incidents = list[tuple[str, str]]


def send_execution(gateway: Gateway, exec_id: str, req_id: object = -1, order: int = 1) -> None:
    """One execDetails."""
    gateway.send(*EXECUTION.format(req_id=req_id, order=order, exec=exec_id).split("|"))


def send_status(gateway: Gateway, order_id: int, status: str, filled: int = 0) -> None:
    """One orderStatus."""
    gateway.send(3, order_id, status, filled, 10 - filled, 101.5, 900, 0, 101.5, 17, "", 0)


async def test_an_order_is_on_the_wire_when_place_order_returns(bridge: IBKRBridge, gateway: Gateway) -> None:
    """The fields IB reads, in its layout; a fresh id is drawn and returned."""
    placed = await bridge.place_order(AAPL, BUY)
    assert placed == replace(BUY, order_id=1)
    fields = await gateway.request()
    assert fields[:4] == ["3", "1", "265598", "AAPL"]
    assert fields[fields.index("BUY") : fields.index("BUY") + 6] == ["BUY", "10", "LMT", "101.5", "", "DAY"]
    assert "DU9000001" in fields
    assert "intent-1" in fields


async def test_an_order_with_an_id_modifies(bridge: IBKRBridge, gateway: Gateway) -> None:
    """The same id goes out again; no new one is drawn."""
    placed = await bridge.place_order(AAPL, BUY)
    again = await bridge.place_order(AAPL, replace(placed, limit_price=102.0))
    assert again.order_id == placed.order_id
    assert bridge.next_order_id() == 2


async def test_orders_do_not_wait_for_requests(gateway: Gateway) -> None:
    """With the message rate used up by requests, a bracket still goes out at once."""
    pacing = Pacing(messages_per_s=9)
    pacing.messages = SendRate(9, clock=lambda: 0.0)  # a second that no busy machine can see the end of
    async with IBKRBridge(port=gateway.port, pacing=pacing) as bridge:
        asking = [asyncio.create_task(bridge.fetch_contract_details(AAPL)) for _ in range(10)]
        while bridge.pending < 10:  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0)
        await asyncio.gather(*(bridge.place_order(AAPL, BUY) for _ in range(3)))
        kinds = [(await gateway.request())[0] for _ in range(7)]
        assert kinds == ["9"] * 4 + ["3"] * 3
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


async def test_events_keep_the_brokers_order(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Statuses, executions, commissions and notices come in one stream as they were said."""
    stream = bridge.stream_order_events()
    send_status(gateway, 1, "Submitted")
    send_execution(gateway, "a.01")
    gateway.send(59, 1, "a.01", 1.0, "USD", "1.7976931348623157E308", "1.7976931348623157E308", "")
    send_status(gateway, 1, "Filled", 10)
    gateway.error(1, 2109, "Outside RTH attribute ignored")
    events = [await anext(stream) for _ in range(5)]
    assert [type(event) for event in events] == [OrderUpdate, Execution, CommissionReport, OrderUpdate, OrderNotice]
    update, execution, commission, _, notice = events
    assert isinstance(update, OrderUpdate) and isinstance(execution, Execution)
    assert isinstance(commission, CommissionReport) and isinstance(notice, OrderNotice)
    assert (update.status, update.remaining, update.client_id, update.perm_id) == ("Submitted", Decimal(10), 17, 900)
    assert (execution.order_ref, execution.from_request) == ("intent-1", False)
    assert math.isnan(commission.realized_pnl_usd)
    assert (notice.order_id, notice.code, notice.meaning) == (1, 2109, "warning")


async def test_the_first_stream_has_everything_since_the_connect(bridge: IBKRBridge, gateway: Gateway) -> None:
    """What the broker says between the connect and the first reader is not lost; later streams start later."""
    send_status(gateway, 1, "Submitted")
    asking = asyncio.create_task(bridge.fetch_current_time())
    await gateway.request()
    gateway.send(49, 1, 1775425766)
    await asking
    assert bridge.idle
    first, second = bridge.stream_order_events(), bridge.stream_order_events()
    send_status(gateway, 1, "Filled", 10)
    assert [(await anext(first)).status for _ in range(2)] == ["Submitted", "Filled"]  # type: ignore[union-attr]
    assert (await anext(second)).status == "Filled"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("code", "text", "meaning", "advice"),
    [
        (201, "Order rejected - reason:Available Funds are insufficient", "order dead", "rejected"),
        (202, "Order Canceled - reason:", "order dead", "cancelled"),
        (10148, "OrderId 1 that needs to be cancelled cannot be cancelled, state: Filled.", "cancel verdict", "filled"),
        (110, "The price does not conform to the minimum price variation.", "cancel verdict", "live"),
        (404, "Shares not immediately located", "warning", "held"),
        (200, "No security definition has been found for the request", "order dead", ""),
    ],
)
async def test_errors_about_an_order_are_order_notices(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents, code: int, text: str, meaning: str, advice: str
) -> None:
    """An order id makes an error an event of that order, with its meaning from the table."""
    stream = bridge.stream_order_events()
    gateway.error(1, code, text)
    notice = await anext(stream)
    assert isinstance(notice, OrderNotice)
    assert (notice.order_id, notice.code, notice.text, notice.meaning) == (1, code, text, meaning)
    assert advice in notice.advice
    assert incidents == []


async def test_an_unknown_code_about_an_order_is_unknown(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """It says reconcile, and a person hears of it."""
    stream = bridge.stream_order_events()
    gateway.error(1, 20999, "Something new")
    notice = await anext(stream)
    assert isinstance(notice, OrderNotice)
    assert (notice.meaning, "reconcile" in notice.advice) == ("unknown", True)
    assert [kind for kind, _ in incidents] == ["unknown code"]


async def test_a_send_that_breaks_off_has_an_unknown_outcome(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Half an order may have gone out: never 'not sent', and the connection is over."""
    session = bridge._session
    connection = session.thread.client.connection
    assert connection is not None and connection.socket is not None
    connection.socket.shutdown(socket.SHUT_WR)  # the gateway, on this loop, cannot see it before the send fails
    with pytest.raises(RequestTimeout, match=r"placeOrder: a send failed: .*outcome is unknown, reconcile"):
        await bridge.place_order(AAPL, BUY)
    await asyncio.wait_for(session.thread.ended.wait(), 60)


async def test_what_the_client_refuses_was_never_sent(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Non-ASCII text does not pass the official client: RequestFailed, and the wire stays clean."""
    with pytest.raises(RequestFailed, match="579"):
        await bridge.place_order(AAPL, replace(BUY, order_ref="Ünicode"))
    await bridge.cancel_order(1)
    assert (await gateway.request())[:2] == ["4", "1"]


async def test_executions_are_complete_or_an_error(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Those asked for answer the request and are marked; they are no order events."""
    stream = bridge.stream_order_events()
    asking = asyncio.create_task(bridge.fetch_executions())
    req_id = (await gateway.request())[2]
    send_execution(gateway, "a.01", req_id)
    send_execution(gateway, "live.01")
    send_execution(gateway, "a.02", req_id)
    gateway.send(55, 1, req_id)
    executions = await asking
    assert [(one.exec_id, one.from_request) for one in executions] == [("a.01", True), ("a.02", True)]
    assert (await anext(stream)).exec_id == "live.01"  # type: ignore[union-attr]


async def test_silence_is_no_empty_day(wall: ShiftedWall, gateway: Gateway) -> None:
    """Without an End executions are unknown; those that came before and after the time-out are order events."""
    async with IBKRBridge(port=gateway.port, request_timeout_s=60) as bridge:
        stream = bridge.stream_order_events()
        asking = asyncio.create_task(bridge.fetch_executions())
        req_id = (await gateway.request())[2]
        send_execution(gateway, "early.01", req_id)
        await wall.pass_time(60)
        with pytest.raises(RequestTimeout, match="executions: no whole answer"):
            await asking
        send_execution(gateway, "late.01", req_id)
        gateway.send(55, 1, req_id)
        heard = [await anext(stream) for _ in range(2)]
        assert [one.exec_id for one in heard] == ["early.01", "late.01"]  # type: ignore[union-attr]


async def test_completed_orders_are_read_from_the_brokers_layout(bridge: IBKRBridge, gateway: Gateway) -> None:
    """No orders today is an honest answer, and only those of the API are asked for."""
    asking = asyncio.create_task(bridge.fetch_completed_orders())
    assert await gateway.request() == ["99", "1"]
    gateway.send(102)
    assert await asking == ()


async def test_history_asks_for_epoch_times(bridge: IBKRBridge, gateway: Gateway) -> None:
    """The request as IB wants it; bars in time order whatever the order of arrival."""
    end = datetime(2026, 4, 2, 20, tzinfo=UTC)
    asking = asyncio.create_task(bridge.fetch_historical_data(AAPL, end, "2 D", "1 min", "TRADES", True))
    request = await gateway.request()
    assert request[0] == "20"
    assert request[15:] == ["20260402-20:00:00", "1 min", "2 D", "1", "TRADES", "2", "0", ""]
    late, early = ["1775136660", "2", "2", "2", "2", "20", "2", "5"], ["1775136600", "1", "1", "1", "1", "10", "1", "4"]
    gateway.send(17, request[1], 2, *late, *early)
    gateway.send(108, request[1], "", "")
    bars = await asking
    assert [(bar.start.minute, bar.open, bar.seconds) for bar in bars] == [(30, 1.0, 60), (31, 2.0, 60)]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Historical Market Data Service error message:HMDS query returned no data: AAPL@SMART", NoData),
        ("Historical Market Data Service error message:Historical data request pacing violation", PacingViolation),
        ("Historical Market Data Service error message:Time length exceed max.", RequestFailed),
    ],
)
async def test_history_errors_are_typed(
    bridge: IBKRBridge, gateway: Gateway, text: str, error: type[RequestFailed]
) -> None:
    """162 is three different things."""
    asking = asyncio.create_task(bridge.fetch_historical_data(AAPL, None, "1 D", "5 secs"))
    gateway.error((await gateway.request())[1], 162, text)
    with pytest.raises(RequestFailed) as caught:
        await asking
    assert type(caught.value) is error


async def test_an_empty_history_is_an_error(bridge: IBKRBridge, gateway: Gateway) -> None:
    """A silent empty answer would be a bug three layers up."""
    asking = asyncio.create_task(bridge.fetch_historical_data(AAPL, None, "1 D", "1 min"))
    request = await gateway.request()
    gateway.send(17, request[1], 0)
    gateway.send(108, request[1], "", "")
    with pytest.raises(NoData, match=r"no TRADES bars of AAPL\(265598\) for 1 D of 1 min"):
        await asking


@pytest.mark.parametrize("price", ["nan", "inf", "what"])
async def test_a_history_with_an_unreadable_bar_is_unknown(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents, price: str
) -> None:
    """Never a shorter one; another request that is open is answered."""
    asking = asyncio.create_task(bridge.fetch_historical_data(AAPL, None, "1 D", "1 min"))
    req_id = (await gateway.request())[1]
    other = asyncio.create_task(bridge.fetch_historical_data(AAPL, None, "2 D", "1 hour"))
    other_id = (await gateway.request())[1]
    bar = ["1775136600", "1", "1", "1", "1", "10", "1", "4"]
    gateway.send(17, req_id, 2, *bar, "1775136660", price, "2", "2", "2", "20", "2", "5")
    with pytest.raises(AnswerIncomplete, match="TRADES bars of AAPL"):
        await asking
    assert [kind for kind, _ in incidents] == ["unreadable"]
    gateway.send(17, other_id, 1, *bar)
    gateway.send(108, other_id, "", "")
    assert len(await other) == 1


async def test_a_history_nobody_waits_for_is_cancelled(bridge: IBKRBridge, gateway: Gateway) -> None:
    """IB counts open requests: ours do not linger."""
    asking = asyncio.create_task(bridge.fetch_historical_data(AAPL, None, "1 D", "1 min"))
    req_id = (await gateway.request())[1]
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await gateway.request() == ["25", "1", req_id]
    assert bridge.pending == 0


async def test_a_bar_size_that_is_none_is_bad_input(bridge: IBKRBridge) -> None:
    """Before anything is sent."""
    with pytest.raises(InputError, match="unknown bar size '5 sec bars'"):
        await bridge.fetch_historical_data(AAPL, None, "1 D", "5 sec bars")


async def test_symbols_and_rules(bridge: IBKRBridge, gateway: Gateway) -> None:
    """A search by id, a market rule by its own number, its bands ascending."""
    searching = asyncio.create_task(bridge.fetch_matching_symbols("AAP"))
    request = await gateway.request()
    gateway.send(79, request[1], 1, 265598, "AAPL", "STK", "NASDAQ", "USD", 2, "OPT", "WAR", "APPLE INC", "")
    (match,) = await searching
    assert match == SymbolMatch(
        Contract("AAPL", 265598, exchange="", primary_exchange="NASDAQ"), "APPLE INC", ("OPT", "WAR")
    )
    asking = asyncio.create_task(bridge.fetch_market_rule(26))
    assert await gateway.request() == ["91", "26"]
    gateway.send(93, 26, 2, 1, 0.01, 0, 0.0001)
    assert await asking == (PriceIncrement(0.0, 0.0001), PriceIncrement(1.0, 0.01))


@pytest.mark.parametrize("band", [("0", "0"), ("0", "nan"), ("nan", "0.01"), ("1", "inf"), ("0", "-0.01")])
async def test_a_market_rule_that_no_price_can_follow_is_unknown(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents, band: tuple[str, str]
) -> None:
    """At once, without a time-out; the next answer is read."""
    asking = asyncio.create_task(bridge.fetch_market_rule(26))
    await gateway.request()
    gateway.send(93, 26, 1, *band)
    with pytest.raises(AnswerIncomplete, match="market rule 26"):
        await asking
    again = asyncio.create_task(bridge.fetch_market_rule(26))
    await gateway.request()
    gateway.send(93, 26, 1, "0", "0.01")
    assert await again == (PriceIncrement(0.0, 0.01),)
    assert [kind for kind, _ in incidents] == ["unreadable"]


async def test_no_such_contract_is_no_data(bridge: IBKRBridge, gateway: Gateway) -> None:
    """200 about a request."""
    asking = asyncio.create_task(bridge.fetch_contract_details(Contract("NOPE")))
    gateway.error((await gateway.request())[2], 200, "No security definition has been found for the request")
    with pytest.raises(NoData, match="no such contract"):
        await asking


async def test_an_unknown_code_about_a_request_is_quoted_by_its_timeout(
    wall: ShiftedWall, bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """It might be a warning: the answer is awaited, and the time-out says what was heard."""
    asking = asyncio.create_task(bridge.fetch_contract_details(AAPL))
    gateway.error((await gateway.request())[2], 20998, "Something new")
    while not incidents:  # noqa: ASYNC110  what is waited for has no event
        await asyncio.sleep(0.001)
    await wall.pass_time(60)
    with pytest.raises(RequestTimeout, match=r"Something new \(20998\)"):
        await asking
    assert [kind for kind, _ in incidents] == ["unknown code"]


async def test_error_100_slows_requests_down(
    wall: ShiftedWall, gateway: Gateway, incidents: Incidents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests pause; a cancel goes out at once."""
    monkeypatch.setattr(router, "_SLOW_DOWN_S", 60.0)
    pacing = Pacing()
    pacing.messages = SendRate(45, clock=lambda: time.monotonic())  # as it is then, not as it was
    async with IBKRBridge(
        port=gateway.port, pacing=pacing, on_incident=lambda kind, text: incidents.append((kind, text))
    ) as bridge:
        gateway.error(-1, 100, "Max rate of messages per second has been exceeded")
        while not incidents:  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.001)
        asking = asyncio.create_task(bridge.fetch_positions())
        await asyncio.sleep(0)
        await bridge.cancel_order(1)
        assert (await gateway.request())[0] == "4"
        assert (bridge.health.waiting, gateway.requests.empty()) == (1, True)
        await wall.pass_time(60)
        assert (await gateway.request())[0] == "61"
        gateway.send(62, 1)
        await asking


async def test_open_orders_are_one_each(bridge: IBKRBridge, gateway: Gateway) -> None:
    """An order that changes while they are listed is listed once, in its latest form."""
    asking = asyncio.create_task(bridge.fetch_open_orders())
    await gateway.request()
    session = bridge._session
    order = OpenOrder(
        contract=AAPL,
        request=replace(BUY, order_id=1),
        perm_id=900,
        client_id=17,
        status="PreSubmitted",
        received_at=datetime(2026, 4, 14, tzinfo=UTC),
    )
    for status in ("PreSubmitted", "Submitted"):
        session.router.route(replace(order, status=status))
    gateway.send(53, 1)
    assert [one.status for one in await asking] == ["Submitted"]
