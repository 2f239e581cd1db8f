"""Kit: the one object of a notebook; everything of its awaitable half once more for plain code."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from momentum_kit.models import EngineStatus
from momentum_kit.notebook.kit.plain_inquiries import PlainInquiries
from momentum_kit.notebook.kit.waiting import wait_here

if TYPE_CHECKING:
    from momentum_kit.notebook.tables import SessionTable


class Kit(PlainInquiries):
    """A live session in your hands. Every method that waits has a plain twin, `<name>_sync`."""

    @classmethod
    def open_sync(cls, config: str | Path, **arguments: Any) -> Self:
        """Plain twin of `open`; use it as a context manager to stop at the end."""
        return wait_here(cls.open(config, **arguments))

    def start_sync(self, until: str = "") -> EngineStatus:
        """Plain twin of `start`."""
        return wait_here(self.start(until))

    def pause_sync(self) -> str:
        """Plain twin of `pause`."""
        return wait_here(self.pause())

    def resume_sync(self) -> str:
        """Plain twin of `resume`."""
        return wait_here(self.resume())

    def reduce_only_sync(self) -> str:
        """Plain twin of `reduce_only`."""
        return wait_here(self.reduce_only())

    def flatten_sync(self) -> str:
        """Plain twin of `flatten`."""
        return wait_here(self.flatten())

    def kill_sync(self) -> str:
        """Plain twin of `kill`."""
        return wait_here(self.kill())

    def ack_sync(self) -> str:
        """Plain twin of `ack`."""
        return wait_here(self.ack())

    def clear_sync(self, phrase: str = "") -> str:
        """Plain twin of `clear`."""
        return wait_here(self.clear(phrase))

    def set_thresholds_sync(self, **limits: Any) -> str:
        """Plain twin of `set_thresholds`."""
        return wait_here(self.set_thresholds(**limits))

    def revert_thresholds_sync(self) -> str:
        """Plain twin of `revert_thresholds`."""
        return wait_here(self.revert_thresholds())

    def stop_sync(self) -> EngineStatus:
        """Plain twin of `stop`."""
        return wait_here(self.stop())

    def wait_sync(self) -> EngineStatus:
        """Plain twin of `wait`."""
        return wait_here(self.wait())

    def history_sync(self, symbol: str, duration: str, bar_size: str) -> "SessionTable":
        """Plain twin of `history`."""
        return wait_here(self.history(symbol, duration, bar_size))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.started_here:
            self.stop_sync()
