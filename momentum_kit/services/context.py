"""SessionContext: what the services of one connected run share; built by runtime/session.py, handed to each of them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from momentum_kit.models import IncidentRow, TradingState
from momentum_kit.ports import Alerts, Clock, Intents, Journal
from momentum_kit.services.input_guard import InputGuard
from momentum_kit.sessions import session_at


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionContext:
    """Whose account it is, when and what may be traded, and where all of it is recorded.

    calendar: exchange-calendars' name of the sessions. counts: events since the engine started, over its connections.
    state: what the session may do now. halt_entries(why): no entries until a human resumes; exits go on.
    guard: what reads outside input on the loop says so to it. owner: what our references carry, so that orders of an
    engine elsewhere are told from ours; empty for none.
    """

    account: str
    calendar: str
    clock: Clock
    journal: Journal
    intents: Intents
    alerts: Alerts
    counts: Counter[str]
    state: Callable[[], TradingState]
    halt_entries: Callable[[str], None]
    guard: InputGuard = field(default_factory=InputGuard)
    owner: str = ""

    def regular_hours(self, at: datetime) -> bool:
        """True while the exchange's regular session is open."""
        session = session_at(at, self.calendar)
        return session is not None and session.contains(at)

    def incident(self, kind: str, text: str) -> None:
        """Journal something out of the ordinary; whoever must know at once is told by `alerts` besides."""
        self.journal.write(IncidentRow(at=self.clock.now(), kind=kind, text=text))

    def written(self, write: "Future[None]", what: str) -> None:
        """Go on without waiting for the disk; a human is told if it refuses. For all but the intent of an entry."""

        def tell(done: "asyncio.Future[None]") -> None:
            if not done.cancelled() and (error := done.exception()) is not None:
                self.alerts.send("critical", f"{what}: {error}")

        asyncio.wrap_future(write).add_done_callback(tell)
