"""What crosses from the ibapi thread to the loop: IBWrapper builds these values, router.py sends each on."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from momentum_kit.errors import BrokerError
from momentum_kit.models import Headline

# Orders take the ids from nextValidId up; requests start far above, so an error's id says what it is about.
FIRST_REQUEST_ID = 1_000_000_000

# Keys of requests whose answers carry no id; the lists among them are ended by an End.
OPEN_ORDERS = "open orders"
COMPLETED_ORDERS = "completed orders"
POSITIONS = "positions"
ACCOUNT_DOWNLOAD = "account values and holdings"
LISTS = frozenset({OPEN_ORDERS, COMPLETED_ORDERS, POSITIONS, ACCOUNT_DOWNLOAD})
NEWS_PROVIDERS = "news providers"
SCANNER_PARAMETERS = "scanner parameters"
CURRENT_TIME = "current time"
CURRENT_TIME_MILLIS = "current time in milliseconds"

EXECUTIONS = "executions"  # their answers carry the request's id, if it can be read

# Messages (ibapi.message.IN) that are rows of a list. A status is one as well: it follows each open order.
ROWS = {
    3: OPEN_ORDERS,
    5: OPEN_ORDERS,
    6: ACCOUNT_DOWNLOAD,
    7: ACCOUNT_DOWNLOAD,
    11: EXECUTIONS,
    61: POSITIONS,
    101: COMPLETED_ORDERS,
}

SPEAKING = frozenset({*ROWS, 10, 71})  # rows of which nothing may be said only by mistake; contracts, positions by id


def market_rule_key(rule_id: int) -> str:
    """The key of a market-rule request; the rule id is all that its answer carries."""
    return f"market rule {rule_id}"


class Answer(NamedTuple):
    """A piece of the answer to one request; `complete` on the last one."""

    key: int | str
    values: tuple[Any, ...]
    complete: bool


Update = tuple[int, int, float | str]
"""Of one market-data line: the request id, IB's tick type, and a number, or a text that is still as IB sent it."""


class Tick(NamedTuple):
    """An Update, as the official decoder's callbacks give it."""

    req_id: int
    field: int
    value: float | str


class Ticks(NamedTuple):
    """Market data as it came in: frames, each behind its length; received_at and received_ns are those of the batch."""

    frames: bytes
    received_at: datetime
    received_ns: int


class StreamRow(NamedTuple):
    """One value of a stream that has a request id of its own: a bar, a single tick, a profit."""

    req_id: int
    value: Any


class DataType(NamedTuple):
    """What IB now delivers on a line: live, frozen, delayed."""

    req_id: int
    data_type: int


class NewsTick(NamedTuple):
    """A headline, on the line that brought it."""

    req_id: int
    headline: Headline


class Notice(NamedTuple):
    """error(): about a request, an order or (ids below 1) the connection."""

    id: int
    code: int
    text: str
    received_at: datetime


class Accounts(NamedTuple):
    """The accounts of this login."""

    names: tuple[str, ...]


class NextOrderId(NamedTuple):
    """The lowest order id this client may use."""

    order_id: int


class Unreadable(NamedTuple):
    """A message or a callback that could not be turned into a value.

    answer: the request's key, or the kind of list, that it is a row of; None if it is part of no answer.
    """

    what: str
    why: str
    row: str
    answer: int | str | None = None


class Caveat(NamedTuple):
    """A value was taken although a part of it could not be read."""

    text: str


class Mark(NamedTuple):
    """Everything received before it was queued has been handled, ticks that it has overtaken excepted: call."""

    call: Callable[[], None]


class Applied(NamedTuple):
    """Everything received before it was queued has been handled, every tick included: call."""

    call: Callable[[], None]


class ConnectionEnded(NamedTuple):
    """The last value of a connection: nothing follows it."""

    error: BrokerError
