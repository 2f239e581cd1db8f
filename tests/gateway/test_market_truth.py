"""What the official client is told of the market beyond quotes: single ticks, delay, schedules, formats, scans."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from ibapi.contract import Contract
from ibapi.order import Order
from ibapi.scanner import ScannerSubscription

from momentum_kit.simgateway.embedding import Scenario
from momentum_kit.simgateway.scenario import UniverseSpec
from momentum_kit.simgateway.server import SimulatedGateway

Connect = Callable[..., Awaitable[Any]]
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


@pytest.fixture(params=[200, 226])
def gateway(request: pytest.FixtureRequest) -> Callable[..., SimulatedGateway]:
    """Builds gateways on the text wire and on the protobuf wire, half an hour into the day."""

    def build(**terms: Any) -> SimulatedGateway:
        universe = UniverseSpec(small_caps=2, large_caps=0)
        scenario = Scenario(**{"seed": 11, "universe": universe, "start": time(10, 0), "history_sessions": 5} | terms)
        return SimulatedGateway(scenario, server_version=request.param, lock_step_s=1)

    return build


async def test_delayed_data_is_a_quarter_of_an_hour_old(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """10089 without type 3; with it 10167, and every price is that of fifteen minutes before."""
    async with gateway(market_data_type=3) as served:
        client = await connect_client(served.port)
        client.reqMktData(1, aapl, "", False, False, [])
        await client.wait_for(lambda: client.errors(1))
        assert client.errors(1)[0][0] == 10089
        client.reqMarketDataType(3)
        client.reqMktData(2, aapl, "", False, False, [])
        for _ in range(30):
            now_ms = await client.step()
        assert [code for code, _ in client.errors(2)] == [10167]
        assert client.named("marketDataType")[-1].marketDataType == 3
        assert {t.tickType for t in client.named("tickPrice")} <= {66, 67, 68, 75}
        stamps = [int(t.value) for t in client.named("tickString") if t.tickType == 88]
        assert len(stamps) > 5
        assert all(900 <= now_ms / 1000 - stamp < 1000 for stamp in stamps)
        told = [t.price for t in client.named("tickPrice") if t.tickType == 66][-1]
        past = datetime.fromtimestamp(now_ms / 1000, UTC) - timedelta(minutes=15)
        assert told == served.hub.market.quote(aapl.conId, past).bid


@pytest.mark.parametrize(("kind", "asked", "ticks"), [(2, 1, {1, 2, 4, 9}), (4, 4, {66, 67, 68, 75})])
async def test_frozen_data_stands_still(
    kind: int, asked: int, ticks: set[int], gateway: Any, connect_client: Connect, aapl: Contract
) -> None:
    """Types 2 and 4: the last values with their type, now or delayed, then nothing until the line is cancelled."""
    async with gateway(market_data_type=kind) as served:
        client = await connect_client(served.port)
        client.reqMarketDataType(asked)
        client.reqMktData(1, aapl, "", False, False, [])
        await client.step()
        assert client.named("marketDataType")[-1].marketDataType == kind
        assert {call.tickType for call in client.named("tickPrice")} == ticks
        told = len(client.named("tickPrice", "tickSize"))
        for _ in range(10):
            await client.step()
        assert len(client.named("tickPrice", "tickSize")) == told
        assert served.hub.lines_used == 1
        client.cancelMktData(1)
        await client.step()
        assert served.hub.lines_used == 0


async def test_tick_by_tick(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """Every print and every touch, unsampled; the cancel ends it, of an unknown id with 300."""
    async with gateway() as served:
        client = await connect_client(served.port)
        for number, kind in enumerate(("AllLast", "Last", "BidAsk", "MidPoint")):
            client.reqTickByTickData(number, aapl, kind, 0, False)
        client.reqMktData(9, aapl, "375", False, False, [])
        for _ in range(20):
            await client.step()
        sizes = [int(t.size) for t in client.named("tickByTickAllLast") if t.reqId == 0]
        assert (
            sizes == [int(t.value.split(";")[1]) for t in client.named("tickString") if t.tickType == 77][-len(sizes) :]
        )
        assert sizes == [int(t.size) for t in client.named("tickByTickAllLast") if t.reqId == 1]
        assert len(client.named("tickByTickBidAsk")) > len(client.named("tickByTickMidPoint")) > 5
        for number in (0, 1, 2, 3, 77):
            client.cancelTickByTickData(number)
        await client.wait_for(lambda: client.errors(77))
        assert client.errors(77)[0][0] == 300
        client.calls.clear()
        await client.step()
        assert client.named("tickByTickAllLast", "tickByTickBidAsk", "tickByTickMidPoint") == []
        client.reqTickByTickData(5, aapl, "Nothing", 0, False)
        await client.wait_for(lambda: client.errors(5))
        assert client.errors(5)[0][0] == 321


async def test_historical_ticks(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """So many from a start or up to an end, whole seconds, of today and of earlier days."""
    async with gateway() as served:
        client = await connect_client(served.port)
        client.reqHistoricalTicks(1, aapl, "20261120-14:30:00", "", 50, "TRADES", 1, True, [])
        client.reqHistoricalTicks(2, aapl, "", "20261120-14:45:00", 50, "BID_ASK", 1, True, [])
        client.reqHistoricalTicks(3, aapl, "", "20261119-18:00:00", 50, "MIDPOINT", 1, True, [])
        client.reqHistoricalTicks(4, aapl, "", "", 50, "TRADES", 1, True, [])
        client.reqHistoricalTicks(5, aapl, "20261120-16:00:00", "", 50, "TRADES", 1, True, [])
        await client.wait_for(lambda: client.errors(5))
        (trades,), (quotes,), (middles,) = (
            client.named(name) for name in ("historicalTicksLast", "historicalTicksBidAsk", "historicalTicks")
        )
        assert trades.done and 50 <= len(trades.ticks) < 90
        times = [tick.time for tick in trades.ticks]
        assert times == sorted(times) and times[0] >= OPEN.timestamp()
        assert 50 <= len(quotes.ticks) < 60
        assert quotes.ticks[-1].time <= datetime(2026, 11, 20, 14, 45, tzinfo=UTC).timestamp()
        assert all(tick.priceAsk > tick.priceBid for tick in quotes.ticks)
        assert datetime.fromtimestamp(middles.ticks[-1].time, UTC).date() == date(2026, 11, 19)
        assert (client.errors(4)[0][0], client.errors(5)[0][0]) == (321, 162)


async def test_a_schedule_knows_holidays_and_half_days(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """Thanksgiving is missing, the day after ends at 13:00, or at 17:00 with extended hours."""
    async with gateway(day=date(2026, 11, 30)) as served:
        client = await connect_client(served.port)
        client.reqHistoricalData(1, aapl, "", "5 D", "1 day", "SCHEDULE", 1, 1, False, [])
        client.reqHistoricalData(2, aapl, "", "5 D", "1 day", "SCHEDULE", 0, 1, False, [])
        client.reqHistoricalData(3, aapl, "", "5 D", "1 hour", "SCHEDULE", 1, 1, False, [])
        await client.wait_for(lambda: client.errors(3))
        regular, extended = client.named("historicalSchedule")
        assert regular.timeZone == "US/Eastern"
        assert [s.refDate for s in regular.sessions] == ["20261125", "20261127", "20261130"]
        friday = regular.sessions[1]
        assert (friday.startDateTime, friday.endDateTime) == ("20261127-09:30:00", "20261127-13:00:00")
        assert extended.sessions[1].endDateTime == "20261127-17:00:00"
        assert client.errors(3)[0][0] == 321


async def test_formats_of_times(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """FormatDate 1 is exchange time with its zone, 2 seconds since 1970; days are dates in both."""
    async with gateway() as served:
        client = await connect_client(served.port)
        for number, (size, form) in enumerate((("5 mins", 1), ("5 mins", 2), ("1 day", 1), ("1 day", 2))):
            client.reqHistoricalData(number, aapl, "", "1 D", size, "TRADES", 1, form, False, [])
        client.reqHeadTimeStamp(8, aapl, "TRADES", 1, 1)
        client.reqHeadTimeStamp(9, aapl, "TRADES", 1, 2)
        await client.wait_for(lambda: len(client.named("headTimestamp")) == 2)
        first = [next(c.bar.date for c in client.named("historicalData") if c.reqId == n) for n in range(4)]
        assert first == ["20261120 09:30:00 US/Eastern", str(int(OPEN.timestamp())), "20261120", "20261120"]
        dashed, seconds = (call.headTimestamp for call in client.named("headTimestamp"))
        begin = datetime.strptime(dashed.removesuffix("Z"), "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
        assert begin.timestamp() == int(seconds)


async def test_scans(gateway: Any, connect_client: Connect) -> None:
    """The parameters name the scans there are; a scan ranks and filters, an unknown one is refused with 162."""
    async with gateway() as served:
        client = await connect_client(served.port)
        client.reqScannerParameters()
        ask = ScannerSubscription()
        ask.instrument, ask.locationCode, ask.scanCode, ask.numberOfRows = "STK", "STK.US.MAJOR", "MOST_ACTIVE_USD", 2
        client.reqScannerSubscription(1, ask, [], [])
        ask.scanCode, ask.abovePrice = "TOP_PERC_GAIN", 100.0
        client.reqScannerSubscription(2, ask, [], [])
        ask.scanCode = "HOT_AIR"
        client.reqScannerSubscription(3, ask, [], [])
        await client.wait_for(lambda: client.errors(3))
        assert "MOST_ACTIVE_USD" in client.named("scannerParameters")[0].xml
        first = [call for call in client.named("scannerData") if call.reqId == 1]
        assert [call.rank for call in first] == [0, 1]
        assert first[0].contractDetails.contract.symbol == "AAPL"
        only = [call.contractDetails.contract.symbol for call in client.named("scannerData") if call.reqId == 2]
        assert only == ["AAPL"]
        assert client.errors(3)[0][0] == 162
        client.cancelScannerSubscription(1)
        assert await client.step() > 0


@pytest.mark.parametrize("what", ["TRADES", "MIDPOINT"])
async def test_history_is_kept_up_to_date(what: str, gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """The last bar goes on growing every 5 s and the next begins at its minute; at last they are those of history."""
    async with gateway() as served:
        client = await connect_client(served.port)
        client.reqHistoricalData(1, aapl, "", "1800 S", "1 min", what, 0, 2, True, [])
        for _ in range(130):
            await client.step()
        updates = [(int(call.bar.date), call.bar) for call in client.named("historicalDataUpdate")]
        assert len(updates) == 26
        assert [start % 60 for start, _ in updates] == [0] * 26
        last = dict(updates)
        minute = sorted(last)[1]
        client.reqHistoricalData(2, aapl, "", "1800 S", "1 min", what, 0, 2, False, [])
        await client.wait_for(lambda: [call for call in client.named("historicalDataEnd") if call.reqId == 2])
        history = {int(call.bar.date): call.bar for call in client.named("historicalData") if call.reqId == 2}
        for name in ("open", "high", "low", "close", "volume", "barCount"):
            assert getattr(last[minute], name) == pytest.approx(getattr(history[minute], name)), name
        assert served.hub.lines_used == 0
        client.cancelHistoricalData(1)
        for _ in range(10):
            await client.step()
        assert len(client.named("historicalDataUpdate")) == 26
        assert not client.errors(1)


async def test_what_cannot_be_kept_up_to_date(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """Up to a moment of the past, a schedule, an id in use: refused with 321 and 322."""
    async with gateway() as served:
        client = await connect_client(served.port)
        client.reqHistoricalData(1, aapl, "20261119 16:00:00 US/Eastern", "1 D", "1 min", "TRADES", 1, 1, True, [])
        client.reqHistoricalData(2, aapl, "", "1 D", "1 day", "SCHEDULE", 1, 1, True, [])
        client.reqHistoricalData(3, aapl, "", "1 D", "1 min", "TRADES", 1, 1, True, [])
        client.reqHistoricalData(3, aapl, "", "1 D", "1 min", "TRADES", 1, 1, True, [])
        await client.wait_for(lambda: client.errors(3))
        assert [client.errors(number)[0][0] for number in (1, 2, 3)] == [321, 321, 322]


async def test_profit_and_loss(gateway: Any, connect_client: Connect, aapl: Contract) -> None:
    """At once and about once a second while it changes; of the account and of a holding; a stranger's is refused."""
    async with gateway() as served:
        client = await connect_client(served.port)
        account = served.hub.account
        client.reqPnL(1, account, "")
        client.reqPnLSingle(2, account, "", aapl.conId)
        client.reqPnL(3, "DU777", "")
        client.reqPnLSingle(4, account, "", 1)
        for _ in range(3):
            await client.step()
        assert [(call.dailyPnL, call.unrealizedPnL, call.realizedPnL) for call in client.named("pnl")] == [(0, 0, 0)]
        assert [client.errors(number)[0][0] for number in (3, 4)] == [321, 321]
        client.placeOrder(1, aapl, _order("BUY"))
        for _ in range(20):
            await client.step()
        assert 5 < len(client.named("pnl")) <= 21
        single, whole = client.named("pnlSingle")[-1], client.named("pnl")[-1]
        assert single.pos == 10
        assert (single.dailyPnL, single.realizedPnL) == (whole.dailyPnL, whole.realizedPnL) == (whole.unrealizedPnL, 0)
        assert single.value == pytest.approx(10 * served.hub.mark(aapl.conId))
        client.placeOrder(2, aapl, _order("SELL"))
        for _ in range(5):
            await client.step()
        flat = client.named("pnlSingle")[-1]
        reported = [next(iter(vars(call).values())).realizedPNL for call in client.named("commissionAndFeesReport")]
        assert (flat.pos, flat.value, flat.unrealizedPnL) == (0, 0, 0)
        assert (
            flat.realizedPnL == client.named("pnl")[-1].realizedPnL == round(sum(p for p in reported if p < 1e300), 2)
        )
        client.cancelPnL(1)
        client.cancelPnLSingle(2)
        told = len(client.calls)
        await client.step()
        assert [call.name for call in client.calls[told:]] == ["currentTimeInMillis"]


def _order(action: str) -> Order:
    order = Order()
    order.action, order.orderType, order.totalQuantity, order.tif = action, "MKT", 10, "DAY"
    return order


async def test_an_inactive_history_farm_wakes_on_demand(connect_client: Connect, aapl: Contract) -> None:
    """2107 in place of 2106 at a start; the first request for the past brings 2106, to every client and once."""
    inactive = {"history_farm": "inactive"}
    async with SimulatedGateway(Scenario(history_sessions=5), lock_step_s=1, assumptions=inactive) as served:
        client, other = await connect_client(served.port, 1), await connect_client(served.port, 2)
        for number in (1, 2):
            client.reqHeadTimeStamp(number, aapl, "TRADES", 1, 1)
        await client.wait_for(lambda: len(client.named("headTimestamp")) == 2)
        await other.step()
        third = await connect_client(served.port, 3)
        await third.step()
        heard = [[args.errorCode for args in each.named("error")] for each in (client, other, third)]
        assert heard == [[2104, 2107, 2158, 2106], [2104, 2107, 2158, 2106], [2104, 2106, 2158]]
