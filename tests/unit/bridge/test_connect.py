"""Coming up: every way a connection can fail has one clear line, and leaves nothing behind."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import ConnectionFailed, NotConnected
from momentum_kit.models.contracts import Contract
from momentum_kit.models.session import LinkState
from tests.helpers.shifted_wall import ShiftedWall

Gateway = Any  # the ScriptedGateway of conftest.py
pytestmark = pytest.mark.usefixtures("our_threads")


@contextlib.asynccontextmanager
async def refused(bridge: IBKRBridge, words: str) -> AsyncIterator[None]:
    """The body ends in ConnectionFailed with these words, in one line, and the bridge is as before."""
    with pytest.raises(ConnectionFailed, match=words) as caught:
        yield
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2
    assert bridge.health.socket is LinkState.DOWN
    with pytest.raises(NotConnected):
        _ = bridge.accounts
    await bridge.disconnect()


async def test_ready_means_accounts_and_order_id(gateway: Gateway) -> None:
    """connect() returns when both are known, whatever their order."""
    told = asyncio.Event()

    async def greet() -> None:
        gateway.send(9, 1, 77)
        await gateway.flush()
        told.set()
        await asyncio.sleep(0.05)
        assert not connecting.done()
        gateway.send(15, 1, "DU1,DU2,")

    gateway.greet = greet
    bridge = IBKRBridge(port=gateway.port, client_id=5)
    connecting = asyncio.create_task(bridge.connect())
    await told.wait()
    await connecting
    assert bridge.accounts == ("DU1", "DU2")
    assert (bridge.next_order_id(), bridge.next_order_id()) == (77, 78)
    assert (bridge.health.socket, bridge.health.broker, bridge.health.server_version) == (
        LinkState.UP,
        LinkState.UP,
        200,
    )
    await bridge.connect()
    assert gateway.connections == 1
    await bridge.disconnect()


async def test_the_hello_offers_the_official_clients_versions(gateway: Gateway) -> None:
    """The handshake is the official client's own."""
    from ibapi.server_versions import MAX_CLIENT_VER

    async with IBKRBridge(port=gateway.port):
        assert gateway.hello == f"v100..{MAX_CLIENT_VER}".encode()


async def test_a_refused_port_says_what_to_do() -> None:
    """Nobody listens there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        bridge = IBKRBridge(port=taken.getsockname()[1])
        async with refused(bridge, r"nobody listens at 127\.0\.0\.1:\d+; start IB Gateway"):
            await bridge.connect()


async def test_an_unknown_host_is_named() -> None:
    """A typing error in the address."""
    bridge = IBKRBridge("no-such-host.invalid", 4002)
    async with refused(bridge, r"unknown host no-such-host\.invalid"):
        await bridge.connect()


async def test_a_silent_gateway_is_given_up(gateway: Gateway) -> None:
    """The official client waits for ever; we wait for the time-out."""

    async def silent() -> None:
        await asyncio.sleep(30)

    gateway.reply = silent
    bridge = IBKRBridge(port=gateway.port, connect_timeout_s=0.1)
    async with asyncio.timeout(20), refused(bridge, r"is silent: no handshake within 0\.1 s"):
        await bridge.connect()


async def test_a_gateway_that_names_no_account_is_given_up(wall: ShiftedWall, gateway: Gateway) -> None:
    """A handshake alone is no session."""
    greeted = asyncio.Event()

    async def mute() -> None:
        gateway.send(9, 1, 1)
        greeted.set()

    gateway.greet = mute
    bridge = IBKRBridge(port=gateway.port, connect_timeout_s=60)
    async with refused(bridge, "no account and order id within 60 s"):
        connecting = asyncio.create_task(bridge.connect())
        await greeted.wait()
        await wall.pass_time(62)
        await connecting


@pytest.mark.parametrize("size", [1, 3, 7])
async def test_a_handshake_in_pieces_works(gateway: Gateway, size: int) -> None:
    """The official client hangs when the reply comes in two segments."""

    async def in_pieces() -> None:
        reply = b"\0\0\0\x0e200\0some time\0"
        for start in range(0, len(reply), size):
            gateway.raw(reply[start : start + size])
            await gateway.flush()
            await asyncio.sleep(0.001)

    gateway.reply = in_pieces
    async with IBKRBridge(port=gateway.port) as bridge:
        assert bridge.accounts == ("DU9000001",)


async def test_messages_in_the_packet_of_the_handshake_are_kept(gateway: Gateway) -> None:
    """The official client loses what came together with the reply."""

    async def all_at_once() -> None:
        gateway.raw(b"".join(map(gateway.frame, ((200, "some time"), (15, 1, "DU7"), (9, 1, 4)))))

    async def nothing_more() -> None:
        return

    gateway.reply, gateway.greet = all_at_once, nothing_more
    async with IBKRBridge(port=gateway.port) as bridge:
        assert bridge.accounts == ("DU7",)


async def test_a_gateway_that_hangs_up_is_explained(gateway: Gateway) -> None:
    """An address that is not trusted is disconnected in the handshake."""

    async def hang_up() -> None:
        gateway.hang_up()

    gateway.reply = hang_up
    bridge = IBKRBridge(port=gateway.port)
    async with refused(bridge, "ended the handshake .* trusted"):
        await bridge.connect()


async def test_a_gateway_that_hangs_up_after_the_handshake_is_explained(gateway: Gateway) -> None:
    """Before it was ready."""

    async def hang_up() -> None:
        gateway.hang_up()

    gateway.greet = hang_up
    bridge = IBKRBridge(port=gateway.port)
    async with refused(bridge, "ended the connection before it was ready"):
        await bridge.connect()


@pytest.mark.parametrize(
    ("reply", "words"),
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "not an IB message"), (b"\0\0\0\x06hello\0", "is not an IB gateway")],
)
async def test_something_else_on_the_port_is_recognised(gateway: Gateway, reply: bytes, words: str) -> None:
    """A web server is no gateway."""

    async def other() -> None:
        gateway.raw(reply)

    gateway.reply = other
    bridge = IBKRBridge(port=gateway.port, connect_timeout_s=60)
    async with refused(bridge, words):
        await bridge.connect()


async def test_a_gateway_from_before_share_sizes_is_refused(gateway: Gateway) -> None:
    """Sizes in lots would be read as shares."""
    gateway.version = 150
    bridge = IBKRBridge(port=gateway.port)
    async with refused(bridge, "too old: server version 150"):
        await bridge.connect()


async def test_an_order_id_beyond_ours_is_refused(gateway: Gateway) -> None:
    """Then an error's id would no longer say what it is about."""

    async def far() -> None:
        gateway.send(15, 1, "DU1")
        gateway.send(9, 1, 2_000_000_000)

    gateway.greet = far
    bridge = IBKRBridge(port=gateway.port)
    async with refused(bridge, "reset the API order id sequence"):
        await bridge.connect()


async def test_a_cancelled_connect_leaves_nothing(gateway: Gateway) -> None:
    """Ctrl-C while connecting."""

    async def silent() -> None:
        await asyncio.sleep(30)

    gateway.reply = silent
    bridge = IBKRBridge(port=gateway.port)
    connecting = asyncio.create_task(bridge.connect())
    while not gateway.hello:  # noqa: ASYNC110  what is waited for has no event
        await asyncio.sleep(0.001)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert bridge.health.socket is LinkState.DOWN


async def test_a_bridge_connects_again(gateway: Gateway) -> None:
    """Each connection is a new client; our order ids never go back."""
    bridge = IBKRBridge(port=gateway.port)
    await bridge.connect()
    assert bridge.next_order_id() == 1
    await bridge.disconnect()
    await bridge.connect()
    assert bridge.next_order_id() == 2
    await bridge.disconnect()
    assert gateway.connections == 2


async def test_offline_says_so() -> None:
    """Nothing is sent into nowhere."""
    bridge = IBKRBridge(port=1)
    assert bridge.health.socket is LinkState.DOWN
    with pytest.raises(NotConnected, match="not connected to 127"):
        await bridge.fetch_positions()
    with pytest.raises(NotConnected):
        bridge.stream_quotes(Contract("AAPL"))
    with pytest.raises(NotConnected):
        bridge.next_order_id()
    await bridge.disconnect()


async def test_the_official_client_logs_nothing_by_itself(gateway: Gateway) -> None:
    """At INFO it would format every message."""
    async with IBKRBridge(port=gateway.port):
        assert not logging.getLogger("ibapi.client").isEnabledFor(logging.ERROR)
