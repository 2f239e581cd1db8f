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
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import BrokerError, NotConnected, RequestTimeout
from momentum_kit.models import Intent, IntentKind
from momentum_kit.runtime.clock import SteppedClock
from momentum_kit.services.execution import is_ours
from momentum_kit.simgateway.broker import Presets
from momentum_kit.simgateway.embedding import Lag, LockStep, ManualTrade, Market, OrderIdsAnew, Scenario
from momentum_kit.simgateway.scenario import BrokerSpec, DropSocket
from momentum_kit.simgateway.server import SimulatedGateway
from momentum_kit.storage.journal import SqliteIntents
from tests.chaos.orders.truth import Watch
from tests.chaos.orders.worlds import Command, Death, Deed, Lagging, Mishap, Signal, World
from tests.helpers.journal_rows import Rows
from tests.helpers.trading_floor import Floor, PathSource, bridge_to

CALM_S = 60
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
        self.alerts: list[tuple[str, str]] = []
        self.journaled: set[str] = set()
        self.doings: list[tuple[int, str]] = []
        self.lives = 0
        self._folder = folder
        self._due = list(world.deeds)
        self._lags: list[tuple[int, str]] = []  # when a lag ends, and of what
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
            self._pass_time(death.down_s if death else 0)

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
        await self._do_what_is_due(now, floor)
        if now < self.world.seconds:
            return False
        if self._calm_until is None:
            self._end_the_trouble()
        if self.watch.excused:
            self._calm_until = now + CALM_S
        if self.world.flatten_at_end and self._calm_until == now + CALM_S - 5:
            self.watch.tell("flatten")
            floor.positions.request_flatten("flatten", floor.execution.held)
        return now >= (self._calm_until or 0)

    async def _do_what_is_due(self, now: int, floor: Floor | None) -> None:
        for of in [of for at, of in self._lags if at <= now]:
            self.gateway.inject(Lag(of=of, lag_ms=0))
        self._lags = [(at, of) for at, of in self._lags if at > now]
        while self._due and self._due[0].second <= now:
            await self._do(self._due.pop(0), floor)

    async def _do(self, deed: Deed, floor: Floor | None) -> None:
        match deed:
            case Lagging():
                self.gateway.inject(Lag(of=deed.of, lag_ms=deed.lag_ms, lists=deed.lists))
                self._lags.append((deed.second + deed.for_s, deed.of))
            case Mishap():
                self._mishap(deed)
            case Signal() if floor is not None:
                quote = floor.quote(deed.con_id)
                (listing,) = (each for each in self.world.listings if each.instrument.con_id == deed.con_id)
                if quote is not None:
                    self.watch.tell(f"signal {deed.item} at {quote.ask:g}")
                    floor.buy(listing.contract, quote.ask, item=deed.item, atr=deed.atr)
            case Command() if floor is not None:
                self.watch.tell(f"command: {deed.what} {deed.con_id or ''}")
                if deed.what == "exit":
                    floor.positions.request_exit(self.watch._symbol(deed.con_id), "close")
                elif deed.what == "flatten":
                    floor.positions.request_flatten("flatten", floor.execution.held)
                else:
                    await floor.execution.cancel_entries()
            case Death() if floor is not None:
                self.watch.tell(f"death by {deed.doing} {deed.times} {'after' if deed.after else 'before'}")
                if deed.doing == "line":
                    self.gateway.inject(DropSocket())
                else:
                    self._fate.decide(deed)
                    if deed.doing == "now":
                        self._fate.dead = True
                        raise Killed

    def _mishap(self, deed: Mishap) -> None:
        fault = deed.fault
        if isinstance(fault, ManualTrade):
            con_id = next(x.con_id for x in self.gateway.hub.market.find(symbol=fault.symbol))
            holding = self.watch.holdings()[con_id]
            # nobody could say whose shares are sold where a person has sold ours before, or sells what nobody has
            most = holding.peoples if holding.peoples > 0 else holding.ours
            if holding.peoples < 0 or (fault.action == "SELL" and most <= 0):
                return
            if fault.action == "SELL":
                fault = fault.model_copy(update={"quantity": min(fault.quantity, int(most))})
        self.gateway.inject(fault)

    def _end_the_trouble(self) -> None:
        self.watch.tell("calm")
        hub = self.gateway.hub
        self._fate.spare()
        self._due.clear()
        for _, of in self._lags:
            self.gateway.inject(Lag(of=of, lag_ms=0))
        self._lags.clear()
        hub.broker.troubles.presets = Presets()
        hub.broker.troubles.stops.clear()
        hub.broker.troubles.doomed.clear()
        hub.faults.delays._late.clear()
        hub.faults._waiting.clear()
        hub.faults.effects._swallow.clear()
        for session in hub.sessions():
            for fault in getattr(session.filter, "_faults", ()):
                fault.left = 0
        self._calm_until = self.watch.second + CALM_S

    def _pass_time(self, seconds: int) -> None:
        """The market goes on while nobody is there."""
        hub = self.gateway.hub
        for _ in range(seconds):
            hub.advance(hub.now + timedelta(seconds=1))
            self.watch.look(connected=False, items=self._items)
            while self._due and self._due[0].second <= self.watch.second:
                deed = self._due.pop(0)
                if isinstance(deed, Mishap):
                    self._mishap(deed)
        hub._lock_step = LockStep(hub.market, timedelta(seconds=1))

    def _tell_what_was_done(self, floor: Floor) -> None:
        rows = floor.journal.rows
        for row in rows[self._told :]:
            text = _row_words(row)
            if text:
                self.watch.tell(text)
        self._told = len(rows)

    # -- the end -----------------------------------------------------------------------------------------------------

    def _judge_the_end(self, floor: Floor, intents: SqliteIntents) -> None:
        alerts = [*self.alerts, *floor.alerts.texts]
        watch = self.watch
        unresolved = intents.unresolved()
        for con_id, holding in watch.holdings().items():
            symbol = watch._symbol(con_id)
            critical = [text for level, text in alerts if level == "critical" and symbol in text]
            believed = floor.ledger.position(con_id)
            if believed != holding.ours:
                watch.found("ledger", con_id, f"the ledger says {believed:f}: {holding}; {critical}")
            if holding.could_sell != holding.ours:
                watch.found("orders at the end", con_id, str(holding))
            if holding.covered < holding.ours:
                watch.found("unprotected at the end", con_id, str(holding))
            if not holding.ours and holding.orders:
                watch.found("orphan orders", con_id, str(holding))
            if self.world.flatten_at_end and holding.ours:
                watch.found("not flat at the end", con_id, str(holding))
            if holding.peoples < 0 and holding.sold < holding.bought and not critical:
                watch.found("nobody was told", con_id, f"a person sold shares of ours: {holding}")
            left = [each for each in unresolved if each.contract.con_id == con_id]
            if left and not holding.ours and not critical:
                watch.found("unresolved intents", con_id, f"{[(i.kind.value, i.state.value) for i in left]}: {holding}")
            if holding.ours and not any(each.kind is IntentKind.ENTRY for each in left):
                watch.found("nobody owns it", con_id, f"no entry is unresolved: {holding}")
        for words in watch.staged():
            watch.found("a staged leg was left", 0, words)
        known = _executions(floor.journal) | self.journaled
        for report in self.gateway.hub.broker._state.executions:
            if is_ours(report.order.order_ref) and report.exec_id.rpartition(".")[0] not in known:
                watch.found("journal", report.order.con_id, f"execution {report.exec_id} is missing")


def _items(intents: Any) -> dict[str, str]:
    unresolved: tuple[Intent, ...] = intents.unresolved()
    return {intent.intent_id: intent.item_id for intent in unresolved if intent.kind is IntentKind.ENTRY}


def _executions(journal: Any) -> set[str]:
    return {row["exec_id"].rpartition(".")[0] for row in journal["executions"]}


def _row_words(row: Any) -> str:
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
        seed=world.seed, start=world.start, end=world.start.replace(minute=30),
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
