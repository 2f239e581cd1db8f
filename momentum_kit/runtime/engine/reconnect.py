"""A lost connection becomes a new session, rebuilt from broker truth; asked for by the engine."""

import asyncio
from time import monotonic

import stamina

from momentum_kit.errors import BrokerError, ConnectionFailed, StorageError
from momentum_kit.runtime.control import LEAVING
from momentum_kit.runtime.engine.commanding import Commanding
from momentum_kit.runtime.engine.session_state import SessionState
from momentum_kit.runtime.engine.way_out import WayOut
from momentum_kit.runtime.ownership import prove_same_account
from momentum_kit.runtime.session import EngineContext, Session

RETRY_WAIT_S = 2.0  # between two attempts to reconnect, at most: a command to stop is heard as soon


async def reconnect(
    lost: Session, context: EngineContext, session_state: SessionState, *, way_out: WayOut, commanding: Commanding
) -> Session:
    """Ask again for `broker.reconnect_timeout_s`, and tell a human after `alerts.reconnect_alarm_s`.

    A flatten or kill that is not done asks for ever. Raises ConnectionFailed in the end; at once for somebody who wants
    to leave, when nothing is known to be at stake or the time for it is over. Other errors pass through.
    """
    await lost.disconnect()
    window_s, alarm_s = context.config.broker.reconnect_timeout_s, context.config.alerts.reconnect_alarm_s
    since = monotonic()

    def worth_asking_again(error: Exception) -> bool:
        if way_out.why:
            way_out.look(lost.waits)
        if commanding.must_go_on:
            return isinstance(error, BrokerError | StorageError)
        leaving = session_state.state in LEAVING and (not lost.exposed or commanding.out_of_time())
        return isinstance(error, BrokerError) and not leaving and monotonic() - since < window_s

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
        away = "when the session was told to end" if session_state.state in LEAVING else f"within {window_s:g} s"
        raise ConnectionFailed(f"the gateway did not come back {away}: {error}; {lost.exposure}") from None
    finally:
        alarm.cancel()
    session_state.incident("connection", f"reconnected and reconciled; {session.exposure}")
    return session
