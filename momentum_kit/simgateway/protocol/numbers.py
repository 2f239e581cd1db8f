"""IB's message numbers in both directions, and the names the official client gives them, which fault scripts use."""

from enum import IntEnum


class Request(IntEnum):
    """What a client may send; the numbers are IB's."""

    MARKET_DATA = 1
    CANCEL_MARKET_DATA = 2
    PLACE_ORDER = 3
    CANCEL_ORDER = 4
    OPEN_ORDERS = 5
    ACCOUNT_UPDATES = 6
    EXECUTIONS = 7
    IDS = 8
    CONTRACT_DETAILS = 9
    NEWS_BULLETINS = 12
    CANCEL_NEWS_BULLETINS = 13
    SERVER_LOG_LEVEL = 14
    AUTO_OPEN_ORDERS = 15
    ALL_OPEN_ORDERS = 16
    MANAGED_ACCOUNTS = 17
    HISTORICAL_DATA = 20
    SCANNER = 22
    CANCEL_SCANNER = 23
    SCANNER_PARAMETERS = 24
    CANCEL_HISTORICAL_DATA = 25
    CURRENT_TIME = 49
    REAL_TIME_BARS = 50
    CANCEL_REAL_TIME_BARS = 51
    GLOBAL_CANCEL = 58
    MARKET_DATA_TYPE = 59
    POSITIONS = 61
    ACCOUNT_SUMMARY = 62
    CANCEL_ACCOUNT_SUMMARY = 63
    CANCEL_POSITIONS = 64
    START_API = 71
    POSITIONS_MULTI = 74
    CANCEL_POSITIONS_MULTI = 75
    ACCOUNT_UPDATES_MULTI = 76
    CANCEL_ACCOUNT_UPDATES_MULTI = 77
    MATCHING_SYMBOLS = 81
    NEWS_ARTICLE = 84
    NEWS_PROVIDERS = 85
    HISTORICAL_NEWS = 86
    HEAD_TIMESTAMP = 87
    CANCEL_HEAD_TIMESTAMP = 90
    MARKET_RULE = 91
    PNL = 92
    CANCEL_PNL = 93
    PNL_SINGLE = 94
    CANCEL_PNL_SINGLE = 95
    HISTORICAL_TICKS = 96
    TICK_BY_TICK = 97
    CANCEL_TICK_BY_TICK = 98
    COMPLETED_ORDERS = 99
    CURRENT_TIME_IN_MILLIS = 105
    CANCEL_CONTRACT_DATA = 106
    CANCEL_HISTORICAL_TICKS = 107
    CONFIG = 108


class Reply(IntEnum):
    """What the gateway sends; the numbers are IB's."""

    TICK_PRICE = 1
    TICK_SIZE = 2
    ORDER_STATUS = 3
    ERROR = 4
    OPEN_ORDER = 5
    ACCOUNT_VALUE = 6
    PORTFOLIO_VALUE = 7
    ACCOUNT_UPDATE_TIME = 8
    NEXT_VALID_ID = 9
    CONTRACT_DETAILS = 10
    EXECUTION = 11
    NEWS_BULLETIN = 14
    MANAGED_ACCOUNTS = 15
    HISTORICAL_DATA = 17
    SCANNER_PARAMETERS = 19
    SCANNER_DATA = 20
    TICK_GENERIC = 45
    TICK_STRING = 46
    CURRENT_TIME = 49
    REAL_TIME_BAR = 50
    CONTRACT_DETAILS_END = 52
    OPEN_ORDERS_END = 53
    ACCOUNT_DOWNLOAD_END = 54
    EXECUTIONS_END = 55
    TICK_SNAPSHOT_END = 57
    MARKET_DATA_TYPE = 58
    COMMISSION_REPORT = 59
    POSITION = 61
    POSITION_END = 62
    ACCOUNT_SUMMARY = 63
    ACCOUNT_SUMMARY_END = 64
    POSITION_MULTI = 71
    POSITION_MULTI_END = 72
    ACCOUNT_UPDATE_MULTI = 73
    ACCOUNT_UPDATE_MULTI_END = 74
    SYMBOL_SAMPLES = 79
    TICK_REQ_PARAMS = 81
    NEWS_ARTICLE = 83
    TICK_NEWS = 84
    NEWS_PROVIDERS = 85
    HISTORICAL_NEWS = 86
    HISTORICAL_NEWS_END = 87
    HEAD_TIMESTAMP = 88
    HISTORICAL_DATA_UPDATE = 90
    MARKET_RULE = 93
    PNL = 94
    PNL_SINGLE = 95
    HISTORICAL_TICKS = 96
    HISTORICAL_TICKS_BID_ASK = 97
    HISTORICAL_TICKS_LAST = 98
    TICK_BY_TICK = 99
    ORDER_BOUND = 100
    COMPLETED_ORDER = 101
    COMPLETED_ORDERS_END = 102
    HISTORICAL_SCHEDULE = 106
    HISTORICAL_DATA_END = 108
    CURRENT_TIME_IN_MILLIS = 109
    CONFIG_RESPONSE = 110


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
