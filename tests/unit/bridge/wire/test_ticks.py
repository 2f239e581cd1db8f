"""Our lines for the messages of which there are many, beside ibapi's own decoder."""

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from ibapi.protobuf.TickGeneric_pb2 import TickGeneric
from ibapi.protobuf.TickPrice_pb2 import TickPrice
from ibapi.protobuf.TickSize_pb2 import TickSize
from ibapi.protobuf.TickString_pb2 import TickString

from momentum_kit.bridge.events import Tick, Unreadable
from momentum_kit.bridge.wire.client import official_decoder
from momentum_kit.bridge.wire.ticks import TickDecoder
from tests.helpers.fuzzing import fuzz_draw, fuzz_inputs

INPUTS = fuzz_inputs(20_000)
NUMBERS = (  # as they come, and as they never should
    "10.5", "0.0001", "100", "-1", "-1.0", "0", "0.0", "-0.0", "1E-7", "1.5e5", "7.", ".7", "123456789.123456789", "",
    "2147483647", "9223372036854775807", "-9223372036854775808", "1.7976931348623157E308", "1e16", "1e999", "-1e999",
    "nan", "-nan", "inf", "-inf", "Infinity", "sNaN", "1_000", " 5", "5 ", "+5", "--5", "0x10", "five", "1,5", "\u0665",
    "5\\u0030", "\udc80",
)  # fmt: skip
TEXTS = (
    "10.5;100;1775425766350;1000;10.4;true", "", "1775425766", "a \\u00e9", "back\\slash", "\\x41", "déjà vu",
    "\udcff\udc80", "\u4e2d", ";;;;;", "tab\there",
)  # fmt: skip
FIELDS = ("0", "1", "2", "3", "4", "5", "46", "49", "66", "68", "71", "77", "110", "111", "112", "-1", "", "1.0", "x")
IDS = ("1000000001", "1001", "0", "-1", "", "2147483648", "99999999999", "7x")
PROTOBUF = {201: TickPrice, 202: TickSize, 245: TickGeneric, 246: TickString}

Reference = Callable[[bytes], list[Any]]
Draw = Callable[[random.Random], bytes]


def pick(rng: random.Random, choices: tuple[str, ...]) -> str:
    """One of them: mostly one of the first five."""
    return rng.choice(choices[:5] if rng.random() < 0.8 else choices)


def text_fields(rng: random.Random) -> list[str]:
    """A tick as text: sometimes with a field too few or too many, or with what belongs into another one."""
    kind = rng.choice(("1", "2", "45", "46"))
    version, req_id, field = (
        pick(rng, ("6", "3", "1", "2", "7", "", "x")),
        pick(rng, IDS[:1] * 4 + IDS),
        pick(rng, FIELDS),
    )
    number = rng.choice(
        (f"{rng.uniform(-2, 500):.{rng.randrange(9)}f}", repr(rng.expovariate(0.001)), pick(rng, NUMBERS))
    )
    rest = {
        "1": [number, pick(rng, NUMBERS), pick(rng, ("0", "1", "2", "3", "7", "", "x", "-1"))],
        "2": [number],
        "45": [number],
        "46": [pick(rng, TEXTS)],
    }[kind]
    fields = [kind, version, req_id, field, *rest]
    if rng.random() < 0.03:
        del fields[rng.randrange(1, len(fields))]
    if rng.random() < 0.03:
        fields.insert(rng.randrange(1, len(fields) + 1), pick(rng, NUMBERS + TEXTS))
    return fields


def text_frame(rng: random.Random) -> bytes:
    """Up to server version 200."""
    return b"".join(field.encode(errors="surrogateescape") + b"\0" for field in text_fields(rng))


def numbered_frame(rng: random.Random) -> bytes:
    """Server versions 201 to 205."""
    kind, _, body = text_frame(rng).partition(b"\0")
    return int(kind).to_bytes(4, "big") + body


def protobuf_frame(rng: random.Random) -> bytes:
    """From server version 206 on: any field may be missing, and a byte may be another."""
    kind, message_type = rng.choice(list(PROTOBUF.items()))
    message, given = message_type(), lambda: rng.random() < 0.97
    if given():
        message.reqId = rng.choice((1_000_000_001, 1_000_000_001, 1001, 0, -1))
    if given():
        message.tickType = rng.choice((0, 1, 2, 4, 5, 46, 49, 66, 77, 110, 111, 112, -1))
    if kind == 201 and given():
        message.price = rng.choice((rng.uniform(0, 500), -1.0, 0.0, float("nan"), float("inf"), 1.7976931348623157e308))
    if kind == 201 and given():
        message.attrMask = rng.choice((0, 1, 7))
    if kind in (201, 202) and given():
        message.size = pick(rng, NUMBERS[:-1])
    if kind == 245 and given():
        message.value = rng.choice((rng.uniform(-1, 500), 0.0, float("nan"), -float("inf"), 1.7976931348623157e308))
    if kind == 246 and given():
        message.value = pick(rng, tuple(text for text in TEXTS if text.isprintable() and "\udcff" not in text))
    body = bytearray(message.SerializeToString())
    if body and rng.random() < 0.05:
        body[rng.randrange(len(body))] = rng.randrange(256)
    if body and rng.random() < 0.02:
        del body[rng.randrange(len(body)) :]
    return kind.to_bytes(4, "big") + bytes(body)


def judged(frame: bytes, decoder: TickDecoder, reference: Reference) -> str:
    """'plain' if our lines take the frame and say what ibapi's decoder says; 'left' if they leave it to that one."""
    try:
        ours = decoder.read(frame)
    except (ValueError, DecodeError):
        return "left"
    theirs = reference(frame)
    assert all(isinstance(value, Tick) for value in theirs), (frame, theirs)
    assert [repr(tick) for tick in ours] == [repr(tuple(tick)) for tick in theirs], frame
    return "plain"


@pytest.mark.parametrize(
    ("server_version", "draw"), [(178, text_frame), (200, text_frame), (203, numbered_frame), (226, protobuf_frame)]
)
def test_generated_messages_are_read_as_the_official_decoder_reads_them(server_version: int, draw: Draw) -> None:
    """A million by `make fuzz`, a seeded share of them here: to the bit and the type, or not at all."""
    reference = official_decoder(server_version, lambda: datetime.now(UTC))
    decoder, rng, seen = TickDecoder(server_version, reference), fuzz_draw(server_version), Counter[str]()
    for _ in range(INPUTS // 4):
        frame = draw(rng)
        assert frame.startswith(decoder.heads)
        seen[judged(frame, decoder, reference)] += 1
    assert min(seen["plain"], seen["left"]) > INPUTS // 4 / 10, seen


@pytest.mark.parametrize("server_version", [200, 203])
def test_recorded_frames_are_read_as_the_official_decoder_reads_them(server_version: int, shared_data: Path) -> None:
    """The recorded ticks are plain; no other recorded message is taken for one."""
    content = json.loads((shared_data / "gateway" / "frames_sv200.json").read_text(encoding="utf-8"))
    reference = official_decoder(server_version, lambda: datetime.now(UTC))
    decoder, taken = TickDecoder(server_version, reference), []
    for one in content["frames"]:
        kind, *fields = one["fields"]
        head = f"{kind}\0".encode() if server_version <= 200 else int(kind).to_bytes(4, "big")
        frame = head + b"".join(field.encode() + b"\0" for field in fields)
        if frame.startswith(decoder.heads):
            taken.append(one["callback"])
            assert judged(frame, decoder, reference) == "plain"
    assert taken == ["tickPrice", "tickSize"]


def test_what_is_not_plain_keeps_its_place() -> None:
    """Frames between others: the official decoder's ticks stand where they came, and what it says beside them."""
    decoder = TickDecoder(200, official_decoder(200, lambda: datetime.now(UTC)))
    frames = [
        b"2\x006\x007\x000\x00100\x00",
        b"2\x006\x007\x003\x00\x00",
        b"2\x006\x007\x00\x00",
        b"2\x006\x007\x005\x009\x00",
    ]
    ticks, others = decoder.decode(b"".join(len(frame).to_bytes(4, "big") + frame for frame in frames))
    assert ticks == [(7, 0, 100.0), (7, 3, 0.0), (7, 5, 9.0)]
    assert [(type(value), value.what) for value in others] == [(Unreadable, "message 2")]
