"""What a notebook asks, over the real wire: the bridge and the official client put each question to the gateway."""

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import pytest
from ibapi.scanner import ScannerSubscription

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import InputError, NoData, RequestFailed
from momentum_kit.models import (
    Contract,
    MarketDataType,
    MidpointTick,
    OrderAction,
    OrderRequest,
    PrintTick,
    Scan,
    TickKind,
    TouchTick,
)
from momentum_kit.simgateway.scenario import parse_scenario
from momentum_kit.simgateway.server import SimulatedGateway

WIRES = (200, 226)  # server versions: all text, all protobuf
ACCOUNT = "DU9000001"
Connect = Callable[..., Awaitable[Any]]


@pytest.fixture(params=WIRES)
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """A morning at a hundred times its speed: a few small caps, in text and again in protobuf."""
    scenario = parse_scenario({"name": "asked", "seed": 4, "universe": {"small_caps": 6}})
    async with SimulatedGateway(scenario, speed=100, server_version=request.param) as serving:
        yield serving


@pytest.fixture
async def bridge(gateway: Any) -> AsyncIterator[IBKRBridge]:
    """Connected, without the real broker's pacing: a faster market asks faster."""
    async with IBKRBridge(port=gateway.port, client_id=3, small_bar_pacing=False, request_timeout_s=60) as bridge:
        yield bridge


@pytest.fixture
async def apple(bridge: IBKRBridge) -> Contract:
    """AAPL as the gateway knows it."""
    return (await bridge.fetch_contract_details(Contract("AAPL")))[0].contract


async def take(stream: Any, count: int) -> list[Any]:
    """The first values of a stream, which is closed then."""
    found = []
    async with asyncio.timeout(60):
        async for value in stream:
            found.append(value)
            if len(found) == count:
                break
    await stream.aclose()
    return found


class Reader:
    """Reads a stream to its end."""

    def __init__(self, stream: Any) -> None:
        self.values: list[Any] = []
        self._stream = stream
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for value in self._stream:
            self.values.append(value)

    async def stop(self) -> None:
        """Read no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._stream.aclose()


async def bought(bridge: IBKRBridge, contract: Contract, shares: int = 30) -> None:
    """Some shares are held."""
    events = bridge.stream_order_events()
    order = OrderRequest(action=OrderAction.BUY, quantity=Decimal(shares), order_type="MKT", account=ACCOUNT)
    await bridge.place_order(contract, order)
    async with asyncio.timeout(60):
        async for event in events:
            if getattr(event, "status", "") == "Filled":
                break
    await events.aclose()


async def test_a_scan_ranks_and_names_contracts(bridge: IBKRBridge) -> None:
    """Ranks count up from 0; a price bound holds; IB's document lists the code."""
    rows = await bridge.fetch_scan(Scan(code="TOP_PERC_GAIN", rows=5))
    assert [row.rank for row in rows] == list(range(len(rows)))
    assert 0 < len(rows) <= 5
    assert all(row.contract.con_id and row.contract.symbol for row in rows)
    assert await bridge.fetch_scan(Scan(code="TOP_PERC_GAIN", above_price=1e6)) == ()
    assert "<scanCode>TOP_PERC_GAIN</scanCode>" in await bridge.fetch_scanner_parameters()


async def test_a_scan_that_ib_does_not_know_is_refused(bridge: IBKRBridge) -> None:
    """A code of no scan; a price that no stock has."""
    with pytest.raises(RequestFailed, match="NO_SUCH_SCAN"):
        await bridge.fetch_scan(Scan(code="NO_SUCH_SCAN"))
    with pytest.raises(InputError, match="abovePrice"):
        await bridge.fetch_scan(Scan(code="TOP_PERC_GAIN", above_price=math.nan))


@pytest.mark.parametrize(
    ("kind", "type_"),
    [(TickKind.LAST, PrintTick), ("AllLast", PrintTick), ("BidAsk", TouchTick), ("MidPoint", MidpointTick)],
)
async def test_single_ticks_come_typed(bridge: IBKRBridge, apple: Contract, kind: str, type_: type) -> None:
    """Each kind, in time order, stamped with their receipt."""
    ticks = await take(bridge.stream_ticks(apple, kind), 4)
    assert {type(tick) for tick in ticks} == {type_}
    assert all(one.time <= other.time for one, other in itertools.pairwise(ticks))
    assert all(tick.received_at is not None for tick in ticks)
    assert all((tick.bid if isinstance(tick, TouchTick) else tick.price) > 0 for tick in ticks)


async def test_what_is_no_kind_of_ticks_is_refused_at_once(bridge: IBKRBridge, apple: Contract) -> None:
    """Nothing is sent."""
    with pytest.raises(InputError, match="BidAsk"):
        bridge.stream_ticks(apple, "Lst")


async def test_historical_ticks_reach_back_from_an_end(bridge: IBKRBridge, apple: Contract, gateway: Any) -> None:
    """At least as many as asked for, of each series, none after the end."""
    end = gateway.hub.now
    for what, type_ in (("TRADES", PrintTick), ("BID_ASK", TouchTick), ("MIDPOINT", MidpointTick)):
        ticks = await bridge.fetch_historical_ticks(apple, end=end, count=20, what=what)
        assert len(ticks) >= 20
        assert {type(tick) for tick in ticks} == {type_}
        assert max(tick.time for tick in ticks) <= end
    with pytest.raises(NoData):
        await bridge.fetch_historical_ticks(apple, end=end - timedelta(days=4000), count=5)
    for wrong in ({"start": end, "end": end}, {}, {"end": end, "count": 1001}):
        with pytest.raises(InputError):
            await bridge.fetch_historical_ticks(apple, **wrong)


async def test_real_time_bars_follow_each_other(bridge: IBKRBridge, apple: Contract) -> None:
    """Every 5 s of market time one."""
    bars = await take(bridge.stream_real_time_bars(apple), 3)
    assert [bar.seconds for bar in bars] == [5, 5, 5]
    assert all(other.start - one.start == timedelta(seconds=5) for one, other in itertools.pairwise(bars))
    assert all(bar.low <= bar.open <= bar.high and bar.volume >= 0 for bar in bars)


async def test_history_tells_its_reach_and_its_hours(bridge: IBKRBridge, apple: Contract, gateway: Any) -> None:
    """The head comes before the first session of the schedule; sessions are aware and of 6.5 hours."""
    head = await bridge.fetch_head_timestamp(apple)
    hours = await bridge.fetch_schedule(apple, duration="5 D")
    assert head.tzinfo is UTC
    assert head <= hours[0].opens < gateway.hub.now
    assert {each.closes - each.opens for each in hours} <= {timedelta(hours=6.5), timedelta(hours=3.5)}
    assert [each.day for each in hours] == sorted({each.day for each in hours})
    assert hours[0].opens.astimezone(UTC).hour == 14  # 9:30 in New York, in winter


async def test_bulletins_are_told_and_halts_among_them(gateway: Any) -> None:
    """Those of today first; then a halt and its end, as they happen; nothing more once the reader has gone."""
    news = {"planted": 0, "decoys": {"halt": 1}}
    scenario = parse_scenario({"name": "halted", "seed": 4, "news": news, "universe": {"small_caps": 3}})
    version = gateway.hub.version_cap
    async with (
        SimulatedGateway(scenario, lock_step_s=60, server_version=version) as serving,
        IBKRBridge(port=serving.port) as bridge,
    ):
        (decoy,) = serving.truth()["decoys"]
        quotes = bridge.stream_quotes(Contract(decoy["symbol"]))  # a market moves where somebody looks
        told = Reader(bridge.stream_bulletins())
        for _ in range(390):
            await bridge.fetch_current_time_millis()
            await bridge.applied()
            if len(told.values) == 3:
                break
        assert [(each.id, each.kind) for each in told.values] == [(1, 1), (2, 1), (3, 1)]
        assert told.values[1].text == f"{decoy['symbol']}: trading is halted"
        assert told.values[2].text == f"{decoy['symbol']}: trading goes on"
        await quotes.aclose()
        await told.stop()
        await bridge.fetch_current_time()
        assert [session.hears_bulletins for session in serving.hub.sessions()] == [False]


async def test_a_what_if_order_tells_its_costs_and_places_nothing(
    bridge: IBKRBridge, apple: Contract, gateway: Any
) -> None:
    """Margin, equity and commission; the broker has no order, and no order event is told."""
    events = bridge.stream_order_events()
    order = OrderRequest(
        action=OrderAction.BUY, quantity=Decimal(100), order_type="LMT", limit_price=150.0, account=ACCOUNT
    )
    preview = await bridge.fetch_what_if(apple, order)
    assert preview.margin_change > 0
    assert preview.margin_after == pytest.approx(preview.margin_before + preview.margin_change)
    assert preview.commission > 0
    assert preview.currency == "USD"
    assert gateway.hub.broker.truth()["orders"] == []
    assert await bridge.fetch_all_open_orders() == ()
    await bridge.applied()
    with pytest.raises(TimeoutError):  # it was all said before the answers above
        await asyncio.wait_for(anext(events), 0)


async def test_a_what_if_order_that_ib_refuses_says_why(bridge: IBKRBridge, apple: Contract, gateway: Any) -> None:
    """The refusal is the answer, and no order's end."""
    order = OrderRequest(action=OrderAction.BUY, quantity=Decimal(100), order_type="LMT", limit_price=150.00001)
    with pytest.raises(RequestFailed, match="110"):
        await bridge.fetch_what_if(apple, order)
    assert gateway.hub.broker.truth()["orders"] == []


async def test_profit_values_and_holdings_of_an_account(bridge: IBKRBridge, apple: Contract, gateway: Any) -> None:
    """After a purchase every view of the account has the same shares."""
    await bought(bridge, apple)
    (profit,) = await take(bridge.stream_profit(ACCOUNT), 1)
    (single,) = await take(bridge.stream_position_profit(ACCOUNT, apple.con_id), 1)
    values, valued, held = await asyncio.gather(
        bridge.fetch_account_values(ACCOUNT),
        bridge.fetch_valued_positions(ACCOUNT),
        bridge.fetch_positions_of(ACCOUNT),
    )
    assert profit.account == ACCOUNT
    assert math.isfinite(profit.daily)
    assert (single.quantity, single.con_id, single.account) == (30, apple.con_id, ACCOUNT)
    assert single.value == pytest.approx(valued[0].market_value, rel=0.02)
    assert "NetLiquidation" in {value.tag for value in values}
    assert {value.account for value in values} == {ACCOUNT}
    assert [(row.contract.symbol, row.quantity) for row in valued] == [("AAPL", 30)]
    assert [(row.contract.symbol, row.quantity, row.account) for row in held] == [("AAPL", 30, ACCOUNT)]


async def test_profit_of_an_account_that_is_not_ours_is_refused(bridge: IBKRBridge) -> None:
    """The reader of the stream gets the refusal."""
    with pytest.raises(RequestFailed, match="account"):
        await take(bridge.stream_profit("DU1"), 1)


async def test_the_orders_and_executions_of_everybody(bridge: IBKRBridge, apple: Contract, gateway: Any) -> None:
    """An order of another client is listed; executions of several days are those of today here."""
    async with IBKRBridge(port=gateway.port, client_id=8) as other:
        order = OrderRequest(action=OrderAction.BUY, quantity=Decimal(5), order_type="LMT", limit_price=1.0)
        await other.place_order(apple, order)
        await other.fetch_open_orders()
        assert await bridge.fetch_open_orders() == ()
        (row,) = await bridge.fetch_all_open_orders()
        assert (row.client_id, row.request.quantity) == (8, 5)
    await bought(bridge, apple)
    assert sum(each.shares for each in await bridge.fetch_executions(days=7)) == 30


async def test_delayed_data_is_asked_for_and_says_so(bridge: IBKRBridge, gateway: Any, apple: Contract) -> None:
    """Without a live subscription a line is silent until delayed data is allowed; then each quote is marked."""
    gateway.hub.market.market_data_type = int(MarketDataType.DELAYED)
    await bridge.allow_data_type(MarketDataType.DELAYED)
    quotes = bridge.stream_quotes(apple)
    quote = await asyncio.wait_for(anext(quotes), 60)
    await quotes.aclose()
    assert quote.data_type is MarketDataType.DELAYED
    with pytest.raises(RequestFailed, match="10189"):
        await take(bridge.stream_ticks(apple), 1)
    with pytest.raises(RequestFailed, match="10089"):
        await take(bridge.stream_real_time_bars(apple), 1)


async def test_the_official_client_hears_the_same(gateway: Any, connect_client: Connect, aapl: Any) -> None:
    """Positions by account, bulletins and a scan, as EWrapper's callbacks say them."""
    client = await connect_client(gateway.port)
    client.reqPositionsMulti(71, ACCOUNT, "")
    client.reqNewsBulletins(True)
    subscription = ScannerSubscription()
    subscription.instrument, subscription.locationCode = "STK", "STK.US.MAJOR"
    subscription.scanCode, subscription.numberOfRows = "MOST_ACTIVE", 3
    client.reqScannerSubscription(72, subscription, [], [])
    await client.wait_for(lambda: client.named("positionMultiEnd"))
    await client.wait_for(lambda: client.named("scannerDataEnd"))
    await client.wait_for(lambda: client.named("updateNewsBulletin"))
    assert client.named("positionMulti") == []
    assert [row.rank for row in client.named("scannerData")] == [0, 1, 2]
    assert client.named("updateNewsBulletin")[0].msgId == 1
