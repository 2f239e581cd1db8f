"""The engine: what a human commands. It keeps the trading state over connections and ends in words."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import structlog

from momentum_kit.config import Config
from momentum_kit.errors import (
    EngineError,
    GuardRefused,
    InputError,
    MomentumKitError,
    NotConnected,
    RequestTimeout,
    StorageError,
)
from momentum_kit.external import AIReader, make_alerts
from momentum_kit.models import Bar, CommandRow, Contract, EngineStatus, TradingState, canonical_symbol
from momentum_kit.runtime.clock import make_clock
from momentum_kit.runtime.control import COMMANDS, LEAVING, OF_A_SYMBOL, WIND_DOWNS, ThresholdState, refusal
from momentum_kit.runtime.endpoint import EventHub, Metrics, PublishedJournal
from momentum_kit.runtime.engine.reconnect import reconnect
from momentum_kit.runtime.engine.restrictions import Restrictions
from momentum_kit.runtime.engine.session_alarms import SessionAlarms
from momentum_kit.runtime.engine.session_state import FlattenDeadline, SessionState, take_snapshot
from momentum_kit.runtime.engine.signal_watch import SignalWatch, record_thresholds
from momentum_kit.runtime.engine.unstarted import FORSAKEN_S, LOOK_S, UnstartedWatch, unless, wake_within
from momentum_kit.runtime.ownership import StateFolder, prove_account
from momentum_kit.runtime.session import EngineContext, Session
from momentum_kit.storage.journal import SqliteIntents, SqliteJournal, intents_file

log = structlog.get_logger("engine")


class Engine:
    """Owns state, journal and intents; lends them to one Session after another."""

    def __init__(self, *, config: Config, project: Path, run_dir: Path, folder: StateFolder) -> None:
        data = project / config.storage.data_dir
        data.mkdir(parents=True, exist_ok=True)
        self.config = config
        self.run_dir = run_dir
        self.ended = asyncio.Event()
        self.hub = EventHub()
        self.metrics = Metrics()
        self.tuning = ThresholdState(config.thresholds, config.thresholds)
        self.loop_lag_s = 0.0  # kept by whoever watches the loop
        self._folder = folder
        self._owning = ExitStack()  # the account by its own name
        self._started_at = datetime.now(UTC)
        self._until: datetime | None = None
        self._beat_at = 0.0  # monotonic, when market time last moved
        self._counts: Counter[str] = Counter()
        self._clock = make_clock(config.clock)
        self._reader = AIReader(config.news.reader) if config.news.reader.url else None
        with ExitStack() as opened:  # given back where the next one refuses: the process may live on
            self._alerts = make_alerts(config.alerts, config.owner_key)
            opened.callback(self._alerts.close)
            self._journal = SqliteJournal(run_dir / "journal.db", self._on_journal)
            opened.callback(self._journal.close)
            self._intents = SqliteIntents(intents_file(data, config.owner_key))
            opened.pop_all()
        journal = PublishedJournal(self._journal, self.hub, self.metrics.observe)
        self._runner: asyncio.Task[None] | None = None
        self._started = False  # it was told to trade
        self._begun = asyncio.Event()  # its services are wanted, whether to trade or to get out; or nothing any more
        self._over = False  # ended before it had begun
        self._closing: dict[str, str] = {}  # symbol to why it shall go, until it is gone
        self._asked_at = monotonic()
        self._session: Session | None = None
        self._flatten_deadline = FlattenDeadline(config.exits.flatten_timeout_s)
        self.session_state = SessionState(self._clock, journal, self._alerts)
        self._restrictions = Restrictions(folder, self.session_state)
        self._session_alarms = SessionAlarms(config, self.session_state)
        self._signal_watch = SignalWatch(config.calendar, self._counts, self.session_state.send)
        self._context = EngineContext(
            config=config,
            project=project,
            run_dir=run_dir,
            clock=self._clock,
            journal=journal,
            intents=self._intents,
            alerts=self.session_state,
            reader=self._reader,
            state=lambda: self.session_state.state,
            halt_entries=self.session_state.halt_entries,
            on_incident=self.session_state.incident,
            counts=self._counts,
        )

    # -- life --------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect and rebuild from broker truth; nothing trades before `start`."""
        self._session = await Session.connect(self._context, self._prove)
        self._restrictions.read()
        record_thresholds(self.config.thresholds, self._context.journal)
        words = self._restrictions.words
        self.session_state.note(TradingState.PAUSED, f"opened, waiting for start{f'; {words}' if words else ''}")
        self._runner = asyncio.create_task(self._run(), name="engine")
        given = self._restrictions.current
        if given and given.name == "flatten":  # the engine that was told so has died on the way
            await self._wind_down("flatten", f"a flatten that was left unfinished, {given.reason}")

    def _prove(self, accounts: tuple[str, ...]) -> str:
        """The account to trade, owned by its own name as well: simulated ones alone are told apart by their port."""
        account = prove_account(self.config, accounts, self._folder)
        if self.config.environment == "sim" or account == self.config.owner_key:
            return account
        self._owning.enter_context(self._folder.own_as_well(account))
        return prove_account(self.config, accounts, self._folder)  # a kill may be latched there

    def start(self, until: datetime | None = None) -> None:
        """Trade until `until` (market time) or until a command ends it; what a human forbade before is not undone."""
        session_state = self.session_state
        if self._started or self.ended.is_set() or session_state.state in LEAVING:
            raise GuardRefused(f"the session is {session_state.state} already")
        self._until, self._started = until, True
        if words := self._restrictions.words:
            session_state.incident("entries are off", words)
        if session_state.state is not TradingState.FLATTENING:
            session_state.note(self._restrictions.start_state, f"started; {words}" if words else "started")
        if self._journal.failing:
            session_state.halt_entries("the journal cannot be written")
        self._begun.set()

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
            self.session_state.fail(str(error))
        await asyncio.to_thread(self._alerts.close)
        self._owning.close()

    async def _run(self) -> None:
        """Run sessions until the end; a lost connection makes a new one from broker truth."""
        session_state = self.session_state
        try:
            await self._wait_for_begin()
            while not self._over:
                try:
                    await self.session.run(self._after_beat)
                    break
                except (NotConnected, RequestTimeout) as error:
                    session_state.incident("connection", str(error))
                    await self._reconnect()
        except MomentumKitError as error:
            session_state.fail(str(error))
        except Exception as error:  # a bug: end in words and on the record; the stops rest at the broker
            log.exception("engine crashed")
            session_state.fail(f"{type(error).__name__}: {error}")
        finally:
            killed = session_state.state is TradingState.KILLED
            session_state.note(
                TradingState.KILLED if killed else TradingState.STOPPED, session_state.failure or session_state.reason
            )
            self._journal.flush()
            self.ended.set()

    async def _wait_for_begin(self) -> None:
        """Stay connected, and say what is held, until somebody wants more than an open engine."""
        watch = UnstartedWatch(self.session_state)
        while not self._begun.is_set():
            if watch.look(self.session):
                await wake_within(self._begun, LOOK_S)
            else:
                await unless(self._reconnect(), self._begun, lambda: self._over)

    async def _reconnect(self) -> None:
        self._session = await reconnect(self.session, self._context, self.session_state, self._out_of_time)
        self._session.retune(self.tuning.current)

    async def _after_beat(self, now: datetime) -> bool:
        """Between two beats: leave at `until`, and say whether the session is over."""
        self._journal.flush()
        self._beat_at = monotonic()
        session_state = self.session_state
        self._session_alarms.look(self.session, now)
        self._signal_watch.look(now, self.tuning.current.export)
        if self._until and now >= self._until and session_state.state not in LEAVING:
            await self._wind_down("stop", "schedule")
        for symbol, reason in tuple(self._closing.items()):  # a session that is new after a reconnect is asked as well
            if not self.session.close_symbol(symbol, reason):
                del self._closing[symbol]
        if not self._flatten_deadline.why:
            return False
        # also what filled in the meantime, or came back with a new connection
        await self._leave()
        over = self.session.flat or self._out_of_time()
        if session_state.state is TradingState.FLATTENING and self.session.flat:
            self._flatten_deadline.abandon()
            session_state.note(TradingState.REDUCE_ONLY, "flat; entries stay off until resume")
            self._restrictions.flat()
        return over and session_state.state in LEAVING

    def _out_of_time(self) -> bool:
        way_out = self._flatten_deadline
        if way_out.first_late():
            self.session_state.alarm("flatten", f"not flat after {way_out.seconds:.0f} s: {self.session.exposure}")
        return way_out.late

    # -- commands ----------------------------------------------------------------------------------------------------

    async def command(self, name: str, source: str, symbol: str = "") -> str:
        """Obey one of COMMANDS, or one of OF_A_SYMBOL, and return one line for the human.

        InputError, or GuardRefused with the reason.
        """
        if name in OF_A_SYMBOL:
            return self._of_a_symbol(name, source, canonical_symbol(symbol))
        if name not in COMMANDS:
            raise InputError(f"unknown command {name!r}; known: {', '.join((*COMMANDS, *OF_A_SYMBOL))}")
        no = refusal(name, self.session_state.state, self._started, self.ended.is_set(), self._journal.failing)
        self._record_command(name, source, no or "accepted")
        if no:
            raise GuardRefused(no)
        if name in WIND_DOWNS:
            await self._wind_down(name, source)
        elif name == "resume":
            await self._restrictions.lift()
            self._flatten_deadline.abandon()
            self.session_state.note(TradingState.RUNNING, f"resumed by {source}")
        else:
            if self.session_state.state is not TradingState.FLATTENING:  # which lets in nothing either, and goes on
                state = TradingState.PAUSED if name == "pause" else TradingState.REDUCE_ONLY
                self.session_state.note(state, f"{name} by {source}")
            await self._restrictions.impose(name, source, self.session.cancel_entries())
        return f"{self.session_state.state}: {self.session_state.reason}"

    def _of_a_symbol(self, name: str, source: str, symbol: str) -> str:
        if not symbol:
            raise InputError(f"{name} needs the symbol that it is for")
        no = refusal(name, self.session_state.state, self._started, self.ended.is_set(), self._journal.failing)
        reason = f"{name} by {source}"
        if not no and not self.session.close_symbol(symbol, reason):
            no = f"nothing of ours is held in {symbol}; {self.session.exposure}"
        self._record_command(f"{name} {symbol}", source, no or "accepted")
        if no:
            raise GuardRefused(no)
        self._closing[symbol] = reason
        self._begun.set()  # its way out needs the services, also before the start
        return f"{symbol} is on its way out; {self.session_state.state}: {self.session_state.reason}"

    async def _wind_down(self, name: str, source: str) -> None:
        """flatten, stop and kill leave no entry working and every position on its way out."""
        self.session_state.note(WIND_DOWNS[name], f"{name} by {source}")
        self._flatten_deadline.take("session end" if name == "stop" else name)
        if name == "kill":
            self.session_state.send("critical", f"killed by {source}; {self.session.exposure}")
        if name == "stop":
            await self._get_out(name)
        else:
            await self._restrictions.impose(name, source, self._get_out(name))
        if name == "flatten" and not self._flatten_deadline.why:
            self._restrictions.flat()

    async def _get_out(self, name: str) -> None:
        """Begin the way out, or say that there is none to go."""
        if self._begun.is_set():
            await self._leave()
        elif self._anything_left:  # taken over from an earlier session: its way out needs the services
            self._begun.set()
        elif name == "flatten":
            self._flatten_deadline.abandon()
            self.session_state.note(TradingState.PAUSED, "nothing is held; entries stay off until resume")
        else:
            self._over = True
            self._begun.set()

    @property
    def _anything_left(self) -> bool:
        """True where something of ours may live at the broker, as far as is known before the services run."""
        try:
            return self.session.exposed or bool(self._intents.unresolved())
        except StorageError:
            return True

    async def _leave(self) -> None:
        await self.session.cancel_entries()
        self.session.request_flatten(self._flatten_deadline.why)

    def tune(self, values: Mapping[str, Any] | None, source: str) -> str:
        """Apply a set of thresholds over those in force, None for the file's; from the next decision time on.

        One journalled change and one line for the human. InputError unless the whole set is valid.
        """
        if self.ended.is_set() or self.session_state.state in LEAVING:
            raise GuardRefused(f"the session is {self.session_state.state}")
        if values is not None and self.config.detection.thresholds_must_be_exported:
            raise GuardRefused("this environment trades only thresholds that research exported; export another file")
        changed = self.tuning.reverted() if values is None else self.tuning.applied(values)
        outcome = changed.words_since(self.tuning)
        self._record_command("thresholds", source, outcome)
        self.session.retune(changed.current)
        self.tuning = changed
        return outcome

    def _record_command(self, name: str, source: str, outcome: str) -> None:
        row = CommandRow(at=self._clock.now(), command=name, source=source, outcome=outcome)
        self._context.journal.write(row)

    def _on_journal(self, text: str) -> None:
        self.session_state.alarm("disk", text)
        if self._journal.failing:
            self.session_state.halt_entries("the journal cannot be written")

    # -- words -------------------------------------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The connected run; EngineError before `open`."""
        if self._session is None:
            raise EngineError("the engine is not connected")
        return self._session

    def asked(self) -> None:
        """A client wants something of it."""
        self._asked_at = monotonic()

    @property
    def forsaken(self) -> bool:
        """Never started, nothing held, and for FORSAKEN_S nobody has asked: it would hold the account for ever."""
        if self._started or self.ended.is_set() or self.hub.readers or monotonic() - self._asked_at < FORSAKEN_S:
            return False
        return not self._anything_left

    async def history(self, symbol: str, duration: str, bar_size: str) -> tuple[Bar, ...]:
        """Bars up to now for the notebook."""
        return await self.session.history(Contract(symbol), duration, bar_size)

    def status(self) -> EngineStatus:
        """One frozen snapshot."""
        lags_s = {"loop": self.loop_lag_s, "beat": monotonic() - self._beat_at if self._beat_at else 0.0}
        return take_snapshot(
            context=self._context,
            session=self.session,
            session_state=self.session_state,
            started_at=self._started_at,
            tuning=self.tuning,
            lags_s=lags_s,
            unwritten=self._journal.buffered,
            started=self._started,
        )
