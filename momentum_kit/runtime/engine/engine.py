"""The engine: what a human commands. It keeps the trading state over connections and ends in words."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import structlog

from momentum_kit.config import Config
from momentum_kit.detection.news import StoryMemory
from momentum_kit.errors import (
    EngineError,
    GuardRefused,
    MomentumKitError,
    NotConnected,
    RequestTimeout,
    StorageError,
)
from momentum_kit.external import AIReader, make_alerts
from momentum_kit.models import Bar, Contract, EngineStatus, MetaRow, TradingState
from momentum_kit.research import code_version
from momentum_kit.runtime.clock import make_clock
from momentum_kit.runtime.control import LEAVING, ThresholdState
from momentum_kit.runtime.endpoint import EventHub, Metrics, PublishedJournal
from momentum_kit.runtime.engine.clock_watch import ClockWatch
from momentum_kit.runtime.engine.commanding import Commanding, Course
from momentum_kit.runtime.engine.flatten_deadline import FlattenDeadline
from momentum_kit.runtime.engine.recall import OWNER, recall_stories
from momentum_kit.runtime.engine.reconnect import reconnect
from momentum_kit.runtime.engine.restrictions import Restrictions
from momentum_kit.runtime.engine.session_alarms import SessionAlarms
from momentum_kit.runtime.engine.session_state import SessionState, take_snapshot
from momentum_kit.runtime.engine.settings_look import SETTINGS_FROM, look_at_settings
from momentum_kit.runtime.engine.signal_watch import SignalWatch, record_thresholds
from momentum_kit.runtime.engine.unstarted import FORSAKEN_S, LOOK_S, UnstartedWatch, unless, wake_within
from momentum_kit.runtime.engine.vouching import what_is_wrong
from momentum_kit.runtime.inquiries import InquiryDesk
from momentum_kit.runtime.ownership import (
    StateFolder,
    owner_id,
    prove_account,
    prove_only_owner,
    prove_strategy,
    read_heartbeat,
)
from momentum_kit.runtime.session import EngineContext, Session, make_pacing
from momentum_kit.services import InputGuard
from momentum_kit.storage.journal import SqliteIntents, SqliteJournal, intents_file

log = structlog.get_logger("engine")

REBUILD_PAUSE_S = 2.0  # wall seconds, where a service has failed on the way out


class Engine:
    """Owns state, journal and intents; lends them to one Session after another.

    takes_over: the process whose engine hung or died, and whose session goes on here. mark: InputGuard's.
    """

    def __init__(
        self,
        *,
        config: Config,
        project: Path,
        run_dir: Path,
        folder: StateFolder,
        takes_over: int = 0,
        mark: Callable[[str], None] = lambda _: None,
    ) -> None:
        data = project / config.storage.data_dir
        data.mkdir(parents=True, exist_ok=True)
        self.config = config
        self.run_dir = run_dir
        self.hub = EventHub()
        self.metrics = Metrics()
        self.tuning = ThresholdState(config.thresholds, config.thresholds)
        self.loop_lag_s = 0.0  # kept by whoever watches the loop
        self._loop = asyncio.get_running_loop()
        self._folder = folder
        self._takes_over = takes_over
        self._owning = ExitStack()  # the account by its own name
        self._started_at = datetime.now(UTC)
        self._beat_at = 0.0  # monotonic, when market time last moved
        self._counts: Counter[str] = Counter()
        self._clock = make_clock(config.clock)
        self._keep_stories = timedelta(hours=config.news.dedupe_h)
        self._reader = (
            AIReader(config.news.reader, lambda text: self.session_state.incident("reader", text))
            if config.news.reader.url
            else None
        )
        with ExitStack() as opened:  # given back where the next one refuses: the process may live on
            self._alerts = make_alerts(config.alerts, config.owner_key, folder.acknowledged_at)
            opened.callback(self._alerts.close)
            self._journal = SqliteJournal(run_dir / "journal.db", self._on_journal)
            opened.callback(self._journal.close)
            self._intents = SqliteIntents(intents_file(data, config.owner_key))
            opened.pop_all()
        journal = PublishedJournal(self._journal, self.hub, self.metrics.observe)
        self._flushing: asyncio.Task[bool] | None = None  # on a thread: a disk may take seconds, and no exit waits
        self._runner: asyncio.Task[None] | None = None
        self._asked_at = monotonic()
        self._session: Session | None = None
        self.session_state = SessionState(self._clock, journal, self._alerts)
        self._deadline = FlattenDeadline(
            config.exits.flatten_timeout_s,
            self._clock.elapsed,
            call=self.session_state.call,
            settle=self.session_state.settle,
        )
        self._course = Course(self._deadline)
        self._clock_watch = ClockWatch(self._clock, incident=self.session_state.incident, ask_anew=self._ask_anew)
        self._restrictions = Restrictions(folder, self.session_state)
        self._session_alarms = SessionAlarms(config, self.session_state)
        self._signal_watch = SignalWatch(config.calendar, self._counts, self.session_state.send)
        pacing = make_pacing(config)
        self._owner = self._read_owner()
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
            stories=StoryMemory(self._keep_stories),
            look_at_clock=self.look_at_clock,
            owner=self._owner,
            guard=InputGuard(
                mark=mark,
                slow=lambda what: self.session_state.incident("slow input", what),
                barred=folder.barred(),
            ),
            counts=self._counts,
            pacing=pacing,
        )
        self._desk = InquiryDesk(
            config,
            account=lambda: self.session.account,
            now=self._clock.now,
            pacing=pacing,
            spill_dir=run_dir,
        )
        self._looking: asyncio.Task[None] | None = None  # at the gateway's own settings
        self._commanding = Commanding(
            self._context,
            course=self._course,
            session_state=self.session_state,
            restrictions=self._restrictions,
            session=lambda: self.session,
            disk_full=lambda: self._journal.failing,
        )

    # -- life --------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect and rebuild from broker truth; nothing trades before `start`."""
        departed = prove_strategy(self.config, code_version())
        self._session = await Session.connect(self._context, self._prove)
        if not self._intents.unresolved():  # what is ours is looked after, whoever else is there
            prove_only_owner(await self._session.references_at_work(), self._owner)
        await self._recall()
        self._restrictions.read()
        record_thresholds(self.config.thresholds, self._context.journal)
        for told in departed:
            self.session_state.incident("not as judged", told)
        words = self._restrictions.words
        self.session_state.note(TradingState.PAUSED, f"opened, waiting for start{f'; {words}' if words else ''}")
        self._runner = asyncio.create_task(self._run(), name="engine")
        if self._takes_over:
            self._go_on()
        given = self._restrictions.current
        if given and given.name in (
            "flatten",
            "kill",
        ):  # whoever was told so died on the way
            await self._commanding.wind_down(given.name, f"a {given.name} that was left unfinished, {given.reason}")

    async def _recall(self) -> None:
        """What earlier engines heard is known here, before the first headline is."""
        memory, runs, owner = self._context.stories, self.run_dir.parent, self.config.owner_key
        recalled = await asyncio.to_thread(
            recall_stories, memory, runs, owner, now=self._clock.now(), keep=self._keep_stories
        )
        self._context.journal.write(MetaRow(key=OWNER, value=owner))
        self._context.journal.write(MetaRow(key="recalled headlines", value=str(recalled)))

    def _prove(self, accounts: tuple[str, ...]) -> str:
        """The account to trade, owned by its own name as well, whatever its address is called."""
        goes_on = bool(self._takes_over)
        account = prove_account(self.config, accounts, self._folder, goes_on=goes_on)
        if self.config.told_apart(account):
            return account
        self._owning.enter_context(self._folder.own_as_well(account))
        return prove_account(self.config, accounts, self._folder, goes_on=goes_on)  # a kill may be latched there

    def _read_owner(self) -> str:
        """What our orders carry; none where the disk keeps no id, since what is held is looked after all the same."""
        try:
            return owner_id(self._folder.path.parent)
        except StorageError as error:
            self.session_state.incident("owner", f"orders name no owner: {error}")
            return ""

    def _go_on(self) -> None:
        """The session of an engine that hung or died goes on as it stood, with what was forbidden since."""
        last = read_heartbeat(self._folder)
        if last is None or last.pid != self._takes_over:
            raise EngineError(f"the engine (pid {self._takes_over}) has left no word of how its session stood")
        self.session_state.incident(
            "takeover", f"from the engine (pid {last.pid}), which hung or died; it was {last.words}"
        )
        if last.started:
            self.start(datetime.fromisoformat(last.until) if last.until else None)

    def start(self, until: datetime | None = None) -> None:
        """Trade until `until` (market time) or until a command ends it; what a human forbade before is not undone."""
        session_state = self.session_state
        if self._course.started or self.ended.is_set() or session_state.state in LEAVING:
            raise GuardRefused(f"the session is {session_state.state} already")
        self._course.until, self._course.started = until, True
        if words := self._restrictions.words:
            session_state.incident("entries are off", words)
        if session_state.state is not TradingState.FLATTENING:
            session_state.note(self._restrictions.start_state, f"started; {words}" if words else "started")
        if self._journal.failing:
            session_state.halt_entries("the journal cannot be written")
        if self.session.health.server_version >= SETTINGS_FROM:
            self._looking = asyncio.create_task(look_at_settings(self._desk, session_state), name="gateway settings")
        self._course.begun.set()

    async def close(self) -> None:
        """Give everything back, whatever fails on the way: tasks, socket, files, the account.

        What could not be written becomes the session's failure.
        """
        async with AsyncExitStack() as left:  # from the last line to the first
            left.callback(self._owning.close)
            left.push_async_callback(asyncio.to_thread, self._alerts.close)
            left.push_async_callback(self._close_journal)
            left.callback(self._intents.close)
            if self._reader:
                left.push_async_callback(self._reader.close)
            if self._session:
                left.push_async_callback(self._session.disconnect)
            left.push_async_callback(self._desk.close)
            for task in (self._runner, self._looking):
                if task is not None and not task.done():
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)

    async def _close_journal(self) -> None:
        if self._flushing:
            await self._flushing
        try:
            self._journal.close()
        except StorageError as error:
            self.session_state.fail(str(error))

    async def _run(self) -> None:
        """Run sessions until the end; a lost connection makes a new one from broker truth."""
        session_state = self.session_state
        try:
            await self._run_sessions()
            await self._commanding.leave_word()
        finally:
            killed = session_state.state is TradingState.KILLED
            session_state.note(
                TradingState.KILLED if killed else TradingState.STOPPED, session_state.failure or session_state.reason
            )
            self._journal.flush()
            self.ended.set()

    async def _run_sessions(self) -> None:
        session_state = self.session_state
        try:
            await self._wait_for_begin()
            while not self._course.over:
                try:
                    await self.session.run(self._after_beat)
                    break
                except (NotConnected, RequestTimeout) as error:
                    session_state.incident("connection", str(error))
                except Exception as error:
                    if not self._commanding.must_go_on:
                        raise
                    log.exception("a service failed on the way out")
                    session_state.alarm("way out", f"{type(error).__name__}: {error}; asking the broker anew")
                    await asyncio.sleep(REBUILD_PAUSE_S)
                await self._reconnect()
        except MomentumKitError as error:
            session_state.fail(str(error))
        except Exception as error:  # a bug: end in words and on the record; the stops rest at the broker
            log.exception("engine crashed")
            session_state.fail(f"{type(error).__name__}: {error}")

    async def _wait_for_begin(self) -> None:
        """Stay connected, and say what is held, until somebody wants more than an open engine."""
        watch = UnstartedWatch(self.session_state)
        while not self._course.begun.is_set():
            if watch.look(self.session):
                await wake_within(self._course.begun, LOOK_S)
            else:
                await unless(self._reconnect(), self._course.begun, lambda: self._course.over)

    async def _reconnect(self) -> None:
        self._session = await reconnect(
            self.session, self._context, self.session_state, deadline=self._deadline, commanding=self._commanding
        )
        self._session.retune(self.tuning.current)

    async def _after_beat(self, now: datetime) -> bool:
        """Between two beats: leave at `until`, and say whether the session is over."""
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(asyncio.to_thread(self._journal.flush), name="journal")
        self._beat_at = monotonic()
        session_state = self.session_state
        self._session_alarms.look(self.session, now, self._course.until)
        self._signal_watch.look(now, self.tuning.current.export)
        until = self._course.until
        if until and now >= until and session_state.state not in LEAVING:
            await self._commanding.wind_down("stop", "schedule")
        return await self._commanding.pursue() and session_state.state in LEAVING

    # -- commands ----------------------------------------------------------------------------------------------------

    async def command(self, name: str, source: str, symbol: str = "") -> str:
        """Obey one of COMMANDS, or one of OF_A_SYMBOL, and return one line for the human.

        InputError, or GuardRefused with the reason.
        """
        return await self._commanding.obey(name, source, symbol)

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
        self._commanding.record("thresholds", source, outcome)
        self.session.retune(changed.current)
        self.tuning = changed
        return outcome

    def _on_journal(self, text: str) -> None:
        """Called on whichever thread flushes."""
        self._loop.call_soon_threadsafe(self._tell_of_disk, text, self._journal.failing)

    def _tell_of_disk(self, text: str, failing: bool) -> None:
        self.session_state.alarm("disk", text)
        if failing:
            self.session_state.halt_entries("the journal cannot be written")

    # -- words -------------------------------------------------------------------------------------------------------

    @property
    def ended(self) -> asyncio.Event:
        """Set once the session is over."""
        return self._course.ended

    @property
    def trouble(self) -> str:
        """What is not well with engine, gateway, feeds or alerts, in words; empty if all is."""
        return what_is_wrong(self.status(), self.session_state.failure, self._alerts.trouble)

    def look_at_clock(self) -> None:
        """Notice a wall clock that was set, or a machine that slept; only where market time is the wall's."""
        if self.config.clock.kind == "wall":
            self._clock_watch.look()

    def _ask_anew(self, why: str) -> None:
        if self._session is not None:
            self._session.ask_anew(why)

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
        if self._course.started or self.ended.is_set() or self.hub.readers or monotonic() - self._asked_at < FORSAKEN_S:
            return False
        return not self._commanding.anything_left

    async def history(self, symbol: str, duration: str, bar_size: str) -> tuple[Bar, ...]:
        """Bars up to now for the notebook."""
        return await self.session.history(Contract(symbol), duration, bar_size)

    async def inquire(self, name: str, arguments: Mapping[str, Any]) -> str:
        """The broker's answer to a notebook's inquiry, as JSON; asked over a connection of its own."""
        return await self._desk.ask(name, arguments)

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
            started=self._course.started,
            waits=self._deadline.waits,
            until=self._course.until,
        )
