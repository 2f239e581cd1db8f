"""Other places than an account's folder for its lock and its kill: they stand where the folder was moved away.

    STATE/momentum_kit/.DU1234567.lock        held by whoever owns DU1234567
    STATE/momentum_kit/.DU1234567.killed      why it was killed; a killed account stays so without its folder
    STATE/.momentum_kit.DU1234567.lock        both once more, for whoever moves momentum_kit/ as a whole
    STATE/.momentum_kit.DU1234567.killed

Whoever renames, moves or removes a folder, by mistake or on purpose, starts no second engine and lifts no kill. A
folder that is shared has the first pair alone, since what lies above it is not the group's; so has one above which this
user may not write.
"""

import os
from contextlib import suppress
from pathlib import Path

from momentum_kit.errors import StorageError
from momentum_kit.file_locks import try_lock

LOCK, KILLED = "lock", "killed"


def outside(folder: Path, what: str, *, shared: bool) -> tuple[Path, ...]:
    """The files of an account's folder that do not lie in it, where they can be made."""
    beside, above = _places(folder, what)
    return (beside,) if shared or not os.access(above.parent, os.W_OK) else (beside, above)


def is_locked(folder: Path) -> bool:
    """Whether somebody holds a lock outside of the folder."""
    return any(map(_is_held, _places(folder, LOCK)))


def killed_outside(folder: Path) -> str | None:
    """Why the account was killed, as it stands outside of its folder; None where it does not."""
    for file in _places(folder, KILLED):
        with suppress(OSError):
            return file.read_text(errors="replace") or "killed"
    return None


def lift_outside(folder: Path) -> None:
    """The kill holds no more; StorageError if the disk refuses."""
    for file in _places(folder, KILLED):
        try:
            with suppress(FileNotFoundError, NotADirectoryError):
                file.unlink()
        except OSError as error:
            raise StorageError(f"cannot change {file.parent}: {error.strerror}") from None


def _places(folder: Path, what: str) -> tuple[Path, Path]:
    root = folder.parent
    return root / f".{folder.name}.{what}", root.parent / f".{root.name}.{folder.name}.{what}"


def _is_held(file: Path) -> bool:
    try:
        lock = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return not try_lock(lock, shared=True)
    finally:
        os.close(lock)
