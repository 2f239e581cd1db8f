"""`momentum-kit run`: executes a notebook with papermill; it owns the engine, the kernel only drives it."""

import difflib
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import yaml
from jupyter_client.manager import KernelManager

from momentum_kit.errors import InputError, MomentumKitError, NotebookError
from momentum_kit.runtime.engine_process import EngineProcess, start_engine

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

    started is called once the engine listens. SIGTERM and SIGINT reach the kernel as an interrupt, so that the
    notebook's `finally` runs and the session ends in order.
    """
    given = {**parameters, "config": str(config)}
    check_parameters(notebook, given)
    engine = start_engine(config, overrides, out)
    if started:
        started(engine)
    executed = out / notebook.name
    failure = ""
    try:
        _execute(notebook, executed, given)
    except MomentumKitError as error:
        failure = str(error)
    status = engine.finish()
    if status == 0 and failure:
        status = MomentumKitError.exit_status
    return RunOutcome(executed, status, failure)


def _execute(notebook: Path, executed: Path, parameters: Mapping[str, Any]) -> None:
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    manager = KernelManager(kernel_name=KERNEL, transport="ipc")  # no port, nobody else can listen
    try:
        with _signals_interrupt(manager):
            papermill.execute_notebook(
                str(notebook),
                str(executed),
                parameters=dict(parameters),
                progress_bar=False,
                kernel_name=KERNEL,
                km=manager,
            )
    except PapermillExecutionError as error:
        raise NotebookError(f"cell {error.exec_count} of {executed} failed: {error.ename}: {error.evalue}") from None
    except DeadKernelError:
        raise NotebookError(f"the kernel died while executing {executed}") from None
    finally:
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)


@contextmanager
def _signals_interrupt(manager: KernelManager) -> Iterator[None]:
    """SIGTERM and SIGINT of this process become SIGINT of the kernel, which alone can run the notebook's `finally`."""

    def forward(_number: int, _frame: FrameType | None) -> None:
        pid = getattr(manager.provisioner, "pid", None)
        if pid:
            os.kill(pid, signal.SIGINT)

    before = {number: signal.signal(number, forward) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
