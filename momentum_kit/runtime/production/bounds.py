"""What a headless notebook may use: its kernel's memory, time after the session, the disk; beyond it, words."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from momentum_kit.private_files import write_whole
from momentum_kit.sessions import in_words

LOOK_S = 0.1  # wall seconds between two looks at the kernel: pandas fills some 100 MB meanwhile
OOM_SCORE = "700"  # -1000 to 1000: a machine short of memory shall take the kernel before the engine
STATM_RESIDENT = 1  # field of /proc/PID/statm: resident pages


@dataclass(frozen=True, slots=True)
class Bounds:
    """memory_mb: of the kernel, resident. report_s: wall seconds for the notebook's rest once the session is over."""

    memory_mb: int = 4096
    report_s: float = 900.0


class KernelWatch:
    """While it is entered: ends a kernel that takes more than it may; `why` then says so, else it is empty."""

    def __init__(self, pid: Callable[[], int | None], session_over: Callable[[], bool], bounds: Bounds) -> None:
        self.why = ""
        self.overdue = False
        self._pid = pid
        self._session_over = session_over
        self._bounds = bounds
        self._over_since: float | None = None
        self._marked = 0  # the kernel that the system was told to take first
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kernel watch", daemon=True)

    def __enter__(self) -> "KernelWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(LOOK_S):
            pid = self._pid()
            if pid is None:
                continue
            if pid != self._marked:
                self._marked = pid
                with suppress(OSError):  # no Linux, or no such kernel any more
                    Path(f"/proc/{pid}/oom_score_adj").write_text(OOM_SCORE)
            self.why = self._too_much(resident_mb(pid)) or self._too_long()
            if self.why:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                return

    def _too_much(self, used_mb: float | None) -> str:
        bound_mb = self._bounds.memory_mb
        if used_mb is None or used_mb <= bound_mb:
            return ""
        return f"it used {used_mb:,.0f} MB of memory, and {bound_mb:,} MB is what a notebook may use"

    def _too_long(self) -> str:
        if not self._session_over():
            self._over_since = None
            return ""
        if self._over_since is None:
            self._over_since = monotonic()
        self.overdue = monotonic() - self._over_since >= self._bounds.report_s
        return f"it was not through {self._bounds.report_s:.0f} s after the session's end" if self.overdue else ""


def resident_mb(pid: int) -> float | None:
    """Memory of a process as the system counts it; None where it cannot be told (no Linux, or the process is gone)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[STATM_RESIDENT])
    except (OSError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class AtomicFiles:
    """papermill's way to the disk: a file is replaced as a whole or not at all, and a full disk never ends a run.

    failure: why the last write did not succeed, empty if it did. tell is called once for each change of that.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.failure = ""
        self._tell = tell
        self._written_at: datetime | None = None

    def read(self, path: str) -> str:
        """The file's text."""
        return Path(path).read_text(encoding="utf-8")

    def write(self, text: str, path: str) -> None:
        """Replace the file; words and nothing worse where the disk refuses."""
        try:
            write_whole(Path(path), text)
        except OSError as error:
            if not self.failure:
                self._tell(f"{path} cannot be written: {error.strerror or error}; the session goes on")
            stands = f"what stands there is from {in_words(self._written_at)}" if self._written_at else "it is missing"
            self.failure = f"{path} could not be written: {error.strerror or error}; {stands}"
            return
        if self.failure:
            self._tell(f"{path} is written again")
        self.failure, self._written_at = "", datetime.now(UTC)

    def listdir(self, path: str) -> list[str]:
        """The folder's files."""
        return [str(file) for file in Path(path).iterdir()]

    def pretty_path(self, path: str) -> str:
        """For papermill's log."""
        return path
