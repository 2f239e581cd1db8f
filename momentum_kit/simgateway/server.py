"""The simulated gateway on a port: sockets and the wall clock around a Hub; what users and tests start."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from momentum_kit.simgateway.broker import open_exchange
from momentum_kit.simgateway.client_session import ClientSession
from momentum_kit.simgateway.hub import Hub
from momentum_kit.simgateway.market import Market, open_market
from momentum_kit.simgateway.scenario import Scenario, load_scenario

log = logging.getLogger(__name__)
TICK_S = 0.05  # how often a free-running market is brought up to the wall clock
MAX_UNREAD_BYTES = 16_000_000  # a client that lets this much pile up is dropped
HIGHEST_TEXT_VERSION, HIGHEST_VERSION = 200, 226  # protobuf step by step in between


class _Connection(asyncio.Protocol):
    """One socket: carries bytes between a ClientSession and its client."""

    def __init__(self, gateway: "SimulatedGateway") -> None:
        self._gateway = gateway
        self._transport: asyncio.Transport | None = None
        self.session = ClientSession(gateway.hub)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._gateway.connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._gateway.catch_up()
        self.session.receive(data)
        self._gateway.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            log.info("client %s is gone: %s", self.session.client_id, exc)
        self._gateway.connections.discard(self)
        self._gateway.hub.leave(self.session)
        self._transport = None

    def flush(self) -> None:
        """Write what the session has to say; drop the client if it does not read."""
        if self._transport is None or self._transport.is_closing():
            return
        output = self.session.take_output()
        if output:
            self._transport.write(output)
        if self._transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            log.warning(
                "client %s does not read: %s bytes wait, it is dropped", self.session.client_id, MAX_UNREAD_BYTES
            )
            self._transport.abort()
        elif self.session.closing:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()


def _report_end(clock: asyncio.Task[None]) -> None:
    if not clock.cancelled() and (problem := clock.exception()):
        log.error("the simulated market stands still: %r", problem, exc_info=problem)


class SimulatedGateway:
    """Serves one scenario to any number of IB clients: `async with SimulatedGateway("demo") as gateway: gateway.port`.

    scenario: a Scenario, the name or path of one, or an opened Market. port 0 takes a free one. speed: market seconds
    a wall second. lock_step_s: if given, the market stands still but for reqCurrentTimeInMillis of the first client
    that sends it, which moves it by so many seconds; speed is then of no use. assumptions: answers to the switches of
    assumptions.py by name. Raises ScenarioError, and OSError when the port is taken.
    """

    def __init__(
        self,
        scenario: Scenario | Market | str | Path = "demo",
        port: int = 0,
        server_version: int = HIGHEST_TEXT_VERSION,
        seed: int | None = None,
        speed: float = 1.0,
        lock_step_s: float | None = None,
        host: str = "127.0.0.1",
        assumptions: Mapping[str, Any] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.connections: set[_Connection] = set()
        self._speed = speed
        self._stands_still = lock_step_s is not None
        self._started_s = 0.0
        self._server: asyncio.Server | None = None
        self._clock: asyncio.Task[None] | None = None
        if not isinstance(scenario, Market):
            known = scenario if isinstance(scenario, Scenario) else load_scenario(scenario, seed)
            scenario = open_market(known)
        self.hub = Hub(
            scenario,
            open_exchange(scenario, assumptions),
            version_cap=min(server_version, HIGHEST_VERSION),
            lock_step=None if lock_step_s is None else timedelta(seconds=lock_step_s),
        )
        self._origin = self.hub.now

    async def __aenter__(self) -> "SimulatedGateway":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._started_s = loop.time()
        if not self._stands_still:
            self._clock = asyncio.create_task(self._run(), name="simulated market")
            self._clock.add_done_callback(_report_end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._clock is not None:
            self._clock.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._clock
        if self._server is not None:
            self._server.close()
            for connection in list(self.connections):
                connection.abort()
            await self._server.wait_closed()
            await asyncio.sleep(0)  # aborted transports report their end in the next turn of the loop

    def truth(self) -> dict[str, Any]:
        """What the gateway itself knows, for comparison: orders, fills, positions, cash, and what was planted."""
        return {**self.hub.exchange.truth(), **self.hub.market.truth()}

    def catch_up(self) -> None:
        """Bring a free-running market up to the wall clock; one in lock-step stands still."""
        if self._stands_still:
            return
        elapsed_s = asyncio.get_running_loop().time() - self._started_s
        self.hub.advance(self._origin + timedelta(seconds=elapsed_s * self._speed))

    def flush(self) -> None:
        """Write what every session has to say."""
        for connection in list(self.connections):
            connection.flush()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.catch_up()
            self.flush()
