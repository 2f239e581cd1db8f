"""The one folder per account below the user's state folder: ownership lock, control token, kill latch, arming."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from momentum_kit.errors import EngineError, GuardRefused, StorageError
from momentum_kit.file_locks import try_lock

STOP_FILE = "stop"
HEARTBEAT = "heartbeat.json"
LATCHES = {  # what a human forbade the account, weakest first: the file that keeps it until a human lifts it
    "pause": "paused",
    "reduce_only": "reduce_only",
    "flatten": "flattened",
    "kill": "killed",
}
LOCK_PATIENCE_S = 0.5  # whoever asks `owned` holds the lock for a moment; that is no owner


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlAddress:
    """Where a running engine listens; the token is a secret."""

    port: int
    token: str
    pid: int
    run_dir: str
    config: str


@dataclass(frozen=True, slots=True)
class Restriction:
    """One of LATCHES with who gave it and when."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name.replace('_', '-')} {self.reason}".strip()


class StateFolder:
    """Files of one account: 0700 folder, 0600 files."""

    def __init__(self, owner_key: str) -> None:
        base = os.environ.get("MOMENTUM_KIT_STATE_DIR")
        root = Path(base) if base else Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        self.path = root / "momentum_kit" / owner_key

    def create(self) -> None:
        """Make the folder, private to the user."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.chmod(0o700)
        except OSError as error:
            raise EngineError(f"cannot create the state folder {self.path}: {error.strerror}") from None

    @contextmanager
    def own(self) -> Iterator[None]:
        """Hold the account: at most one engine at a time; GuardRefused if another process has it."""
        self.create()
        lock = os.open(self.path / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline = time.monotonic() + LOCK_PATIENCE_S
            while not try_lock(lock):
                if time.monotonic() >= deadline:
                    raise GuardRefused(f"another engine owns this account ({self.path.name}); attach to it")
                time.sleep(0.01)
            self.withdraw()  # what an engine left that did not end in order
            yield
        finally:
            os.close(lock)

    @property
    def owned(self) -> bool:
        """True while an engine holds the account, listening or not; the system frees the lock of a dead one."""
        try:
            lock = os.open(self.path / "owner.lock", os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            return not try_lock(lock, shared=True)
        finally:
            os.close(lock)

    def write_private(self, name: str, text: str) -> None:
        """Write a 0600 file atomically; StorageError if the disk refuses."""
        temporary = self.path / f".{name}.{os.getpid()}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
            temporary.rename(self.path / name)
        except OSError as error:
            raise StorageError(f"cannot write {self.path / name}: {error.strerror}") from None

    def publish(self, address: ControlAddress) -> None:
        """Tell others of this user where the engine listens."""
        self.write_private("control.json", json.dumps(asdict(address)))

    def withdraw(self) -> None:
        """The engine no longer listens."""
        (self.path / "control.json").unlink(missing_ok=True)

    def address(self) -> ControlAddress | None:
        """The running engine's address; None if there is none, whatever a dead one has left."""
        if not self.owned:  # a process id would tell less: it outlives its process as a zombie, or as another's
            return None
        try:
            return ControlAddress(**json.loads((self.path / "control.json").read_text()))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError) as error:
            raise EngineError(f"{self.path / 'control.json'} is malformed: {error}") from None

    def latch(self, restriction: Restriction) -> None:
        """Keep it over engines until a human lifts it; StorageError if the disk refuses."""
        self.write_private(LATCHES[restriction.name], restriction.reason)

    def latched(self) -> Restriction | None:
        """The strongest restriction that nobody has lifted; None without any."""
        for name in reversed(LATCHES):
            latch = self.path / LATCHES[name]
            if latch.exists():
                return Restriction(name, latch.read_text(errors="replace"))
        return None

    def lift(self, *names: str) -> None:
        """These hold no more; StorageError if the disk refuses."""
        try:
            for name in names:
                (self.path / LATCHES[name]).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"cannot change {self.path}: {error.strerror}") from None

    @property
    def killed(self) -> str:
        """Why the account is latched as killed; empty if it is not."""
        latched = self.latched()
        return latched.reason or "killed" if latched and latched.name == "kill" else ""

    def clear_kill(self) -> None:
        """Remove the latch, and whatever weaker restriction lay below it."""
        self.lift(*LATCHES)
        (self.path / STOP_FILE).unlink(missing_ok=True)  # a kill that nobody was there to obey

    def leave_command(self, command: str) -> None:
        """A stop-file: an engine of this account, even one that hangs and wakes later, obeys and removes it."""
        self.write_private(STOP_FILE, command)

    def take_command(self) -> str | None:
        """What a stop-file commands, which is removed; empty where somebody only touched it, None without one."""
        file = self.path / STOP_FILE
        try:
            text = file.read_text(errors="replace").strip()
            file.unlink()
        except FileNotFoundError:
            return None
        return text[:100]

    def leave_heartbeat(self, text: str) -> None:
        """The engine's sign of life."""
        self.write_private(HEARTBEAT, text)

    def heartbeat(self) -> str:
        """The last sign of life of this account's engine, running or not; empty without one."""
        try:
            return (self.path / HEARTBEAT).read_text()
        except (FileNotFoundError, NotADirectoryError):
            return ""

    def arm(self, account: str, until: datetime) -> None:
        """Allow live trading of `account` until an aware time."""
        self.create()
        self.write_private("armed.json", json.dumps({"account": account, "until": until.isoformat()}))

    def require_armed(self, account: str) -> None:
        """GuardRefused unless this very account is armed and the arming has not expired."""
        try:
            armed = json.loads((self.path / "armed.json").read_text())
        except FileNotFoundError:
            raise GuardRefused(f"live trading is not armed; run: momentum-kit arm --account {account}") from None
        if armed["account"] != account:
            raise GuardRefused(f"armed for {armed['account']}, but the gateway serves {account}")
        if datetime.fromisoformat(armed["until"]) < datetime.now(UTC):
            raise GuardRefused(f"the arming expired at {armed['until']}; arm again")
