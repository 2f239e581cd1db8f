"""The engine's process as others see it: started, found, asked to stop; loads nothing of it."""

import json
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from momentum_kit.config import Config, load_config
from momentum_kit.errors import EngineError, GuardRefused, InputError, MomentumKitError, OpenPositionsLeft
from momentum_kit.private_files import make_private_folder, open_private
from momentum_kit.runtime.control import ControlClient, decode_status_text
from momentum_kit.runtime.ownership import ControlAddress, StateFolder

ERRORS = "engine.err"  # the engine's stderr
FINAL_STATUS = "engine.json"  # the last snapshot, written when the session is over
RUN_ACCOUNT = "MOMENTUM_KIT_RUN_ACCOUNT"  # environment of a headless run's kernel: whose engine the run itself owns
RUN_DIR = "MOMENTUM_KIT_RUN_DIR"  # and where that run leaves everything
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
    """A started engine: where it listens and how it ended; where it hung or died, the one that took over."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", address: ControlAddress, *, run_dir: Path, folder: StateFolder
    ) -> None:
        self.address = address
        self._process = process
        self._run_dir = run_dir
        self._folder = folder

    def finish(self, timeout_s: float = 120.0) -> int:
        """Ask for an orderly stop if it still runs, wait, and return its exit status; negative if a signal ended it."""
        deadline = time.monotonic() + timeout_s
        self.stop()
        try:
            status = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise EngineError(f"the engine (pid {self.address.pid}) did not stop within {timeout_s:.0f} s") from None
        if status >= 0:
            return status
        self.stop()  # where one took over from an engine that hung or died when it was asked
        while next_one := self._successor():
            if time.monotonic() >= deadline:
                raise EngineError(f"the engine (pid {next_one.pid}) did not stop within {timeout_s:.0f} s")
            time.sleep(0.1)
        return self._left(status)

    def last_words(self) -> str:
        """Why it failed, in one line."""
        words = (self._run_dir / ERRORS).read_text(encoding="utf-8").strip().splitlines()
        return words[-1] if words else f"the engine ended with status {self._process.returncode}"

    def stop(self) -> None:
        """Ask for an orderly stop: flat, then ended. Does no harm to an engine that has ended."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        elif next_one := self._successor():
            with suppress(EngineError, GuardRefused):  # on its way out already, which is what was asked for
                ControlClient(next_one, self._folder).command("stop", "the run")

    def _successor(self) -> ControlAddress | None:
        """The engine of the same run that took over, once it listens, while it lives."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._folder.owned and time.monotonic() < deadline:
            address = self._folder.address()
            if address is not None and address.pid != self._process.pid:
                return address if address.run_dir == str(self._run_dir) else None
            time.sleep(0.05)
        return None

    def _left(self, violent: int) -> int:
        """The exit status of the engine that took over, by its last word; violent: that of ours, if there is none."""
        try:
            status = decode_status_text((self._run_dir / FINAL_STATUS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return violent
        if status.pid == self._process.pid:
            return violent
        if status.positions:
            return OpenPositionsLeft.exit_status
        return MomentumKitError.exit_status if (self._run_dir / ERRORS).stat().st_size else 0


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
    # Waited for, so that it leaves no zombie behind; that it died is told by its watchdog, whoever is left.
    threading.Thread(target=process.wait, name=f"engine {process.pid}", daemon=True).start()
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        address = folder.address()
        if address and address.pid == process.pid:
            errors.replace(run_dir / ERRORS)
            return EngineProcess(process, address, run_dir=run_dir, folder=folder)
        if process.poll() is not None:
            raise _start_error(errors, process.returncode)
        time.sleep(0.02)
    process.terminate()
    raise EngineError(f"the engine did not come up within {START_TIMEOUT_S:.0f} s; see {errors}")


def _start_error(errors: Path, status: int) -> MomentumKitError:
    lines = errors.read_text().strip().splitlines() or [f"the engine ended with status {status}"]
    errors.unlink()
    if status == GuardRefused.exit_status:
        return GuardRefused(lines[-1])
    error = EngineError(lines[-1])
    error.exit_status = max(status, MomentumKitError.exit_status)  # a negative one is the signal that ended it
    return error
