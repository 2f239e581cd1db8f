"""Replays an archived day through the services for `momentum-kit replay`, in virtual time or over the wire.

The services, their queues and their journal are those of a live session (runtime/session.py); only what stands behind
the ports differs: ReplayGateway here, the bridge to a simulated gateway in lock-step with `wire`. Both ways move the
recorded market only when the session asks for the next step, and the session asks only when all it was told has been
read: that is why speed and load change no decision, and why both ways must agree (runtime/parity compares them).
"""

import asyncio
import gc
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from momentum_kit.config import Config, load_config
from momentum_kit.detection.news import StoryMemory
from momentum_kit.errors import StorageError
from momentum_kit.json_text import parse_json
from momentum_kit.models import IncidentRow, JournalRow, TradingState
from momentum_kit.private_files import write_whole
from momentum_kit.runtime.clock import SteppedClock
from momentum_kit.runtime.gateway import Gateway
from momentum_kit.runtime.replay.gateway import ReplayGateway
from momentum_kit.runtime.run_folder import prepare_run_folder
from momentum_kit.runtime.session import EngineContext, Session, open_bridge
from momentum_kit.runtime.sim import LAST_STRETCH, ArchiveDay
from momentum_kit.simgateway import SimulatedGateway
from momentum_kit.simgateway.embedding import open_broker
from momentum_kit.storage.journal import SqliteIntents, SqliteJournal, summarise

log = structlog.get_logger("replay")

REPLAY_FILE = "replay.json"  # what was asked for, beside the journal
LEAP = timedelta(minutes=1)  # what a service does by the minute it still does
FLUSH_ROWS = 5_000  # nobody reads a replay's journal while it is written


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What to replay: a day of an archive, the configuration that decides, and by which way.

    overrides: dotted settings over the file's. until: market time at which the session ends, by default after the
    close. imputed_latency_s: for headlines that nobody saw arrive; None leaves them out. headlines: another archive to
    take them from. leaps: time in which nothing is watched, ordered or held is passed in minutes and not in beats: what
    is decided and done is the same, of the equity less is written.
    """

    archive: Path
    day: date
    config: Path
    wire: bool = False
    seed: int | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    until: datetime | None = None
    imputed_latency_s: float | None = None
    headlines: Path | None = None
    server_version: int = 200
    leaps: bool = False

    def settings(self, day: ArchiveDay | None = None) -> Config:
        """The configuration, hearing what the day has; day: where it has been read already."""
        return load_config(self.config, {**(day or self.archive_day()).overrides, **self.overrides})

    def archive_day(self) -> ArchiveDay:
        """The day, with as much history as the configuration asks for."""
        sessions = load_config(self.config, self.overrides).detection.baseline_sessions
        latency = None if self.imputed_latency_s is None else timedelta(seconds=self.imputed_latency_s)
        return ArchiveDay(self.archive, self.day, imputed_latency=latency, sessions=sessions, told_by=self.headlines)


def replay_of(folder: Path) -> Replay | None:
    """What made a run folder, if a replay did; StorageError where the file that says so is not ours."""
    file = folder / REPLAY_FILE
    if not file.is_file():
        return None
    try:
        asked = parse_json(file.read_text(encoding="utf-8"))
        paths = {name: Path(asked[name]) if asked[name] else None for name in ("archive", "config", "headlines")}
        until = datetime.fromisoformat(asked["until"]) if asked["until"] else None
        return Replay(**{**asked, **paths, "day": date.fromisoformat(asked["day"]), "until": until})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(f"{file} is malformed: {error}") from None


@dataclass(slots=True)
class _EngineStandIn:
    """In the engine's place: trading state, alerts and incidents of a run that nobody commands."""

    write: Callable[[JournalRow], None]
    now: Callable[[], datetime]
    state: TradingState = TradingState.RUNNING

    def send(self, level: str, text: str) -> None:
        """ports.Alerts: into the log, like a session's."""
        log.log({"critical": 40, "warning": 30}.get(level, 20), text)

    def page(self, matter: str, text: str) -> None:
        """ports.Alerts: nobody is called for a day that is over."""
        self.send("critical", f"{matter}: {text}")

    def settle(self, matter: str, text: str = "") -> None:
        """ports.Alerts: nor called off."""

    def incident(self, kind: str, text: str) -> None:
        self.write(IncidentRow(at=self.now(), kind=kind, text=text))

    def halt_entries(self, reason: str) -> None:
        self.incident("entries halted", reason)
        self.state = TradingState.REDUCE_ONLY


def run_replay(replay: Replay, project: Path, folder: Path) -> dict[str, Any]:
    """Replay into a run folder and return the run's summary."""
    day = replay.archive_day()
    config = replay.settings(day)
    folder = prepare_run_folder(folder)
    write_whole(folder / REPLAY_FILE, json.dumps(asdict(replay), default=str, indent=1))
    started = time.perf_counter()
    until = replay.until or day.until
    with _rare_collections():
        session_over_day = _over_the_wire if replay.wire else _in_virtual_time
        asyncio.run(
            session_over_day(
                replay, day, config, _ReplayRun(project=project, folder=folder, until=until, notes=day.notes)
            )
        )
    wall_s = time.perf_counter() - started
    summary = summarise(folder / "journal.db")
    words = "over the wire" if replay.wire else "in virtual time"
    return {
        "title": f"{replay.day} of {replay.archive}, {words}",
        "run": str(folder),
        "wall_s": round(wall_s, 2),
        "headlines_per_s": round(summary["headlines"] / wall_s, 1),
        "notes": list(day.notes),
        **summary,
    }


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Hardly anything here is cyclic garbage, and looking for it would take a twentieth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def _in_virtual_time(replay: Replay, day: ArchiveDay, config: Config, run: "_ReplayRun") -> None:
    market = day.market(replay.seed)
    broker, step = open_broker(market), timedelta(seconds=config.clock.beat_s)
    clock, leap = SteppedClock(), LEAP if replay.leaps else timedelta()
    gateway = ReplayGateway(market=market, broker=broker, now=clock.now, step=step, leap=leap)
    await run.session_over(config, clock, lambda _: gateway, gateway.leap)
    _write_truth(run.folder, broker.truth())


async def _over_the_wire(replay: Replay, day: ArchiveDay, config: Config, run: "_ReplayRun") -> None:
    market, step_s = day.market(replay.seed), config.clock.beat_s
    async with SimulatedGateway(market, server_version=replay.server_version, lock_step_s=step_s) as gateway:
        here = config.broker.model_copy(update={"host": gateway.host, "port": gateway.port})
        await run.session_over(config.model_copy(update={"broker": here}), SteppedClock(), open_bridge)
        _write_truth(run.folder, gateway.truth())


def _write_truth(folder: Path, known: dict[str, Any]) -> None:
    write_whole(folder / "truth.json", json.dumps(known, indent=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReplayRun:
    """One session over the day, from its beginning to `until`; then what is held is closed, if it still trades."""

    project: Path
    folder: Path
    until: datetime
    notes: tuple[str, ...]

    async def session_over(
        self,
        config: Config,
        clock: SteppedClock,
        gateway: Callable[[EngineContext], Gateway],
        leap: Callable[[], timedelta] = timedelta,
    ) -> None:
        """Live through the day on what `gateway` connects to."""
        with (
            closing(SqliteJournal(self.folder / "journal.db")) as journal,
            closing(SqliteIntents(self.folder / "intents.db")) as intents,
        ):
            stand_in = _EngineStandIn(journal.write, clock.now)
            context = EngineContext(
                config=config,
                project=self.project,
                run_dir=self.folder,
                clock=clock,
                journal=journal,
                intents=intents,
                alerts=stand_in,
                reader=None,
                state=lambda: stand_in.state,
                halt_entries=stand_in.halt_entries,
                on_incident=stand_in.incident,
                stories=StoryMemory(timedelta(hours=config.news.dedupe_h)),
                leap=leap,
                open_gateway=gateway,
            )
            session: Session | None = None
            try:
                session = await Session.connect(context, lambda accounts: accounts[0])
                for note in self.notes:
                    stand_in.incident("archive", note)
                await session.run(partial(self._after_beat, session, stand_in, journal))
            finally:
                if session is not None:
                    await session.disconnect()

    async def _after_beat(
        self, session: Session, stand_in: _EngineStandIn, journal: SqliteJournal, now: datetime
    ) -> bool:
        if journal.buffered >= FLUSH_ROWS:
            journal.flush()
        if now < self.until:
            return False
        stand_in.state = TradingState.STOPPING
        await session.cancel_entries()
        session.request_flatten("session end")
        over = now >= self.until + LAST_STRETCH
        if over and not session.flat:
            stand_in.incident("not flat", f"the recording has no market any more for what is left: {session.exposure}")
        return over or session.flat
