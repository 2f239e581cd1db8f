"""Hosts an engine and its control endpoint: in a process that outlives the kernel that started it, or on a thread."""

import asyncio
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from momentum_kit.config import Config, find_project, load_config
from momentum_kit.errors import EngineError, GuardRefused, MomentumKitError, OpenPositionsLeft
from momentum_kit.external import dead_man_switch
from momentum_kit.models import EngineStatus
from momentum_kit.private_files import write_whole
from momentum_kit.runtime.control import encode_status
from momentum_kit.runtime.endpoint import ControlServer
from momentum_kit.runtime.engine.engine import Engine
from momentum_kit.runtime.engine.heartbeat import EngineHeartbeat
from momentum_kit.runtime.engine.lifeline import tie_life
from momentum_kit.runtime.engine.logs import configure_logs
from momentum_kit.runtime.engine.process import FINAL_STATUS
from momentum_kit.runtime.engine.vouching import Vouching
from momentum_kit.runtime.ownership import ControlAddress, StateFolder, birth_of
from momentum_kit.runtime.watchdog import EngineWatch, HandOver, WatchOrder
from momentum_kit.sessions import session_at

log = structlog.get_logger("engine")

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def _freeze(config: Config) -> None:
    """What a process has loaded stays: to look through it again and again would stop the loop for 40 ms each time."""
    session_at(datetime.now(UTC), config.calendar)  # a third of it all
    gc.collect()
    gc.freeze()


async def serve(
    config: Config, project: Path, run_dir: Path, *, signals: bool = True, order: Mapping[str, Any] | None = None
) -> int:
    """Own the account, host the session until it has ended; the exit status.

    signals: this process is the engine's own: it ends in order on SIGTERM and SIGINT, and is watched from outside.
    order: what the process was asked for, and will be again where it has to be replaced.
    """
    folder, asked = StateFolder.of(config), dict(order or {})
    switch = dead_man_switch(config.alerts)
    with folder.own():
        (run_dir / FINAL_STATUS).unlink(missing_ok=True)  # of an engine that ran here before
        watch = EngineWatch() if signals else None
        crashed, hand_over = True, HandOver()
        engine = Engine(
            config=config,
            project=project,
            run_dir=run_dir,
            folder=folder,
            takes_over=asked.get("takes_over", 0),
            mark=watch.page.mark if watch else lambda _: None,
        )
        server, heartbeat = ControlServer(engine), EngineHeartbeat(engine, folder, watch)
        vouching = Vouching(
            switch,
            config.alerts.dead_man_every_s,
            trouble=lambda: engine.trouble,
            incident=engine.session_state.incident,
        )
        try:
            await engine.open()
            await server.start()
            await heartbeat.start()
            vouching.start()
            if signals:
                _stop_on_signals(engine)
                _freeze(config)
            if watch is not None and config.watchdog.then != "alert":
                hand_over = _hand_over(engine, folder)
            if watch:
                watch.start(_watch_order(engine, folder, server.token, watch.page.descriptor, asked, hand_over))
            folder.publish(
                ControlAddress(
                    port=server.port,
                    token=server.token,
                    pid=os.getpid(),
                    run_dir=str(run_dir),
                    arguments=config.arguments,
                    proves=True,
                    watched=watch is not None,
                )
            )
            await engine.ended.wait()
            crashed = False
            if signals:
                _ignore_signals()
            status = engine.status()
            _leave_word(run_dir, status)
        finally:
            if watch and (words := watch.end(failed=crashed or bool(engine.session_state.failure))):
                log.warning("watchdog", words=words)
            hand_over.release()
            folder.withdraw()
            await vouching.stop()
            await heartbeat.stop()
            await server.stop()
            await engine.close()
            if watch:
                watch.close()
    words = engine.session_state.failure or (engine.session.exposure if status.positions else "")
    if words and signals:
        print(words, file=sys.stderr)  # noqa: T201  (whoever started us reads this line)
    if status.positions:
        return OpenPositionsLeft.exit_status
    return MomentumKitError.exit_status if engine.session_state.failure else 0


def _hand_over(engine: Engine, folder: StateFolder) -> HandOver:
    """What stands through this engine's death, where another one shall take over."""
    try:
        return HandOver(folder.hand_overs())
    except GuardRefused as error:
        words = f"{error}: should this engine die, its account may seem free for a moment"
        engine.session_state.incident("watchdog", words)
        return HandOver()


def _watch_order(
    engine: Engine,
    folder: StateFolder,
    token: str,
    page: int,
    asked: Mapping[str, Any],
    hand_over: HandOver,
) -> WatchOrder:
    config, pid = engine.config, os.getpid()
    return WatchOrder(
        pid=pid,
        born=birth_of(pid),
        token=token,
        page=page,
        hand_over=hand_over.descriptors,
        accounts=folder.names,
        state_dir=config.storage.state_dir,
        stop_files=tuple(map(str, folder.stop_files)),
        command=tuple(sys.orig_argv[:-1]),
        engine=dict(asked),
        run_dir=str(engine.run_dir),
        held_after_s=config.watchdog.held_after_s,
        then=config.watchdog.then,
        alerts=config.alerts.model_dump(mode="json"),
        arguments=config.arguments,
    )


def _stop_on_signals(engine: Engine) -> None:
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, _stop_by_signal, engine, number)


def _ignore_signals() -> None:
    """It is ending already; the loop's own end would bring back the default, which kills before the last word."""
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


def _stop_by_signal(engine: Engine, number: signal.Signals) -> None:
    task = asyncio.ensure_future(engine.command("stop", number.name))
    task.add_done_callback(_ignore_refusal)


def _ignore_refusal(task: "asyncio.Future[str]") -> None:
    error = task.exception()  # a second stop is refused, which is what it asks for
    if error and not isinstance(error, GuardRefused):
        raise error


def _leave_word(run_dir: Path, status: EngineStatus) -> None:
    """The last snapshot, for those who come later; atomically, and not at any price."""
    try:
        write_whole(run_dir / FINAL_STATUS, encode_status(status))
    except OSError as error:
        log.warning("last status not written", error=str(error))


def serve_in_thread(config: Config, project: Path, run_dir: Path) -> ControlAddress:
    """Host the engine on a loop and thread of this process: for simulation, replay and tests, never for live.

    Returns where it listens once it does, or raises its error.
    """
    if config.needs_arming:
        raise GuardRefused("an engine that trades live runs in its own process; leave in_process off")
    folder, outcome = StateFolder.of(config), list[MomentumKitError]()
    session_at(datetime.now(UTC), config.calendar)  # read here: for a second or two the loop would stand

    def host() -> None:
        try:
            with asyncio.Runner() as runner:  # asyncio.run is another one where a notebook's plain twins have waited
                runner.run(serve(config, project, run_dir, signals=False))
        except MomentumKitError as error:
            outcome.append(error)

    thread = threading.Thread(target=host, name="engine", daemon=True)
    thread.start()
    while True:
        address = folder.address()
        if address and address.run_dir == str(run_dir):
            return address
        thread.join(0.02)
        if not thread.is_alive():
            raise outcome[0] if outcome else EngineError("the engine thread ended before it listened")


def main(order: str) -> int:
    """Entry of the engine process; errors are one line on stderr and an exit status."""
    asked = json.loads(order)
    os.umask(0o077)  # whatever a library writes for this process is this user's alone
    try:
        config = load_config(asked["config"], asked["overrides"])
        tie_life(config)
        project = find_project(Path(asked["config"]).resolve().parent)
        configure_logs(project / config.storage.logs_dir, config.storage)
        return asyncio.run(serve(config, project, Path(asked["run_dir"]), order=asked))
    except MomentumKitError as error:
        print(error, file=sys.stderr)  # noqa: T201  (the parent reads this line)
        return error.exit_status
