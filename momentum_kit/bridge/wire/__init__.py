"""The ibapi side of the bridge: socket, client, callbacks, and the values they queue for the loop."""

from momentum_kit.bridge.wire.events import FIRST_REQUEST_ID, Answer, DataType, NewsTick, TextTick, Tick
from momentum_kit.bridge.wire.inbox import Inbox, Message
from momentum_kit.bridge.wire.link import Link
from momentum_kit.bridge.wire.times import news_request_time, request_time

__all__ = [
    "FIRST_REQUEST_ID",
    "Answer",
    "DataType",
    "Inbox",
    "Link",
    "Message",
    "NewsTick",
    "TextTick",
    "Tick",
    "news_request_time",
    "request_time",
]
