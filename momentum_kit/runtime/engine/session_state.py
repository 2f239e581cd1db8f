"""The session's state as the engine keeps it: what is told of it, and its frozen status snapshot."""

import os
from collections.abc import Mapping
from datetime import datetime

import structlog

from momentum_kit.models import EngineStatus, ExitWait, IncidentRow, TradingState
from momentum_kit.ports import Alerts, Clock, Journal
from momentum_kit.runtime.control import ThresholdState
from momentum_kit.runtime.session import EngineContext, Session

log = structlog.get_logger("engine")

SHOWN_INCIDENTS = 20
ENGINE_GONE = "engine gone"  # the matter of a page
SKIP = "skip: "  # counts that start so are skips by reason


class SessionState:
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

    def page(self, matter: str, text: str) -> None:
        """The Alerts port for the services."""
        self._incidents.append(f"page: {text}")
        self._alerts.page(matter, text)

    def settle(self, matter: str, text: str = "") -> None:
        """The Alerts port for the services."""
        self._alerts.settle(matter, text)

    def call(self, matter: str, text: str) -> None:
        """Something that a person must know now, on the record as well."""
        self._record(matter, text)
        self._alerts.page(matter, text)

    def alarm(self, kind: str, text: str) -> None:
        """Something that a person must know."""
        self._record(kind, text)
        self._alerts.send("critical", text)

    def fail(self, text: str) -> None:
        """The session cannot go on; the first failure is the one that counts."""
        self.failure = self.failure or text
        self.call(ENGINE_GONE, f"the session failed: {text}")

    def halt_entries(self, reason: str) -> None:
        """No entries until a human resumes; exits go on."""
        if self.state is TradingState.RUNNING:
            self.note(TradingState.REDUCE_ONLY, reason)
            self.incident("entries halted", reason)

    def _record(self, kind: str, text: str) -> None:
        self._incidents.append(f"{kind}: {text}")
        self._journal.write(IncidentRow(at=self._clock.now(), kind=kind, text=text))
        log.warning("incident", kind=kind, text=text)


def take_snapshot(
    *,
    context: EngineContext,
    session: Session,
    session_state: SessionState,
    started_at: datetime,
    tuning: ThresholdState,
    lags_s: Mapping[str, float],
    unwritten: int,
    started: bool,
    waits: tuple[ExitWait, ...],
    until: datetime | None,
) -> EngineStatus:
    """Everything a human asks of a session, as of now; unwritten: rows that the journal still buffers."""
    views = session.positions.views()
    counts = context.counts
    return EngineStatus(
        state=session_state.state,
        reason=session_state.reason,
        environment=context.config.environment,
        account=session.account,
        market_time=context.clock.now(),
        started_at=started_at,
        health=session.health,
        counts={name: n for name, n in counts.items() if not name.startswith(SKIP)},
        skips={name.removeprefix(SKIP): n for name, n in counts.items() if name.startswith(SKIP)},
        queues={**{name: queue.qsize() for name, queue in session.queues.items()}, "journal": unwritten},
        positions=views,
        realised_usd=session.ledger.realised_usd,
        unrealised_usd=sum(view.unrealised_usd for view in views),
        costs_usd=session.ledger.costs_usd,
        run_dir=str(context.run_dir),
        pid=os.getpid(),
        incidents=session_state.incidents,
        state_since=session_state.since,
        message_age_s=session.message_age_s,
        data_ages_s=session.data_ages_s,
        lags_s=dict(lags_s),
        thresholds_name=tuning.current.name,
        thresholds_hash=tuning.hash,
        thresholds_changed=bool(tuning.changes),
        started=started,
        arguments=context.config.arguments,
        waits=waits,
        until=until,
        tapes=session.tapes,
    )
