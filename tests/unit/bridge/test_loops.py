"""One bridge, one event loop: what is called from another one fails at once, instead of waiting for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import InputError
from momentum_kit.models.contracts import Contract
from momentum_kit.models.orders import OrderAction, OrderRequest

Gateway = Any  # the ScriptedGateway of conftest.py
AAPL = Contract("AAPL", 265598)
BUY = OrderRequest(action=OrderAction.BUY, quantity=1, order_type="MKT")  # type: ignore[arg-type]


async def subscribe(bridge: IBKRBridge) -> None:
    """A subscription."""
    bridge.stream_quotes(AAPL)


@pytest.mark.parametrize(
    "call",
    [
        lambda bridge: bridge.fetch_current_time(),
        lambda bridge: bridge.fetch_positions(),
        lambda bridge: bridge.place_order(AAPL, BUY),
        lambda bridge: bridge.cancel_order(1),
        lambda bridge: bridge.disconnect(),
        subscribe,
    ],
    ids=["list", "positions", "place", "cancel", "disconnect", "subscribe"],
)
async def test_a_call_from_another_threads_loop_fails_at_once(
    bridge: IBKRBridge, gateway: Gateway, call: Callable[[IBKRBridge], Awaitable[Any]]
) -> None:
    """In one line that says what to do; nothing is sent, and the bridge goes on."""

    async def elsewhere() -> None:
        with pytest.raises(InputError, match="another event loop"):
            await asyncio.wait_for(call(bridge), 60)

    await asyncio.to_thread(asyncio.run, elsewhere())
    asking = asyncio.create_task(bridge.fetch_current_time())
    assert (await gateway.request())[0] == "49"
    gateway.send(49, 1, 1775425766)
    await asking


async def test_a_stream_is_read_on_its_own_loop(bridge: IBKRBridge, gateway: Gateway) -> None:
    """A reader on another loop would never be woken; nor is the stream closed from there."""
    stream = bridge.stream_order_events()

    async def elsewhere() -> None:
        with pytest.raises(InputError, match="another event loop"):
            await asyncio.wait_for(anext(stream), 60)

    async def closed_elsewhere() -> None:
        with pytest.raises(InputError, match="another event loop"):
            await stream.aclose()

    await asyncio.to_thread(asyncio.run, elsewhere())
    await asyncio.to_thread(asyncio.run, closed_elsewhere())
    gateway.send(59, 1, "exec.01", 1.0, "USD", 0.0, 0.0, "")
    assert (await anext(stream)).exec_id == "exec.01"  # type: ignore[union-attr]


async def test_a_plain_thread_draws_no_order_id(bridge: IBKRBridge) -> None:
    """Without a loop of its own it is told the same."""
    with pytest.raises(InputError, match="another event loop"):
        await asyncio.to_thread(bridge.next_order_id)
    assert bridge.next_order_id() == 1


async def test_a_look_with_a_time_out_leaves_the_stream_alive(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Nothing is unsubscribed, and what comes after the time-out is read."""
    stream = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), 0.01)
    gateway.send(1, 6, req_id, 1, 10.25, 300, 0)
    quote = await asyncio.wait_for(anext(stream), 60)
    assert (quote.bid, quote.bid_size) == (10.25, 300.0)
    assert gateway.requests.empty()
