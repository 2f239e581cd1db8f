"""Answers to requests about the session itself: start, ids, accounts, clock."""

from collections.abc import Iterator

from momentum_kit.simgateway.client.session import ClientSession, ServingGateway
from momentum_kit.simgateway.protocol import Request
from momentum_kit.simgateway.protocol.text import (
    config_response,
    current_time,
    current_time_in_millis,
    managed_accounts,
    next_valid_id,
)

FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefnj"),
)
HISTORY_FARM = FARMS[1]
BROKEN = {"usfarm": 2103, "ushmds": 2105, "secdefnj": 2157}
WITHOUT_IB = (
    2110,
    "Connectivity between Trader Workstation and server is broken. It will be restored automatically.",
)
INACTIVE = (2107, "HMDS data farm connection is inactive but should be available upon demand.ushmds")


def start_api(session: ClientSession, client_id: int) -> None:
    """Take the client id, then greet in the recorded order: accounts, next id, farms."""
    if session.client_id is not None:
        session.error(-1, 501, "Already connected.")
        return
    if not session.hub.admit(session, client_id):
        session.error(-1, 326, "Unable to connect as the client id is already in use. Retry with a unique client id.")
        session.close()
        return
    session.send(managed_accounts(session.version, (session.hub.account,)))
    _send_next_id(session)
    for code, text in _farms(session.hub):
        session.error(-1, code, text)
    session.hub.started(session)


def _farms(hub: ServingGateway) -> Iterator[tuple[int, str]]:
    """What a client is greeted with: each farm as it is, or that the gateway has no link to IB."""
    if hub.offline:
        yield WITHOUT_IB
        return
    for farm in FARMS:
        name = farm[1].rpartition(":")[2]
        if name in hub.farms_down:
            yield BROKEN[name], farm[1].replace("OK", "broken")
        else:
            yield INACTIVE if farm is HISTORY_FARM and hub.history_sleeps else farm


def settings(session: ClientSession, request_id: int) -> None:
    """ReqConfig: the API settings of the scenario."""
    session.send(config_response(session.version, request_id, session.hub.market.scenario.api))


def wake_history(hub: ServingGateway) -> None:
    """Something of the past is asked for: every client hears it where the history farm was inactive."""
    if hub.history_sleeps:
        hub.history_sleeps = False
        for session in hub.sessions():
            session.error(-1, *HISTORY_FARM)


def next_id(session: ClientSession, _: None) -> None:
    """ReqIds: the count it asks for is ignored, as at IB."""
    _send_next_id(session)


def accounts(session: ClientSession, _: None) -> None:
    """ReqManagedAccts."""
    session.send(managed_accounts(session.version, (session.hub.account,)))


def read_time(session: ClientSession, _: None) -> None:
    """ReqCurrentTime only reads the clock, also in lock-step."""
    session.send(current_time(session.version, session.hub.clock_time))


def step_time(session: ClientSession, _: None) -> None:
    """ReqCurrentTimeInMillis; in lock-step the driving client's request moves the market by one step first."""
    session.send(current_time_in_millis(session.version, session.hub.step(session)))


def _send_next_id(session: ClientSession) -> None:
    if session.client_id is not None:
        session.send(next_valid_id(session.version, session.hub.broker.next_order_id(session.client_id)))


HANDLERS = {
    Request.START_API: start_api,
    Request.IDS: next_id,
    Request.MANAGED_ACCOUNTS: accounts,
    Request.CONFIG: settings,
    Request.CURRENT_TIME: read_time,
    Request.CURRENT_TIME_IN_MILLIS: step_time,
}
