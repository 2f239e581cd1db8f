"""The bridge under fire on both wires: `make fuzz` sends a million broken frames, the suite a seeded few thousand."""

import asyncio
import importlib
import json
import logging
import pkgutil
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibapi.protobuf
import pytest
from ibapi.decoder import Decoder

from momentum_kit.bridge import IBKRBridge
from momentum_kit.models import LinkState
from tests.helpers.fuzzing import fuzz_draw, fuzz_inputs
from tests.unit.bridge.conftest import ScriptedGateway

INPUTS = fuzz_inputs(8_000)
BATCH = 500
ERROR = 4
CODES = (b"200", b"2104", b"162", b"10197", b"-1", b"", b"x", b"999999")  # none on which the bridge itself hangs up
FIELDS = (
    *(b"", b"0", b"1", b"7", b"-1", b"1000000001", b"2147483647", b"9" * 400, b"1.5", b"nan", b"-inf", b"1e309"),
    *(
        b"1.7976931348623157E308",
        b"AAPL",
        b"STK",
        b"BUY",
        b"Filled",
        b"20260402 09:30:00 US/Eastern",
        b"2026",
        b"\xff\xfe",
    ),
    *(b"\\u00e9", b"\\x", b"true", b"a;b;c;d;e;f", "déjà".encode(), b"DU9000001"),
)
NUMBERS = (0, 1, 7, -1, 1_000_000_001, 2**31 - 1)
Draw = Callable[[random.Random], bytes]


def recorded() -> list[list[bytes]]:
    """The fields of the recorded messages, where they are on this machine."""
    file = Path(__file__).resolve().parents[5] / "shared" / "data" / "gateway" / "frames_sv200.json"
    content = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"frames": []}
    return [[field.encode() for field in one["fields"]] for one in content["frames"]]


def messages() -> list[Any]:
    """Every message type of IB's schema."""
    names = [each.name for each in pkgutil.iter_modules(ibapi.protobuf.__path__) if each.name.endswith("_pb2")]
    modules = [importlib.import_module(f"ibapi.protobuf.{name}") for name in names]
    return [getattr(module, name) for module in modules for name in module.DESCRIPTOR.message_types_by_name]


SEEDS, TYPES = recorded(), messages()


def broken(rng: random.Random, body: bytes) -> bytes:
    """Now and then a byte is another, some are missing, or there are more."""
    content = bytearray(body)
    for _ in range(rng.choice((0, 0, 0, 1, 3))):
        place = rng.randrange(len(content) + 1)
        what = rng.randrange(3)
        content[place : place + (0 if what == 0 else 1)] = bytes([rng.randrange(256)]) if what < 2 else b""
    return bytes(content)


def text(rng: random.Random) -> bytes:
    """A message that was recorded, or any fields at all, with a few of them exchanged."""
    if SEEDS and rng.random() < 0.6:
        fields = list(rng.choice(SEEDS))
    else:
        fields = [b"%d" % rng.choice(list(Decoder.msgId2handleInfo)), *rng.choices(FIELDS, k=rng.randrange(40))]
    for _ in range(rng.choice((0, 1, 1, 2, 4))):
        place, what = rng.randrange(len(fields)), rng.randrange(3)
        fields[place : place + (0 if what == 0 else 1)] = [rng.choice(FIELDS)] if what < 2 else []
        fields = fields or [b""]
    if fields[0] == b"4":
        return b"\0".join([b"4", rng.choice(FIELDS), rng.choice(CODES), *fields[3:], b""])
    body = broken(rng, b"".join(field + b"\0" for field in fields))
    return b"x" + body if body.startswith(b"4\0") else body


def protobuf(rng: random.Random) -> bytes:
    """A message with some of its fields, under its own id or another's; or text behind a number."""
    if rng.random() < 0.2:
        kind, _, body = text(rng).partition(b"\0")
        return (int(kind) if kind.isdigit() and len(kind) < 4 else 999).to_bytes(4, "big") + body
    kinds = [kind for kind in Decoder.msgId2handleInfoProtoBuf if kind != ERROR]
    body = filled(rng.choice(TYPES)(), rng, 3).SerializeToString()
    return (200 + rng.choice(kinds)).to_bytes(4, "big") + broken(rng, body)


def filled(message: Any, rng: random.Random, depth: int) -> Any:
    """Most fields set, to anything of their type."""
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.2 or (field.message_type and field.message_type.GetOptions().map_entry):
            continue
        value = getattr(message, field.name)
        if field.message_type is not None:
            if depth:
                filled(value.add() if hasattr(value, "add") else value, rng, depth - 1)
            continue
        drawn: Any = rng.choice(NUMBERS)
        if field.cpp_type == field.CPPTYPE_STRING:
            drawn = rng.choice([each.decode(errors="replace") for each in FIELDS])
        elif field.cpp_type in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
            drawn = rng.choice((0.0, 1.5, -1.0, float("nan"), float("inf"), 1.7976931348623157e308))
        elif field.cpp_type == field.CPPTYPE_BOOL:
            drawn = rng.random() < 0.5
        if hasattr(value, "append"):
            value.append(drawn)
        else:
            setattr(message, field.name, drawn)
    return message


def plain(version: int, kind: int, *fields: bytes) -> bytes:
    """A message that is whole, in its frame: text, on either wire."""
    head = b"%d\0" % kind if version <= 200 else kind.to_bytes(4, "big")
    body = head + b"".join(field + b"\0" for field in fields)
    return len(body).to_bytes(4, "big") + body


async def read_all(stream: Any) -> None:
    """Read to the end."""
    async for _ in stream:
        pass


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("version", "draw"), [(200, text), (226, protobuf)])
async def test_no_broken_frame_ends_the_connection(version: int, draw: Draw, caplog: pytest.LogCaptureFixture) -> None:
    """After each batch of them a question is answered, over the same connection."""
    caplog.set_level(logging.CRITICAL)
    rng = fuzz_draw(version)
    async with ScriptedGateway(version) as gateway:

        async def greet() -> None:
            gateway.raw(plain(version, 15, b"1", b"DU9000001") + plain(version, 9, b"1", b"1"))

        gateway.greet = greet
        async with IBKRBridge(port=gateway.port, request_timeout_s=60) as bridge:
            reading = [read_all(bridge.stream_order_events()), read_all(bridge.stream_positions())]
            readers = [asyncio.create_task(each) for each in reading]
            for _ in range(INPUTS // 2 // BATCH):
                bodies = [draw(rng) for _ in range(BATCH)]
                gateway.raw(b"".join(len(body).to_bytes(4, "big") + body for body in bodies))
                await gateway.flush()
                asking = asyncio.create_task(bridge.fetch_current_time())
                await gateway.raw_requests.get()
                gateway.raw(plain(version, 49, b"1", b"1775425766"))
                await asking
                await bridge.applied()
            assert (bridge.health.socket, gateway.connections) == (LinkState.UP, 1)
        await asyncio.gather(*readers)
