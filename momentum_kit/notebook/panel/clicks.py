"""Where the panel's clicks become commands: each on a thread of its own, so that no click ever holds the kernel."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from momentum_kit.errors import EngineError, GuardRefused, MomentumKitError
from momentum_kit.notebook.panel.engine_contact import EngineContact
from momentum_kit.runtime.control import REDUCING, ControlClient, kill_engine
from momentum_kit.runtime.ownership import StateFolder

SOURCE = "panel"  # who commands, in the journal
LATE_S = 10.0  # a click that waited for a computing cell for longer is not obeyed where it adds risk


@dataclass(frozen=True, slots=True)
class ClickOutcome:
    """What became of the last click; kind: info while it is under way, then good or bad."""

    words: str = ""
    kind: str = "info"


class PanelCommands:
    """Takes clicks from whichever thread the kernel calls, and tells the last outcome."""

    def __init__(self, folder: StateFolder, contact: EngineContact) -> None:
        self.outcome = ClickOutcome()
        self._folder = folder
        self._contact = contact
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def command(self, name: str) -> None:
        """One of the session's commands, except a kill."""
        late_s = 0.0 if name in REDUCING else clicked_ago_s()
        self._start(name, lambda: self._client(late_s).command(name, SOURCE))

    def kill(self) -> None:
        """Flatten, end and latch; latches without an engine as well, and past one that hangs."""
        self._start("kill", self._kill)

    def tune(self, values: Mapping[str, Any]) -> None:
        """Apply thresholds over those in force, as one change."""
        late_s = clicked_ago_s()
        self._start("thresholds", lambda: self._client(late_s).set_thresholds(values, SOURCE))

    def revert(self) -> None:
        """The tuned file's thresholds again."""
        late_s = clicked_ago_s()
        self._start("thresholds", lambda: self._client(late_s).revert_thresholds(SOURCE))

    @property
    def busy(self) -> frozenset[str]:
        """What is under way; a second click on it is not sent."""
        with self._lock:
            return frozenset(self._busy)

    def _client(self, late_s: float) -> ControlClient:
        if late_s > LATE_S:
            raise GuardRefused(
                f"this click came {late_s:.0f} s late (the kernel was busy, or this browser's clock is off) and what "
                "adds risk is not obeyed so late; click again if you still mean it"
            )
        address = self._folder.address()
        if address is None:
            raise EngineError("no engine runs")
        if not self._contact.shows(address):
            raise GuardRefused("another engine has taken this account since; look at what is shown, then click again")
        return ControlClient(address, self._folder)

    def _kill(self) -> str:
        outcome, exit_status = kill_engine(self._folder, SOURCE)
        if exit_status and exit_status != GuardRefused.exit_status:  # nothing runs, and the account is latched
            raise EngineError(outcome)
        return outcome

    def _start(self, what: str, act: Callable[[], str]) -> None:
        with self._lock:
            if what in self._busy:
                return
            self._busy.add(what)
        self.outcome = ClickOutcome(f"{_name(what)}: sent, waiting for the engine \u2026")
        threading.Thread(target=self._run, args=(what, act), name=f"panel {what}", daemon=True).start()

    def _run(self, what: str, act: Callable[[], str]) -> None:
        started = perf_counter()
        try:
            said = act()
            self.outcome = ClickOutcome(f"{_name(what)}: {said} ({(perf_counter() - started) * 1e3:.0f} ms)", "good")
        except MomentumKitError as error:
            self.outcome = ClickOutcome(f"{_name(what)} FAILED: {error}", "bad")
        finally:
            with self._lock:
                self._busy.discard(what)


def clicked_ago_s() -> float:
    """Wall seconds since the browser sent the click that is being handled; 0 where nobody knows.

    While a cell computes, today's kernels keep clicks and deliver them when it ends.
    """
    from IPython.core.getipython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return 0.0
    sent = kernel.get_parent().get("header", {}).get("date")
    if isinstance(sent, str):
        with suppress(ValueError):
            sent = datetime.fromisoformat(sent)
    if not isinstance(sent, datetime) or sent.tzinfo is None:
        return 0.0
    return max(0.0, (datetime.now(UTC) - sent).total_seconds())


def _name(what: str) -> str:
    return what.replace("_", "-")
