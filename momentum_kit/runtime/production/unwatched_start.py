"""Begins a session that nobody watches: a gateway that wants a log-in is waited for, and somebody is called."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic, sleep

from momentum_kit.config import Config
from momentum_kit.errors import ConnectionFailed, MomentumKitError
from momentum_kit.external import ClosingAlerts, make_alerts
from momentum_kit.runtime.engine import EngineProcess, parse_until
from momentum_kit.runtime.ownership import StateFolder
from momentum_kit.runtime.production.interrupts import Interrupts
from momentum_kit.runtime.production.notify import notify

AGAIN_S = 5.0  # between two attempts: each is a process of its own
LOOK_S = 0.25  # a signal is heard within
LOG_IN, NO_SESSION = "log-in due", "engine gone"  # the matters of its pages
SYSTEMD_WAITS_US = 120_000_000  # for the next word, once one was given: it ends a start that takes too long


class UnwatchedStart:
    """Starts the engine of a headless session for whom nobody waits at a terminal.

    until: as the session is told. say(words): one line on stderr.
    """

    def __init__(
        self,
        settings: Config,
        *,
        until: str,
        interrupts: Interrupts,
        say: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._until = until
        self._interrupts = interrupts
        self._say = say
        self._said = ""

    def __call__(self, start: Callable[[], EngineProcess]) -> EngineProcess:
        """The engine that `start` gives, or its error, for which somebody is called.

        A gateway that does not answer is waited for until the session's end, on a clock that is not the wall's for
        `broker.reconnect_timeout_s`. NotebookError where a signal came meanwhile.
        """
        with self._alerts() as alerts:
            try:
                return self._patiently(start, alerts)
            except MomentumKitError as error:
                if not self._interrupts.pending:
                    alerts.page(NO_SESSION, f"no session has begun: {error}")
                raise

    def _patiently(self, start: Callable[[], EngineProcess], alerts: ClosingAlerts) -> EngineProcess:
        began, patience_s, told = monotonic(), self._patience_s(), False
        while True:
            try:
                engine = start()
            except MomentumKitError as error:
                waited_s = monotonic() - began
                if error.exit_status != ConnectionFailed.exit_status or waited_s >= patience_s:
                    raise
                if not told and waited_s >= self._settings.alerts.reconnect_alarm_s:
                    told = True
                    alerts.page(LOG_IN, f"{error}; the session waits: log in to the gateway, with the second factor")
                self._pause(str(error))
            else:
                alerts.settle(LOG_IN, "the gateway is there, and the session begins")
                return engine

    def _patience_s(self) -> float:
        """Wall seconds until there is nothing left to begin for."""
        settings, now = self._settings, datetime.now(UTC)
        ends_at = parse_until(self._until, now, settings.calendar) if settings.clock.kind == "wall" else None
        return (ends_at - now).total_seconds() if ends_at else settings.broker.reconnect_timeout_s

    def _pause(self, why: str) -> None:
        notify(f"EXTEND_TIMEOUT_USEC={SYSTEMD_WAITS_US}", f"STATUS=waits: {why}")
        if why != self._said:
            self._said = why
            self._say(f"{why}; it is waited for")
        until = monotonic() + AGAIN_S
        while monotonic() < until:
            self._interrupts.refuse_to_go_on()
            sleep(LOOK_S)

    @contextmanager
    def _alerts(self) -> Iterator[ClosingAlerts]:
        folder = StateFolder.of(self._settings)
        alerts = make_alerts(self._settings.alerts, self._settings.owner_key, folder.acknowledged_at)
        try:
            yield alerts
        finally:
            alerts.close()
