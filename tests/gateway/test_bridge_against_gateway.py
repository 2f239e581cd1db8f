"""The bridge on the simulated gateway: every question it can ask, a bracket to its exit, and a market in lock-step."""

import asyncio
import itertools
import math
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import ConnectionFailed, NoData
from momentum_kit.models.contracts import Contract, ContractDetails
from momentum_kit.models.market import Quote, TradeTick
from momentum_kit.models.orders import CommissionReport, Execution, OrderAction, OrderNotice, OrderRequest, OrderUpdate
from momentum_kit.simgateway.server import SimulatedGateway

STEP = timedelta(seconds=1)
WIRES = (200, 226)  # server versions: all text, all protobuf


@pytest.fixture(params=WIRES)
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """AAPL's market, which moves a second when told; in text, and again in protobuf."""
    async with SimulatedGateway("single", lock_step_s=STEP.total_seconds(), server_version=request.param) as gateway:
        yield gateway


@pytest.fixture
async def incidents() -> list[tuple[str, str]]:
    """What the bridge reported to a person."""
    return []


@pytest.fixture
async def bridge(gateway: Any, incidents: list[tuple[str, str]]) -> AsyncIterator[IBKRBridge]:
    """Connected to it, without the real broker's pacing."""
    async with IBKRBridge(
        port=gateway.port,
        connect_timeout_s=60,
        request_timeout_s=60,
        messages_per_s=math.inf,
        small_bar_pacing=False,
        on_incident=lambda kind, text: incidents.append((kind, text)),
    ) as bridge:
        yield bridge


class Reader:
    """Reads a stream to its end."""

    def __init__(self, stream: Any) -> None:
        self.values: list[Any] = []
        self.task = asyncio.create_task(self._read(stream))

    async def _read(self, stream: Any) -> None:
        async for value in stream:
            self.values.append(value)


async def step(bridge: IBKRBridge, times: int = 1) -> None:
    """Move the market, each step after everything from the one before has been read."""
    for _ in range(times):
        await bridge.settled()
        await bridge.fetch_current_time_millis()
    await bridge.settled()


async def apple(bridge: IBKRBridge) -> ContractDetails:
    """AAPL as the gateway knows it."""
    (details,) = await bridge.fetch_contract_details(Contract("AAPL"))
    return details


async def test_every_question_is_answered(bridge: IBKRBridge, incidents: list[tuple[str, str]]) -> None:
    """Contracts, rules, history, news, account: all at once, over one socket."""
    details = await apple(bridge)
    assert (details.contract.con_id, details.long_name, details.smart_rule_id) == (265598, "APPLE INC", 26)
    contract = details.contract
    rule, matches, bars, minutes, providers, positions, orders, completed, executions, account = await asyncio.gather(
        bridge.fetch_market_rule(26),
        bridge.fetch_matching_symbols("AAPL"),
        bridge.fetch_historical_data(contract, None, "5 D", "1 day"),
        bridge.fetch_historical_data(contract, None, "2 D", "1 min"),
        bridge.fetch_news_providers(),
        bridge.fetch_positions(),
        bridge.fetch_open_orders(),
        bridge.fetch_completed_orders(),
        bridge.fetch_executions(),
        bridge.fetch_account_summary(),
    )
    assert (rule[0].low_edge, rule[1].increment) == (0.0, 0.01)
    assert matches[0].contract.con_id == 265598
    assert all(before.start < after.start for before, after in itertools.pairwise(bars))
    assert {bar.seconds for bar in minutes} == {60}
    assert "BRFG" in {provider.code for provider in providers}
    assert positions == orders == completed == executions == ()
    assert "NetLiquidation" in {value.tag for value in account}
    assert incidents == []


async def test_what_does_not_exist_is_no_data(bridge: IBKRBridge) -> None:
    """A symbol nobody lists."""
    with pytest.raises(NoData):
        await bridge.fetch_contract_details(Contract("NOSUCH"))


async def test_a_headline_leads_to_its_article(bridge: IBKRBridge) -> None:
    """Earlier news of a contract, and the body of one."""
    contract = (await apple(bridge)).contract
    codes = [provider.code for provider in await bridge.fetch_news_providers()]
    headlines = await bridge.fetch_historical_news(contract.con_id, codes, None, None, 50)
    assert headlines
    for headline in headlines[:3]:
        article = await bridge.fetch_news_article(headline.provider, headline.article_id)
        assert article.text


async def test_lock_step_moves_the_market_by_its_step(bridge: IBKRBridge) -> None:
    """Each step is exactly one step, and everything of it has been read when it ends."""
    contract = (await apple(bridge)).contract
    quotes, trades = Reader(bridge.stream_quotes(contract)), Reader(bridge.stream_trades(contract))
    started = await bridge.fetch_current_time_millis()
    for number in range(1, 31):
        await bridge.settled()
        assert await bridge.fetch_current_time_millis() == started + number * STEP
        await bridge.settled()
        assert bridge.idle
    assert all(isinstance(trade, TradeTick) and trade.price > 0 for trade in trades.values)
    assert trades.values
    last: Quote = quotes.values[-1]
    assert 0 < last.bid < last.ask
    volumes = [trade.total_volume for trade in trades.values]
    assert volumes == sorted(volumes)
    await bridge.disconnect()
    await asyncio.gather(quotes.task, trades.task)


async def test_two_runs_see_the_same_tape() -> None:
    """The same seed, step by step: the trades are equal, whatever the wire and whatever the machine is doing."""
    runs = []
    for version in WIRES:
        async with SimulatedGateway("single", seed=3, lock_step_s=1.0, server_version=version) as gateway:
            bridge = IBKRBridge(port=gateway.port, messages_per_s=math.inf)
            async with bridge:
                reader = Reader(bridge.stream_trades((await apple(bridge)).contract))
                await step(bridge, 60)
            await reader.task
            runs.append([(trade.time, trade.price, trade.size, trade.total_volume) for trade in reader.values])
    assert runs[0] == runs[1]
    assert runs[0]


async def test_a_bracket_from_entry_to_cancel(bridge: IBKRBridge, incidents: list[tuple[str, str]]) -> None:
    """The entry fills, stop and target rest, the position is the broker's word, the stop can be cancelled."""
    contract = (await apple(bridge)).contract
    events, quotes = Reader(bridge.stream_order_events()), Reader(bridge.stream_quotes(contract))
    await step(bridge, 2)
    quote = quotes.values[-1]
    common = {"quantity": Decimal(10), "tif": "GTC", "order_ref": "intent-1"}
    entry = await bridge.place_order(
        contract,
        OrderRequest(
            action=OrderAction.BUY, order_type="LMT", limit_price=round(quote.ask * 1.01, 2), transmit=False, **common
        ),
    )
    exits = {"action": OrderAction.SELL, "parent_id": entry.order_id, **common}
    target = await bridge.place_order(
        contract, OrderRequest(order_type="LMT", limit_price=round(quote.ask * 1.2, 2), transmit=False, **exits)
    )
    stop = await bridge.place_order(
        contract, OrderRequest(order_type="STP", stop_price=round(quote.bid * 0.8, 2), **exits)
    )
    await step(bridge, 5)
    executions = [event for event in events.values if isinstance(event, Execution)]
    commissions = [event for event in events.values if isinstance(event, CommissionReport)]
    assert sum(execution.shares for execution in executions) == 10
    assert {execution.order_ref for execution in executions} == {"intent-1"}
    assert {report.exec_id for report in commissions} == {execution.exec_id for execution in executions}
    (position,) = await bridge.fetch_positions()
    assert (position.contract.con_id, position.quantity) == (265598, Decimal(10))
    resting = {order.request.order_id: order for order in await bridge.fetch_open_orders()}
    assert set(resting) == {target.order_id, stop.order_id}
    assert resting[stop.order_id].request.stop_price == stop.stop_price
    assert resting[stop.order_id].request.parent_id == entry.order_id
    asked = await bridge.fetch_executions()
    assert [one.exec_id for one in asked] == [one.exec_id for one in executions]
    assert all(one.from_request for one in asked)

    await bridge.cancel_order(stop.order_id)
    await step(bridge, 2)
    last = [event for event in events.values if isinstance(event, OrderUpdate) and event.order_id == stop.order_id][-1]
    notices = [event for event in events.values if isinstance(event, OrderNotice) and event.order_id == stop.order_id]
    assert last.status == "Cancelled"
    assert [(notice.code, notice.meaning) for notice in notices] == [(202, "order dead")]
    assert incidents == []


async def test_the_position_is_said_each_time_it_changes(bridge: IBKRBridge, gateway: Any) -> None:
    """Once asked for, rows come by themselves: of our fills, of another client's, and 0 for what was closed."""
    contract = (await apple(bridge)).contract
    rows, quotes = Reader(bridge.stream_positions()), Reader(bridge.stream_quotes(contract))
    assert await bridge.fetch_positions() == ()
    await step(bridge, 2)
    market = {"order_type": "MKT", "quantity": Decimal(10), "tif": "DAY"}
    await bridge.place_order(contract, OrderRequest(action=OrderAction.BUY, **market))
    await step(bridge, 3)
    ours = [(row.contract.con_id, row.quantity) for row in rows.values]
    assert ours[-1] == (265598, Decimal(10))
    (held,) = await bridge.fetch_positions()
    assert (held.quantity, rows.values[-1]) == (Decimal(10), held)
    async with IBKRBridge(port=gateway.port, client_id=18, messages_per_s=math.inf) as hand:
        await hand.place_order(contract, OrderRequest(action=OrderAction.SELL, **market))
        await hand.fetch_current_time()
        await step(bridge, 3)
    assert (rows.values[-1].contract.con_id, rows.values[-1].quantity) == (265598, Decimal(0))
    assert await bridge.fetch_positions() == ()
    assert quotes.values


async def test_a_second_client_with_the_same_id_is_refused(gateway: Any, bridge: IBKRBridge) -> None:
    """326, in words."""
    with pytest.raises(ConnectionFailed, match="client id 17 is in use"):
        await IBKRBridge(port=gateway.port, client_id_patience_s=0).connect()
    assert await bridge.fetch_current_time()


async def test_all_layouts_of_the_wire_are_read() -> None:
    """Server versions differ in many fields, and in the wire; the bridge's values do not."""
    seen = []
    for version in (178, 200, 203, 209, 226):
        async with (
            SimulatedGateway("single", server_version=version, seed=3) as gateway,
            IBKRBridge(port=gateway.port) as bridge,
        ):
            assert bridge.health.server_version == version
            details = await apple(bridge)
            bars = await bridge.fetch_historical_data(details.contract, None, "2 D", "1 hour")
            seen.append((details, bars[:5], await bridge.fetch_positions()))
    assert all(each == seen[0] for each in seen)
