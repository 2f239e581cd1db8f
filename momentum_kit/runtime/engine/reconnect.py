"""A lost connection becomes a new session, rebuilt from broker truth; asked for by the engine."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from time import monotonic

import stamina

from momentum_kit.config import MaintenanceWindow
from momentum_kit.errors import BrokerError, ConnectionFailed, StorageError
from momentum_kit.runtime.control import LEAVING
from momentum_kit.runtime.engine.commanding import Commanding
from momentum_kit.runtime.engine.flatten_deadline import FlattenDeadline
from momentum_kit.runtime.engine.session_state import SessionState
from momentum_kit.runtime.ownership import prove_same_account
from momentum_kit.runtime.session import EngineContext, Session
from momentum_kit.sessions import NEW_YORK
from momentum_kit.trading.risk import maintenance_until

SAY_UNTIL = "%A %H:%M"
RETRY_WAIT_S = 2.0  # between two attempts to reconnect, at most: a command to stop is heard as soon


class Patience:
    """For how long a gateway that is away is asked for: `usual_s` wall seconds, those of IB's maintenance left out.

    told(text): hears once for each window that the gateway is away in it, and until when it is waited for.
    """

    def __init__(
        self,
        usual_s: float,
        *,
        windows: Iterable[MaintenanceWindow],
        now: Callable[[], datetime],
        told: Callable[[str], None],
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self.usual_s = usual_s
        self._windows = tuple(windows)
        self._now = now
        self._told = told
        self._elapsed = elapsed
        self._since = elapsed()
        self._known: datetime | None = None  # the end of the window that was told of

    @property
    def over(self) -> bool:
        """It was away for too long, maintenance left aside."""
        until = maintenance_until(self._now(), self._windows)
        if until is not None:
            self._since = self._elapsed()
            if until != self._known:
                self._known = until
                when = until.astimezone(NEW_YORK).strftime(SAY_UNTIL)
                self._told(
                    f"the gateway is away in IB's maintenance: waited for until {when} New York and a while longer"
                )
        return self._elapsed() - self._since >= self.usual_s


async def reconnect(
    lost: Session,
    context: EngineContext,
    session_state: SessionState,
    *,
    deadline: FlattenDeadline,
    commanding: Commanding,
) -> Session:
    """Ask again for `broker.reconnect_timeout_s`, longer in IB's maintenance; a human hears of it after a while.

    A flatten or kill that is not done asks for ever. Raises ConnectionFailed in the end; at once for somebody who wants
    to leave, when nothing is known to be at stake or the time for it is over. Other errors pass through.
    """
    await lost.disconnect()
    alarm_s = context.config.alerts.reconnect_alarm_s
    patience = Patience(
        context.config.broker.reconnect_timeout_s,
        windows=context.config.risk.maintenance,
        now=context.clock.now,
        told=lambda text: session_state.incident("connection", text),
    )

    def worth_asking_again(error: Exception) -> bool:
        if deadline.why:
            deadline.look(lost.waits)
        if commanding.must_go_on:
            return isinstance(error, BrokerError | StorageError)
        leaving = session_state.state in LEAVING and (not lost.exposed or commanding.out_of_time())
        return isinstance(error, BrokerError) and not leaving and not patience.over

    alarm = asyncio.get_running_loop().call_later(
        alarm_s, session_state.alarm, "connection", f"no gateway for {alarm_s:g} s; {lost.exposure}"
    )
    try:
        async for attempt in stamina.retry_context(
            on=worth_asking_again, attempts=None, timeout=None, wait_max=RETRY_WAIT_S
        ):
            with attempt:
                session = await Session.connect(context, lambda accounts: prove_same_account(lost.account, accounts))
    except BrokerError as error:
        away = (
            "when the session was told to end" if session_state.state in LEAVING else f"within {patience.usual_s:g} s"
        )
        raise ConnectionFailed(f"the gateway did not come back {away}: {error}; {lost.exposure}") from None
    finally:
        alarm.cancel()
    session_state.incident("connection", f"reconnected and reconciled; {session.exposure}")
    return session
