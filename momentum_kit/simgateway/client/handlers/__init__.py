"""Answers to a client's requests, a module a topic, and which function answers which request."""

from momentum_kit.simgateway.client.handlers import account, bars, contracts, lines, news, orders, session, ticks
from momentum_kit.simgateway.client.session import ClientSession, Handler
from momentum_kit.simgateway.protocol import Request

__all__ = ["HANDLERS"]


def _ignore(_: ClientSession, __: object) -> None:
    """Requests that change nothing here: cancels of what is answered at once, log level."""


HANDLERS: dict[int, Handler] = {
    Request.CANCEL_ACCOUNT_SUMMARY: _ignore,
    Request.CANCEL_CONTRACT_DATA: _ignore,
    Request.CANCEL_HEAD_TIMESTAMP: _ignore,
    Request.CANCEL_HISTORICAL_TICKS: _ignore,
    Request.CANCEL_SCANNER: _ignore,
    Request.SERVER_LOG_LEVEL: _ignore,
}
for _family in (account, bars, contracts, lines, news, orders, session, ticks):
    HANDLERS.update({int(request): answer for request, answer in _family.HANDLERS.items()})
