"""Every payload recorded from a live gateway, through the real bridge."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.models.contracts import Contract
from momentum_kit.models.market import MarketDataType
from momentum_kit.models.orders import AccountValue, CommissionReport, Execution, OpenOrder, OrderAction, Position
from momentum_kit.models.session import LinkState

AAPL = Contract("AAPL", 265598)
Gateway = Any  # the ScriptedGateway of conftest.py
Play = Callable[[IBKRBridge, Gateway, list[str]], Awaitable[None]]


def with_id(fields: list[str], index: int, req_id: str) -> list[object]:
    """The recorded fields under the id of this run's request."""
    return [*fields[:index], req_id, *fields[index + 1 :]]


async def play_accounts(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """Arrives in the handshake as well; sent again it changes nothing."""
    gateway.send(*fields)
    await answered(bridge, gateway)
    assert bridge.managed_accounts == bridge.accounts == ("DU9000001",)


async def play_next_valid_id(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """Never takes our own counter back."""
    assert [bridge.next_order_id(), bridge.next_order_id()] == [1, 2]
    gateway.send(*fields)
    await answered(bridge, gateway)
    assert bridge.next_order_id() == 3


async def play_error(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """A farm that is up."""
    gateway.send(*fields)
    await answered(bridge, gateway)
    assert bridge.health.farms == {"usfarm": LinkState.UP}


async def play_contract_details(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """AAPL as recorded."""
    asking = asyncio.create_task(bridge.fetch_contract_details(AAPL))
    req_id = (await gateway.request())[2]
    gateway.send(*with_id(fields, 1, req_id))
    gateway.send(52, 1, req_id)
    (details,) = await asking
    assert details.contract == Contract(
        "AAPL",
        265598,
        sec_type="STK",
        exchange="SMART",
        currency="USD",
        primary_exchange="NASDAQ",
        local_symbol="AAPL",
        trading_class="NMS",
    )
    assert (details.long_name, details.min_tick, details.time_zone_id) == ("APPLE INC", 0.01, "US/Eastern")
    assert (len(details.valid_exchanges), set(details.market_rule_ids)) == (26, {26})
    assert (details.smart_rule_id, details.stock_type) == (26, "COMMON")
    assert (details.industry, details.category, details.subcategory) == ("Technology", "Computers", "Computers")
    assert details.liquid_hours.startswith("20260405:CLOSED;20260406:0930-20260406:1600")


async def play_contract_details_end(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """An end without details is no contract."""
    from momentum_kit.errors import NoData

    asking = asyncio.create_task(bridge.fetch_contract_details(AAPL))
    gateway.send(*with_id(fields, 2, (await gateway.request())[2]))
    with pytest.raises(NoData, match="no contract matches AAPL"):
        await asking


async def play_execution(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """An execution nobody asked for arrives as an order event."""
    stream = bridge.stream_order_events()
    gateway.send(*fields)
    execution = await anext(stream)
    assert isinstance(execution, Execution)
    assert (execution.exec_id, execution.base_id, execution.correction) == (
        "0000e0d5.69dd7411.01.01",
        "0000e0d5.69dd7411.01",
        1,
    )
    assert execution.time == datetime(2026, 4, 13, 19, 27, 4, tzinfo=UTC)
    assert (execution.side, execution.shares, execution.price) == (OrderAction.BUY, Decimal(1), 257.95)
    assert (execution.order_id, execution.perm_id, execution.client_id) == (1, 389211034, 94)
    assert (execution.account, execution.exchange, execution.order_ref) == ("DUP770846", "IEX", "")
    assert (execution.cumulative_shares, execution.average_price) == (Decimal(1), 257.95)
    assert (execution.contract.con_id, execution.liquidation, execution.from_request) == (265598, False, False)


async def play_account_summary(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """One value; its subscription is cancelled afterwards."""
    asking = asyncio.create_task(bridge.fetch_account_summary())
    req_id = (await gateway.request())[2]
    gateway.send(*with_id(fields, 2, req_id))
    gateway.send(64, 1, req_id)
    assert await asking == (AccountValue(account="DU9000001", tag="BuyingPower", value="300000.00", currency="EUR"),)
    assert await gateway.request() == ["63", "1", req_id]


async def play_account_summary_end(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """Ends the request."""
    asking = asyncio.create_task(bridge.fetch_account_summary())
    gateway.send(*with_id(fields, 2, (await gateway.request())[2]))
    assert await asking == ()


async def play_position(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """One holding."""
    asking = asyncio.create_task(bridge.fetch_positions())
    assert (await gateway.request())[0] == "61"
    gateway.send(*fields)
    gateway.send(62, 1)
    amzn = Contract(
        "AMZN", 3691937, sec_type="STK", exchange="NASDAQ", currency="USD", local_symbol="AMZN", trading_class="NMS"
    )
    assert await asking == (Position(account="DU9000001", contract=amzn, quantity=Decimal(15), average_cost=200.25),)


async def play_position_end(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """No holdings is an honest answer."""
    asking = asyncio.create_task(bridge.fetch_positions())
    await gateway.request()
    gateway.send(*fields)
    assert await asking == ()


async def play_historical_data(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """Seven bars, stamped at their start, in UTC."""
    asking = asyncio.create_task(bridge.fetch_historical_data(AAPL, None, "1 D", "1 hour"))
    req_id = (await gateway.request())[1]
    gateway.send(*with_id(fields, 1, req_id))
    gateway.send(108, req_id, "20260402 09:30:00 US/Eastern", "20260402 16:00:00 US/Eastern")
    bars = await asking
    assert len(bars) == 7
    first = bars[0]
    assert (first.start, first.seconds) == (datetime(2026, 4, 2, 13, 30, tzinfo=UTC), 3600)
    assert (first.open, first.high, first.low, first.close) == (254.20, 254.80, 250.65, 252.53)
    assert (first.volume, first.wap, first.count) == (2829736.0, 252.266, 13633)
    assert bars[-1].close == 255.89


async def play_tick_price(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """Tick 68 is a delayed last price, and makes the quote a delayed one."""
    stream = bridge.stream_quotes(AAPL)
    gateway.send(*with_id(fields, 2, (await gateway.request())[2]))
    quote = await anext(stream)
    assert (quote.con_id, quote.last, quote.data_type) == (265598, 255.45, MarketDataType.DELAYED)
    assert math.isnan(quote.bid) and math.isnan(quote.ask)


async def play_tick_size(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """Tick 74 is delayed day volume: no part of a quote, so none is published."""
    stream = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    gateway.send(*with_id(fields, 2, req_id))
    gateway.send(1, 6, req_id, 1, "255.40", "200", 0)
    quote = await anext(stream)
    assert (quote.bid, quote.bid_size) == (255.40, 200.0)


async def play_market_data_type(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """Says that the data is delayed; the next quote carries it."""
    stream = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    gateway.send(*with_id(fields, 2, req_id))
    gateway.send(1, 6, req_id, 2, "255.50", "100", 0)
    quote = await anext(stream)
    assert (quote.ask, quote.data_type) == (255.50, MarketDataType.DELAYED)


async def play_tick_snapshot_end(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """We never ask for snapshots: it is taken without complaint."""
    gateway.send(*fields)
    await answered(bridge, gateway)


async def play_open_order_end(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """No open orders is an honest answer."""
    asking = asyncio.create_task(bridge.fetch_open_orders())
    await gateway.request()
    gateway.send(*fields)
    assert await asking == ()


async def play_open_order(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """Answers the request and is an order event as well."""
    stream = bridge.stream_order_events()
    asking = asyncio.create_task(bridge.fetch_open_orders())
    await gateway.request()
    gateway.send(*fields)
    gateway.send(53, 1)
    (order,) = await asking
    assert await anext(stream) == order
    assert isinstance(order, OpenOrder)
    request = order.request
    assert (request.action, request.quantity, request.order_type) == (OrderAction.SELL, Decimal(1), "LMT")
    assert (request.limit_price, request.stop_price, request.trailing_percent) == (2000.0, None, None)
    assert (request.order_id, request.parent_id, request.tif, request.account) == (211, 210, "DAY", "DU9000001")
    assert (request.oca_group, request.oca_type, request.order_ref) == ("1571710075", 3, "sanitized-ref-001")
    assert (order.perm_id, order.client_id, order.status, order.contract.con_id) == (
        900211,
        1,
        "PreSubmitted",
        265598,
    )


async def play_commission_report(bridge: IBKRBridge, gateway: Gateway, fields: list[str]) -> None:
    """An order event."""
    stream = bridge.stream_order_events()
    gateway.send(*fields)
    expected = CommissionReport(
        exec_id="sanitized-commission-exec-001", commission_usd=1.0003, currency="USD", realized_pnl_usd=-68.051912
    )
    assert await anext(stream) == expected


PLAYS: dict[str, Play] = {
    "managedAccounts": play_accounts,
    "nextValidId": play_next_valid_id,
    "error": play_error,
    "contractDetails": play_contract_details,
    "execDetails": play_execution,
    "contractDetailsEnd": play_contract_details_end,
    "accountSummary": play_account_summary,
    "accountSummaryEnd": play_account_summary_end,
    "position": play_position,
    "positionEnd": play_position_end,
    "historicalData": play_historical_data,
    "tickPrice": play_tick_price,
    "tickSize": play_tick_size,
    "marketDataType": play_market_data_type,
    "tickSnapshotEnd": play_tick_snapshot_end,
    "openOrderEnd": play_open_order_end,
    "openOrder": play_open_order,
    "commissionReport": play_commission_report,
}


async def answered(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Everything sent so far has been handled: a later answer has come."""
    asking = asyncio.create_task(bridge.fetch_current_time())
    assert (await gateway.request())[0] == "49"
    gateway.send(49, 1, 1775425766)
    assert await asking == datetime.fromtimestamp(1775425766, UTC)
    await bridge.applied()


def recorded(shared_data: Path) -> dict[str, list[str]]:
    """Fields by callback name."""
    content = json.loads((shared_data / "gateway" / "frames_sv200.json").read_text(encoding="utf-8"))
    return {one["callback"]: one["fields"] for one in content["frames"]}


@pytest.mark.parametrize("callback", PLAYS)
async def test_recorded_payload_arrives_as_our_value(
    callback: str, shared_data: Path, gateway: Gateway, bridge: IBKRBridge, incidents: list[tuple[str, str]]
) -> None:
    """A payload of the live gateway, byte for byte but for our request id, becomes the right model value."""
    await PLAYS[callback](bridge, gateway, recorded(shared_data)[callback])
    assert incidents == []


def test_no_recorded_payload_is_left_out(shared_data: Path) -> None:
    """There is a play for each recorded payload."""
    assert set(recorded(shared_data)) == set(PLAYS)
