"""The engine's process as others see it: started, found, asked to stop, its violent end told; loads nothing of it."""

import json
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from momentum_kit.config import Config, load_config
from momentum_kit.errors import ConfigError, EngineError, GuardRefused, InputError, MomentumKitError
from momentum_kit.private_files import make_private_folder, open_private
from momentum_kit.runtime.control import ControlClient
from momentum_kit.runtime.ownership import ControlAddress, StateFolder, last_left

log = structlog.get_logger("engine")

ERRORS = "engine.err"  # the engine's stderr
FINAL_STATUS = "engine.json"  # the last snapshot, written when the session is over
RUN_ACCOUNT = "MOMENTUM_KIT_RUN_ACCOUNT"  # environment of a headless run's kernel: whose engine the run itself owns
RUN_DIR = "MOMENTUM_KIT_RUN_DIR"  # and where that run leaves everything
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
START_TIMEOUT_S = 60.0


def new_run_dir(config: Config, project: Path) -> Path:
    """A fresh folder runs/<time>; InputError if it cannot be written."""
    folder = project / config.storage.runs_dir / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    for attempt in range(1, 100):
        try:
            make_private_folder(folder.parent)
            folder.mkdir(mode=0o700)
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
        """Ask for an orderly stop if it still runs, wait, and return its exit status; negative if a signal ended it."""
        self.stop()
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise EngineError(f"the engine (pid {self.address.pid}) did not stop within {timeout_s:.0f} s") from None

    def last_words(self) -> str:
        """Why it failed, in one line."""
        words = (self._run_dir / ERRORS).read_text(encoding="utf-8").strip().splitlines()
        return words[-1] if words else f"the engine ended with status {self._process.returncode}"

    def stop(self) -> None:
        """Ask for an orderly stop: flat, then ended. Does no harm to an engine that has ended."""
        self._process.send_signal(signal.SIGTERM)


def find_engine(folder: StateFolder) -> ControlAddress | None:
    """Where the account's engine listens, waiting for one that starts or dies; None if nobody owns the account."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while folder.owned:
        if (address := folder.address()) and not ControlClient(address).gone:
            return address
        if time.monotonic() >= deadline:
            raise EngineError(f"an engine owns {folder.path.name} but does not listen; look at logs/bot.log")
        time.sleep(0.02)
    return None


def start_engine(config_path: str | Path, overrides: Mapping[str, Any], run_dir: Path) -> EngineProcess:
    """Start an engine process for this configuration and wait until it listens; its own error if it does not."""
    config = load_config(config_path, overrides)
    folder = StateFolder.of(config)
    order = json.dumps({"config": str(config_path), "overrides": dict(overrides), "run_dir": str(run_dir)})
    # Under a name of its own until it is accepted: another session may be writing here.
    errors = run_dir / f".{ERRORS}.{secrets.token_hex(4)}"
    with open(errors, "w", opener=open_private) as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "momentum_kit.runtime.engine", order],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,  # a Ctrl-C in the terminal, or the kernel's death, must not end the session
        )
    threading.Thread(target=_outlive, args=(process, config), name=f"engine {process.pid}", daemon=True).start()
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        address = folder.address()
        if address and address.pid == process.pid:
            errors.replace(run_dir / ERRORS)
            return EngineProcess(process, address, run_dir)
        if process.poll() is not None:
            raise _start_error(errors, process.returncode)
        time.sleep(0.02)
    process.terminate()
    raise EngineError(f"the engine did not come up within {START_TIMEOUT_S:.0f} s; see {errors}")


def _outlive(process: "subprocess.Popen[bytes]", config: Config) -> None:
    """Wait for the engine's end: it must not stay behind as a zombie, and a violent end is told by whoever is left."""
    status = process.wait()
    if status >= 0:
        return  # it had its own last word
    from momentum_kit.external import make_alerts  # loads aiohttp

    try:
        alerts = make_alerts(config.alerts, config.owner_key)
    except ConfigError as error:
        log.warning("nobody told of the engine's death", error=str(error))
        return
    name = signal.Signals(-status).name
    alerts.send(
        "critical", f"the engine (pid {process.pid}) was ended by {name}; {last_left(StateFolder.of(config))[0]}"
    )
    alerts.close()


def _start_error(errors: Path, status: int) -> MomentumKitError:
    lines = errors.read_text().strip().splitlines() or [f"the engine ended with status {status}"]
    errors.unlink()
    if status == GuardRefused.exit_status:
        return GuardRefused(lines[-1])
    error = EngineError(lines[-1])
    error.exit_status = max(status, MomentumKitError.exit_status)  # a negative one is the signal that ended it
    return error
