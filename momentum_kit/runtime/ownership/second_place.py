"""A second place, beside an account's folder, for its lock and its kill: they stand where the folder was moved away.

    STATE/.DU1234567.lock      held by whoever owns DU1234567
    STATE/.DU1234567.killed    why it was killed; a killed account stays so without its folder

Whoever renames, moves or removes the folder, by mistake or on purpose, starts no second engine and lifts no kill.
"""

import os
from contextlib import suppress
from pathlib import Path

from momentum_kit.errors import StorageError
from momentum_kit.file_locks import try_lock

LOCK, KILLED = "lock", "killed"


def beside(folder: Path, what: str) -> Path:
    """The file of an account's folder that does not lie in it."""
    return folder.parent / f".{folder.name}.{what}"


def is_locked(folder: Path) -> bool:
    """Whether somebody holds the lock beside the folder."""
    try:
        lock = os.open(beside(folder, LOCK), os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return not try_lock(lock, shared=True)
    finally:
        os.close(lock)


def killed_beside(folder: Path) -> str | None:
    """Why the account was killed, as it stands beside its folder; None where it does not."""
    try:
        return beside(folder, KILLED).read_text(errors="replace") or "killed"
    except OSError:
        return None


def lift_beside(folder: Path) -> None:
    """The kill holds no more; StorageError if the disk refuses."""
    try:
        with suppress(FileNotFoundError, NotADirectoryError):
            beside(folder, KILLED).unlink()
    except OSError as error:
        raise StorageError(f"cannot change {folder.parent}: {error.strerror}") from None
