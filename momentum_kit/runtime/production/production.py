"""`momentum-kit run`: executes a notebook with papermill; it owns the engine, the kernel only drives it."""

import difflib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from glob import escape
from pathlib import Path
from typing import Any, Literal

import yaml

from momentum_kit.config import Config, find_project, load_config
from momentum_kit.errors import (
    EngineError,
    InputError,
    MomentumKitError,
    NotebookError,
    OpenPositionsLeft,
    StorageError,
)
from momentum_kit.runtime.engine import RUN_ACCOUNT, RUN_DIR, EngineProcess, configure_logs, parse_until, start_engine
from momentum_kit.runtime.ownership import StateFolder, no_answer
from momentum_kit.runtime.production.bounds import AtomicFiles, Bounds
from momentum_kit.runtime.production.deaths import DEATHS
from momentum_kit.runtime.production.heartbeat_monitor import HeartbeatMonitor
from momentum_kit.runtime.production.interrupts import Interrupts
from momentum_kit.runtime.production.kernel import KernelRun, check_kernel
from momentum_kit.runtime.production.notebook import NotebookWork
from momentum_kit.runtime.production.notify import Notifier
from momentum_kit.runtime.production.report import SUMMARY
from momentum_kit.runtime.production.report_page import write_page
from momentum_kit.runtime.production.unwatched_start import UnwatchedStart
from momentum_kit.runtime.run_folder import prepare_run_folder
from momentum_kit.storage.journal import intents_file, unresolved_symbols

_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?|true|false")

OnKernelDeath = Literal["continue", "stop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """How a headless run ended: exit_status by DESIGN.md's table, failure in words (empty if none).

    finished: the session ended in order and nothing of its record is missing, whatever became of the notebook's cells
    under kernels that died. kernel_deaths: each in words.
    """

    notebook: Path
    exit_status: int
    failure: str = ""
    finished: bool = True
    kernel_deaths: tuple[str, ...] = ()


def settings_of(pairs: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE pairs of the command line; a value that reads as a number or true/false becomes one."""
    given: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise InputError(f"{pair!r}: expected a key and a value")
        given[name] = yaml.safe_load(text) if _NUMBER.fullmatch(text) else text
    return given


def address_overrides(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The notebook's host and port say where the engine has to connect as well."""
    return {f"broker.{name}": parameters[name] for name in ("host", "port") if parameters.get(name)}


def prepare_out(out: Path, notebook: Path) -> Path:
    """Make the run folder, or see that it is an earlier run's; InputError for another, and for the notebook's own."""
    if out.is_dir() and notebook.parent.is_dir() and out.samefile(notebook.parent):
        raise InputError(f"{out} is the notebook's own folder, whose copy would replace it; name a new or empty one")
    return prepare_run_folder(out)


def clear_report(out: Path, notebook: Path) -> None:
    """Remove the report of a run of this notebook that was here before: it says nothing of this one."""
    for left in (out / SUMMARY, out / DEATHS, *out.glob(f"{escape(notebook.stem)}.kernel-[0-9].ipynb")):
        left.unlink(missing_ok=True)
    (out / notebook.name).with_suffix(".html").unlink(missing_ok=True)


def check_parameters(notebook: Path, parameters: Mapping[str, Any]) -> None:
    """NotebookError unless the notebook exists and declares every parameter (papermill itself only logs)."""
    from momentum_kit.runtime.production.papermill import declared_parameters

    if not notebook.is_file():
        raise NotebookError(f"no such notebook: {notebook}")
    declared = declared_parameters(notebook)
    if not declared and parameters:
        raise NotebookError(f"{notebook} has no cell tagged 'parameters'")
    for name in parameters:
        if name not in declared:
            near = difflib.get_close_matches(name, declared, n=1, cutoff=0)
            raise NotebookError(f"{notebook} declares no parameter {name}; did you mean {near[0]}?")


def run_notebook(
    notebook: Path,
    config: Path,
    parameters: Mapping[str, Any],
    overrides: Mapping[str, Any],
    out: Path,
    started: Callable[[EngineProcess], None] | None = None,
    *,
    on_kernel_death: OnKernelDeath = "continue",
    bounds: Bounds | None = None,
    unwatched: bool = False,
) -> RunOutcome:
    """Start the engine, execute the notebook against it, end both; `out` receives everything.

    started is called once the engine listens. SIGTERM and SIGINT end the session in order and interrupt the kernel,
    so that the notebook's `finally` runs. A kernel that dies is followed by a fresh one, which executes the notebook
    from the top; on_kernel_death says whether the session goes on meanwhile or ends in order. unwatched: a gateway that
    is away at the start is waited for, and a start that fails calls somebody.
    """
    given = {**parameters, "config": str(config)}
    check_parameters(notebook, given)
    check_kernel()
    settings = load_config(config, overrides)
    if settings.clock.kind == "wall":  # market time is known now: on a holiday nothing needs to be started
        parse_until(str(given.get("until", "")), datetime.now(UTC), settings.calendar)
    folder, files = StateFolder.of(settings), AtomicFiles(_say)
    failure = ""
    with Interrupts() as interrupts:
        start = partial(start_engine, config, overrides, out)
        engine = _unwatched(config, settings, given, interrupts)(start) if unwatched else start()
        clear_report(out, notebook)
        interrupts.stop_session = engine.stop
        kernels = KernelRun(
            interrupts=interrupts, bounds=bounds or Bounds(), session_over=lambda: not folder.owned, files=files
        )
        work = NotebookWork(notebook=notebook, out=out, parameters=given, kernels=kernels, tell=_say)
        try:
            if started:
                started(engine)
            with (
                HeartbeatMonitor(folder, _say),
                Notifier(folder),
                _engine_is_ours(settings.owner_key, out),
            ):
                interrupts.refuse_to_go_on()
                work.through(engine.stop, stop_at_death=on_kernel_death == "stop")
        except MomentumKitError as error:
            failure = str(error)
        finally:  # also where something else is wrong with the run: the session never goes on without it
            status, why = _end_of(engine, config, settings)
    words = "; ".join(each for each in (failure or files.failure, why) if each)
    _leave_page(work.executed)
    exhausted = work.exhausted and not status
    return RunOutcome(
        notebook=work.executed,
        exit_status=status or (MomentumKitError.exit_status if words else 0),
        failure=words,
        finished=exhausted or not words,
        kernel_deaths=tuple(map(str, work.deaths)),
    )


def _unwatched(config: Path, settings: Config, parameters: Mapping[str, Any], interrupts: Interrupts) -> UnwatchedStart:
    configure_logs(find_project(config.resolve().parent) / settings.storage.logs_dir / "run", settings.storage)
    return UnwatchedStart(settings, until=str(parameters.get("until", "")), interrupts=interrupts, say=_say)


def _leave_page(executed: Path) -> None:
    """The report for whoever has no Jupyter; a session does not fail for want of it."""
    if not executed.is_file():
        return
    try:
        if write_page(executed, f"Flight log: {executed.parent.name}") is None:
            _say("no HTML report: nbconvert is not installed; python -m pip install nbconvert")
    except StorageError as error:
        _say(str(error))


def _say(words: str) -> None:
    print(words, file=sys.stderr)  # noqa: T201  (while the notebook runs nobody else can tell)


@contextmanager
def _engine_is_ours(owner_key: str, out: Path) -> Iterator[None]:
    """Meanwhile a kernel that is started here knows that it may attach to this account's engine, but start none."""
    os.environ |= {RUN_ACCOUNT: owner_key, RUN_DIR: str(out)}
    try:
        yield
    finally:
        del os.environ[RUN_ACCOUNT], os.environ[RUN_DIR]


def _end_of(engine: EngineProcess, config: Path, settings: Config) -> tuple[int, str]:
    """The engine's exit status by DESIGN.md's table, and its failure in words."""
    try:
        status = engine.finish()
    except EngineError as hangs:
        error = no_answer(StateFolder.of(settings), str(hangs))
        return error.exit_status, str(error)
    if status >= 0:
        return status, engine.last_words() if status else ""
    words = f"the engine was ended by {signal.Signals(-status).name}"
    if unresolved := unresolved_symbols(_intents_of(config, settings)):
        words += f"; {', '.join(unresolved)} may be held, with the stops at the broker: start again to take over"
        return OpenPositionsLeft.exit_status, words
    return MomentumKitError.exit_status, words


def _intents_of(config: Path, settings: Config) -> Path:
    return intents_file(find_project(config.resolve().parent) / settings.storage.data_dir, settings.owner_key)
