"""Where clicks in panel and page become commands: each on a thread of its own, so that no click holds who shows."""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import structlog

from momentum_kit.errors import EngineError, GuardRefused, MomentumKitError
from momentum_kit.models import EngineStatus, TradingState
from momentum_kit.notebook.live_view.engine_contact import EngineContact
from momentum_kit.runtime.control import REDUCING, ControlClient, kill_engine, refusal
from momentum_kit.runtime.ownership import StateFolder

LATE_S = 10.0  # a click that waited for a computing cell for longer is not obeyed where it adds risk


log = structlog.get_logger("live view")

CLOSABLE = "close"  # the command of one symbol that reduces


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """What became of the last click; kind: info while it is under way, then good or bad."""

    words: str = ""
    kind: str = "info"


class SessionCommands:
    """Takes clicks from any thread, and tells the last outcome.

    source: who commands, in the journal. clicked_ago_s: how long ago, in seconds of the wall, the click was made that
    is handled just now.
    """

    def __init__(
        self, folder: StateFolder, contact: EngineContact, *, source: str, clicked_ago_s: Callable[[], float]
    ) -> None:
        self.outcome = CommandOutcome()
        self._folder = folder
        self._contact = contact
        self._source = source
        self._clicked_ago_s = clicked_ago_s
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def command(self, name: str, symbol: str = "") -> None:
        """One of the session's commands, or one of a symbol; a kill has a way of its own."""
        late_s = 0.0 if name in REDUCING else self._clicked_ago_s()
        what = f"{name} {symbol}".strip()
        self._start(what, lambda: self._client(late_s).command(name, self._source, symbol=symbol))

    def kill(self) -> None:
        """Flatten, end and latch; latches without an engine as well, and past one that hangs."""
        self._start("kill", self._kill)

    def acknowledge(self) -> None:
        """A person has heard what was paged; needs no engine."""
        self._start("ack", self._folder.acknowledge_in_words)

    def tune(self, values: Mapping[str, Any]) -> None:
        """Apply thresholds over those in force, as one change."""
        late_s = self._clicked_ago_s()
        self._start("thresholds", lambda: self._client(late_s).set_thresholds(values, self._source))

    def revert(self) -> None:
        """The tuned file's thresholds again."""
        late_s = self._clicked_ago_s()
        self._start("thresholds", lambda: self._client(late_s).revert_thresholds(self._source))

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
        outcome, exit_status = kill_engine(self._folder, self._source)
        if exit_status and exit_status != GuardRefused.exit_status:  # nothing runs, and the account is latched
            raise EngineError(outcome)
        return outcome

    def _start(self, what: str, act: Callable[[], str]) -> None:
        with self._lock:
            if what in self._busy:
                return
            self._busy.add(what)
        self.outcome = CommandOutcome(f"{_name(what)}: sent, waiting for the engine \u2026")
        threading.Thread(target=self._run, args=(what, act), name=f"{self._source} {what}", daemon=True).start()

    def _run(self, what: str, act: Callable[[], str]) -> None:
        started = perf_counter()
        try:
            said = act()
            self.outcome = CommandOutcome(f"{_name(what)}: {said} ({(perf_counter() - started) * 1e3:.0f} ms)", "good")
        except MomentumKitError as error:
            self.outcome = CommandOutcome(f"{_name(what)} FAILED: {error}", "bad")
        except Exception as error:
            log.exception("a command failed")
            self.outcome = CommandOutcome(f"{_name(what)} FAILED, what came of it is not known: {error}", "bad")
        finally:
            with self._lock:
                self._busy.discard(what)


def offered(name: str, status: EngineStatus | None, connected: bool, busy: Collection[str]) -> bool:
    """Whether a command would be obeyed and change anything, as far as its button can know."""
    if status is None or not connected or name in busy:
        return False
    needless = (name, status.state) in {
        ("pause", TradingState.PAUSED), ("resume", TradingState.RUNNING), ("reduce_only", TradingState.REDUCE_ONLY),
    }  # fmt: skip
    return not needless and not refusal(name, status.state, status.started, False, False)


def _name(what: str) -> str:
    return what.replace("_", "-")
