"""`momentum-kit run`: executes a notebook with papermill; it owns the engine, the kernel only drives it."""

import difflib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

from momentum_kit.config import Config, find_project, load_config
from momentum_kit.errors import EngineError, InputError, MomentumKitError, NotebookError, OpenPositionsLeft
from momentum_kit.external.alerts import make_alerts
from momentum_kit.runtime.engine_process import RUN_ACCOUNT, EngineProcess, start_engine
from momentum_kit.runtime.engine_signs import no_answer
from momentum_kit.runtime.engine_watch import EngineWatch
from momentum_kit.runtime.interrupts import TOLD_TO_STOP, Interrupts
from momentum_kit.runtime.state_folder import StateFolder
from momentum_kit.storage.intents import intents_file, unresolved_symbols

KERNEL = "python3"
_NUMBER = re.compile(r"-?\d+(\.\d+)?|true|false")


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a headless run ended: exit_status by DESIGN.md's table, failure in words (empty if none)."""

    notebook: Path
    exit_status: int
    failure: str = ""


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


def prepare_out(out: Path) -> Path:
    """Create the run folder; InputError if it cannot be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"cannot write the run folder {out}: {error.strerror}") from None
    return out.resolve()


def check_parameters(notebook: Path, parameters: Mapping[str, Any]) -> None:
    """NotebookError unless the notebook exists and declares every parameter (papermill itself only logs)."""
    import papermill

    if not notebook.is_file():
        raise NotebookError(f"no such notebook: {notebook}")
    declared = papermill.inspect_notebook(str(notebook))
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
) -> RunOutcome:
    """Start the engine, execute the notebook against it, end both; `out` receives everything.

    started is called once the engine listens. SIGTERM and SIGINT end the session in order and interrupt the kernel,
    so that the notebook's `finally` runs. When the kernel dies, the session is ended in order as well.
    """
    given = {**parameters, "config": str(config)}
    check_parameters(notebook, given)
    settings = load_config(config, overrides)
    executed = out / notebook.name
    failure = ""
    with Interrupts() as interrupts:
        engine = start_engine(config, overrides, out)
        interrupts.stop_session = engine.stop
        if started:
            started(engine)
        with EngineWatch(StateFolder(settings.owner_key), _say, make_alerts(settings.alerts, settings.owner_key)):
            try:
                interrupts.refuse_to_go_on()
                with _engine_is_ours(settings.owner_key):
                    _execute(notebook, executed, given, interrupts)
            except MomentumKitError as error:
                failure = str(error)
            status, why = _end_of(engine, config, settings)
    failure = "; ".join(words for words in (failure, why) if words)
    return RunOutcome(executed, status or (MomentumKitError.exit_status if failure else 0), failure)


def _say(words: str) -> None:
    print(words, file=sys.stderr)  # noqa: T201  (while the notebook runs nobody else can tell)


@contextmanager
def _engine_is_ours(owner_key: str) -> Iterator[None]:
    """Meanwhile a kernel that is started here knows that it may attach to this account's engine, but start none."""
    os.environ[RUN_ACCOUNT] = owner_key
    try:
        yield
    finally:
        del os.environ[RUN_ACCOUNT]


def _end_of(engine: EngineProcess, config: Path, settings: Config) -> tuple[int, str]:
    """The engine's exit status by DESIGN.md's table, and its failure in words."""
    try:
        status = engine.finish()
    except EngineError as hangs:
        error = no_answer(StateFolder(settings.owner_key), str(hangs))
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


def _execute(notebook: Path, executed: Path, parameters: Mapping[str, Any], interrupts: Interrupts) -> None:
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    # ipc: no port, nobody else can listen. Async: under a blocking manager nbclient never sees a kernel die.
    manager = AsyncKernelManager(kernel_name=KERNEL, transport="ipc")
    try:
        interrupts.attach(manager)
        papermill.execute_notebook(
            str(notebook), str(executed), parameters=dict(parameters), progress_bar=False, kernel_name=KERNEL,
            km=manager, **interrupts.hooks,
        )  # fmt: skip
    except PapermillExecutionError as error:
        raise NotebookError(f"cell {error.exec_count} of {executed} failed: {error.ename}: {error.evalue}") from None
    except DeadKernelError:
        raise NotebookError(f"the kernel died while executing {executed}; the session was ended in order") from None
    except KeyboardInterrupt:
        raise NotebookError(TOLD_TO_STOP) from None
    finally:
        interrupts.attach(None)
        if manager.has_kernel:
            run_sync(manager.shutdown_kernel)(now=True)
