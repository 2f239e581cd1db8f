"""Answers to requests for the account: summary, updates, positions, profit and loss."""

from momentum_kit.simgateway.client.session import ClientSession
from momentum_kit.simgateway.protocol import Request
from momentum_kit.simgateway.protocol.text import (
    AccountSummaryRequest,
    ProfitRequest,
    account_summary,
    account_summary_end,
)


def summary(session: ClientSession, ask: AccountSummaryRequest) -> None:
    """ReqAccountSummary: the tags asked for, once."""
    for tag, value, currency in session.hub.broker.account_values():
        if tag in ask.tags or "All" in ask.tags:
            session.send(account_summary(session.version, ask.request_id, session.hub.account, tag, value, currency))
    session.send(account_summary_end(session.version, ask.request_id))


def updates(session: ClientSession, subscribe: bool) -> None:
    """ReqAccountUpdates: all values and holdings now, and again after every execution until unsubscribed."""
    session.account_feeds.follow_values(subscribe=subscribe)


def updates_multi(session: ClientSession, request_id: int) -> None:
    """ReqAccountUpdatesMulti: all values now, and again after every execution until cancelled."""
    session.account_feeds.follow_values_by_id(request_id)


def cancel_updates_multi(session: ClientSession, request_id: int) -> None:
    """CancelAccountUpdatesMulti."""
    session.account_feeds.drop_values_by_id(request_id)


def positions(session: ClientSession, _: None) -> None:
    """ReqPositions: all holdings now, and each one again when it changes."""
    session.account_feeds.follow_positions()


def cancel_positions(session: ClientSession, _: None) -> None:
    """CancelPositions."""
    session.account_feeds.drop_positions()


def positions_multi(session: ClientSession, request_id: int) -> None:
    """ReqPositionsMulti: as reqPositions, under an id; there is one account and no model."""
    session.account_feeds.follow_positions_by_id(request_id)


def cancel_positions_multi(session: ClientSession, request_id: int) -> None:
    """CancelPositionsMulti."""
    session.account_feeds.drop_positions_by_id(request_id)


def profit(session: ClientSession, ask: ProfitRequest) -> None:
    """ReqPnL and reqPnLSingle: now, then once a second of market time where it has changed."""
    if ask.account != session.hub.account:
        session.error(ask.request_id, 321, "Error validating request.-'cF' : cause - Invalid account code")
    elif ask.con_id is not None and ask.con_id not in session.hub.market.instruments:
        session.error(ask.request_id, 321, "Error validating request.-'cF' : cause - Invalid contract id")
    else:
        session.account_feeds.follow_profit(ask)


def cancel_profit(session: ClientSession, request_id: int) -> None:
    """CancelPnL and cancelPnLSingle."""
    session.account_feeds.drop_profit(request_id)


HANDLERS = {
    Request.ACCOUNT_SUMMARY: summary,
    Request.ACCOUNT_UPDATES: updates,
    Request.ACCOUNT_UPDATES_MULTI: updates_multi,
    Request.CANCEL_ACCOUNT_UPDATES_MULTI: cancel_updates_multi,
    Request.POSITIONS: positions,
    Request.CANCEL_POSITIONS: cancel_positions,
    Request.POSITIONS_MULTI: positions_multi,
    Request.CANCEL_POSITIONS_MULTI: cancel_positions_multi,
    Request.PNL: profit,
    Request.PNL_SINGLE: profit,
    Request.CANCEL_PNL: cancel_profit,
    Request.CANCEL_PNL_SINGLE: cancel_profit,
}
