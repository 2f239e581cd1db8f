"""The engine: what a human commands. It keeps the trading state over connections and ends in words."""

import asyncio
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import stamina
import structlog

from momentum_kit.config import Config
from momentum_kit.errors import ConnectionFailed, EngineError, GuardRefused, MomentumKitError, NotConnected
from momentum_kit.external.ai_reader import AIReader
from momentum_kit.external.alerts import LogAlerts
from momentum_kit.models import Bar, Contract, EngineStatus, TradingState
from momentum_kit.runtime.clock import make_clock
from momentum_kit.runtime.session import Session, Surroundings
from momentum_kit.runtime.state_folder import StateFolder
from momentum_kit.storage.intents import SqliteIntents
from momentum_kit.storage.journal import SqliteJournal

log = structlog.get_logger("engine")

LEAVING = (TradingState.STOPPING, TradingState.KILLED)
WIND_DOWNS = {"flatten": TradingState.FLATTENING, "stop": TradingState.STOPPING, "kill": TradingState.KILLED}
COMMANDS = ("pause", "resume", "reduce_only", *WIND_DOWNS)


class Engine:
    """Owns state, journal and intents; lends them to one Session after another."""

    def __init__(self, config: Config, project: Path, run_dir: Path, folder: StateFolder) -> None:
        data = project / config.storage.data_dir
        data.mkdir(parents=True, exist_ok=True)
        self.config = config
        self.run_dir = run_dir
        self.state = TradingState.STARTING
        self.reason = "not started"
        self.failure = ""
        self.ended = asyncio.Event()
        self._folder = folder
        self._started_at = datetime.now(UTC)
        self._until: datetime | None = None
        self._leaving_since = 0.0
        self._incidents: list[str] = []
        self._counts: Counter[str] = Counter()
        self._clock = make_clock(config.clock)
        self._alerts = LogAlerts()
        self._reader = AIReader(config.news.reader) if config.news.reader.url else None
        self._journal = SqliteJournal(run_dir / "journal.db")
        self._intents = SqliteIntents(data / f"intents-{config.owner_key}.db")
        self._runner: asyncio.Task[None] | None = None
        self._session: Session | None = None
        self._around = Surroundings(
            config, project, run_dir, folder, self._clock, self._journal, self._intents, self._alerts, self._reader,
            lambda: self.state, self._halt_entries, self._incident, self._counts,
        )  # fmt: skip

    # -- life --------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect and rebuild from broker truth; nothing trades before `start`."""
        self._session = await Session.connect(self._around)
        self._note(TradingState.PAUSED, "opened, waiting for start")

    def start(self, until: datetime | None = None) -> None:
        """Trade until `until` (market time) or until a command ends it."""
        if self._runner:
            raise GuardRefused(f"the session is {self.state} already")
        self._until = until
        self._note(TradingState.RUNNING, "started")
        self._runner = asyncio.create_task(self._run(), name="engine")

    async def close(self) -> None:
        """Give everything back: tasks, socket, files."""
        if self._runner and not self._runner.done():
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        if self._session:
            await self._session.disconnect()
        if self._reader:
            await self._reader.close()
        self._journal.close()
        self._intents.close()

    async def _run(self) -> None:
        """Run sessions until the end; a lost connection makes a new one from broker truth."""
        try:
            while True:
                try:
                    await self.session.run(self._after_beat)
                    break
                except NotConnected as error:
                    self._incident("connection", str(error))
                    await self._reconnect()
        except MomentumKitError as error:
            self._fail(str(error))
        except Exception as error:  # a bug: end in words and on the record; the stops rest at the broker
            log.exception("engine crashed")
            self._fail(f"{type(error).__name__}: {error}")
        finally:
            self._journal.flush()
            killed = self.state is TradingState.KILLED
            self._note(TradingState.KILLED if killed else TradingState.STOPPED, self.failure or self.reason)
            self.ended.set()

    async def _reconnect(self) -> None:
        await self.session.disconnect()
        async for attempt in stamina.retry_context(on=ConnectionFailed, attempts=10, timeout=300.0, wait_max=30.0):
            with attempt:
                self._session = await Session.connect(self._around)
        if self.state in (TradingState.FLATTENING, *LEAVING):
            await self._leave("reconnected")
        self._incident("connection", "reconnected and reconciled")

    async def _after_beat(self, now: datetime) -> bool:
        """Between two beats: leave at `until`, and say whether the session is over."""
        self._journal.flush()
        if self._until and now >= self._until and self.state not in LEAVING:
            await self._wind_down("stop", "schedule")
        if self.state is TradingState.FLATTENING and self.session.flat:
            self._note(TradingState.REDUCE_ONLY, "flat; entries stay off until resume")
        return self.state in LEAVING and (self.session.flat or self._out_of_time())

    def _out_of_time(self) -> bool:
        seconds = asyncio.get_running_loop().time() - self._leaving_since
        if seconds < self.config.exits.flatten_timeout_s:
            return False
        self._incident("flatten", f"not flat after {seconds:.0f} s; the stops rest at the broker")
        self._alerts.send("critical", "the session ends with open positions; their stops rest at the broker")
        return True

    # -- commands ----------------------------------------------------------------------------------------------------

    async def command(self, name: str, source: str) -> str:
        """Obey one of COMMANDS, or raise GuardRefused with the reason; returns one line for the human."""
        refusal = self._refusal(name)
        self._journal.write(
            "commands", at=self._clock.now(), command=name, source=source, outcome=refusal or "accepted"
        )
        if refusal:
            raise GuardRefused(refusal)
        if name in WIND_DOWNS:
            await self._wind_down(name, source)
        elif name == "resume":
            self._note(TradingState.RUNNING, f"resumed by {source}")
        else:
            self._note(TradingState.PAUSED if name == "pause" else TradingState.REDUCE_ONLY, f"{name} by {source}")
            await self.session.cancel_entries()
        return f"{self.state}: {self.reason}"

    async def _wind_down(self, name: str, source: str) -> None:
        """flatten, stop and kill leave no entry working and every position on its way out."""
        self._note(WIND_DOWNS[name], f"{name} by {source}")
        if name == "kill":
            self._folder.latch_kill(f"by {source} at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        await self._leave("session end" if name == "stop" else name)
        if not self._runner:  # never started: nothing is held, there is nothing to wait for
            self.ended.set()

    async def _leave(self, reason: str) -> None:
        self._leaving_since = asyncio.get_running_loop().time()
        await self.session.cancel_entries()
        self.session.request_flatten(reason)

    def _refusal(self, name: str) -> str:
        if name not in COMMANDS:
            return f"unknown command {name!r}; known: {', '.join(COMMANDS)}"
        if self.ended.is_set() or self.state is TradingState.KILLED:
            return f"the session is {self.state}"
        if self.state is TradingState.STOPPING and name != "kill":
            return "the session is stopping"
        if not self._runner and name == "resume":
            return "the session was not started"
        return ""

    def _halt_entries(self, reason: str) -> None:
        if self.state is TradingState.RUNNING:
            self._note(TradingState.REDUCE_ONLY, reason)
            self._incident("entries halted", reason)

    # -- words -------------------------------------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The connected run; EngineError before `open`."""
        if self._session is None:
            raise EngineError("the engine is not connected")
        return self._session

    async def history(self, symbol: str, duration: str, bar_size: str) -> tuple[Bar, ...]:
        """Bars up to now for the notebook."""
        return await self.session.history(Contract(symbol), duration, bar_size)

    @property
    def running(self) -> bool:
        """True from `start` until the session has ended."""
        return self._runner is not None and not self.ended.is_set()

    def status(self) -> EngineStatus:
        """One frozen snapshot."""
        session = self.session
        views = session.positions.views()
        return EngineStatus(
            state=self.state,
            reason=self.reason,
            environment=self.config.environment,
            account=session.account,
            market_time=self._clock.now(),
            started_at=self._started_at,
            health=session.health,
            counts={name: n for name, n in self._counts.items() if not name.startswith("skip: ")},
            skips={name.removeprefix("skip: "): n for name, n in self._counts.items() if name.startswith("skip: ")},
            queues={name: queue.qsize() for name, queue in session.queues.items()},
            positions=views,
            realised_usd=session.ledger.realised_usd,
            unrealised_usd=sum(view.unrealised_usd for view in views),
            costs_usd=session.ledger.costs_usd,
            run_dir=str(self.run_dir),
            pid=os.getpid(),
            incidents=tuple(self._incidents[-20:]),
        )

    def _fail(self, text: str) -> None:
        self.failure = text
        self._incident("failure", text)
        self._alerts.send("critical", f"the session failed: {text}")

    def _note(self, state: TradingState, reason: str) -> None:
        self.state, self.reason = state, reason
        log.info("state", state=str(state), reason=reason, market_time=self._clock.now().isoformat())

    def _incident(self, kind: str, text: str) -> None:
        self._incidents.append(f"{kind}: {text}")
        self._journal.write("incidents", at=self._clock.now(), kind=kind, text=text)
        log.warning("incident", kind=kind, text=text)
