"""The one folder per account below the user's state folder: ownership lock, control token, kill latch, arming."""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from momentum_kit.config import Config, other_writer, state_root
from momentum_kit.errors import EngineError, GuardRefused, StorageError
from momentum_kit.file_locks import try_lock
from momentum_kit.json_text import parse_json
from momentum_kit.private_files import make_private_folder
from momentum_kit.runtime.ownership.second_place import KILLED, LOCK, is_locked, killed_outside, lift_outside, outside
from momentum_kit.runtime.stop_file import word_in

STOP_FILE = "stop"
HEARTBEAT = "heartbeat.json"
HAND_OVERS = ("hand-over.lock", "hand-over-2.lock")  # one stands from the end of an engine to the word of the next
ACKNOWLEDGED = "acknowledged"
BARRED = "barred.json"  # texts that held or ended an engine while they were read: fingerprint to words
MOST_BARRED = 100
LATCHES = {  # what a human forbade the account, weakest first: the file that keeps it until a human lifts it
    "pause": "paused",
    "reduce_only": "reduce_only",
    "flatten": "flattened",
    "kill": "killed",
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:%-]{0,127}")  # of a folder: an account comes from the gateway
LOCK_PATIENCE_S = 0.5  # whoever asks `owned` holds the lock for a moment; that is no owner


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlAddress:
    """Where a running engine listens; the token is a secret."""

    port: int
    token: str
    pid: int
    run_dir: str
    arguments: str  # what names the session on a command line
    proves: bool = False  # it answers the question of control/proof; one of an older kit does not
    watched: bool = False  # a watchdog ends it where it hangs and a kill waits


@dataclass(frozen=True, slots=True)
class Restriction:
    """One of LATCHES with who gave it and when."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name.replace('_', '-')} {self.reason}".strip()


class StateFolder:
    """Files of one account: 0700 folder, 0600 files; those of a shared folder are its group's as well."""

    def __init__(self, owner_key: str, state_dir: str = "") -> None:
        if not _NAME.fullmatch(owner_key):
            raise GuardRefused(f"{owner_key[:80]!r} is no account's name, and no folder is made of it")
        self._shared = state_dir
        self.path = state_root(state_dir) / owner_key
        self._twin: StateFolder | None = None  # the same account by its other name

    @classmethod
    def of(cls, config: Config) -> "StateFolder":
        """The folder of the account that a configuration trades."""
        return cls(config.owner_key, config.storage.state_dir)

    def create(self) -> None:
        """Make the folder, private to the user or to the shared folder's group."""
        mode = 0o2770 if self._shared else 0o700
        try:
            if not self._shared:
                make_private_folder(self.path)
            self.path.mkdir(parents=True, exist_ok=True, mode=mode)
            for place in (self.path,) if self._shared else (self.path, self.path.parent):
                if place.stat().st_uid == os.geteuid():
                    place.chmod(mode)
        except OSError as error:
            raise EngineError(f"cannot create the state folder {self.path}: {error.strerror}") from None

    @contextmanager
    def own(self) -> Iterator[None]:
        """Hold the account: at most one engine at a time; GuardRefused if another process has it."""
        self.create()
        if who := other_writer(self.path, shared=bool(self._shared)):
            raise GuardRefused(
                f"{who}, and whoever may write there commands this account's engine: "
                f"make the state folder {self.path} yours alone (chmod go-w, chown), or set MOMENTUM_KIT_STATE_DIR"
            )
        with ExitStack() as held:
            for file in (self.path / "owner.lock", *self._outside(LOCK)):
                lock = self._open(file, os.O_RDWR | os.O_CREAT)
                held.callback(os.close, lock)
                self._hold(lock)
            self.withdraw()  # what an engine left that did not end in order
            yield

    def _outside(self, what: str) -> tuple[Path, ...]:
        return outside(self.path, what, shared=bool(self._shared))

    def _hold(self, lock: int) -> None:
        deadline = time.monotonic() + LOCK_PATIENCE_S
        while not try_lock(lock):
            if time.monotonic() >= deadline:
                raise GuardRefused(f"another engine owns this account ({self.path.name}){self._by_whom()}")
            time.sleep(0.01)

    @contextmanager
    def own_as_well(self, account: str) -> Iterator[None]:
        """Hold the account by its own name too, where it was found by an address: other configurations name it.

        Meanwhile everything is left, and latched, in both folders.
        """
        twin = StateFolder(account, self._shared)
        with twin.own():
            self._twin = twin
            try:
                yield
            finally:
                self.withdraw()
                self._twin = None

    def _by_whom(self) -> str:
        try:
            address = self.address()
        except EngineError:
            return ""
        return f", started with {address.arguments}" if address else ", and is starting"

    @property
    def owned(self) -> bool:
        """True while an engine holds the account, or a watchdog that has ended it until the next one does."""
        return self.locked or any(map(self._is_held, HAND_OVERS))

    @property
    def locked(self) -> bool:
        """True while an engine holds the account, listening or not; the system frees the lock of a dead one."""
        return self._is_held("owner.lock") or is_locked(self.path)

    @property
    def followed(self) -> bool:
        """While one hands the account over: an engine holds it already, or another one's watchdog hands it on."""
        return self.locked or all(map(self._is_held, HAND_OVERS))

    def _is_held(self, name: str) -> bool:
        try:
            lock = self._open(self.path / name, os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            return not try_lock(lock, shared=True)
        finally:
            os.close(lock)

    @contextmanager
    def handing_over(self) -> Iterator[None]:
        """Meanwhile the account counts as owned, though no engine holds it: one is gone, the next one starts."""
        lock = self.hand_over()
        try:
            yield
        finally:
            os.close(lock)

    def hand_over(self) -> int:
        """A descriptor that counts the account as owned for as long as any process has it open.

        Two may overlap, that of an engine which is followed and that of the one which follows; GuardRefused beyond.
        """
        deadline = time.monotonic() + LOCK_PATIENCE_S
        while True:
            for name in HAND_OVERS:
                lock = self._open(self.path / name, os.O_RDWR | os.O_CREAT)
                if try_lock(lock):
                    return lock
                os.close(lock)
            if time.monotonic() >= deadline:
                raise GuardRefused(f"{self.path.name} is handed over already, twice")
            time.sleep(0.01)

    def hand_overs(self) -> tuple[int, ...]:
        """One a name of the account; GuardRefused, and none is held, where one cannot be."""
        taken: list[int] = []
        try:
            for folder in filter(None, (self, self._twin)):
                taken += [folder.hand_over()]
        except BaseException:
            for lock in taken:
                os.close(lock)
            raise
        return tuple(taken)

    def _open(self, file: Path, flags: int) -> int:
        """A descriptor of one of its files; GuardRefused where it belongs to a user who shares it with nobody."""
        mode = 0o660 if self._shared else 0o600
        try:
            descriptor = os.open(file, flags | os.O_NOFOLLOW, mode)
        except PermissionError:
            raise GuardRefused(f"{self.path} is another user's; ask for membership in its group") from None
        if flags & os.O_CREAT and os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, mode)  # the group's, whatever the umask
        return descriptor

    def write_private(self, name: str, text: str) -> None:
        """Write a file of its own atomically; StorageError if the disk refuses."""
        self._write(self.path / name, text)
        if self._twin:
            self._twin.write_private(name, text)

    def _write(self, target: Path, text: str) -> None:
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with os.fdopen(self._open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w") as file:
                file.write(text)
            temporary.rename(target)
        except OSError as error:
            raise StorageError(f"cannot write {target}: {error.strerror}") from None

    def publish(self, address: ControlAddress) -> None:
        """Tell others of this user where the engine listens."""
        self.write_private("control.json", json.dumps(asdict(address)))

    def withdraw(self) -> None:
        """The engine no longer listens."""
        (self.path / "control.json").unlink(missing_ok=True)
        if self._twin:
            self._twin.withdraw()

    def address(self) -> ControlAddress | None:
        """The running engine's address; None if there is none, whatever a dead one has left."""
        if not self.owned:  # a process id would tell less: it outlives its process as a zombie, or as another's
            return None
        try:
            content = parse_json((self.path / "control.json").read_text())
            if "config" in content:  # an engine of 0.1.0, which a kill must reach as well
                content["arguments"] = f"--config {content.pop('config')}"
            return ControlAddress(**content)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError, AttributeError) as error:
            raise EngineError(f"{self.path / 'control.json'} is malformed: {error}") from None

    def latch(self, restriction: Restriction) -> None:
        """Keep it over engines until a human lifts it; StorageError if the disk refuses."""
        if restriction.name == "kill":
            for folder in filter(None, (self, self._twin)):
                for file in folder._outside(KILLED):
                    folder._write(file, restriction.reason)
        self.write_private(LATCHES[restriction.name], restriction.reason)

    def latched(self) -> Restriction | None:
        """The strongest restriction that nobody has lifted; None without any."""
        for name in reversed(LATCHES):
            latch = self.path / LATCHES[name]
            if latch.exists():
                return Restriction(name, latch.read_text(errors="replace"))
            if name == "kill" and (reason := killed_outside(self.path)):
                return Restriction(name, reason)
            if self._twin and (other := self._twin.latched()) and other.name == name:
                return other
        return None

    def lift(self, *names: str) -> None:
        """These hold no more; StorageError if the disk refuses."""
        try:
            for name in names:
                (self.path / LATCHES[name]).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"cannot change {self.path}: {error.strerror}") from None
        if "kill" in names:
            lift_outside(self.path)
        if self._twin:
            self._twin.lift(*names)

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

    @property
    def commanded(self) -> bool:
        """A stop-file lies there that nobody has taken."""
        return any(file.exists() for file in self.stop_files)

    def take_command(self) -> str | None:
        """What a stop-file commands, which is removed; empty where somebody only touched it, None without one."""
        file = self.path / STOP_FILE
        try:
            word = word_in(file)
            if word is not None:
                file.unlink()
                return word
        except FileNotFoundError:
            pass
        return self._twin.take_command() if self._twin else None

    @property
    def names(self) -> tuple[str, ...]:
        """Its own, and the account's where that is another."""
        return tuple(folder.path.name for folder in (self, self._twin) if folder)

    @property
    def stop_files(self) -> tuple[Path, ...]:
        """Where a stop-file of this account may lie."""
        return tuple(folder.path / STOP_FILE for folder in (self, self._twin) if folder)

    def bar(self, fingerprint: str, words: str) -> None:
        """Keep that this text held or ended an engine, for those that come next; StorageError if the disk refuses."""
        kept = {**self.barred(), fingerprint: words}
        self.write_private(BARRED, json.dumps(dict(list(kept.items())[-MOST_BARRED:])))

    def barred(self) -> dict[str, str]:
        """Fingerprint of each such text to words for a person; none where the file is not readable."""
        try:
            content = parse_json((self.path / BARRED).read_text())
        except (OSError, ValueError):
            return {}
        return {str(key): str(words) for key, words in content.items()} if isinstance(content, dict) else {}

    def acknowledge(self) -> None:
        """A person has heard what was paged until now; StorageError if the disk refuses."""
        self.create()
        self.write_private(ACKNOWLEDGED, datetime.now(UTC).isoformat())

    def acknowledge_in_words(self) -> str:
        """The same, and what follows from it."""
        self.acknowledge()
        return "acknowledged: nothing that was paged until now is paged again"

    def acknowledged_at(self) -> datetime | None:
        """When a person last said so, by either name of the account; None: never."""
        found = []
        for folder in filter(None, (self, self._twin)):
            try:
                found.append(datetime.fromisoformat((folder.path / ACKNOWLEDGED).read_text()))
            except (OSError, ValueError):
                continue
        return max(found, default=None)

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

    def require_armed(self, account: str, how: str) -> None:
        """GuardRefused, with the command that arms it, unless this very account is armed for now."""
        try:
            armed = parse_json((self.path / "armed.json").read_text())
            named, until = str(armed["account"]), datetime.fromisoformat(armed["until"])
            expired = until < datetime.now(UTC)
        except FileNotFoundError:
            raise GuardRefused(f"live trading is not armed; run: {how}") from None
        except (ValueError, TypeError, KeyError):
            raise GuardRefused(f"{self.path / 'armed.json'} cannot be read; run: {how}") from None
        if named != account:
            raise GuardRefused(f"armed for {named}, but the gateway serves {account}; run: {how}")
        if expired:
            raise GuardRefused(f"the arming expired at {armed['until']}; run: {how}")
