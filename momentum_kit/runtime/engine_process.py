"""The engine's process: hosts one engine and its control endpoint, and outlives the kernel that started it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from momentum_kit.config import Config, find_project, load_config
from momentum_kit.errors import EngineError, GuardRefused, InputError, MomentumKitError, OpenPositionsLeft
from momentum_kit.runtime.control import ControlServer
from momentum_kit.runtime.engine import Engine
from momentum_kit.runtime.logs import configure_logs
from momentum_kit.runtime.messages import encode_status
from momentum_kit.runtime.state_folder import ControlAddress, StateFolder

FINAL_STATUS = "engine.json"  # the last snapshot, written when the session is over
START_TIMEOUT_S = 60.0


def new_run_dir(config: Config, project: Path) -> Path:
    """A fresh folder runs/<time>; InputError if it cannot be written."""
    folder = project / config.storage.runs_dir / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    for attempt in range(1, 100):
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            folder = folder.with_name(f"{folder.name.split('.')[0]}.{attempt}")
        except OSError as error:
            raise InputError(f"cannot create the run folder {folder}: {error.strerror}") from None
    raise EngineError(f"cannot create a run folder like {folder}")


class EngineProcess:
    """A started engine: where it listens and how it ended."""

    def __init__(self, process: "subprocess.Popen[bytes]", address: ControlAddress, run_dir: Path) -> None:
        self.address = address
        self._process = process
        self._run_dir = run_dir

    def finish(self, timeout_s: float = 120.0) -> int:
        """Ask for an orderly stop if it still runs, wait, and return its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise EngineError(f"the engine (pid {self.address.pid}) did not stop within {timeout_s:.0f} s") from None


def start_engine(config_path: str | Path, overrides: Mapping[str, Any], run_dir: Path) -> EngineProcess:
    """Start an engine process for this configuration and wait until it listens; its own error if it does not."""
    config = load_config(config_path, overrides)
    folder = StateFolder(config.owner_key)
    order = json.dumps({"config": str(config_path), "overrides": dict(overrides), "run_dir": str(run_dir)})
    errors = run_dir / "engine.err"
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "momentum_kit.runtime.engine_process", order],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,  # a Ctrl-C in the terminal, or the kernel's death, must not end the session
        )
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        address = folder.address()
        if address and address.pid == process.pid:
            return EngineProcess(process, address, run_dir)
        if process.poll() is not None:
            raise _start_error(errors, process.returncode)
        time.sleep(0.02)
    process.terminate()
    raise EngineError(f"the engine did not come up within {START_TIMEOUT_S:.0f} s; see {errors}")


def _start_error(errors: Path, status: int) -> MomentumKitError:
    lines = errors.read_text().strip().splitlines() or [f"the engine ended with status {status}"]
    errors.unlink()
    error = EngineError(lines[-1])
    error.exit_status = status
    return error


async def serve(config: Config, config_name: str, project: Path, run_dir: Path, *, signals: bool = True) -> int:
    """Own the account, host the session until it has ended; the exit status.

    signals: end in order on SIGTERM and SIGINT (only the main thread may ask for that).
    """
    folder = StateFolder(config.owner_key)
    with folder.own():
        engine = Engine(config, project, run_dir, folder)
        server = ControlServer(engine)
        try:
            await engine.open()
            await server.start()
            folder.publish(ControlAddress(server.port, server.token, os.getpid(), str(run_dir), config_name))
            if signals:
                for number in (signal.SIGTERM, signal.SIGINT):
                    asyncio.get_running_loop().add_signal_handler(number, _stop_by_signal, engine, number)
            await engine.ended.wait()
            status = engine.status()
            _write_atomically(run_dir / FINAL_STATUS, encode_status(status))
        finally:
            folder.withdraw()
            await server.stop()
            await engine.close()
    if status.positions:
        return OpenPositionsLeft.exit_status
    return 1 if engine.failure else 0


def _stop_by_signal(engine: Engine, number: signal.Signals) -> None:
    task = asyncio.ensure_future(engine.command("stop", number.name))
    task.add_done_callback(_ignore_refusal)


def _ignore_refusal(task: "asyncio.Future[str]") -> None:
    error = task.exception()  # a second stop is refused, which is what it asks for
    if error and not isinstance(error, GuardRefused):
        raise error


def _write_atomically(path: Path, text: str) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.rename(path)


def main(order: str) -> int:
    """Entry of the engine process; errors are one line on stderr and an exit status."""
    asked = json.loads(order)
    try:
        config = load_config(asked["config"], asked["overrides"])
        project = find_project(Path(asked["config"]).resolve().parent)
        configure_logs(project / config.storage.logs_dir, config.storage)
        return asyncio.run(serve(config, asked["config"], project, Path(asked["run_dir"])))
    except MomentumKitError as error:
        print(error, file=sys.stderr)  # noqa: T201  (the parent reads this line)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
