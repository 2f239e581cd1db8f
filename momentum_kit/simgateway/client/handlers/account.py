"""Answers to requests for the account: summary, updates, positions."""

from decimal import Decimal
from typing import TYPE_CHECKING

from momentum_kit.sessions import NEW_YORK
from momentum_kit.simgateway.protocol import Request
from momentum_kit.simgateway.protocol.text import (
    AccountSummaryRequest,
    account_download_end,
    account_summary,
    account_summary_end,
    account_update_multi,
    account_update_multi_end,
    account_update_time,
    account_value,
    portfolio_value,
    position,
    position_end,
)

if TYPE_CHECKING:
    from momentum_kit.simgateway.client.session import ClientSession


def summary(session: "ClientSession", ask: AccountSummaryRequest) -> None:
    """ReqAccountSummary: the tags asked for, once."""
    for tag, value, currency in session.hub.broker.account_values():
        if tag in ask.tags or "All" in ask.tags:
            session.send(account_summary(session.version, ask.request_id, session.hub.account, tag, value, currency))
    session.send(account_summary_end(session.version, ask.request_id))


def updates(session: "ClientSession", subscribe: bool) -> None:
    """ReqAccountUpdates: all values and holdings now, and again after every execution until unsubscribed."""
    session.account_updates = subscribe
    if session.account_updates:
        _send_account(session)
        session.send(account_download_end(session.version, session.hub.account))


def updates_multi(session: "ClientSession", request_id: int) -> None:
    """ReqAccountUpdatesMulti: all values now, and again after every execution until cancelled."""
    session.account_multi.add(request_id)
    _send_multi(session, request_id)
    session.send(account_update_multi_end(session.version, request_id))


def cancel_updates_multi(session: "ClientSession", request_id: int) -> None:
    """CancelAccountUpdatesMulti."""
    session.account_multi.discard(request_id)


def positions(session: "ClientSession", _: None) -> None:
    """ReqPositions: all holdings now, and each one again when it changes."""
    session.positions = True
    for held in session.hub.broker.positions():
        item = session.hub.instrument(held.con_id)
        session.send(position(session.version, session.hub.account, item, held.quantity, held.average_cost))
    session.send(position_end(session.version))


def cancel_positions(session: "ClientSession", _: None) -> None:
    """CancelPositions."""
    session.positions = False


def ignore(_: "ClientSession", __: object) -> None:
    """CancelAccountSummary: a summary is sent once."""


def _send_account(session: "ClientSession") -> None:
    hub = session.hub
    for tag, value, currency in hub.broker.account_values():
        session.send(account_value(session.version, hub.account, tag, value, currency))
    for held in hub.broker.positions():
        price = hub.mark(held.con_id)
        at = held.average_cost if price is None else price
        session.send(
            portfolio_value(
                session.version, hub.account, hub.instrument(held.con_id), held.quantity, at, held.average_cost
            )
        )
    session.send(account_update_time(session.version, f"{hub.now.astimezone(NEW_YORK):%H:%M}"))


def on_execution(session: "ClientSession", con_id: int) -> None:
    """Bring this client's account and position subscriptions up to date after an execution."""
    if session.positions:
        held = next((line for line in session.hub.broker.positions() if line.con_id == con_id), None)
        quantity, cost = (held.quantity, held.average_cost) if held else (Decimal(0), 0.0)
        session.send(position(session.version, session.hub.account, session.hub.instrument(con_id), quantity, cost))
    if session.account_updates:
        _send_account(session)
    for request_id in sorted(session.account_multi):
        _send_multi(session, request_id)


def _send_multi(session: "ClientSession", request_id: int) -> None:
    for tag, value, currency in session.hub.broker.account_values():
        session.send(account_update_multi(session.version, request_id, session.hub.account, tag, value, currency))


HANDLERS = {
    Request.ACCOUNT_SUMMARY: summary,
    Request.CANCEL_ACCOUNT_SUMMARY: ignore,
    Request.ACCOUNT_UPDATES: updates,
    Request.ACCOUNT_UPDATES_MULTI: updates_multi,
    Request.CANCEL_ACCOUNT_UPDATES_MULTI: cancel_updates_multi,
    Request.POSITIONS: positions,
    Request.CANCEL_POSITIONS: cancel_positions,
}
