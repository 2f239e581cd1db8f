"""How the session stands and what has happened: one place that tells journal, log and human; owned by the engine."""

import structlog

from momentum_kit.models import IncidentRow, TradingState
from momentum_kit.ports import Alerts, Clock, Journal

log = structlog.get_logger("engine")

SHOWN_INCIDENTS = 20


class Standing:
    """The trading state with its reason, the failure that ended the session if one did, and the incidents."""

    def __init__(self, clock: Clock, journal: Journal, alerts: Alerts) -> None:
        self.state = TradingState.STARTING
        self.reason = "not started"
        self.since = clock.now()
        self.failure = ""
        self._incidents: list[str] = []
        self._clock = clock
        self._journal = journal
        self._alerts = alerts

    @property
    def incidents(self) -> tuple[str, ...]:
        """The latest, oldest first."""
        return tuple(self._incidents[-SHOWN_INCIDENTS:])

    def note(self, state: TradingState, reason: str) -> None:
        """Move to a state."""
        if state is not self.state:
            self.since = self._clock.now()
        self.state, self.reason = state, reason
        log.info("state", state=str(state), reason=reason, market_time=self._clock.now().isoformat())

    def incident(self, kind: str, text: str) -> None:
        """Something that a person may want to know."""
        self._record(kind, text)
        self._alerts.send("warning", f"{kind}: {text}")

    def send(self, level: str, text: str) -> None:
        """The Alerts port for the services: whoever looks at the status sees what a human was told."""
        self._incidents.append(f"{level}: {text}")
        self._alerts.send(level, text)

    def alarm(self, kind: str, text: str) -> None:
        """Something that a person must know."""
        self._record(kind, text)
        self._alerts.send("critical", text)

    def fail(self, text: str) -> None:
        """The session cannot go on; the first failure is the one that counts."""
        self.failure = self.failure or text
        self.alarm("failure", f"the session failed: {text}")

    def halt_entries(self, reason: str) -> None:
        """No entries until a human resumes; exits go on."""
        if self.state is TradingState.RUNNING:
            self.note(TradingState.REDUCE_ONLY, reason)
            self.incident("entries halted", reason)

    def _record(self, kind: str, text: str) -> None:
        self._incidents.append(f"{kind}: {text}")
        self._journal.write(IncidentRow(at=self._clock.now(), kind=kind, text=text))
        log.warning("incident", kind=kind, text=text)
