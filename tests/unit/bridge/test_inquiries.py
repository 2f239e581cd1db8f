"""What a notebook asks, byte by byte: what is sent, what is cancelled, and what becomes of answers that are wrong."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import AnswerIncomplete, NotConnected, RequestFailed, RequestTimeout
from momentum_kit.models import Contract, OrderAction, OrderRequest, Scan
from tests.helpers.shifted_wall import ShiftedWall

AAPL = Contract("AAPL", 265598)
Gateway = Any  # the ScriptedGateway of conftest.py
Incidents = list[tuple[str, str]]


async def test_a_scan_is_cancelled_once_it_is_answered(bridge: IBKRBridge, gateway: Gateway) -> None:
    """IB would repeat it every half minute; a filter travels by its own name."""
    asking = asyncio.create_task(bridge.fetch_scan(Scan(code="HOT_BY_VOLUME", filters=(("changePercAbove", "8"),))))
    request = await gateway.request()
    assert request[0] == "22"
    assert "HOT_BY_VOLUME" in request
    assert "changePercAbove=8;" in request
    row = (0, 76792991, "TSLA", "STK", "", 0.0, "", "SMART", "USD", "TSLA", "NMS", "NMS", "", "", "", "")
    gateway.send(20, 3, request[1], 1, *row)
    (found,) = await asking
    assert (found.rank, found.contract.symbol, found.contract.con_id) == (0, "TSLA", 76792991)
    assert await gateway.request() == ["23", "1", request[1]]


async def test_a_stream_that_ib_refuses_ends_with_its_words(bridge: IBKRBridge, gateway: Gateway) -> None:
    """The reader gets code and advice, and nothing is cancelled that never was."""
    ticks = bridge.stream_ticks(AAPL)
    request = await gateway.request()
    assert (request[0], request[2], request[-3:]) == ("97", "265598", ["Last", "0", "0"])
    gateway.error(request[1], 10190, "Max number of tick-by-tick requests has been reached")
    with pytest.raises(RequestFailed, match="10190"):
        await anext(ticks)
    await ticks.aclose()
    await bridge.applied()
    assert gateway.requests.empty()


@pytest.fixture
async def unpaced(gateway: Gateway) -> AsyncIterator[IBKRBridge]:
    """Connected, and free to ask for the same bars at once."""
    async with IBKRBridge(port=gateway.port, small_bar_pacing=False) as bridge:
        yield bridge


@pytest.mark.parametrize(
    ("code", "text"),
    [(10089, "Requested market data requires additional subscription for API."),
     (10197, "No market data during competing live session")],
)  # fmt: skip
async def test_a_stream_that_will_bring_nothing_ends(
    unpaced: IBKRBridge, gateway: Gateway, code: int, text: str
) -> None:
    """There are no delayed bars of 5 s, and none beside another login: the reader is told and does not wait."""
    bars = unpaced.stream_real_time_bars(AAPL)
    gateway.error((await gateway.request())[2], code, text)
    with pytest.raises(RequestFailed, match=str(code)):
        await asyncio.wait_for(anext(bars), 60)
    await unpaced.applied()
    if code == 10197:  # the line may come to life again, for nobody
        assert (await gateway.request())[0] == "51"


async def test_streams_of_the_market_are_asked_for_again_after_data_loss(unpaced: IBKRBridge, gateway: Gateway) -> None:
    """1101: under a new id, for the same reader; profit is no market data and goes on."""
    bridge = unpaced
    profit = bridge.stream_profit("DU9000001")
    first = await gateway.request()
    assert first[0] == "92"
    bars = bridge.stream_real_time_bars(AAPL)
    before = await gateway.request()
    assert before[0] == "50"
    gateway.error(-1, 1101, "Connectivity between IBKR and Trader Workstation has been restored - data lost.")
    cancelled, after = await gateway.request(), await gateway.request()
    assert cancelled == ["51", "1", before[2]]
    assert (after[0], after[2] != before[2]) == ("50", True)
    gateway.send(50, 3, before[2], 1775136595, 1.0, 1.0, 1.0, 1.0, 1, 1.0, 1)  # the old one's last word
    gateway.send(50, 3, after[2], 1775136600, 2.5, 2.6, 2.4, 2.5, 700, 2.51, 9)
    bar = await anext(bars)
    assert (bar.open, bar.volume, bar.count, bar.start.timestamp()) == (2.5, 700, 9, 1775136600)
    gateway.send(94, first[1], -12.5, "1.7976931348623157E308", 4.0)
    value = await anext(profit)
    assert (value.account, value.daily, value.unrealized == value.unrealized, value.realized) == (
        "DU9000001", -12.5, False, 4.0,
    )  # fmt: skip


async def test_a_row_that_is_none_leaves_a_stream_going(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """A print without a price and a bar of nan are told to a person; the next ones arrive."""
    ticks = bridge.stream_ticks(AAPL)
    req_id = (await gateway.request())[1]
    for price in ("0", "nan", "-3", "17.25"):
        gateway.send(99, req_id, 1, 1775425766, price, 100, 0, "NASDAQ", "")
    tick = await anext(ticks)
    assert (tick.price, tick.size, tick.exchange) == (17.25, 100, "NASDAQ")
    assert [kind for kind, _ in incidents] == ["unreadable"] * 3


async def test_ticks_of_the_past_with_one_that_is_none_are_unknown(bridge: IBKRBridge, gateway: Gateway) -> None:
    """The others are not taken for the whole answer."""
    asking = asyncio.create_task(bridge.fetch_historical_ticks(AAPL, end=datetime(2026, 4, 2, 14, tzinfo=UTC), count=2))
    request = await gateway.request()
    assert request[0] == "96"
    ticks = (1775136600, 0, 25.1, 100, "ARCA", "", 1775136601, 0, 25.2, "-100", "ARCA", "")
    gateway.send(98, request[1], 2, *ticks, 1)
    with pytest.raises(AnswerIncomplete, match="historical ticks"):
        await asking


async def test_a_head_timestamp_that_never_comes_is_cancelled(wall: ShiftedWall, gateway: Gateway) -> None:
    """The time-out says what was asked, and IB is told that nobody waits."""
    async with IBKRBridge(port=gateway.port, request_timeout_s=60, in_order=True) as bridge:  # no link watch
        asking = asyncio.create_task(bridge.fetch_head_timestamp(AAPL))
        asked = await gateway.request()
        await wall.pass_time(60)
        with pytest.raises(RequestTimeout, match="head timestamp of AAPL"):
            await asking
        assert (await gateway.request())[:2] == ["90", asked[1]]


async def test_a_what_if_order_says_so_on_the_wire(bridge: IBKRBridge, gateway: Gateway, incidents: Incidents) -> None:
    """It is whole and transmitted under a fresh id; a warning about it is quoted by the time-out and ends nothing."""
    order = OrderRequest(
        action=OrderAction.SELL, quantity=Decimal(40), order_type="MKT", order_id=1, parent_id=7, transmit=False
    )
    events = bridge.stream_order_events()
    asking = asyncio.create_task(bridge.fetch_what_if(AAPL, order))
    request = await gateway.request()
    assert (request[0], request[1]) == ("3", "1")  # the lowest id that the gateway gave
    other = asyncio.create_task(bridge.fetch_what_if(AAPL, order))
    second = await gateway.request()
    assert second[1] == "2"
    gateway.error(request[1], 399, "Order Message: the order will not be placed before the open")
    gateway.error(request[1], 201, "Order rejected - reason: insufficient margin")
    with pytest.raises(RequestFailed, match="insufficient margin"):
        await asking
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)
    await bridge.applied()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(events), 0)


async def test_holdings_of_another_account_are_no_answer(bridge: IBKRBridge, gateway: Gateway) -> None:
    """The End of an account's download names no request: rows of an account that was not asked for show it."""
    asking = asyncio.create_task(bridge.fetch_valued_positions("DU9000001"))
    assert await gateway.request() == ["6", "2", "1", "DU9000001"]
    gateway.send(6, 2, "NetLiquidation", "1000.00", "USD", "DU5")
    gateway.send(54, 1, "DU5")
    with pytest.raises(AnswerIncomplete, match="DU5"):
        await asking
    assert (await gateway.request())[:3] == ["6", "2", "0"]


async def test_executions_of_days_need_a_gateway_that_knows_them(gateway: Gateway) -> None:
    """Up to server version 199 the filter has no days: refused before anything is sent, with what to do."""
    gateway.version = 199
    async with IBKRBridge(port=gateway.port) as bridge:
        with pytest.raises(RequestFailed, match="Flex"):
            await bridge.fetch_executions(days=3)
        assert gateway.requests.empty()


async def test_a_schedule_is_in_the_zone_that_it_names(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Its stamps look as UTC ones do, and are not."""
    asking = asyncio.create_task(bridge.fetch_schedule(AAPL, duration="2 D"))
    request = await gateway.request()
    assert "SCHEDULE" in request
    day = ("20260402-09:30:00", "20260402-16:00:00", "20260402")
    gateway.send(106, request[1], "20260401-00:00:00", "20260402-16:00:00", "US/Eastern", 1, *day)
    (hours,) = await asking
    assert f"{hours.day} {hours.opens:%H:%M} {hours.closes:%H:%M}" == "2026-04-02 13:30 20:00"


async def test_bulletins_are_asked_for_once_and_left_once(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Two readers share them."""
    one, two = bridge.stream_bulletins(), bridge.stream_bulletins()
    assert await gateway.request() == ["12", "1", "1"]
    gateway.send(14, 1, 77, 2, "NYSE is not available", "NYSE")
    assert [(await anext(each)).text for each in (one, two)] == ["NYSE is not available"] * 2
    await one.aclose()
    await two.aclose()
    assert await gateway.request() == ["13", "1"]


async def test_streams_end_with_the_connection(bridge: IBKRBridge, gateway: Gateway) -> None:
    """A gateway that hangs up ends every stream with the reason."""
    streams = (bridge.stream_ticks(AAPL), bridge.stream_profit("DU9000001"), bridge.stream_bulletins())
    for _ in streams:
        await gateway.request()
    gateway.hang_up()
    for stream in streams:
        with pytest.raises(NotConnected):
            await anext(stream)
