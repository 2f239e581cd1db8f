from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.simgateway.protocol.wire import (
    MAX_FRAME_BYTES,
    FieldReader,
    FrameBuffer,
    Hello,
    WireError,
    as_field,
    ascii7,
    epoch_ms,
    frame,
    price_text,
    wire_time,
)


@given(st.lists(st.binary(max_size=40), max_size=8), st.lists(st.integers(1, 9), min_size=1, max_size=60))
def test_frames_come_out_whole_however_the_stream_is_cut(payloads: list[bytes], cuts: list[int]) -> None:
    """Any slicing of the stream yields the same payloads in order."""
    stream = b"".join(len(payload).to_bytes(4, "big") + payload for payload in payloads)
    buffer, found, at = FrameBuffer(), [], 0
    while at < len(stream):
        cut = cuts[at % len(cuts)]
        buffer.feed(stream[at : at + cut])
        found += list(buffer.frames())
        at += cut
    assert found == payloads


def test_an_oversize_frame_is_refused() -> None:
    """A length prefix beyond what clients accept is an error, not an allocation."""
    buffer = FrameBuffer()
    buffer.feed((MAX_FRAME_BYTES + 1).to_bytes(4, "big"))
    with pytest.raises(WireError, match="frame of"):
        list(buffer.frames())


def test_prefix_is_taken_only_when_complete() -> None:
    """Three bytes say nothing yet, the fourth decides."""
    buffer = FrameBuffer()
    buffer.feed(b"API")
    assert buffer.take_prefix(b"API\0") is None
    buffer.feed(b"\0rest")
    assert buffer.take_prefix(b"API\0") is True
    other = FrameBuffer()
    other.feed(b"GET /")
    assert other.take_prefix(b"API\0") is False


@pytest.mark.parametrize(
    ("words", "cap", "version"),
    [
        (b"v100..226", 200, 200),
        (b"v157..178 +PACEAPI", 200, 178),
        (b"v100..226", 178, 178),
        (b"v100..120", 200, None),
        (b"v201..226", 200, None),
        (b"v176", 200, 176),
    ],
)
def test_the_version_is_the_lower_of_client_and_cap(words: bytes, cap: int, version: int | None) -> None:
    """A client speaks at most its own maximum and never above the cap; no overlap gives none."""
    assert Hello.parse(words).agree(cap) == version


@pytest.mark.parametrize("words", [b"", b"GET / HTTP/1.1", b"v", b"v100..", b"v9999999..1"])
def test_anything_else_is_no_hello(words: bytes) -> None:
    """A hello that does not parse is an error."""
    with pytest.raises(WireError):
        Hello.parse(words)


def test_fields_are_written_as_ib_writes_them() -> None:
    """Doubles keep a point, decimals drop empty places, flags are digits, None is empty, NUL cannot break a frame."""
    values = (1, 2.0, 257.95, True, None, Decimal("100.00"), Decimal("1E+3"), "a\0b", 1.7976931348623157e308)
    written = ["1", "2.0", "257.95", "1", "", "100", "1000", "a b", "1.7976931348623157E308"]
    assert [as_field(value) for value in values] == written
    assert frame("9", 1, 5) == b"\0\0\0\x069\x001\x005\0"


def test_unset_and_empty_numbers_read_as_none() -> None:
    """IB's largest double means unset in either spelling."""
    fields = FieldReader(b"1.7976931348623157e+308\0\x001.5\0")
    assert [fields.number() for _ in range(3)] == [None, None, 1.5]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        ("integer", b"x\0"),
        ("integer", b"1_000\0"),
        ("integer", b"99999999999999999999\0"),
        ("integer", b"\0"),
        ("number", b"nan\0"),
        ("number", b"12a\0"),
        ("decimal", b"1e999999\0"),
        ("decimal", b"Infinity\0"),
        ("flag", b"maybe\0"),
        ("text", b""),
        ("text", b"unterminated"),
    ],
)
def test_a_field_that_does_not_fit_is_named(read: str, text: bytes) -> None:
    """Malformed and missing fields raise WireError, whatever was asked for."""
    with pytest.raises(WireError):
        getattr(FieldReader(text), read)()


def test_bytes_that_are_not_text_are_refused() -> None:
    """Invalid UTF-8 is an error of the request."""
    with pytest.raises(WireError, match="UTF-8"):
        FieldReader(b"\xff\xfe\0")


@given(st.text(max_size=30).filter(lambda text: not any(0xD800 <= ord(c) <= 0xFFFF and ord(c) < 0xE000 for c in text)))
def test_escaped_text_survives_the_clients_decoding(text: str) -> None:
    """What unicode escapes decode to is what was meant, in ASCII on the way (astral text as UTF-16 pairs)."""
    escaped = ascii7(text)
    assert escaped.isascii()
    decoded = escaped.encode().decode("unicode-escape")
    assert decoded.encode("utf-16-be", "surrogatepass") == text.encode("utf-16-be")


@pytest.mark.parametrize(
    ("price", "text"), [(254.2, "254.20"), (255.0, "255.00"), (0.0551, "0.0551"), (1.005, "1.005")]
)
def test_bar_prices_have_two_to_four_decimals(price: float, text: str) -> None:
    """Recorded bars show 254.20; sub-penny prices keep their places."""
    assert price_text(price) == text


def test_times_carry_the_zone_from_174() -> None:
    """Exchange time with a zone name, two blanks and none before."""
    at = datetime(2026, 4, 13, 19, 27, 4, 123456, tzinfo=UTC)
    assert wire_time(at, 200) == "20260413 15:27:04 US/Eastern"
    assert wire_time(at, 173) == "20260413  15:27:04"
    assert epoch_ms(at) == 1776108424123


@pytest.mark.parametrize("number", ["2147483648", "-2147483649", "9" * 19])
def test_whole_numbers_have_32_bits(number: str) -> None:
    """A protobuf answer could not carry the id; it is refused as unreadable."""
    with pytest.raises(WireError, match=number):
        FieldReader(f"{number}\0".encode()).integer()
