"""One request as it came: which it is, on which wire, whose id an error about it carries, and its decoded value."""

from dataclasses import dataclass
from typing import Any

from momentum_kit.simgateway.protocol import BINARY_NUMBERS, PROTOBUF_OFFSET, Request, WireError, fits_int32
from momentum_kit.simgateway.protocol.text import CME_TAGS, parse_request

# Requests whose id follows a version field, and those that begin with it, simulated or not.
_ID_AFTER_VERSION = {1, 2, 7, 9, 10, 11, 21, 23, 25, 50, 51, 54, 55, 56, 57, 62, 63, 67, 68, 69, 70, 74, 75, 76, 77}
_ID_FIRST = {3, 20, 22, 78, 79, 81, 83, 84, 86, 87, 88, 89, 90, *range(92, 99), *range(100, 105)}
_FIRST_IS_NUMBER = 0x08  # a protobuf body that begins with field 1, a varint: the request's id in all that have one
_LONGEST_VARINT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One frame of a client after the hello; kind 0 where it begins with no number."""

    kind: int
    body: bytes
    version: int
    is_protobuf: bool = False

    @classmethod
    def split(cls, payload: bytes, version: int) -> "Incoming":
        """Take the number off: a text field up to server version 200, four bytes (plus 200 for protobuf) later."""
        if version >= BINARY_NUMBERS:
            number, body = int.from_bytes(payload[:4], "big"), payload[4:]
            is_protobuf = number > PROTOBUF_OFFSET
            kind = number - PROTOBUF_OFFSET if is_protobuf else number
            return cls(kind=kind, body=body, version=version, is_protobuf=is_protobuf)
        text, _, body = payload.partition(b"\0")
        kind = int(text) if text.isdigit() and len(text) < 6 else 0
        return cls(kind=kind, body=body, version=version)

    @property
    def request_id(self) -> int:
        """The id an error about this request must carry; -1 where it has none or it is not a number."""
        after_version = self.kind in _ID_AFTER_VERSION or (
            self.kind == Request.CANCEL_ORDER and self.version < CME_TAGS
        )
        if not after_version and self.kind not in _ID_FIRST and self.kind != Request.CANCEL_ORDER:
            return -1
        if self.is_protobuf:
            return _first_number(self.body)
        fields = self.body.split(b"\0", 2)
        at = 1 if after_version else 0
        field = fields[at] if len(fields) > at else b""
        digits = field[1:] if field.startswith(b"-") else field
        return int(field) if digits.isdigit() and len(digits) <= 10 and fits_int32(int(field)) else -1

    @property
    def is_what_if(self) -> bool:
        """True for a placeOrder that places nothing: it is a question, and no fault of orders counts or meets it."""
        if self.kind != Request.PLACE_ORDER:
            return False
        try:
            return bool(self.decode().raw.get("whatIf") == "1")
        except WireError:
            return False

    def decode(self) -> Any:
        """The request's value, the same from either wire; WireError where the bytes do not fit."""
        if not self.is_protobuf:
            return parse_request(Request(self.kind), self.body, self.version)
        # protobuf is heavy: not before a client speaks it
        from momentum_kit.simgateway.protocol.protobuf import parse_request as parse_protobuf

        return parse_protobuf(Request(self.kind), self.body)


def _first_number(body: bytes) -> int:
    """Field 1 by hand, because the rest may be garbage."""
    value = 0
    if body[:1] != bytes([_FIRST_IS_NUMBER]):
        return -1
    for at, byte in enumerate(body[1 : 1 + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:
            value &= (1 << 64) - 1
            signed = value - (1 << 64) if value >> 63 else value
            return signed if fits_int32(signed) else -1
    return -1
