"""SIGTERM and SIGINT of a headless run: an orderly stop of the session, and an interrupt of the cell that waits."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, Self

from jupyter_client.manager import AsyncKernelManager

from momentum_kit.errors import NotebookError

TOLD_TO_STOP = "told to stop before the notebook was through"


class Interrupts:
    """Takes both signals while it is entered.

    Only the kernel can run the notebook's `finally`, so an executing cell is interrupted. A kernel that is starting
    can hang on an interrupt and one between two cells ignores it: then the notebook is not gone on with. A kernel that
    takes the place of one that died goes on in any case: the session is told to stop, and its report is what is left.
    """

    def __init__(self) -> None:
        self.stop_session: Callable[[], None] | None = None
        self.begun = False  # the kernel has taken its first cell
        self.cell = 0  # number of the code cell that it took last
        self._kernel: AsyncKernelManager | None = None
        self._again = False
        self._executing = False
        self._pending = False  # a signal that no cell was told of
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def attach(self, kernel: AsyncKernelManager | None, *, again: bool = False) -> None:
        """The kernel that papermill is about to start, `again` after one that died; None once it is gone."""
        self._kernel, self._again = kernel, again
        self._executing = False
        if kernel:
            self.begun, self.cell = False, 0

    @property
    def pending(self) -> bool:
        """A signal came that no cell was told of."""
        return self._pending

    def refuse_to_go_on(self, **_: Any) -> None:
        """NotebookError if a signal came while no cell was executing."""
        if self._pending and not self._again:
            raise NotebookError(TOLD_TO_STOP)

    @property
    def hooks(self) -> dict[str, Callable[..., None]]:
        """What nbclient calls around each cell; its on_cell_complete follows the sending, not the end."""
        return {
            "on_cell_execute": self.refuse_to_go_on,
            "on_cell_complete": self._cell_sent,
            "on_cell_executed": self._cell_done,
        }

    def _cell_sent(self, **_: Any) -> None:
        self.begun = self._executing = True
        self.cell += 1

    def _cell_done(self, **_: Any) -> None:
        self._executing = False

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.stop_session:
            self.stop_session()
        pid = getattr(self._kernel.provisioner, "pid", None) if self._kernel else None
        if self._executing and pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            return
        self._pending = True
        if self._kernel and not self.begun and not self._again:
            raise KeyboardInterrupt  # out of the kernel's start, which may take a minute
