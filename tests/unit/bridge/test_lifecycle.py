"""Going down: expected or not, every reader and every caller hears of it and nothing is left."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import NotConnected
from momentum_kit.models.contracts import Contract
from momentum_kit.models.session import LinkState

AAPL = Contract("AAPL", 265598)
Gateway = Any  # the ScriptedGateway of conftest.py
Incidents = list[tuple[str, str]]
Threads = Callable[[], list[str]]
pytestmark = pytest.mark.usefixtures("our_threads")


async def until(holds: Any) -> None:
    """Wait for a condition, at most a minute."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.001)


async def test_disconnect_ends_everything_quietly(
    our_threads: Threads, bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """Callers get NotConnected, streams their end, the gateway our half-close; twice does no harm."""
    asking = asyncio.create_task(bridge.fetch_positions())
    reading = asyncio.create_task(anext(bridge.stream_order_events(), "the end"))
    await gateway.request()
    assert len(our_threads()) == 1
    await asyncio.gather(bridge.disconnect(), bridge.disconnect())
    await bridge.disconnect()
    with pytest.raises(NotConnected):
        await asking
    assert await reading == "the end"
    assert bridge.health.socket is LinkState.DOWN
    assert incidents == []
    await asyncio.wait_for(gateway.closed.wait(), 60)


async def test_disconnect_with_a_backlog(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Thousands of messages on the way do not trouble a disconnect, nor does the thread it ends."""
    stream = bridge.stream_trades(AAPL)
    req_id = (await gateway.request())[2]
    tick = gateway.frame((46, 6, req_id, 77, "10.5;100;1775425766350;1000;10.4;true"))
    gateway.raw(tick * 50_000)
    await anext(stream)
    await bridge.disconnect()
    received = [trade async for trade in stream]
    assert all(trade.price == 10.5 for trade in received)


async def test_a_gateway_that_never_closes_is_cut(bridge: IBKRBridge, gateway: Gateway) -> None:
    """A gateway that keeps sending and ignores our half-close cannot hold a disconnect up."""
    stop = asyncio.Event()

    async def chatter() -> None:
        while not stop.is_set():
            gateway.send(4, -1, 2104, "Market data farm connection is OK:usfarm", "", 1)
            await asyncio.sleep(0)

    chattering = asyncio.create_task(chatter())
    async with asyncio.timeout(60):
        await bridge.disconnect()
    stop.set()
    await chattering


async def test_what_was_sent_before_a_disconnect_arrives(bridge: IBKRBridge, gateway: Gateway) -> None:
    """A cancel handed over is not lost by closing right after it, backlog or not."""
    gateway.raw(gateway.frame((4, -1, 2104, "x:usfarm", "", 1)) * 20_000)
    await bridge.cancel_order(5)
    await bridge.disconnect()
    assert (await gateway.request())[:2] == ["4", "5"]


async def test_a_lost_connection_is_told_once_and_ends_all(
    our_threads: Threads, bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """Callers and readers get NotConnected; what was received before still arrives."""
    asking = asyncio.create_task(bridge.fetch_positions())
    stream = bridge.stream_order_events()
    await gateway.request()
    gateway.send(59, 1, "exec.01", 1.0, "USD", 0.0, 0.0, "")
    gateway.hang_up()
    with pytest.raises(NotConnected, match="the gateway closed the connection"):
        await asking
    assert (await anext(stream)).exec_id == "exec.01"  # type: ignore[union-attr]
    with pytest.raises(NotConnected):
        await anext(stream)
    assert (bridge.health.socket, bridge.health.broker) == (LinkState.DOWN, LinkState.UNKNOWN)
    assert incidents == [
        ("connection", "connection to the gateway lost: the gateway closed the connection"),
    ]
    with pytest.raises(NotConnected):
        await bridge.cancel_order(1)
    with pytest.raises(NotConnected):
        bridge.stream_quotes(AAPL)
    await until(lambda: our_threads() == [])


async def test_a_reader_thread_that_dies_is_noticed(
    bridge: IBKRBridge,
    gateway: Gateway,
    incidents: Incidents,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What no guard foresaw ends the thread, and never silently."""

    def out_of_memory(*_: object) -> None:
        raise MemoryError

    asking = asyncio.create_task(bridge.fetch_positions())
    await gateway.request()
    monkeypatch.setattr(bridge._session.thread.client.decoder, "interpret", out_of_memory)
    gateway.send(62, 1)
    with pytest.raises(NotConnected, match="the reader thread died"):
        await asking
    assert bridge.health.socket is LinkState.DOWN
    assert [kind for kind, _ in incidents] == ["connection"]
    assert "the ibapi thread died" in caplog.text


async def test_a_message_that_cannot_be_decoded_costs_only_itself(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """The official message loop would end at the first of these; here each is an incident and the next one is read."""
    gateway.raw(b"\0\0\0\x07garbage")
    gateway.send(3, "not a number", "Filled", 1, 0, 1.0, 1, 0, 1.0, 1, "", 0)
    gateway.send(9, 1)
    gateway.send(11, -1, 1)
    gateway.send(17, 1, 2, "20260402")
    asking = asyncio.create_task(bridge.fetch_current_time())
    await gateway.request()
    gateway.send(49, 1, 1775425766)
    await asking
    assert [kind for kind, _ in incidents] == ["unreadable"] * 5
    words = [text for _, text in incidents]
    assert [text.partition(":")[0] for text in words] == ["frame", "message 3", "message 9", "message 11", "message 17"]
    assert "1 fields, expected 2" in words[2]


async def test_a_callback_that_cannot_convert_costs_only_its_value(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """An execution with an impossible side is reported with all its fields, and the next one arrives."""
    stream = bridge.stream_order_events()
    fields = (
        "11|-1|1|265598|AAPL|STK||0.0|||IEX|USD|AAPL|NMS|{exec}|{time}|DU1|IEX|{side}|1|257.95|3|1|0|1|257.95|||||2|0|"
    )
    good = {"exec": "a.01", "time": "20260413 15:27:04 US/Eastern", "side": "BOT"}
    for changed in ({"side": "HELD"}, {}):
        gateway.send(*fields.format(**(good | changed)).split("|"))
    assert (await anext(stream)).exec_id == "a.01"  # type: ignore[union-attr]
    assert [text.partition(":")[0] for _, text in incidents] == ["execDetails"]
    assert "HELD" in incidents[0][1]


async def test_a_listener_that_fails_does_not_stop_the_dispatcher(gateway: Gateway) -> None:
    """Whoever is told of incidents may fail; the bridge goes on."""

    def fail(kind: str, text: str) -> None:
        raise RuntimeError("listener")

    async with IBKRBridge(port=gateway.port, on_incident=fail) as bridge:
        gateway.send(4, -1, 2110, "Connectivity between TWS and server is broken", "", 1)
        await until(lambda: bridge.health.broker is LinkState.DOWN)


async def test_settled_waits_for_requests_values_and_readers(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Lock-step goes on only when no answer is due, nothing is undelivered and every reader waits."""
    await bridge.settled()
    asking = asyncio.create_task(bridge.fetch_current_time())
    await gateway.request()
    settling = asyncio.create_task(bridge.settled())
    await asyncio.sleep(0.01)
    assert (settling.done(), bridge.idle, bridge.pending) == (False, False, 1)
    gateway.send(49, 1, 1775425766)
    await asking
    await settling
    assert (bridge.idle, bridge.pending) == (True, 0)

    stream = bridge.stream_order_events()
    assert not bridge.idle
    handled = []
    gate = asyncio.Event()

    async def read() -> None:
        async for event in stream:
            await gate.wait()
            handled.append(event)

    reader = asyncio.create_task(read())
    await bridge.settled()
    before_ns = bridge.last_received_ns
    gateway.send(59, 1, "exec.01", 1.0, "USD", 0.0, 0.0, "")
    await until(lambda: not bridge.idle)
    assert bridge.last_received_ns > before_ns
    settling = asyncio.create_task(bridge.settled())
    await asyncio.sleep(0.01)
    assert (settling.done(), handled) == (False, [])
    gate.set()
    await settling
    assert len(handled) == 1
    await bridge.disconnect()
    await reader


async def test_time_comes_in_two_precisions(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Seconds by one message, milliseconds (and the lock-step) by the other."""
    asking = asyncio.create_task(bridge.fetch_current_time_millis())
    assert (await gateway.request()) == ["105"]
    gateway.send(109, 1775425766350)
    assert (await asking).microsecond == 350_000
