"""What the panel knows of the engine it shows: its last snapshot, and in words whether anybody still answers."""

from pathlib import Path
from time import monotonic

from momentum_kit.errors import MomentumKitError
from momentum_kit.models import EngineStatus
from momentum_kit.runtime.control import StreamEvent, decode_status_text
from momentum_kit.runtime.engine import FINAL_STATUS
from momentum_kit.runtime.ownership import ControlAddress, StateFolder, last_left, no_answer

LOOK_S = 1.0  # between two looks at the files that an engine leaves


class EngineContact:
    """Follows the events of one account's stream; read and fed by the panel's own thread."""

    def __init__(self, folder: StateFolder) -> None:
        self.status: EngineStatus | None = None
        self.connected = False
        self.engine: tuple[int, str] | None = None  # pid and run folder of what is shown
        self._folder = folder
        self._reason = "looking for an engine"
        self._looked = float("-inf")
        self._words = self._reason

    def take(self, event: StreamEvent) -> None:
        """One event of the stream."""
        match event.kind:
            case "status":
                self.status = event.status
            case "connected":
                self.connected = True
                self.engine = (event.content["pid"], event.content["run_dir"])
            case "disconnected" | "ended":
                self.connected = False
                self._reason = str(event.content.get("reason", "the session is over"))
                self._looked = float("-inf")

    def shows(self, address: ControlAddress) -> bool:
        """False where another engine has taken the account since this one was shown."""
        return self.engine == (address.pid, address.run_dir)

    @property
    def run_dir(self) -> Path | None:
        """Where the engine that is shown keeps its record."""
        return Path(self.engine[1]) if self.engine else None

    def words(self) -> str:
        """Why nothing new comes, for a person; empty while the engine is heard."""
        if self.connected:
            return ""
        if monotonic() - self._looked >= LOOK_S:
            self._looked = monotonic()
            try:
                self._words = self._look()
            except (MomentumKitError, OSError, ValueError) as error:  # what it left may be torn or another version's
                self._words = f"{self._reason}; what it left cannot be read: {error}"
        return self._words

    def _look(self) -> str:
        if self._folder.owned:
            return str(no_answer(self._folder, f"NO CONNECTION to the engine: {self._reason}"))
        self._read_final()
        return f"NO ENGINE RUNS, nothing is watched by us: {last_left(self._folder)[0]}"

    def _read_final(self) -> None:
        """The last snapshot that an engine left in order is newer than the last one that it sent."""
        final = self.run_dir / FINAL_STATUS if self.run_dir else None
        if final and final.is_file():
            self.status = decode_status_text(final.read_text(encoding="utf-8"))
