"""The engine: what a human commands. It keeps the trading state over connections and ends in words."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import stamina
import structlog

from momentum_kit.config import Config
from momentum_kit.errors import (
    BrokerError,
    ConnectionFailed,
    EngineError,
    GuardRefused,
    InputError,
    MomentumKitError,
    NotConnected,
    RequestTimeout,
    StorageError,
)
from momentum_kit.external.ai_reader import AIReader
from momentum_kit.external.alerts import LogAlerts
from momentum_kit.models import Bar, Contract, EngineStatus, TradingState
from momentum_kit.runtime.clock import make_clock
from momentum_kit.runtime.commands import COMMANDS, LEAVING, WIND_DOWNS, refusal
from momentum_kit.runtime.guards import prove_account, prove_same_account
from momentum_kit.runtime.session import Session, Surroundings
from momentum_kit.runtime.snapshot import take_snapshot
from momentum_kit.runtime.standing import Standing
from momentum_kit.runtime.state_folder import StateFolder
from momentum_kit.storage.intents import SqliteIntents, intents_file
from momentum_kit.storage.journal import SqliteJournal

log = structlog.get_logger("engine")

RETRY_WAIT_S = 2.0  # between two attempts to reconnect, at most: a command to stop is heard as soon


class Engine:
    """Owns state, journal and intents; lends them to one Session after another."""

    def __init__(self, config: Config, project: Path, run_dir: Path, folder: StateFolder) -> None:
        data = project / config.storage.data_dir
        data.mkdir(parents=True, exist_ok=True)
        self.config = config
        self.run_dir = run_dir
        self.ended = asyncio.Event()
        self._folder = folder
        self._started_at = datetime.now(UTC)
        self._until: datetime | None = None
        self._leaving_since = 0.0
        self._leaving_for = ""  # why every position is on its way out; empty if they are not
        self._late = False  # a human knows that the way out takes too long
        self._counts: Counter[str] = Counter()
        self._clock = make_clock(config.clock)
        self._reader = AIReader(config.news.reader) if config.news.reader.url else None
        self._journal = SqliteJournal(run_dir / "journal.db", self._on_journal)
        self._intents = SqliteIntents(intents_file(data, config.owner_key))
        self._runner: asyncio.Task[None] | None = None
        self._session: Session | None = None
        self.standing = Standing(self._clock, self._journal, LogAlerts())
        self._around = Surroundings(
            config, project, run_dir, self._clock, self._journal, self._intents, self.standing, self._reader,
            lambda: self.standing.state, self.standing.halt_entries, self.standing.incident, self._counts,
        )  # fmt: skip

    # -- life --------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect and rebuild from broker truth; nothing trades before `start`."""
        self._session = await Session.connect(
            self._around, lambda accounts: prove_account(self.config, accounts, self._folder)
        )
        self.standing.note(TradingState.PAUSED, "opened, waiting for start")

    def start(self, until: datetime | None = None) -> None:
        """Trade until `until` (market time) or until a command ends it."""
        if self._runner or self.ended.is_set():
            raise GuardRefused(f"the session is {self.standing.state} already")
        self._until = until
        self.standing.note(TradingState.RUNNING, "started")
        self._runner = asyncio.create_task(self._run(), name="engine")

    async def close(self) -> None:
        """Give everything back: tasks, socket, files. What could not be written becomes the session's failure."""
        if self._runner and not self._runner.done():
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        if self._session:
            await self._session.disconnect()
        if self._reader:
            await self._reader.close()
        self._intents.close()
        try:
            self._journal.close()
        except StorageError as error:
            self.standing.fail(str(error))

    async def _run(self) -> None:
        """Run sessions until the end; a lost connection makes a new one from broker truth."""
        standing = self.standing
        try:
            while True:
                try:
                    await self.session.run(self._after_beat)
                    break
                except (NotConnected, RequestTimeout) as error:
                    standing.incident("connection", str(error))
                    await self._reconnect()
        except MomentumKitError as error:
            standing.fail(str(error))
        except Exception as error:  # a bug: end in words and on the record; the stops rest at the broker
            log.exception("engine crashed")
            standing.fail(f"{type(error).__name__}: {error}")
        finally:
            killed = standing.state is TradingState.KILLED
            standing.note(TradingState.KILLED if killed else TradingState.STOPPED, standing.failure or standing.reason)
            self._journal.flush()
            self.ended.set()

    async def _reconnect(self) -> None:
        """Ask again for `broker.reconnect_timeout_s`; nothing trades before broker truth is rebuilt."""
        lost = self.session
        await lost.disconnect()
        window_s = self.config.broker.reconnect_timeout_s
        try:
            async for attempt in stamina.retry_context(
                on=self._worth_asking_again, attempts=None, timeout=window_s, wait_max=RETRY_WAIT_S
            ):
                with attempt:
                    self._session = await Session.connect(
                        self._around, lambda accounts: prove_same_account(lost.account, accounts)
                    )
        except BrokerError as error:
            away = "when the session was told to end" if self.standing.state in LEAVING else f"within {window_s:g} s"
            raise ConnectionFailed(f"the gateway did not come back {away}: {error}; {lost.exposure}") from None
        self.standing.incident("connection", f"reconnected and reconciled; {self.session.exposure}")

    def _worth_asking_again(self, error: Exception) -> bool:
        """Not for somebody who wants to leave, once nothing is known to be at stake or the time for it is over."""
        leaving = self.standing.state in LEAVING and (not self.session.exposed or self._out_of_time())
        return isinstance(error, BrokerError) and not leaving

    async def _after_beat(self, now: datetime) -> bool:
        """Between two beats: leave at `until`, and say whether the session is over."""
        self._journal.flush()
        standing = self.standing
        if self._until and now >= self._until and standing.state not in LEAVING:
            await self._wind_down("stop", "schedule")
        if not self._leaving_for:
            return False
        # also what filled in the meantime, or came back with a new connection
        await self._leave()
        over = self.session.flat or self._out_of_time()
        if standing.state is TradingState.FLATTENING and self.session.flat:
            self._leaving_for = ""
            standing.note(TradingState.REDUCE_ONLY, "flat; entries stay off until resume")
        return over and standing.state in LEAVING

    def _out_of_time(self) -> bool:
        seconds = asyncio.get_running_loop().time() - self._leaving_since
        late = seconds >= self.config.exits.flatten_timeout_s
        if late and not self._late:
            self._late = True
            self.standing.alarm("flatten", f"not flat after {seconds:.0f} s: {self.session.exposure}")
        return late

    # -- commands ----------------------------------------------------------------------------------------------------

    async def command(self, name: str, source: str) -> str:
        """Obey one of COMMANDS and return one line for the human; InputError, or GuardRefused with the reason."""
        if name not in COMMANDS:
            raise InputError(f"unknown command {name!r}; known: {', '.join(COMMANDS)}")
        no = refusal(name, self.standing.state, bool(self._runner), self.ended.is_set(), self._journal.failing)
        self._journal.write("commands", at=self._clock.now(), command=name, source=source, outcome=no or "accepted")
        if no:
            raise GuardRefused(no)
        if name in WIND_DOWNS:
            await self._wind_down(name, source)
        elif name == "resume":
            self._leaving_for = ""
            self.standing.note(TradingState.RUNNING, f"resumed by {source}")
        else:
            state = TradingState.PAUSED if name == "pause" else TradingState.REDUCE_ONLY
            self.standing.note(state, f"{name} by {source}")
            await self.session.cancel_entries()
        return f"{self.standing.state}: {self.standing.reason}"

    async def _wind_down(self, name: str, source: str) -> None:
        """flatten, stop and kill leave no entry working and every position on its way out."""
        self.standing.note(WIND_DOWNS[name], f"{name} by {source}")
        self._leaving_for = "session end" if name == "stop" else name
        self._leaving_since, self._late = asyncio.get_running_loop().time(), False
        if name == "kill":
            self._latch(f"by {source} at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        if self._runner:
            await self._leave()
        elif self._intents.unresolved():  # taken over from an earlier session: its way out needs the services
            self._runner = asyncio.create_task(self._run(), name="engine")
        elif name == "flatten":
            self._leaving_for = ""
            self.standing.note(TradingState.PAUSED, "nothing is held; waiting for start")
        else:
            self.standing.note(TradingState.KILLED if name == "kill" else TradingState.STOPPED, self.standing.reason)
            self.ended.set()

    async def _leave(self) -> None:
        await self.session.cancel_entries()
        self.session.request_flatten(self._leaving_for)

    def _latch(self, reason: str) -> None:
        try:
            self._folder.latch_kill(reason)
        except StorageError as error:  # flat matters more than latched
            self.standing.alarm("kill", f"the kill switch holds for this session only: {error}")

    def _on_journal(self, text: str) -> None:
        self.standing.alarm("disk", text)
        if self._journal.failing:
            self.standing.halt_entries("the journal cannot be written")

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

    def status(self) -> EngineStatus:
        """One frozen snapshot."""
        return take_snapshot(self._around, self.session, self.standing, self._started_at)
