"""The one folder per account below the user's state folder: ownership lock, control token, kill latch, arming."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from momentum_kit.errors import EngineError, GuardRefused


@dataclass(frozen=True, slots=True)
class ControlAddress:
    """Where a running engine listens; the token is a secret."""

    port: int
    token: str
    pid: int
    run_dir: str
    config: str


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
        with (self.path / "owner.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise GuardRefused(f"another engine owns this account ({self.path.name}); attach to it") from None
            yield

    def write_private(self, name: str, text: str) -> None:
        """Write a 0600 file atomically."""
        temporary = self.path / f".{name}.{os.getpid()}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        temporary.rename(self.path / name)

    def publish(self, address: ControlAddress) -> None:
        """Tell others of this user where the engine listens."""
        self.write_private("control.json", json.dumps(asdict(address)))

    def withdraw(self) -> None:
        """The engine no longer listens."""
        (self.path / "control.json").unlink(missing_ok=True)

    def address(self) -> ControlAddress | None:
        """The running engine's address; None if there is none (a dead engine's file is removed)."""
        try:
            address = ControlAddress(**json.loads((self.path / "control.json").read_text()))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError) as error:
            raise EngineError(f"{self.path / 'control.json'} is malformed: {error}") from None
        if _alive(address.pid):
            return address
        self.withdraw()
        return None

    @property
    def killed(self) -> str:
        """Why the account is latched as killed; empty if it is not."""
        latch = self.path / "killed"
        return latch.read_text() or "killed" if latch.exists() else ""

    def latch_kill(self, reason: str) -> None:
        """Survives restarts until a human clears it."""
        self.write_private("killed", reason)

    def clear_kill(self) -> None:
        """Remove the latch."""
        (self.path / "killed").unlink(missing_ok=True)

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


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
