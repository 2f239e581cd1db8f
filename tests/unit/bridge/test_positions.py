"""Holdings: the answer to a request, and the rows that go on coming after it."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import NotConnected

Gateway = Any  # the ScriptedGateway of conftest.py


def say(gateway: Gateway, con_id: int, quantity: object, account: str = "DU9000001", cost: object = 12.5) -> None:
    """One position row, in server version 200's layout."""
    names = ("STK", "", "0.0", "", "", "NASDAQ", "USD", f"SYM{con_id}", "NMS")
    gateway.send(61, 3, account, con_id, f"SYM{con_id}", *names, quantity, cost)


async def test_rows_go_on_after_the_answer(bridge: IBKRBridge, gateway: Gateway) -> None:
    """The subscription stays: no cancel is sent, and a sale by hand is a row that nobody asked for."""
    stream = bridge.stream_positions()
    asking = asyncio.create_task(bridge.fetch_positions())
    assert (await gateway.request())[0] == "61"
    say(gateway, 7, 833)
    gateway.send(62, 1)
    assert [row.quantity for row in await asking] == [Decimal(833)]
    say(gateway, 7, 0)
    assert [(await anext(stream)).quantity for _ in range(2)] == [Decimal(833), Decimal(0)]
    again = asyncio.create_task(bridge.fetch_positions())
    assert (await gateway.request())[0] == "61"  # and not 64, the cancel
    gateway.send(62, 1)
    assert await again == ()


async def test_the_first_stream_has_every_row_since_the_connect(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Rows of an answer before the first reader are not lost, and hold nothing up; later streams start later."""
    asking = asyncio.create_task(bridge.fetch_positions())
    await gateway.request()
    say(gateway, 7, 10)
    gateway.send(62, 1)
    await asking
    assert bridge.idle
    first, second = bridge.stream_positions(), bridge.stream_positions()
    say(gateway, 8, -5)
    assert [(await anext(first)).contract.con_id for _ in range(2)] == [7, 8]
    assert (await anext(second)).quantity == Decimal(-5)
    assert not bridge.idle  # two readers are at work, as far as the bridge knows


async def test_a_row_that_comes_twice_counts_as_last_said(bridge: IBKRBridge, gateway: Gateway) -> None:
    """A change between request and End is part of the answer, for each account by itself."""
    asking = asyncio.create_task(bridge.fetch_positions())
    await gateway.request()
    for quantity, account in ((100, "DU9000001"), (5, "DU9000002"), (60, "DU9000001")):
        say(gateway, 7, quantity, account)
    say(gateway, 8, 1)
    gateway.send(62, 1)
    held = [(row.account, row.contract.con_id, row.quantity) for row in await asking]
    assert held == [("DU9000001", 7, Decimal(60)), ("DU9000002", 7, Decimal(5)), ("DU9000001", 8, Decimal(1))]


async def test_the_stream_ends_with_the_connection(bridge: IBKRBridge, gateway: Gateway) -> None:
    """What was said is delivered, then the reader hears that the connection is lost."""
    stream = bridge.stream_positions()
    say(gateway, 7, 3)
    await gateway.flush()
    gateway.hang_up()
    assert (await anext(stream)).quantity == Decimal(3)
    with pytest.raises(NotConnected):
        await anext(stream)
