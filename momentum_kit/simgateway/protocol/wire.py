"""Frames and text fields of IB's socket protocol: bytes in, requests out, and back; the lowest layer of a session."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from momentum_kit.sessions import NEW_YORK

MAX_FRAME_BYTES = 0xFFFFFF  # the official client refuses longer messages
LOWEST_VERSION = 157  # older layouts are not spoken: no gateway of today accepts such a client
INSTRUMENT_TIME_ZONE = 174  # server version from which times carry a zone name
BINARY_NUMBERS = 201  # ... messages begin with their number in four bytes, text or protobuf
PROTOBUF_OFFSET = 200  # a number above it: the rest is the protobuf body of the message that many below
UNSET_DOUBLE = "1.7976931348623157E308"
UNSET_INTEGER = "2147483647"
_LARGEST_DOUBLE = 1.7976931348623157e308
_HELLO = re.compile(r"v(\d{1,6})(?:\.\.(\d{1,6}))?(?: (.*))?", re.DOTALL)
_INTEGER = re.compile(r"-?[0-9]{1,19}")

Field = str | int | float | Decimal | None


class WireError(ValueError):
    """What the peer sent is not IB's protocol; `str()` says which field and what stood there."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The client's first words: the range of versions it speaks, and connect options such as +PACEAPI."""

    lowest: int
    highest: int
    options: str = ""

    @classmethod
    def parse(cls, payload: bytes) -> "Hello":
        """Read 'v100..226 options'; WireError if it is anything else."""
        match = _HELLO.fullmatch(payload.decode("ascii", "replace"))
        if match is None:
            raise WireError(f"not a hello: {payload[:60]!r}")
        lowest, highest, options = match.groups()
        return cls(int(lowest), int(highest or lowest), options or "")

    def agree(self, cap: int) -> int | None:
        """The version both sides speak, never above `cap`; None if there is none."""
        version = min(self.highest, cap)
        return version if version >= max(self.lowest, LOWEST_VERSION) else None


class FrameBuffer:
    """Cuts a byte stream into frames; feed it any pieces."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """Append what the socket delivered."""
        self._data += data

    def take_prefix(self, prefix: bytes) -> bool | None:
        """True and consumed if the stream starts with `prefix`, False if it cannot, None while too short to say."""
        seen = bytes(self._data[: len(prefix)])
        if not prefix.startswith(seen):
            return False
        if len(seen) < len(prefix):
            return None
        del self._data[: len(prefix)]
        return True

    def next_frame(self) -> bytes | None:
        """Take the next complete frame, without its length prefix; WireError if it claims to be too long."""
        if len(self._data) < 4:
            return None
        size = int.from_bytes(self._data[:4], "big")
        if size > MAX_FRAME_BYTES:
            raise WireError(f"frame of {size} bytes")
        end = 4 + size
        if len(self._data) < end:
            return None
        payload = bytes(self._data[4:end])
        del self._data[:end]  # bytearray moves its start: this costs nothing
        return payload

    def frames(self) -> Iterator[bytes]:
        """All complete frames so far."""
        while (payload := self.next_frame()) is not None:
            yield payload


class FieldReader:
    """Reads the NUL-terminated fields of one request in order; WireError at the first that does not fit."""

    def __init__(self, payload: bytes) -> None:
        try:
            fields = payload.decode().split("\0")
        except UnicodeDecodeError as error:
            raise WireError(f"not UTF-8: {error.reason}") from error
        self._fields = fields[:-1]  # every field ends in NUL, so the last piece is empty
        self._next = 0

    def text(self) -> str:
        """The next field as it stands."""
        if self._next >= len(self._fields):
            raise WireError(f"field {self._next + 1} is missing")
        field = self._fields[self._next]
        self._next += 1
        return field

    def integer(self, default: int | None = None) -> int:
        """A whole number of 32 bits; an empty field is `default` where one is given."""
        field = self.text()
        if not field and default is not None:
            return default
        if not _INTEGER.fullmatch(field) or not fits_int32(int(field)):
            raise self._unfit(field)
        return int(field)

    def number(self) -> float | None:
        """A double; None where it is empty or IB's 'unset'."""
        field = self.text()
        if not field:
            return None
        try:
            value = float(field)
        except ValueError as error:
            raise self._unfit(field) from error
        if value != value:
            raise self._unfit(field)
        return None if value == _LARGEST_DOUBLE else value

    def decimal(self) -> Decimal:
        """A finite decimal."""
        field = self.text()
        try:
            value = Decimal(field)
        except InvalidOperation as error:
            raise self._unfit(field) from error
        if not value.is_finite() or abs(value.adjusted()) > 18:
            raise self._unfit(field)
        return value

    def flag(self) -> bool:
        """0, 1 or empty (false); ib_async and the official client also say true and false in words."""
        field = self.text().lower()
        if field not in ("", "0", "1", "true", "false"):
            raise self._unfit(field)
        return field in ("1", "true")

    def skip(self, count: int = 1) -> None:
        """Pass over fields that are not needed."""
        for _ in range(count):
            self.text()

    def _unfit(self, field: str) -> WireError:
        return WireError(f"Unable to parse field {self._next}: '{field[:60]}'")


def fits_int32(number: int) -> bool:
    """IB's ids and whole numbers have 32 bits; a protobuf answer can carry no other."""
    return -(1 << 31) <= number < 1 << 31


def frame(*fields: Field) -> bytes:
    """One length-prefixed message of NUL-terminated fields."""
    payload = ("\0".join([as_field(field) for field in fields]) + "\0").encode()
    return len(payload).to_bytes(4, "big") + payload


def message(version: int, number: int, *fields: Field) -> bytes:
    """One message of text fields as server version `version` frames it: its number as a field, or four bytes."""
    if version < BINARY_NUMBERS:
        return frame(number, *fields)
    payload = number.to_bytes(4, "big") + "".join([as_field(field) + "\0" for field in fields]).encode()
    return len(payload).to_bytes(4, "big") + payload


def as_field(value: Field) -> str:
    """A value as IB writes it: doubles keep a decimal point, None is empty, flags are 0 and 1."""
    if isinstance(value, str):
        return value.replace("\0", " ")
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return UNSET_DOUBLE if value == _LARGEST_DOUBLE else repr(value)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return str(value)


def price_text(price: float) -> str:
    """A price of a bar: at least two decimals, up to four ('254.20', '0.0551')."""
    text = f"{price:.4f}"
    return text[:-2] if text.endswith("00") else text.rstrip("0")


def bar_size_texts(volume: float, wap: float) -> tuple[str, str]:
    """Volume and volume-weighted price of a bar: IB's whole shares and three decimals, more where a record has more."""
    rounded = f"{wap:.3f}"
    exact = rounded if not math.isfinite(wap) or float(rounded) == wap else repr(wap)
    return (str(int(volume)) if volume == int(volume) else repr(volume)), exact


def ascii7(text: str) -> str:
    r"""Text for a field that clients decode with unicode escapes (from server version 153): \uXXXX beyond ASCII."""
    if text.isascii():
        return text.replace("\\", "\\\\")
    units = text.encode("utf-16-be", "surrogatepass")
    codes = (int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2))
    return "".join("\\\\" if code == 92 else chr(code) if code < 127 else f"\\u{code:04x}" for code in codes)


def wire_time(at: datetime, version: int) -> str:
    """A moment in exchange time, as executions and intraday bars carry it."""
    local = at.astimezone(NEW_YORK)
    if version < INSTRUMENT_TIME_ZONE:
        return f"{local:%Y%m%d  %H:%M:%S}"  # two blanks, no zone: the gateway's own
    return f"{local:%Y%m%d %H:%M:%S} US/Eastern"


def epoch_ms(at: datetime) -> int:
    """Milliseconds since 1970, exact."""
    whole = int(at.replace(microsecond=0).timestamp())
    return whole * 1000 + at.microsecond // 1000
