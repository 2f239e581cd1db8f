"""What each fault of a script does to the official client, and that our bridge survives it and says so."""

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from ibapi.contract import Contract
from ibapi.order import Order

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import MomentumKitError, NotConnected
from momentum_kit.models import Contract as KitContract
from momentum_kit.models import LineState, LinkState
from momentum_kit.simgateway.scenario import (
    ClockSkew,
    CompetingSession,
    ConnectivityLost,
    DelayAcks,
    DropOrder,
    DropSocket,
    Duplicate,
    FarmFlap,
    GarbageFrame,
    Outage,
    OversizeFrame,
    Reorder,
    SlowReader,
    Stall,
    Trickle,
    UnknownIds,
    WrongFieldCount,
    fault_specs,
    parse_scenario,
)
from momentum_kit.simgateway.server import HIGHEST_TEXT_VERSION, SimulatedGateway
from tests.helpers.shifted_wall import ShiftedWall

SCENARIO = {
    "seed": 3,
    "start": "09:35",
    "end": "10:30",
    "history_sessions": 5,
    "universe": {"small_caps": 0, "large_caps": 0},
    "news": {"neutral": 2},
}
LONG_S = 300.0  # on the wall: no busy machine sees its end before a test lets it pass
REQUEST_S = 60.0


@pytest.fixture(params=[200, 226], ids=["text", "protobuf"])
async def gateway(request: pytest.FixtureRequest, own_port: int) -> AsyncIterator[SimulatedGateway]:
    """AAPL's market on either wire, which moves a second when told."""
    async with SimulatedGateway(
        parse_scenario(SCENARIO), port=own_port, lock_step_s=1, server_version=request.param
    ) as gateway:
        yield gateway


@pytest.fixture
def incidents() -> list[tuple[str, str]]:
    """What the bridge reported to a person."""
    return []


@pytest.fixture
async def bridge(gateway: SimulatedGateway, incidents: list[tuple[str, str]]) -> AsyncIterator[IBKRBridge]:
    """Our own client of the same gateway."""
    async with IBKRBridge(
        port=gateway.port,
        client_id=9,
        connect_timeout_s=60,
        request_timeout_s=REQUEST_S,
        messages_per_s=math.inf,
        small_bar_pacing=False,
        on_incident=lambda kind, text: incidents.append((kind, text)),
    ) as bridge:
        yield bridge


def limit_order(action: str = "BUY", price: float = 1.0) -> Order:
    """A DAY limit order over 10 shares that rests unless the price says otherwise."""
    order = Order()
    order.action, order.totalQuantity, order.orderType, order.lmtPrice = action, 10, "LMT", price
    order.tif = "DAY"
    return order


def codes(client: Any) -> list[int]:
    """All error codes so far, without the three farms of the greeting."""
    return [args.errorCode for args in client.named("error")][3:]


def kinds(gateway: SimulatedGateway) -> list[str]:
    """The faults the gateway says it played."""
    return [entry["kind"] for entry in gateway.truth()["faults"]]


async def steps(client: Any, count: int) -> None:
    """Move the market by so many seconds."""
    for _ in range(count):
        await client.step()


async def test_a_dropped_socket_ends_the_client(gateway: SimulatedGateway, connect_client: Any) -> None:
    """FIN: the third placeOrder is not handled any more, connectionClosed comes, the other client lives on."""
    gateway.inject(DropSocket(before="placeOrder 3", client=1))
    client, other = await connect_client(gateway.port, 1), await connect_client(gateway.port, 2)
    for order_id in (1, 2, 3):
        client.placeOrder(order_id, _aapl(), limit_order())
    await client.wait_for(lambda: client.named("connectionClosed"))
    await other.step()
    (entry,) = gateway.truth()["faults"]
    assert (entry["kind"], entry["how"], entry["before"], entry["clients"]) == (
        "drop_socket",
        "fin",
        "placeOrder 3",
        [1],
    )
    assert entry["time"].startswith("2026-11-20T14:35:00")


async def test_a_reset_ends_the_client(gateway: SimulatedGateway, connect_client: Any) -> None:
    """RST: connectionClosed comes as well, and the broker keeps the order."""
    client = await connect_client(gateway.port)
    client.placeOrder(1, _aapl(), limit_order())
    await client.step()
    gateway.inject(DropSocket(how="reset"))
    await client.wait_for(lambda: client.named("connectionClosed"))
    again = await connect_client(gateway.port)
    again.reqOpenOrders()
    await again.wait_for(lambda: again.named("openOrderEnd"))
    assert [args.orderId for args in again.named("openOrder")] == [1]


async def test_a_silent_socket_never_answers(gateway: SimulatedGateway, connect_client: Any) -> None:
    """No FIN: the client stays connected, hears nothing, and its id stays taken."""
    client = await connect_client(gateway.port)
    gateway.inject(DropSocket(how="silence"))
    client.reqCurrentTime()
    with pytest.raises(TimeoutError):
        await client.wait_for(lambda: client.named("currentTime"), timeout=0.3)
    assert client.isConnected()
    second = await connect_client(gateway.port)
    assert [code for code, _ in second.errors(-1)] == [326]


async def test_the_bridge_reports_a_dropped_socket(gateway: SimulatedGateway, bridge: IBKRBridge) -> None:
    """Whoever waits gets an error at once, and layer one says that the socket is gone."""
    gateway.inject(DropSocket(before="reqPositions"))
    with pytest.raises(NotConnected):
        await bridge.fetch_positions()
    assert bridge.health.socket is LinkState.DOWN


async def test_the_bridge_times_out_on_a_silent_socket(
    wall: ShiftedWall, gateway: SimulatedGateway, bridge: IBKRBridge
) -> None:
    """A dead socket costs a request its time-out, never for ever."""
    gateway.inject(DropSocket(how="silence"))
    asking = asyncio.create_task(bridge.fetch_positions())
    await until_sent(bridge, asking)
    await wall.pass_time(REQUEST_S)
    with pytest.raises(MomentumKitError):
        await asking


async def until_sent(bridge: IBKRBridge, asking: "asyncio.Task[Any]") -> None:
    """What was asked has been handed over, and its time-out begun; or nothing can be asked any more."""
    while not (bridge.pending or asking.done()):  # noqa: ASYNC110  what is waited for has no event
        await asyncio.sleep(0)


async def test_a_stall_delays_and_loses_nothing(
    wall: ShiftedWall, gateway: SimulatedGateway, connect_client: Any
) -> None:
    """Nothing comes while it lasts, everything in order afterwards."""
    client = await connect_client(gateway.port)
    gateway.inject(Stall(wall_s=LONG_S))
    client.reqCurrentTime()
    client.reqIds(1)
    with pytest.raises(TimeoutError):
        await client.wait_for(lambda: client.named("currentTime"), timeout=0.2)
    await wall.pass_time(LONG_S)
    await client.wait_for(lambda: len(client.named("nextValidId")) == 2)
    assert [call.name for call in client.calls][-2:] == ["currentTime", "nextValidId"]


async def test_trickled_bytes_are_put_together(gateway: SimulatedGateway, connect_client: Any) -> None:
    """Messages cut into small pieces arrive whole."""
    client = await connect_client(gateway.port)
    gateway.inject(Trickle(wall_s=LONG_S, size=5))
    client.reqContractDetails(7, _aapl())
    await client.wait_for(lambda: client.named("contractDetailsEnd"))
    (details,) = client.named("contractDetails")
    assert details.contractDetails.contract.symbol == "AAPL"


async def test_a_slow_reader_hears_requests_late(
    wall: ShiftedWall, gateway: SimulatedGateway, connect_client: Any
) -> None:
    """Requests wait unread while the gateway still writes."""
    client = await connect_client(gateway.port)
    gateway.inject(SlowReader(wall_s=LONG_S))
    client.reqCurrentTime()
    gateway.inject(ConnectivityLost(for_s=1))
    await client.wait_for(lambda: 1100 in codes(client))
    assert not client.named("currentTime")
    await wall.pass_time(LONG_S)
    await client.wait_for(lambda: client.named("currentTime"))


@pytest.mark.parametrize("kind", ["nightly_restart", "weekly_logout", "second_login"])
async def test_an_outage_refuses_until_it_is_over(kind: Any, gateway: SimulatedGateway, connect_client: Any) -> None:
    """Sockets end and the port refuses (502); afterwards the orders are still there with their perm ids."""
    client = await connect_client(gateway.port)
    client.placeOrder(1, _aapl(), limit_order())
    await client.step()
    perm_id = client.named("openOrder")[-1].order.permId
    gateway.inject(Outage(kind=kind))
    await client.wait_for(lambda: client.named("connectionClosed"))
    assert (1100 in codes(client)) is (kind == "second_login")
    refused = await connect_client(gateway.port)
    assert [code for code, _ in refused.errors(-1)] == [502]
    await gateway.come_back()
    again = await connect_client(gateway.port)
    again.reqOpenOrders()
    await again.wait_for(lambda: again.named("openOrderEnd"))
    assert [args.order.permId for args in again.named("openOrder")] == [perm_id]


async def test_a_restart_ends_by_itself(gateway: SimulatedGateway, connect_client: Any) -> None:
    """The port listens again after down_wall_s."""
    gateway.inject(Outage(kind="nightly_restart", down_wall_s=0.05))
    assert gateway.comeback is not None
    await gateway.comeback
    client = await connect_client(gateway.port)
    assert client.named("nextValidId")


async def test_1102_keeps_subscriptions_and_tells_late(gateway: SimulatedGateway, connect_client: Any) -> None:
    """1100 thrice, silence, 1102; then the order that waited is acknowledged and the ticks go on."""
    client = await connect_client(gateway.port)
    client.reqMktData(5, _aapl(), "", False, False, [])
    await steps(client, 3)
    gateway.inject(ConnectivityLost(for_s=10, notices=3))
    ticks = len(client.named("tickPrice", "tickSize"))
    client.placeOrder(1, _aapl(), limit_order())
    await steps(client, 9)
    assert codes(client) == [1100] * 3
    assert len(client.named("tickPrice", "tickSize")) == ticks
    assert not client.named("openOrder")
    await steps(client, 10)
    assert codes(client) == [1100] * 3 + [1102]
    assert client.named("openOrder")
    assert len(client.named("tickPrice", "tickSize")) > ticks


async def test_1101_loses_every_subscription(gateway: SimulatedGateway, connect_client: Any) -> None:
    """After 1101 no tick comes until the client subscribes anew, with the same id if it likes."""
    client = await connect_client(gateway.port)
    client.reqMktData(5, _aapl(), "", False, False, [])
    await steps(client, 3)
    gateway.inject(ConnectivityLost(for_s=2, restored="data_lost"))
    await steps(client, 3)
    assert codes(client) == [1100, 1101]
    ticks = len(client.named("tickPrice", "tickSize"))
    await steps(client, 10)
    assert len(client.named("tickPrice", "tickSize")) == ticks
    client.reqMktData(5, _aapl(), "", False, False, [])
    await steps(client, 5)
    assert len(client.named("tickPrice", "tickSize")) > ticks


async def test_the_bridge_knows_when_ib_is_lost(gateway: SimulatedGateway, bridge: IBKRBridge) -> None:
    """1100 takes layer two away and 1102 gives it back; the socket stays."""
    gateway.inject(ConnectivityLost(for_s=2))
    await bridge.fetch_current_time_millis()
    assert (bridge.health.socket, bridge.health.broker) == (LinkState.UP, LinkState.DOWN)
    await bridge.fetch_current_time_millis()
    await bridge.fetch_current_time_millis()
    await bridge.settled()
    assert (bridge.health.socket, bridge.health.broker) == (LinkState.UP, LinkState.UP)


async def test_the_bridge_repairs_what_a_farm_flap_has_silenced(gateway: SimulatedGateway, bridge: IBKRBridge) -> None:
    """The symbol that would stay silent is asked for again when the farm is back, and its reader reads on."""
    apple = KitContract("AAPL", 265598)
    _quotes = bridge.stream_quotes(apple)

    async def until_line(state: LineState) -> None:
        while bridge.health.lines != {apple.con_id: state}:
            await bridge.fetch_current_time_millis()  # the market's next second

    async with asyncio.timeout(60):
        await until_line(LineState.LIVE)
        gateway.inject(FarmFlap(for_s=3, stops=("AAPL",)))
        await until_line(LineState.DOUBTED)
        assert (bridge.health.may_enter, bridge.health.stale_con_ids) == (False, {apple.con_id})
        await until_line(LineState.LIVE)
    assert (bridge.health.may_enter, bridge.health.stale_con_ids) == (True, frozenset())


async def test_a_farm_flap_stops_some_feeds_for_good(gateway: SimulatedGateway, connect_client: Any) -> None:
    """2103, 2104: the stopped symbol stays silent without a word until it is subscribed anew; its line is in use."""
    client = await connect_client(gateway.port)
    client.reqMktData(5, _aapl(), "", False, False, [])
    client.reqRealTimeBars(6, _aapl(), 5, "TRADES", False, [])
    await steps(client, 10)
    gateway.inject(FarmFlap(for_s=3, stops=("AAPL",)))
    await steps(client, 4)
    assert codes(client) == [2103, 2104]
    told = len(client.named("tickPrice", "tickSize", "realtimeBar"))
    await steps(client, 15)
    assert len(client.named("tickPrice", "tickSize", "realtimeBar")) == told
    assert gateway.hub.lines_used == 2
    client.cancelMktData(5)
    client.reqMktData(7, _aapl(), "", False, False, [])
    await steps(client, 5)
    assert {args.reqId for args in client.named("tickPrice")[-3:]} == {7}


async def test_a_farm_flap_without_casualties_goes_on(gateway: SimulatedGateway, connect_client: Any) -> None:
    """While the farm is broken nothing ticks and bars are not made up for; a new subscription waits for 2104."""
    client = await connect_client(gateway.port)
    client.reqRealTimeBars(6, _aapl(), 5, "TRADES", False, [])
    await steps(client, 11)
    bars = len(client.named("realtimeBar"))
    gateway.inject(FarmFlap(for_s=20))
    client.reqMktData(5, _aapl(), "", False, False, [])
    await steps(client, 19)
    assert len(client.named("realtimeBar")) == bars
    assert not client.named("tickReqParams")
    await steps(client, 8)
    assert client.named("tickReqParams")
    assert 1 <= len(client.named("realtimeBar")) - bars <= 2


@pytest.mark.parametrize(("farm", "pair"), [("ushmds", [2105, 2106]), ("secdefnj", [2157, 2158])])
async def test_requests_wait_for_their_farm(
    farm: Any, pair: list[int], gateway: SimulatedGateway, connect_client: Any
) -> None:
    """History waits for its farm, contracts for theirs; the other is answered meanwhile."""
    client = await connect_client(gateway.port)
    gateway.inject(FarmFlap(farm=farm, for_s=2))
    client.reqHistoricalData(7, _aapl(), "", "1 D", "1 min", "TRADES", 1, 1, False, [])
    client.reqContractDetails(8, _aapl())
    late, prompt = ("historicalDataEnd", "contractDetailsEnd")[:: 1 if farm == "ushmds" else -1]
    await client.wait_for(lambda: client.named(prompt))
    assert not client.named(late)
    await steps(client, 3)
    await client.wait_for(lambda: client.named(late))
    assert codes(client) == pair


async def test_a_competing_session_takes_the_data(gateway: SimulatedGateway, connect_client: Any) -> None:
    """10197 on the line, no ticks, and they come back by themselves."""
    client = await connect_client(gateway.port)
    client.reqMktData(5, _aapl(), "", False, False, [])
    await steps(client, 3)
    gateway.inject(CompetingSession(for_s=10))
    await client.step()
    assert [code for code, _ in client.errors(5)] == [10197]
    ticks = len(client.named("tickPrice", "tickSize"))
    await steps(client, 8)
    assert len(client.named("tickPrice", "tickSize")) == ticks
    await steps(client, 5)
    assert len(client.named("tickPrice", "tickSize")) > ticks


async def test_an_order_vanishes(gateway: SimulatedGateway, connect_client: Any) -> None:
    """The second placeOrder gets no word, neither then nor in reqOpenOrders; the first and third live."""
    gateway.inject(DropOrder(before="placeOrder 2"))
    client = await connect_client(gateway.port)
    for order_id in (1, 2, 3):
        client.placeOrder(order_id, _aapl(), limit_order())
    await steps(client, 2)
    client.reqOpenOrders()
    await client.wait_for(lambda: client.named("openOrderEnd"))
    assert {args.orderId for args in client.named("openOrder")} == {1, 3}
    assert kinds(gateway) == ["drop_order"]


@pytest.mark.parametrize("fault", [DropOrder(before="placeOrder 2"), DropOrder()], ids=["counted", "the next"])
async def test_a_what_if_is_no_order_that_a_fault_could_meet(
    gateway: SimulatedGateway, connect_client: Any, fault: DropOrder
) -> None:
    """It is answered, and neither counted nor lost in an order's place."""
    client = await connect_client(gateway.port)
    gateway.inject(fault)
    question, lost = limit_order(), 2 if fault.before is None else 4
    question.whatIf = True
    for order_id, asked in ((1, question), (2, limit_order()), (3, question), (4, limit_order())):
        client.placeOrder(order_id, _aapl(), asked)
    await steps(client, 2)
    told = {args.orderId for args in client.named("openOrder")}
    assert told == {1, 2, 3, 4} - {lost}
    assert kinds(gateway) == ["drop_order"]


async def test_acks_come_late(gateway: SimulatedGateway, connect_client: Any) -> None:
    """The order works at the broker while its client waits three market seconds for a word."""
    gateway.inject(DelayAcks(delay_ms=3_000, for_s=10, before="placeOrder"))
    client = await connect_client(gateway.port)
    client.placeOrder(1, _aapl(), limit_order())
    await steps(client, 2)
    assert not client.named("openOrder", "orderStatus")
    assert gateway.truth()["orders"]
    await steps(client, 3)
    assert client.named("openOrder")
    assert client.named("orderStatus")


async def test_executions_come_twice(gateway: SimulatedGateway, connect_client: Any) -> None:
    """The same execId arrives two times, the position is there once."""
    client = await connect_client(gateway.port)
    gateway.inject(Duplicate(messages=("execDetails",), count=1))
    client.placeOrder(1, _aapl(), limit_order(price=10_000))
    await steps(client, 3)
    first, second = client.named("execDetails")[:2]
    assert first.execution.execId == second.execution.execId
    assert gateway.truth()["positions"][0]["quantity"] in ("10", 10, 10.0)


async def test_callbacks_change_places(gateway: SimulatedGateway, connect_client: Any) -> None:
    """The order is told by its status before its openOrder."""
    client = await connect_client(gateway.port)
    gateway.inject(Reorder(messages=("openOrder", "orderStatus"), count=1))
    client.placeOrder(1, _aapl(), limit_order())
    await steps(client, 2)
    names = [call.name for call in client.calls if call.name in ("openOrder", "orderStatus")]
    assert names[:2] == ["orderStatus", "openOrder"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_wrong_field_counts(gateway: SimulatedGateway, connect_client: Any) -> None:
    """A status that ends too early ends the official client's loop with a TypeError; the next client is served."""
    client = await connect_client(gateway.port)
    gateway.inject(WrongFieldCount(messages=("orderStatus",), fields=-4))
    client.placeOrder(1, _aapl(), limit_order())
    client.reqCurrentTime()
    await client.wait_for(lambda: client.named("currentTime") or client.named("connectionClosed"))
    assert not client.named("orderStatus")
    second = await connect_client(gateway.port, 2)
    await second.step()
    assert kinds(gateway) == ["wrong_field_count"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_garbage_frames(gateway: SimulatedGateway, connect_client: Any) -> None:
    """Random bytes end the official client's loop in text and are an unknown message (505) to protobuf's."""
    client = await connect_client(gateway.port)
    gateway.inject(GarbageFrame())
    if gateway.hub.version_cap > HIGHEST_TEXT_VERSION:
        await client.wait_for(lambda: codes(client) == [505])
        await client.step()
    else:
        await client.wait_for(lambda: client.named("connectionClosed"))
    second = await connect_client(gateway.port, 2)
    await second.step()
    assert kinds(gateway) == ["garbage_frame"]


async def test_an_oversize_frame_swallows_the_rest(gateway: SimulatedGateway, connect_client: Any) -> None:
    """The official client waits for the bytes that were claimed and hears nothing more."""
    client = await connect_client(gateway.port)
    gateway.inject(OversizeFrame())
    client.reqCurrentTime()
    with pytest.raises(TimeoutError):
        await client.wait_for(lambda: client.named("currentTime"), timeout=0.3)


async def test_the_clock_is_skewed(gateway: SimulatedGateway, connect_client: Any) -> None:
    """Clock readings are 90 s ahead while it lasts, and right again afterwards."""
    client = await connect_client(gateway.port)
    before = await client.step()
    gateway.inject(ClockSkew(skew_s=90, for_s=3))
    assert await client.step() - before == 91_000
    await steps(client, 3)
    assert await client.step() - before == 5_000


async def test_answers_for_ids_that_nobody_used(gateway: SimulatedGateway, connect_client: Any) -> None:
    """A tick, an end, a status and an error of unknown ids arrive as callbacks and harm nothing."""
    client = await connect_client(gateway.port)
    gateway.inject(UnknownIds())
    await client.step()
    assert {args.reqId for args in client.named("tickPrice")} == {UnknownIds.FIRST_ID}
    assert {args.orderId for args in client.named("orderStatus")} == {UnknownIds.FIRST_ID}
    assert [code for code, _ in client.errors(UnknownIds.FIRST_ID)] == [366]


@pytest.mark.parametrize(
    "fault",
    [
        Stall(wall_s=0.2),
        Trickle(wall_s=0.2),
        SlowReader(wall_s=0.2),
        UnknownIds(),
        Duplicate(messages=("positionEnd", "nextValidId", "currentTime"), count=3),
        ClockSkew(for_s=5),
        FarmFlap(for_s=1),
        CompetingSession(for_s=1),
    ],
    ids=lambda fault: fault.kind,
)
async def test_the_bridge_lives_on(fault: fault_specs.Fault, gateway: SimulatedGateway, bridge: IBKRBridge) -> None:
    """The next requests are answered as if nothing had been."""
    gateway.inject(fault)
    await bridge.fetch_current_time_millis()
    assert await bridge.fetch_positions() == ()
    assert await bridge.fetch_open_orders() == ()
    assert bridge.health.socket is LinkState.UP


@pytest.mark.parametrize(
    "fault",
    [GarbageFrame(), OversizeFrame(), WrongFieldCount(messages=("positionEnd",), fields=-1), Outage()],
    ids=lambda fault: fault.kind,
)
async def test_the_bridge_never_hangs(
    wall: ShiftedWall, fault: fault_specs.Fault, gateway: SimulatedGateway, bridge: IBKRBridge
) -> None:
    """It answers, or fails in time with an error of ours; where the socket is lost, health says so."""
    gateway.inject(fault)
    asking = asyncio.create_task(bridge.fetch_positions())
    await until_sent(bridge, asking)
    await asyncio.wait((asking,), timeout=0.2)  # whatever comes
    await wall.pass_time(REQUEST_S)
    async with asyncio.timeout(60):
        try:
            await asking
        except MomentumKitError:
            pass
        else:
            assert bridge.health.socket is LinkState.UP


def test_every_fault_has_a_test() -> None:
    """A new kind of fault cannot come without its effect being shown here or in one of two neighbours."""
    files = ("test_faults.py", "test_account_faults.py", "test_order_truth.py")
    source = "".join((Path(__file__).parent / name).read_text() for name in files)
    assert [fault.__name__ for fault in set(fault_specs.KINDS.values()) if f"{fault.__name__}(" not in source] == []


def _aapl() -> Contract:
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = "AAPL", "STK", "SMART", "USD"
    return contract
