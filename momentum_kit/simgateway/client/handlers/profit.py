"""Profit and loss while subscribed: at once, then once a second of market time where it has changed."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from momentum_kit.simgateway.protocol import Request
from momentum_kit.simgateway.protocol.text import ProfitRequest, pnl, pnl_single

if TYPE_CHECKING:
    from momentum_kit.simgateway.client.session import ClientSession

PERIOD = timedelta(seconds=1)  # TWS API, reqPnL


class ProfitFeeds:
    """The profit subscriptions of one client."""

    def __init__(self) -> None:
        self._asked: dict[int, ProfitRequest] = {}
        self._told: dict[int, bytes] = {}
        self._due: datetime | None = None

    def add(self, session: "ClientSession", ask: ProfitRequest) -> None:
        """Tell it now, and from now on."""
        self._asked[ask.request_id] = ask
        self._tell(session, ask)
        self._due = self._due or session.hub.now + PERIOD

    def drop(self, request_id: int) -> None:
        """Tell it no more."""
        self._asked.pop(request_id, None)
        self._told.pop(request_id, None)

    def on_time(self, session: "ClientSession", now: datetime) -> None:
        """Tell what has changed, if it is time."""
        if self._asked and self._due is not None and now >= self._due:
            self._due = now + PERIOD
            for ask in list(self._asked.values()):
                self._tell(session, ask)

    def _tell(self, session: "ClientSession", ask: ProfitRequest) -> None:
        message = _message(session, ask)
        if self._told.get(ask.request_id) != message:
            self._told[ask.request_id] = message
            session.send(message)


def _message(session: "ClientSession", ask: ProfitRequest) -> bytes:
    broker = session.hub.broker
    if ask.con_id is None:
        return pnl(session.version, ask.request_id, broker.profit())
    held = broker.account.quantity(ask.con_id)
    value = round(float(held) * (session.hub.mark(ask.con_id) or 0.0), 2) if held else 0.0
    return pnl_single(session.version, ask.request_id, held, broker.profit(ask.con_id), value)


def profit(session: "ClientSession", ask: ProfitRequest) -> None:
    """ReqPnL and reqPnLSingle."""
    if ask.account != session.hub.account:
        session.error(ask.request_id, 321, "Error validating request.-'cF' : cause - Invalid account code")
    elif ask.con_id is not None and ask.con_id not in session.hub.market.instruments:
        session.error(ask.request_id, 321, "Error validating request.-'cF' : cause - Invalid contract id")
    else:
        session.profits.add(session, ask)


def cancel_profit(session: "ClientSession", request_id: int) -> None:
    """CancelPnL and cancelPnLSingle."""
    session.profits.drop(request_id)


HANDLERS = {
    Request.PNL: profit,
    Request.PNL_SINGLE: profit,
    Request.CANCEL_PNL: cancel_profit,
    Request.CANCEL_PNL_SINGLE: cancel_profit,
}
