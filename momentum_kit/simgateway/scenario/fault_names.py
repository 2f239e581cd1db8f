"""Requests and replies by the official client's names, as fault scripts write them."""

from momentum_kit.simgateway.protocol.text.session import Reply, Request

# Where the official client's name is not the enum's name in camel case after `req`.
_REQUESTS = {
    "reqMktData": Request.MARKET_DATA,
    "cancelMktData": Request.CANCEL_MARKET_DATA,
    "placeOrder": Request.PLACE_ORDER,
    "cancelOrder": Request.CANCEL_ORDER,
    "reqManagedAccts": Request.MANAGED_ACCOUNTS,
    "setServerLogLevel": Request.SERVER_LOG_LEVEL,
    "reqHeadTimeStamp": Request.HEAD_TIMESTAMP,
    "cancelHeadTimeStamp": Request.CANCEL_HEAD_TIMESTAMP,
    "startApi": Request.START_API,
}
_REPLIES = {
    "orderStatus": Reply.ORDER_STATUS,
    "error": Reply.ERROR,
    "updateAccountValue": Reply.ACCOUNT_VALUE,
    "updatePortfolio": Reply.PORTFOLIO_VALUE,
    "updateAccountTime": Reply.ACCOUNT_UPDATE_TIME,
    "nextValidId": Reply.NEXT_VALID_ID,
    "execDetails": Reply.EXECUTION,
    "execDetailsEnd": Reply.EXECUTIONS_END,
    "realtimeBar": Reply.REAL_TIME_BAR,
    "openOrderEnd": Reply.OPEN_ORDERS_END,
    "accountDownloadEnd": Reply.ACCOUNT_DOWNLOAD_END,
    "accountUpdateMulti": Reply.ACCOUNT_UPDATE_MULTI,
    "updateNewsBulletin": Reply.NEWS_BULLETIN,
}


def _camel(name: str) -> str:
    first, *rest = name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def _request_name(request: Request) -> str:
    name = _camel(request.name)
    return name if name.startswith("cancel") else "req" + name[0].upper() + name[1:]


REQUESTS: dict[str, int] = {
    **{_request_name(request): int(request) for request in Request if request not in _REQUESTS.values()},
    **{name: int(request) for name, request in _REQUESTS.items()},
}
REPLIES: dict[str, int] = {
    **{_camel(reply.name): int(reply) for reply in Reply if reply not in _REPLIES.values()},
    **{name: int(reply) for name, reply in _REPLIES.items()},
}
