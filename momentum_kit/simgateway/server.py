"""The simulated gateway on a port: sockets and the wall clock around a Hub; what users and tests start."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from momentum_kit.simgateway.broker import open_broker
from momentum_kit.simgateway.client import Limits
from momentum_kit.simgateway.connection import Connection
from momentum_kit.simgateway.hub import Hub
from momentum_kit.simgateway.market import Market, open_market
from momentum_kit.simgateway.scenario import Fault, Scenario, load_scenario

log = logging.getLogger(__name__)
TICK_S = 0.005  # how often a free-running market is brought up to the wall clock
SLICE_S = 0.0002  # a burst is told in slices, and requests are served between them: no order waits for a burst's end
HIGHEST_TEXT_VERSION, HIGHEST_VERSION = 200, 226  # protobuf step by step in between


def _report_end(clock: asyncio.Task[None]) -> None:
    if not clock.cancelled() and (problem := clock.exception()):
        log.error("the simulated market stands still: %r", problem, exc_info=problem)


class SimulatedGateway:
    """Serves one scenario to any number of IB clients: `async with SimulatedGateway("demo") as gateway: gateway.port`.

    scenario: a Scenario, the name or path of one, or an opened Market. port 0 takes a free one. speed: market seconds
    a wall second. lock_step_s: if given, the market stands still but for reqCurrentTimeInMillis of the first client
    that sends it, which moves it by so many seconds; speed is then of no use. assumptions: answers to the switches of
    assumptions.py by name. faults: played besides the scenario's own. before: the gateway of an earlier day of the same
    companies, ended by now, whose account goes on here. Raises ScenarioError, and OSError when the port
    is taken.
    """

    def __init__(
        self,
        scenario: Scenario | Market | str | Path = "demo",
        *,
        port: int = 0,
        server_version: int = HIGHEST_TEXT_VERSION,
        seed: int | None = None,
        speed: float = 1.0,
        lock_step_s: float | None = None,
        host: str = "127.0.0.1",
        assumptions: Mapping[str, Any] | None = None,
        faults: Iterable[Fault] = (),
        before: "SimulatedGateway | None" = None,
    ) -> None:
        self.host = host
        self.port = port
        self.connections: set[Connection] = set()
        self._speed = speed
        self._stands_still = lock_step_s is not None
        self._started_s = 0.0
        self._server: asyncio.Server | None = None
        self._clock: asyncio.Task[None] | None = None
        self._burst: Iterator[None] | None = None  # what of the market's last step has not been told yet
        self.comeback: asyncio.Task[None] | None = None
        if not isinstance(scenario, Market):
            known = scenario if isinstance(scenario, Scenario) else load_scenario(scenario, seed)
            scenario = open_market(known)
        self.hub: Hub = Hub(
            scenario,
            open_broker(scenario, assumptions, before.hub.broker if before else None),
            version_cap=min(server_version, HIGHEST_VERSION),
            lock_step=None if lock_step_s is None else timedelta(seconds=lock_step_s),
            limits=Limits(scenario.scenario.limits, real_time=lock_step_s is None and speed == 1),
            faults=faults,
        )
        self.hub.faults.effects.process = self
        self._origin = self.hub.now

    async def __aenter__(self) -> "SimulatedGateway":
        await self._listen()
        self._started_s = asyncio.get_running_loop().time()
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
        if self.comeback is not None:
            self.comeback.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.comeback
        if self._server is not None:
            self._shut(self._server)
            await asyncio.sleep(0)
            for connection in list(self.connections):
                connection.abort()
            await self._server.wait_closed()
            await asyncio.sleep(0)  # aborted transports report their end in the next turn of the loop

    def truth(self) -> dict[str, Any]:
        """What the gateway itself knows, for comparison: orders, fills, positions, cash, what was planted, faults."""
        return {**self.hub.broker.truth(), **self.hub.market.truth(), "faults": list(self.hub.faults.log)}

    def inject(self, fault: Fault) -> None:
        """Play a fault now, or when its own trigger says; call it on the gateway's loop."""
        self.hub.faults.add(fault)
        self.flush()

    def go_down(self, down_wall_s: float | None) -> None:
        """End every connection and refuse new ones, for so many seconds or until `come_back`."""
        if self._server is None or not self._server.is_serving():
            return
        self._shut(self._server)
        for connection in list(self.connections):
            connection.drop("fin")
        if down_wall_s is not None:
            self.comeback = asyncio.get_running_loop().create_task(self._return_in(down_wall_s))

    async def come_back(self) -> None:
        """Listen again after an outage, on the same port: somebody has logged in."""
        if self._server is None or not self._server.is_serving():
            await self._listen()

    def catch_up(self) -> None:
        """Bring a free-running market up to the wall clock, for a slice of time at most."""
        if not self._stands_still and self._burst is None:
            self._go_on()

    def flush(self) -> None:
        """Write what every session has to say."""
        for connection in list(self.connections):
            connection.flush()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _shut(self, server: asyncio.Server) -> None:
        """Accept nobody from now on; the loop's next turn closes the socket.

        What has just been accepted is let in before: asyncio leaves its socket open where its server has closed since.
        """
        loop = asyncio.get_running_loop()
        for each in server.sockets:
            loop.remove_reader(each.fileno())
        loop.call_soon(server.close)

    async def _return_in(self, wall_s: float) -> None:
        await asyncio.sleep(wall_s)
        await self.come_back()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(0 if self._burst else TICK_S)
            await asyncio.sleep(0)  # what arrived meanwhile is answered first
            self._go_on()
            self.flush()

    def _go_on(self) -> None:
        now_s = asyncio.get_running_loop().time
        began_s = now_s()
        if self._burst is None:
            elapsed_s = began_s - self._started_s
            self._burst = self.hub.advancing(self._origin + timedelta(seconds=elapsed_s * self._speed))
        for _ in self._burst:
            if now_s() - began_s > SLICE_S:
                return
        self._burst = None
