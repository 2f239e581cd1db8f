"""The order services in a world: life after life on one gateway, until the trouble is over and calm has passed.

Everything runs in one process, in lock-step: the real services on the real bridge, against the simulated gateway. A
death ends the services right before or right after the n-th thing that they do, so that nothing of theirs gets out
after it; the next life finds the gateway and the intents file as they were left.
"""

import asyncio
import contextlib
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import BrokerError, NotConnected, RequestTimeout
from momentum_kit.models import Intent, IntentKind
from momentum_kit.runtime.clock import SteppedClock
from momentum_kit.services.execution import is_ours
from momentum_kit.simgateway.embedding import Market, OrderIdsAnew, Scenario
from momentum_kit.simgateway.scenario import BrokerSpec, DropSocket
from momentum_kit.simgateway.server import SimulatedGateway
from momentum_kit.storage.journal import SqliteIntents
from tests.chaos.orders.trouble import Trouble
from tests.chaos.orders.truth import Ending, Watch
from tests.chaos.orders.worlds import Command, Death, Deed, Signal, World
from tests.helpers.journal_rows import Rows
from tests.helpers.trading_floor import Floor, PathSource, bridge_to

MOST_LIVES = 12


class Killed(BaseException):
    """The process is gone; no handler of the services may see it."""


class Fate:
    """Counts what the services do, and ends them where that was decided."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self.dead = False
        self._note = note
        self._deaths: list[tuple[Death, Counter[bool]]] = []

    def decide(self, death: Death) -> None:
        """It comes with the n-th doing of its kind from now on."""
        self._deaths.append((death, Counter()))

    def spare(self) -> None:
        """Whatever was decided, they live."""
        self._deaths.clear()

    @property
    def decided(self) -> tuple[Death, ...]:
        """What has been decided and not spared."""
        return tuple(death for death, _ in self._deaths)

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Around everything that leaves a trace outside of the services."""
        self._note(what)
        self._pass(what, after=False)
        yield
        self._pass(what, after=True)

    def _pass(self, what: str, *, after: bool) -> None:
        for death, seen in self._deaths:
            if death.doing == what:
                seen[after] += 1
                self.dead = self.dead or (death.after is after and seen[after] == death.times)
        if self.dead:
            raise Killed


class MortalBroker:
    """The bridge, as services that may die use it."""

    def __init__(self, bridge: IBKRBridge, fate: Fate) -> None:
        self._bridge = bridge
        self._fate = fate
        self._placed: set[int] = set()

    async def place_order(self, contract: Any, order: Any) -> Any:
        """A place, or a modify where the id is known."""
        known = order.order_id in self._placed
        with self._fate.doing("modify" if known else "place"):
            self._placed.add(order.order_id)
            return await self._bridge.place_order(contract, order)

    async def cancel_order(self, order_id: int) -> None:
        """A cancel."""
        with self._fate.doing("cancel"):
            await self._bridge.cancel_order(order_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bridge, name)


class MortalIntents:
    """The intents file, as services that may die use it."""

    def __init__(self, intents: SqliteIntents, fate: Fate) -> None:
        self._intents = intents
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._intents, name)
        if name not in ("record", "mark", "note_execution"):
            return method

        def done(*args: Any, **kwargs: Any) -> Any:
            with self._fate.doing(name):
                return method(*args, **kwargs)

        return done


class MortalJournal(Rows):
    """The journal of one life."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    def write(self, row: Any) -> None:
        """Keep it."""
        with self._fate.doing("write"):
            super().write(row)


@dataclass
class Outcome:
    """What became of a world. doings: all that left a trace outside of the services, with its second."""

    world: World
    violations: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    lives: int = 0
    entries: int = 0
    fills: int = 0
    faults: int = 0
    doings: list[tuple[int, str]] = field(default_factory=list)


class Lives:
    """One world, from its first start to its end."""

    def __init__(self, world: World, gateway: SimulatedGateway, folder: Path) -> None:
        self.world = world
        self.gateway = gateway
        self.watch = Watch(gateway, world)
        self.trouble = Trouble(world, gateway, self.watch)
        self.alerts: list[tuple[str, str]] = []
        self.journaled: set[str] = set()
        self.doings: list[tuple[int, str]] = []
        self.lives = 0
        self._folder = folder
        self._floor: Floor | None = None
        self._fate = self._new_fate()
        self._told = 0
        self._calm_until: int | None = None
        self._items: dict[str, str] = {}

    async def live(self) -> None:
        """Life after life, until calm has passed."""
        death: Death | None = Death(second=0, doing="now")
        while death is not None and self.lives < MOST_LIVES:
            self.lives += 1
            if death.ids_anew:
                self.gateway.inject(OrderIdsAnew())
            try:
                death = await self._one_life()
            except Exception as error:  # noqa: BLE001  (whatever ends the services unasked is a finding)
                where = traceback.extract_tb(error.__traceback__)[-1]
                self.watch.found("the services ended", 0, f"{error!r} at {Path(where.filename).name}:{where.lineno}")
                return
            self.trouble.pass_time(death.down_s if death else 0, self._items)

    def _new_fate(self) -> Fate:
        return Fate(lambda what: self.doings.append((self.watch.second, what)))

    async def _one_life(self) -> Death | None:
        """Until a death, which is returned; None once calm has passed."""
        self._fate = fate = self._new_fate()
        async with AsyncExitStack() as stack:
            clock = SteppedClock()
            bridge = await stack.enter_async_context(bridge_to(self.gateway, clock))
            clock.start(await bridge.fetch_current_time())
            intents = SqliteIntents(self._folder / "intents.db")
            stack.callback(intents.close)
            journal = MortalJournal(fate)
            self._floor = floor = Floor(
                self.gateway, bridge, clock, broker=MortalBroker(bridge, fate), intents=MortalIntents(intents, fate),
                journal=journal, settings=self.world.settings,
            )  # fmt: skip
            self.watch.tell(f"life {self.lives} begins")
            self._told = 0
            try:
                await floor.begin(*(listing.contract for listing in self.world.listings))
                await floor.drive(self._after)
            except Killed:
                death = self._killed()
            except (NotConnected, RequestTimeout):
                death = next((d for d in self.world.deeds if isinstance(d, Death) and d.doing == "line"), None)
                if death is None:
                    raise
                self.watch.tell("the line broke")
            else:
                death = None
                self._judge_the_end(floor, intents)
            finally:
                fate.dead = True
                self._note_alerts(floor, journal)
                for task in floor.tasks:
                    task.cancel()
                await asyncio.gather(*floor.tasks, return_exceptions=True)
                self._floor = None
                if bridge.health.may_enter:  # all that was sent is with the gateway once it answers
                    with contextlib.suppress(BrokerError):  # the line may break with this very question
                        await bridge.fetch_current_time()
        return death

    def _killed(self) -> Death:
        self.watch.tell("the services died")
        return next(iter(self._fate.decided), Death(second=0, doing="now"))

    def _note_alerts(self, floor: Floor, journal: Rows) -> None:
        self.alerts += floor.alerts.texts
        self.journaled |= _executions(journal)

    # -- time passes -------------------------------------------------------------------------------------------------

    async def _after(self, _: datetime) -> bool:
        floor = self._floor
        assert floor is not None
        self._tell_what_was_done(floor)
        self._items.update(_items(floor.intents))
        self.watch.look(connected=floor.execution.recovered, items=self._items)
        now = self.watch.second
        for deed in self.trouble.due():
            await self._do(deed, floor)
        if now < self.world.seconds:
            return False
        if self._calm_until is None:
            self._fate.spare()
            self.trouble.end()
            self._calm_until = now + self.world.calm_s
        if self.watch.excused:
            self._calm_until = now + self.world.calm_s
        if self.world.flatten_at_end and self._calm_until == now + self.world.calm_s - 5:
            self.watch.tell("flatten")
            floor.positions.request_flatten("flatten", floor.execution.held)
        return now >= (self._calm_until or 0)

    async def _do(self, deed: Deed, floor: Floor) -> None:
        match deed:
            case Signal():
                quote = floor.quote(deed.con_id)
                (listing,) = (each for each in self.world.listings if each.instrument.con_id == deed.con_id)
                if quote is not None:
                    self.watch.tell(f"signal {deed.item} at {quote.ask:g}")
                    floor.buy(listing.contract, quote.ask, item=deed.item, atr=deed.atr)
            case Command():
                self.watch.tell(f"command: {deed.what} {deed.con_id or ''}")
                if deed.what == "exit":
                    floor.positions.request_exit(self.watch._symbol(deed.con_id), "close")
                elif deed.what == "flatten":
                    floor.positions.request_flatten("flatten", floor.execution.held)
                else:
                    await floor.execution.cancel_entries()
            case Death():
                self.watch.tell(f"death by {deed.doing} {deed.times} {'after' if deed.after else 'before'}")
                if deed.doing == "line":
                    self.gateway.inject(DropSocket())
                else:
                    self._fate.decide(deed)
                    if deed.doing == "now":
                        self._fate.dead = True
                        raise Killed

    def _tell_what_was_done(self, floor: Floor) -> None:
        rows = floor.journal.rows
        for row in rows[self._told :]:
            text = row_words(row)
            if text:
                self.watch.tell(text)
        self._told = len(rows)

    # -- the end -----------------------------------------------------------------------------------------------------

    def _judge_the_end(self, floor: Floor, intents: SqliteIntents) -> None:
        alerts = [*self.alerts, *floor.alerts.texts]
        ending = Ending(
            ledger=floor.ledger.position,
            unresolved=intents.unresolved(),
            critical=[text for level, text in alerts if level == "critical"],
            executions=_executions(floor.journal) | self.journaled,
        )
        self.watch.judge(ending)


def _items(intents: Any) -> dict[str, str]:
    unresolved: tuple[Intent, ...] = intents.unresolved()
    return {intent.intent_id: intent.item_id for intent in unresolved if intent.kind is IntentKind.ENTRY}


def _executions(journal: Any) -> set[str]:
    return {row["exec_id"].rpartition(".")[0] for row in journal["executions"]}


def row_words(row: Any) -> str:
    """A row of the journal, in a few words; empty for one that tells no story."""
    match row.table:
        case "orders":
            price = "".join(f" {p:g}" for p in (row.limit_price, row.stop_price) if p is not None)
            terms = f"{row.action} {row.order_type} {row.quantity:f}{price}"
            return f"> {row.change} {row.leg} {row.order_id} {terms} {row.symbol}"
        case "order_updates":
            return f"< {row.order_id} {row.status} filled {row.filled:f} left {row.remaining:f}"
        case "executions":
            return f"< execution {row.order_id} {row.side} {row.shares:f} {row.symbol}"
        case "notices":
            return f"< {row.code} on {row.order_id}: {row.text[:80]}"
        case "incidents":
            return f"! {row.kind}: {row.text}"
        case "risk" if row.verdict != "accepted":
            return f"refused {row.symbol}: {row.reason}"
        case "exits":
            return f"exit of {row.symbol}: {row.reason}"
    return ""


async def play(world: World, folder: Path) -> Outcome:
    """One world to its end."""
    scenario = Scenario(
        seed=world.seed, start=world.start, end=world.start.replace(hour=world.start.hour + 1, minute=30),
        broker=BrokerSpec(
            latency_ms=world.latency_ms, partial_fill_share=world.partial_fill_share, cash_usd=1_000_000.0
        ),
    )  # fmt: skip
    source = PathSource(
        scenario.starts_at,
        {each.instrument: [*each.path, *each.path[-1:] * 600] for each in world.listings},
        {each.instrument.con_id: each.halts for each in world.listings},
    )
    async with SimulatedGateway(Market(scenario, source), lock_step_s=1.0, assumptions=world.assumptions) as gateway:
        lives = Lives(world, gateway, folder)
        await lives.live()
        executions = [r for r in gateway.hub.broker._state.executions if is_ours(r.order.order_ref)]
        return Outcome(
            world=world,
            violations=lives.watch.violations,
            story=[f"{second:4} {text}" for second, text in lives.watch.story],
            lives=lives.lives,
            entries=len({r.order.order_ref for r in executions if r.side == "BOT"}),
            fills=len(executions),
            faults=len(gateway.hub.faults.log),
            doings=lives.doings,
        )
