"""Which function answers which request of a client, and where a request carries its id."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from momentum_kit.simgateway import handlers_account, handlers_market, handlers_news, handlers_orders, handlers_session
from momentum_kit.simgateway.messages import Request
from momentum_kit.simgateway.messages_requests import CME_TAGS
from momentum_kit.simgateway.wire import FieldReader

if TYPE_CHECKING:
    from momentum_kit.simgateway.client_session import ClientSession

Handler = Callable[["ClientSession", FieldReader], None]

_FAMILIES = (handlers_session, handlers_market, handlers_news, handlers_orders, handlers_account)
HANDLERS: dict[int, Handler] = {
    int(number): handler for family in _FAMILIES for number, handler in family.HANDLERS.items()
}

# Requests whose id follows a version field, and those that begin with it, simulated or not.
_ID_AFTER_VERSION = {1, 2, 7, 9, 10, 11, 21, 23, 25, 50, 51, 54, 55, 56, 57, 62, 63, 67, 68, 69, 70, 74, 75, 76, 77}
_ID_FIRST = {3, 20, 22, 78, 79, 81, 83, 84, 86, 87, 88, 89, 90, *range(92, 99), *range(100, 105)}


def request_id_of(kind: int, version: int, rest: bytes) -> int:
    """The id an error about this request must carry; -1 where the request has none or it is not a number."""
    after_version = kind in _ID_AFTER_VERSION or (kind == Request.CANCEL_ORDER and version < CME_TAGS)
    if not after_version and kind not in _ID_FIRST and kind != Request.CANCEL_ORDER:
        return -1
    fields = rest.split(b"\0", 2)
    at = 1 if after_version else 0
    field = fields[at] if len(fields) > at else b""
    digits = field[1:] if field.startswith(b"-") else field
    return int(field) if digits.isdigit() and len(digits) <= 10 else -1
