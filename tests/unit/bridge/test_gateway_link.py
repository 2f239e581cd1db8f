"""One connection, whoever asks for it: overlapping connects, a client id in use, and bridges that nobody holds."""

import asyncio
import contextlib
import gc
import os
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge, gateway_link
from momentum_kit.bridge.session import GatewaySession
from momentum_kit.errors import ClientIdInUse, ConnectionFailed, NotConnected
from momentum_kit.models import Contract, LinkState
from tests.helpers.shifted_wall import ShiftedWall

AAPL = Contract("AAPL", 265598)
CYCLES = int(os.environ.get("CYCLES", "50"))  # 1,000 by hand
Gateway = Any  # the ScriptedGateway of conftest.py
Threads = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def nothing_left(our_threads: Threads) -> Iterator[None]:
    """No thread of ours outlives a test; what was there before it is not looked through, and not counted."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that has no event."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def sessions() -> int:
    """How many connected runs are kept by anybody."""
    gc.collect()
    return sum(isinstance(each, GatewaySession) for each in gc.get_objects())


def open_files() -> int:
    """Descriptors of this process, sockets among them."""
    folder = Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd")
    return len(list(folder.iterdir()))


async def test_overlapping_connects_are_one(gateway: Gateway) -> None:
    """Three callers, one connection, and nobody returns before it is ready."""
    bridge = IBKRBridge(port=gateway.port)
    await asyncio.gather(*(bridge.connect() for _ in range(3)))
    assert gateway.connections == 1
    assert bridge.accounts == ("DU9000001",)
    await asyncio.gather(bridge.disconnect(), bridge.disconnect())
    assert bridge.health.socket is LinkState.DOWN


async def test_a_caller_that_gives_up_takes_nothing_from_the_other(gateway: Gateway) -> None:
    """The one that waits behind a cancelled attempt connects itself."""
    greeted, over = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        if gateway.connections == 1:
            greeted.set()
            await over.wait()
        else:
            await gateway.introduce()

    gateway.greet = slow
    bridge = IBKRBridge(port=gateway.port)
    first, second = asyncio.create_task(bridge.connect()), asyncio.create_task(bridge.connect())
    await greeted.wait()
    first.cancel()
    await second
    assert bridge.health.socket is LinkState.UP
    over.set()
    await bridge.disconnect()


async def test_a_disconnect_ends_the_attempt_to_connect(gateway: Gateway) -> None:
    """It is not connected afterwards, and whoever waited hears of it."""
    silent, over = asyncio.Event(), asyncio.Event()

    async def mute() -> None:
        silent.set()
        await over.wait()

    gateway.greet = mute
    bridge = IBKRBridge(port=gateway.port)
    connecting = asyncio.create_task(bridge.connect())
    await silent.wait()
    await bridge.disconnect()
    with pytest.raises(ConnectionFailed, match="disconnected"):
        await connecting
    assert bridge.health.socket is LinkState.DOWN
    over.set()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client id in use is asked for again at once."""
    monkeypatch.setattr(gateway_link, "CLIENT_ID_RETRY_S", 0.01)


def taken(gateway: Gateway, times: float) -> None:
    """The gateway refuses the client id so many times."""

    async def greet() -> None:
        if gateway.connections <= times:
            gateway.error(-1, 326, "Unable to connect as the client id is already in use.")
            gateway.hang_up()
        else:
            await gateway.introduce()

    gateway.greet = greet


@pytest.mark.usefixtures("soon")
async def test_a_client_id_that_the_gateway_has_not_given_up_yet_is_asked_for_again(
    gateway: Gateway, incidents: list[tuple[str, str]]
) -> None:
    """326 after a line that broke: told once, with what it waits for; then the connection is there."""
    taken(gateway, 3)
    async with IBKRBridge(port=gateway.port, on_incident=lambda kind, text: incidents.append((kind, text))) as bridge:
        assert (gateway.connections, bridge.accounts) == (4, ("DU9000001",))
    ((kind, text),) = incidents
    assert kind == "connection"
    assert text.startswith("client id 17 is in use at 127.0.0.1")
    assert text.endswith("; asking again for 15 s")


@pytest.mark.usefixtures("soon")
async def test_a_client_id_that_stays_in_use_is_given_up_with_words(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line: which id, where, and what to do; nothing is left."""
    taken(gateway, float("inf"))
    monkeypatch.setattr(gateway_link, "monotonic", lambda: float(gateway.connections))  # an attempt takes a second
    bridge = IBKRBridge(port=gateway.port, client_id_patience_s=2.5)
    with pytest.raises(
        ClientIdInUse, match=r"client id 17 is in use at 127\.0\.0\.1:\d+; .*broker\.client_id"
    ) as error:
        await bridge.connect()
    assert "\n" not in str(error.value)
    assert gateway.connections == 3
    assert bridge.health.socket is LinkState.DOWN


async def test_a_disconnect_ends_the_wait_for_a_client_id(
    wall: ShiftedWall, gateway: Gateway, incidents: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is connected behind the back of whoever disconnected."""
    monkeypatch.setattr(gateway_link, "CLIENT_ID_RETRY_S", 60.0)
    taken(gateway, 1)
    bridge = IBKRBridge(
        port=gateway.port, client_id_patience_s=90.0, on_incident=lambda kind, text: incidents.append((kind, text))
    )
    connecting = asyncio.create_task(bridge.connect())
    await until(lambda: incidents)
    await bridge.disconnect()
    await wall.pass_time(60)
    with pytest.raises(ConnectionFailed, match="disconnected while it was being connected to"):
        await connecting
    assert gateway.connections == 1


async def test_many_cycles_leave_nothing(gateway: Gateway, our_threads: Threads) -> None:
    """Threads, sockets, tasks and sessions are as before, however a cycle ended: by us, by the gateway, half way."""

    async def cycle(number: int) -> None:
        bridge = IBKRBridge(port=gateway.port, client_id=number)
        await bridge.connect()
        stream = bridge.stream_quotes(AAPL)
        asking = asyncio.create_task(bridge.fetch_positions())
        while (request := await gateway.request())[0] != "61":
            if request[0] == "1":
                gateway.send(1, 6, request[2], 1, 10.4, 100, 0)
        if number % 3 == 0:
            gateway.hang_up()
        elif number % 3 == 1:
            gateway.send(62, 1)
            await asking
            assert (await anext(stream)).bid == 10.4
        await bridge.disconnect()
        with pytest.raises(NotConnected) if number % 3 != 1 else contextlib.nullcontext():
            await asking

    await cycle(1)
    await until(lambda: sessions() == 0)
    before = (len(asyncio.all_tasks()), open_files())
    for number in range(CYCLES):
        await cycle(number)
    await until(lambda: sessions() == 0 and len(asyncio.all_tasks()) <= before[0] and open_files() <= before[1])
    assert our_threads() == []


async def test_a_forgotten_bridge_gives_its_thread_and_client_id_back(gateway: Gateway, our_threads: Threads) -> None:
    """Whoever lost it need not know: the gateway sees the connection end."""
    bridge = IBKRBridge(port=gateway.port, on_incident=lambda *_: None)
    await bridge.connect()
    _ = bridge.health, bridge.next_order_id()
    assert our_threads()
    kept = weakref.ref(bridge)
    del bridge
    gc.collect()
    assert kept() is None
    await asyncio.wait_for(gateway.closed.wait(), 60)
    await until(lambda: our_threads() == [] and sessions() == 0)


async def test_a_bridge_is_not_forgotten_while_a_stream_of_it_is_read(gateway: Gateway, our_threads: Threads) -> None:
    """A reader is somebody; with the last one the connection goes."""
    bridge = IBKRBridge(port=gateway.port)
    await bridge.connect()
    quotes = bridge.stream_quotes(AAPL)
    del bridge
    gc.collect()
    gateway.send(1, 6, (await gateway.request())[2], 1, 10.4, 100, 0)
    assert (await anext(quotes)).bid == 10.4
    del quotes
    gc.collect()
    await asyncio.wait_for(gateway.closed.wait(), 60)
    await until(lambda: our_threads() == [])


async def test_a_bridge_whose_loop_is_closed_gives_its_thread_and_client_id_back(
    gateway: Gateway, our_threads: Threads
) -> None:
    """A script that ended without disconnect(); the bridge that it left behind is offline and connects anew."""
    left: list[IBKRBridge] = []

    async def script() -> None:
        left.append(IBKRBridge(port=gateway.port))
        await left[0].connect()

    await asyncio.to_thread(lambda: asyncio.run(script()))
    assert left[0].health.socket is LinkState.DOWN
    await asyncio.wait_for(gateway.closed.wait(), 60)
    await until(lambda: our_threads() == [])
    await left[0].connect()
    assert left[0].accounts == ("DU9000001",)
    await left[0].disconnect()
