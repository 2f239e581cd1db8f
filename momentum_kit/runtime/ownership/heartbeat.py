"""What an engine says of itself unasked: its heartbeat file, read where it does not answer or has ended."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from momentum_kit.errors import EngineError, MomentumKitError, OpenPositionsLeft, StorageError
from momentum_kit.json_text import parse_json
from momentum_kit.models import EngineStatus
from momentum_kit.runtime.ownership.state_folder import StateFolder
from momentum_kit.sessions import in_words

HEARTBEAT_S = 1.0  # wall seconds between two signs of life
SILENT_AFTER_S = 5.0  # without one an engine hangs, or the machine does


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """One sign of life: wall_time in epoch seconds, the rest as words for a person.

    ended: the last one of a session that ended in order (a killed one may still be closing its positions).
    started, until: whether it was told to trade, and until which market time (ISO; empty: until told).
    """

    pid: int
    wall_time: float
    market_time: str
    state: str
    reason: str
    run_dir: str
    held: tuple[str, ...]
    ended: bool
    started: bool = False
    until: str = ""

    @property
    def age_s(self) -> float:
        """Wall seconds since it was given."""
        return max(0.0, time.time() - self.wall_time)

    @property
    def exit_status(self) -> int:
        """DESIGN.md's, for a session that is known no better: positions left, or just a failure."""
        return OpenPositionsLeft.exit_status if self.held else MomentumKitError.exit_status

    @property
    def words(self) -> str:
        """What was at stake."""
        held = f"held: {', '.join(self.held)}, their stops rest at the broker" if self.held else "nothing was held"
        return f"{self.state} ({self.reason}), market time {self.market_time}, {held}"


def heartbeat_of(status: EngineStatus, ended: bool = False) -> str:
    """The file's content for a session that stands so."""
    held = tuple(f"{view.quantity:g} {view.symbol}" for view in status.positions)
    at = in_words(status.market_time)
    return json.dumps(
        asdict(
            Heartbeat(
                pid=status.pid,
                wall_time=time.time(),
                market_time=at,
                state=str(status.state),
                reason=status.reason,
                run_dir=status.run_dir,
                held=held,
                ended=ended,
                started=status.started,
                until=status.until.isoformat() if status.until else "",
            )
        )
    )


def read_heartbeat(folder: StateFolder) -> Heartbeat | None:
    """The last one of this account, running or not; StorageError if the file is not ours."""
    text = folder.heartbeat()
    if not text:
        return None
    try:
        content = parse_json(text)
        return Heartbeat(**{**content, "held": tuple(content["held"])})
    except (ValueError, TypeError, KeyError) as error:
        raise StorageError(f"{folder.path}: the heartbeat is malformed: {error}") from None


def no_answer(folder: StateFolder | None, words: str) -> EngineError:
    """The error for an engine that should answer and does not, with its last sign of life; status 3 if it held."""
    if folder is None:
        return EngineError(words)
    try:
        last = read_heartbeat(folder)
    except StorageError as malformed:
        return EngineError(f"{words}; {malformed}")
    if last is None:
        return EngineError(f"{words}; it has given no sign of life yet")
    hangs = "it hangs: " if last.age_s >= SILENT_AFTER_S else ""
    error = EngineError(f"{words}; {hangs}its last sign of life is {last.age_s:.0f} s old: {last.words}")
    error.exit_status = last.exit_status
    return error


def last_left(folder: StateFolder) -> tuple[str, int]:
    """What the last engine of an account left, in words, and the exit status that says so."""
    latch = f"; the kill switch is latched ({folder.killed})" if folder.killed else ""
    last = read_heartbeat(folder)
    if last is None:
        return f"none has left a word{latch}", MomentumKitError.exit_status
    how = "ended in order" if last.ended else "ended without a last word"
    report = f"; its run is in {last.run_dir}" if Path(last.run_dir).is_dir() else ""
    words = f"the last one (pid {last.pid}) {how} {_ago(last.age_s)}: {last.words}{report}{latch}"
    return words, last.exit_status


def _ago(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
