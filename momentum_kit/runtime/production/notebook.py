"""A headless run's notebook on its way through one kernel after another, until one survives it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from momentum_kit.errors import NotebookError
from momentum_kit.runtime.production.deaths import (
    KernelDeath,
    KernelDied,
    death_of,
    keep_executed,
    leave_deaths,
    notebook_after,
)
from momentum_kit.runtime.production.kernel import KernelRun

KERNELS = 3  # that one run may use up


class NotebookWork:
    """deaths: kernels that died on the way; exhausted: no other one was tried."""

    def __init__(
        self,
        *,
        notebook: Path,
        out: Path,
        parameters: Mapping[str, Any],
        kernels: KernelRun,
        tell: Callable[[str], None],
    ) -> None:
        self.executed = out / notebook.name
        self.deaths: list[KernelDeath] = []
        self.exhausted = False
        self._notebook = notebook
        self._out = out
        self._parameters = parameters
        self._kernels = kernels
        self._tell = tell
        self._stop = False

    def through(self, end_session: Callable[[], None], *, stop_at_death: bool = False) -> None:
        """Execute it; NotebookError for a cell that failed, or where no kernel survived it.

        stop_at_death: the session ends in order when its first kernel dies; else only when no other will be tried.
        """
        self._stop = stop_at_death
        again = self._out / f".{self._notebook.name}.again.ipynb"
        try:
            source = self._notebook
            while True:
                try:
                    self._kernels.execute(source, self.executed, self._parameters, again=bool(self.deaths))
                    return
                except KernelDied as death:
                    self._note(death, end_session)
                    with suppress(OSError):  # a full disk: the report without these words is better than none
                        source = notebook_after(self._notebook, self.deaths, again)
        finally:
            again.unlink(missing_ok=True)

    def _note(self, death: KernelDied, end_session: Callable[[], None]) -> None:
        """What becomes of the session; NotebookError where the notebook is given up."""
        number = len(self.deaths) + 1
        self.exhausted = number >= KERNELS or death.overdue
        if self._stop or self.exhausted:
            end_session()
        kept = "" if self.exhausted else keep_executed(self.executed, number)
        self.deaths.append(death_of(death, kept, self._then()))
        self._tell(str(self.deaths[-1]))
        with suppress(OSError):  # a full disk; it was said
            leave_deaths(self._out, self.deaths)
        if self.exhausted:
            raise NotebookError(f"{death}; {self._then()}, {self.executed.name} holds what was written until then")

    def _then(self) -> str:
        if self.exhausted:
            return "the session ends in order, and no other kernel is tried"
        how = "ends in order" if self._stop else "goes on"
        return f"the session {how}, and a fresh kernel begins the notebook again"
