"""Proves which process an engine is, and ends exactly that one: for a watchdog whose engine cannot answer any more.

A process id alone proves nothing: it is given to somebody else once its process has ended. What must belong together is
the lock of the account, the address that its holder published (process, token), and the time at which that process was
born. Where one of them does not fit nothing is ended, and the reason is told.
"""

import hmac
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from momentum_kit.errors import EngineError, GuardRefused
from momentum_kit.runtime.ownership.state_folder import StateFolder

_PROC = Path("/proc")
_START_TIME = 19  # of the words behind the program's name in /proc/PID/stat: clock ticks since boot; proc(5), field 22
ENDED_S = 10.0  # wall seconds until the system has taken a killed process's lock


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EngineIdentity:
    """Which engine is meant: its process, when that was born, and the token of its endpoint, which is a secret."""

    pid: int
    born: str
    token: str


def birth_of(pid: int) -> str:
    """When a process was born, in the system's own words; empty where there is none."""
    if not (_PROC / "self").exists():  # macOS: to the second
        asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return asked.stdout.strip()
    try:
        words = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return words[_START_TIME]


def prove_engine(folder: StateFolder, known: EngineIdentity) -> None:
    """GuardRefused, with what does not fit, unless this very engine owns the account now."""
    if not folder.locked:
        raise GuardRefused(f"nobody holds the lock of {folder.path.name} any more")
    address = folder.address()
    if address is None:
        raise GuardRefused(f"whoever owns {folder.path.name} has published no address")
    if address.pid != known.pid or not hmac.compare_digest(address.token, known.token):
        raise GuardRefused(f"another engine (pid {address.pid}) owns {folder.path.name} by now")
    if not known.born or birth_of(known.pid) != known.born:
        raise GuardRefused(f"process {known.pid} is not the engine that owned {folder.path.name}: it was born later")


def end_engine(folder: StateFolder, known: EngineIdentity) -> None:
    """SIGKILL to this very engine, and wait until its lock is free.

    GuardRefused where its identity is not proven or it is another user's, EngineError where it stays all the same.
    """
    handle = _open(known.pid)  # before the proof: it stays with this process, whoever is given its number later
    try:
        prove_engine(folder, known)
        if handle is None:
            os.kill(known.pid, signal.SIGKILL)
        else:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except PermissionError:
        raise GuardRefused(f"process {known.pid} is another user's, who has to end it") from None
    except ProcessLookupError:
        pass  # it has just ended by itself
    finally:
        if handle is not None:
            os.close(handle)
    deadline = time.monotonic() + ENDED_S
    while folder.locked:
        if time.monotonic() >= deadline:
            raise EngineError(f"process {known.pid} still holds {folder.path.name} {ENDED_S:.0f} s after it was ended")
        time.sleep(0.02)


def _open(pid: int) -> int | None:
    """A handle on the process; None where the system has no such handles."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise GuardRefused(f"process {pid} has ended") from None
