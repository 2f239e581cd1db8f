"""Locks on files and folders between processes: one engine an account, one writer of an archive or of a seal.

They are flock's, because the system frees the lock of a process that dies. Only Unix has them, so that this is the one
module which needs more than Python: what cannot work without locks imports it, and elsewhere says so in one line.
"""

from typing import IO, Any

from momentum_kit.errors import ConfigError

try:
    import fcntl
except ModuleNotFoundError:
    raise ConfigError(
        "this system has no fcntl, which the locks on accounts and archives need: "
        "momentum_kit runs on Linux, on macOS, or on Windows inside WSL"
    ) from None


def lock(file: int | IO[Any]) -> None:
    """Hold it alone, after whoever holds it now; closing it gives it back."""
    fcntl.flock(file, fcntl.LOCK_EX)


def try_lock(file: int | IO[Any], *, shared: bool = False) -> bool:
    """Hold it at once, alone or beside other shared holders; False where another process is in the way."""
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
