"""TickDecoder: the messages of which there are many, read in a few lines of our own where they are plain.

Plain is what a gateway sends all day: every field there and of its kind, every number finite. Each field is turned into
a number or a text by the same call as in ibapi's decoder, and whatever is not plain is left to that decoder, which is
the reference of these lines' tests as well.
"""

from collections.abc import Callable
from struct import Struct
from typing import Any

from google.protobuf.message import DecodeError
from ibapi import decoder as official
from ibapi.message import IN
from ibapi.server_versions import MIN_SERVER_VER_PROTOBUF
from ibapi.ticktype import TickTypeEnum

from momentum_kit.bridge.events import Tick, Update

_PRICE, _SIZE, _GENERIC, _STRING = IN.TICK_PRICE, IN.TICK_SIZE, IN.TICK_GENERIC, IN.TICK_STRING
_SIZE_OF = {1: 0, 2: 3, 4: 5, 66: 69, 67: 70, 68: 71}  # the tick type of the size that comes with a price
_TYPES = TickTypeEnum.NOT_SET  # tick types are below
_LIMIT = 2**31 - 1  # IB writes it for a number that is not set; its other ways to say so are larger
PROTOBUF = 200  # is added to the id of a message in protobuf
_MARKET_DATA_IN_PROTOBUF = 206  # server version

_length = Struct("!I").unpack_from


class TickDecoder:
    """Reads frames at one server version. heads: how the frames begin that it takes.

    reference(frame): what ibapi's decoder makes of a frame, in our values.
    """

    def __init__(self, server_version: int, reference: Callable[[bytes], list[Any]]) -> None:
        kinds = (_PRICE, _SIZE, _GENERIC, _STRING)
        if server_version >= _MARKET_DATA_IN_PROTOBUF:
            self.heads = tuple((PROTOBUF + kind).to_bytes(4, "big") for kind in kinds)
            self.read: Callable[[bytes], tuple[Update, ...]] = from_protobuf
        elif server_version >= MIN_SERVER_VER_PROTOBUF:
            self.heads = tuple(kind.to_bytes(4, "big") for kind in kinds)
            self.read = from_text_behind_a_number
        else:
            self.heads = tuple(b"%d\0" % kind for kind in kinds)
            self.read = from_text
        self._reference = reference

    def decode(self, frames: bytes) -> tuple[list[Update], list[Any]]:
        """All ticks of frames that stand one behind the other, each behind its length, in their order.

        Beside them what the official decoder says of frames that are none.
        """
        ticks: list[Update] = []
        others: list[Any] = []
        end, size = 0, len(frames)
        while end < size:
            start = end + 4
            end = start + _length(frames, end)[0]
            frame = frames[start:end]
            try:
                ticks += self.read(frame)
            except (ValueError, DecodeError):
                for value in self._reference(frame):
                    (ticks if isinstance(value, Tick) else others).append(value)
        return ticks, others


def from_text(frame: bytes) -> tuple[Update, ...]:
    """The ticks of a text message up to server version 200; ValueError if it is not plain."""
    fields = frame.split(b"\0")
    kind = fields[0]
    if kind == b"1":
        _, version, req_id, field, price, size, mask, _ = fields
        if not (version.isdigit() and mask.isdigit()):
            raise ValueError
        return _price_and_size(int(req_id), int(field), float(price), float(size))
    if kind == b"2":
        _, version, req_id, field, size, _ = fields
        if not version.isdigit():
            raise ValueError
        return (_number(int(req_id), int(field), float(size)),)
    _, _, req_id, field, content, _ = fields
    if kind == b"45":
        return (_number(int(req_id), int(field), float(content)),)
    if b"\\" in content or not content.isascii():  # escapes of server version 153
        raise ValueError
    return ((int(req_id), int(field), content.decode()),)


def from_text_behind_a_number(frame: bytes) -> tuple[Update, ...]:
    """As from_text(), of server versions 201 to 205: the message id is a number of four bytes."""
    return from_text(b"%d\0" % int.from_bytes(frame[:4], "big") + frame[4:])


def from_protobuf(frame: bytes) -> tuple[Update, ...]:
    """The ticks of a protobuf message; ValueError if it is not plain."""
    kind = frame[3] - PROTOBUF
    message = _PARSERS[kind](frame[4:])
    req_id, field = message.reqId, message.tickType
    if not (req_id and (field or message.HasField("tickType"))):
        raise ValueError
    if kind == _PRICE:
        price = message.price
        if not (price or message.HasField("price")):
            raise ValueError
        return _price_and_size(req_id, field, price, float(message.size))
    if kind == _SIZE:
        return (_number(req_id, field, float(message.size)),)
    value = message.value
    if field >= _TYPES or not (value or message.HasField("value")):
        raise ValueError
    return (_number(req_id, field, value),) if kind == _GENERIC else ((req_id, field, value),)


def _price_and_size(req_id: int, field: int, price: float, size: float) -> tuple[Update, ...]:
    if not (0 <= field < _TYPES and -_LIMIT < price < _LIMIT and -_LIMIT < size < _LIMIT):
        raise ValueError
    size_field = _SIZE_OF.get(field)
    return ((req_id, field, price),) if size_field is None else ((req_id, field, price), (req_id, size_field, size))


def _number(req_id: int, field: int, value: float) -> Update:
    if not (0 <= field < _TYPES and -_LIMIT < value < _LIMIT):
        raise ValueError
    return req_id, field, value


def _parser(name: str) -> Callable[[bytes], Any]:
    message = getattr(official, name, None)  # API 10.37 has none: its market data is text
    return message.FromString if message is not None else _none


def _none(_: bytes) -> Any:
    raise ValueError


_PARSERS = {
    _PRICE: _parser("TickPriceProto"),
    _SIZE: _parser("TickSizeProto"),
    _GENERIC: _parser("TickGenericProto"),
    _STRING: _parser("TickStringProto"),
}
