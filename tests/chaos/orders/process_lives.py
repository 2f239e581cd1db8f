"""A world whose engine lives in a process of its own: the whole of it, from headline to journal, ended by SIGKILL.

The simulated gateway is served by this process, and waits in lock-step: whenever the engine asks for its next step, all
that it had to do is done, and the truth is looked at, faults are played and people command before the market moves.
An engine dies where a fuse in it burns (mortal_engine.py), or between two steps; the next one is started on what it
has left: gateway, intents file, latches, journals. Deeds and truth are those of the lives in one process.
"""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from multiprocessing.context import ForkServerContext
from pathlib import Path

from momentum_kit.errors import EngineError, GuardRefused, StorageError
from momentum_kit.runtime.control import ControlClient
from momentum_kit.services.execution import is_ours
from momentum_kit.simgateway.client import ClientSession
from momentum_kit.simgateway.embedding import Market, OrderIdsAnew
from momentum_kit.simgateway.scenario import DropSocket
from momentum_kit.simgateway.server import SimulatedGateway
from tests.chaos.orders.engine_process import EngineProcess
from tests.chaos.orders.lives import MOST_LIVES, Outcome
from tests.chaos.orders.mortal_engine import DISK_S, Fuse
from tests.chaos.orders.news_path import NewsPath, scenario_of
from tests.chaos.orders.trouble import Trouble
from tests.chaos.orders.truth import Ending, Watch
from tests.chaos.orders.worlds import DEATHS, Command, Death, Deed, Signal, World
from tests.chaos.orders.written import Written

PATIENCE_S = 60.0  # wall seconds without a step
STALL_S = 600.0  # wall seconds: longer than any command takes


class ProcessLives:
    """One world, from its first start to its end."""

    def __init__(self, world: World, gateway: SimulatedGateway, folder: Path, context: ForkServerContext) -> None:
        self.world = world
        self.gateway = gateway
        self.watch = Watch(gateway, world)
        self.trouble = Trouble(world, gateway, self.watch)
        self.lives = 0
        self._wake = asyncio.Event()
        self._engine = EngineProcess(folder, gateway.port, world.settings, context, self._wake.set)
        self.written = Written(self._engine.intents, self._engine.runs, self.watch)
        deaths = [deed for deed in world.deeds if isinstance(deed, Death) and deed.doing in DEATHS]
        self._fuses = dict(enumerate(deaths))
        self._items: dict[str, str] = {}
        self._killed: Death | None = None  # between two steps
        self._stepping: ClientSession | None = None
        self._moved_at = 0.0
        self._calm_until: int | None = None
        self._commands: list[str] = []
        self._over = False
        self._go_on = gateway.hub.step
        gateway.hub.step = self._step  # type: ignore[method-assign]

    async def live(self) -> None:
        """Life after life, until calm has passed."""
        death: Death | None = Death(second=0, doing="now")
        while death is not None and self.lives < MOST_LIVES:
            self.lives += 1
            if death.ids_anew:
                self.gateway.inject(OrderIdsAnew())
            self.watch.tell(f"life {self.lives} begins")
            try:
                death = await self._one_life()
            finally:
                await self._bury()
            self.trouble.pass_time(death.down_s if death else 0, self._items)

    # -- one life ----------------------------------------------------------------------------------------------------

    async def _one_life(self) -> Death | None:
        """Until a death, which is returned; None once calm has passed, or the engine ended unasked."""
        self._killed, self._stepping, self._moved_at = None, None, asyncio.get_running_loop().time()
        client = await self._engine.begin(self.lives, self._hung())
        if client is not None:
            with suppress(EngineError, GuardRefused):  # it may die of this, or be on its way out already
                await asyncio.to_thread(client.start)
            await self._follow(client)
            if self._over and self._engine.lives:
                await self._judge(client)
                return None
        if self._engine.lives:
            self.watch.found("the engine stands still", 0, f"for {PATIENCE_S:g} s")
            return None
        if not self._engine.killed:
            self.watch.found("the services ended", 0, self._engine.last_words)
            return None
        return self._killed or self._burnt()

    async def _follow(self, client: ControlClient) -> None:
        """Until it has ended, stands still, or all is over: command what people command while the market stands."""
        while self._engine.lives and not self._over:
            self._wake.clear()
            if self._commands:
                await asyncio.to_thread(self._obey, client)
                self._let_go_on()
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), PATIENCE_S / 10)
            if asyncio.get_running_loop().time() - self._moved_at > PATIENCE_S:
                return

    def _hung(self) -> tuple[Fuse, ...]:
        """The deaths that no life has died yet."""
        began, until = self.watch.began, self.watch.began + timedelta(seconds=self.world.seconds)
        return tuple(
            Fuse(
                name=number, doing=death.doing, times=death.times, after=death.after,
                at=began + timedelta(seconds=death.second), until=until,
            )
            for number, death in self._fuses.items()
        )  # fmt: skip

    def _burnt(self) -> Death | None:
        number = self._engine.burnt
        if number is None:
            self.watch.found("the services ended", 0, "killed by nobody here")
            return None
        death = self._fuses.pop(number)
        self.watch.tell(f"SIGKILL {'after' if death.after else 'before'} {death.doing} {death.times}")
        return death

    async def _bury(self) -> None:
        """Gone, with all that it had sent received."""
        await self._engine.bury()
        self._let_go_on()
        while self.gateway.connections:  # noqa: ASYNC110  (the gateway has no event for the end of a socket)
            await asyncio.sleep(0.001)
        self._commands.clear()

    # -- between two steps -------------------------------------------------------------------------------------------

    def _step(self, session: ClientSession) -> datetime:
        """The engine asks for its next step: all that the last one brought is done."""
        self._moved_at = asyncio.get_running_loop().time()
        if self._killed is not None or self._over:
            return self.gateway.hub.clock_time
        connected, self._stepping = session is self._stepping, session
        self._learn_items()
        self.watch.look(connected=connected, items=self._items)
        for deed in self.trouble.due():
            self._do(deed)
            if self._killed is not None or self._stepping is None:
                return self.gateway.hub.clock_time
        self._see_whether_it_is_over()
        if self._commands or self._over:
            assert session.socket is not None
            session.socket.stall(STALL_S)
            self._wake.set()
        return self.gateway.hub.clock_time if self._over else self._go_on(session)

    def _do(self, deed: Deed) -> None:
        match deed:
            case Signal():
                self._commands.append("resume")  # a person lets it trade again, whatever stopped it
            case Command():
                told = {"cancel entries": ("pause", "resume"), "flatten": ("flatten",)}
                self._commands += told.get(deed.what, (f"close {self.watch._symbol(deed.con_id)}",))
            case Death() if deed.doing == "now":
                self.watch.tell("SIGKILL between two steps")
                self._killed = deed
                self._engine.kill()
            case Death() if deed.doing == "line":
                self.watch.tell("the line breaks")
                self.gateway.inject(DropSocket())
                for connection in list(self.gateway.connections):
                    connection.abort()
                self._stepping = None
                self.trouble.pass_time(deed.down_s, self._items)

    def _see_whether_it_is_over(self) -> None:
        now = self.watch.second
        if now < self.world.seconds:
            return
        if self._calm_until is None:
            self.trouble.end()
            self._calm_until = now + self.world.calm_s
        if self.watch.excused:
            self._calm_until = now + self.world.calm_s
        if self.world.flatten_at_end and self._calm_until == now + self.world.calm_s - 5:
            self._commands.append("flatten")
        self._over = now >= self._calm_until

    def _learn_items(self) -> None:
        book = self.gateway.hub.broker._book
        entries = {ticket.order.order_ref for ticket in book if ticket.order.action == "BUY"}
        if any(is_ours(reference) and reference not in self._items for reference in entries):
            with suppress(StorageError):  # being made
                self._items |= self.written.items()

    def _obey(self, client: ControlClient) -> None:
        """On a thread, while the market stands."""
        while self._commands:
            name, _, symbol = self._commands.pop(0).partition(" ")
            try:
                words = client.command(name, "a person", symbol=symbol)
            except (EngineError, GuardRefused) as error:
                words = str(error)
            self.watch.tell(f"{name} {symbol}: {words}")

    def _let_go_on(self) -> None:
        for connection in self.gateway.connections:
            connection._unread_until_s = connection._unwritten_until_s = 0.0
            connection._wake()

    # -- the end -----------------------------------------------------------------------------------------------------

    async def _judge(self, client: ControlClient) -> None:
        status = await asyncio.to_thread(client.status)
        held = {view.con_id: Decimal(str(view.quantity)) for view in status.positions}
        deadline = self._moved_at + DISK_S
        # the market runs a hundred times as fast here as the disk was made for, which has no event for its end
        while asyncio.get_running_loop().time() < deadline and not self.written.all_there:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await self._bury()
        ending = Ending(
            ledger=lambda con_id: held.get(con_id, Decimal(0)),
            unresolved=self.written.unresolved(),
            critical=[*(row["text"] for row in self.written.rows("incidents")), *status.incidents],
            executions=self.written.journaled,
        )
        self.watch.judge(ending)
        self.written.compare()


async def play(world: World, folder: Path, context: ForkServerContext) -> Outcome:
    """One world to its end."""
    scenario = scenario_of(world)
    market = Market(scenario, NewsPath(scenario, world))
    async with SimulatedGateway(market, lock_step_s=1.0, assumptions=world.assumptions) as gateway:
        lives = ProcessLives(world, gateway, folder, context)
        await lives.live()
        executions = [r for r in gateway.hub.broker._state.executions if is_ours(r.order.order_ref)]
        return Outcome(
            world=world,
            violations=lives.watch.violations,
            story=lives.written.story() if lives.watch.violations else [],
            lives=lives.lives,
            entries=len({r.order.order_ref for r in executions if r.side == "BOT"}),
            fills=len(executions),
            faults=len(gateway.hub.faults.log),
        )
