"""Every answer is whole or it fails: each field of each message is spoilt once, on both wires.

The messages are the simulated gateway's, which the official client judges elsewhere. Whatever stands in a field instead
of what belongs there, a caller gets either as many values as were sent, none of them infinite and no size negative, or
one typed error: never fewer values.
"""

import asyncio
import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from google.protobuf.message import Message
from ibapi.protobuf.ManagedAccounts_pb2 import ManagedAccounts
from ibapi.protobuf.NextValidId_pb2 import NextValidId

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import BrokerError
from momentum_kit.models import Bar, Contract, Scan
from momentum_kit.simgateway.embedding import Instrument
from momentum_kit.simgateway.events import NewsEvent, QuoteEvent, TradeEvent
from momentum_kit.simgateway.protocol.text import account, market, news, ticks

Gateway = Any  # the ScriptedGateway of conftest.py
AT = datetime(2026, 4, 13, 14, 31, tzinfo=UTC)
ACCOUNT = "DU9000001"
MSFT, KO = Instrument(272093, "MSFT", "MICROSOFT CORP"), Instrument(8894, "KO", "COCA-COLA CO/THE")
STOCK = Contract("MSFT", 272093)
BARS = [Bar(AT + timedelta(minutes=n), 60, 401.5, 402.25, 401.0, 402.0, 9_300.0, 401.7, 77) for n in range(3)]
NEWS = [
    NewsEvent(
        time=AT, published=AT - timedelta(hours=n), provider="BRFG", article_id=f"BRFG$0{n}", text="Up on volume",
        extra="", con_ids=(272093,),
    )
    for n in range(2)
]  # fmt: skip
QUOTES = [QuoteEvent(AT + timedelta(seconds=n), 272093, 401.5, 401.75, 300, 200) for n in range(3)]
TRADES = [TradeEvent(AT + timedelta(seconds=n), 272093, 401.6, 100, 5_000, 401.5) for n in range(3)]
HOURS = [(AT - timedelta(days=n), AT - timedelta(days=n) + timedelta(hours=6)) for n in range(2)]
Say = Callable[[int, int], bytes]


def several(version: int, message: Callable[..., bytes], *calls: tuple[Any, ...]) -> bytes:
    """The same message with different values."""
    return b"".join(message(version, *values) for values in calls)


# What is asked, and what a gateway answers to a version and a request id.
ANSWERS: dict[str, tuple[Callable[[IBKRBridge], Any], Say]] = {
    "bars": (
        lambda bridge: bridge.fetch_historical_data(STOCK, None, "1 D", "1 min"),
        lambda v, rid: market.historical_data(v, rid, BARS, AT, AT, 2),
    ),
    "contract details": (
        lambda bridge: bridge.fetch_contract_details(STOCK),
        lambda v, rid: several(v, market.contract_details, (rid, MSFT, date(2026, 4, 13)), (rid, KO, date(2026, 4, 13)))
        + market.contract_details_end(v, rid),
    ),
    "matching symbols": (
        lambda bridge: bridge.fetch_matching_symbols("M"),
        lambda v, rid: market.symbol_samples(v, rid, [MSFT, KO]),
    ),
    "historical news": (
        lambda bridge: bridge.fetch_historical_news(272093, ["BRFG"], None, None, 5),
        lambda v, rid: several(v, news.historical_news, *((rid, one) for one in NEWS))
        + news.historical_news_end(v, rid, False),
    ),
    "account summary": (
        lambda bridge: bridge.fetch_account_summary(),
        lambda v, rid: several(
            v, account.account_summary, *((rid, ACCOUNT, tag, "5.00", "USD") for tag in ("NetLiquidation", "Cushion"))
        )
        + account.account_summary_end(v, rid),
    ),
    "account values": (
        lambda bridge: bridge.fetch_account_values(ACCOUNT),
        lambda v, rid: several(
            v, account.account_update_multi, *((rid, ACCOUNT, tag, "5.00", "USD") for tag in ("BuyingPower", "Cushion"))
        )
        + account.account_update_multi_end(v, rid),
    ),
    "positions of an account": (
        lambda bridge: bridge.fetch_positions_of(ACCOUNT),
        lambda v, rid: several(
            v, account.position_multi, *((rid, ACCOUNT, item, Decimal(40), 7.5) for item in (MSFT, KO))
        )
        + account.position_multi_end(v, rid),
    ),
    "valued positions": (
        lambda bridge: bridge.fetch_valued_positions(ACCOUNT),
        lambda v, _: several(
            v, account.portfolio_value, *((ACCOUNT, item, Decimal(40), 8.0, 7.5) for item in (MSFT, KO))
        )
        + account.account_download_end(v, ACCOUNT),
    ),
    "scan": (
        lambda bridge: bridge.fetch_scan(Scan(code="MOST_ACTIVE")),
        lambda v, rid: ticks.scanner_data(v, rid, [MSFT, KO]),
    ),
    "trades of the past": (
        lambda bridge: bridge.fetch_historical_ticks(STOCK, end=AT, count=3),
        lambda v, rid: ticks.historical_trades(v, rid, TRADES, "ARCA"),
    ),
    "quotes of the past": (
        lambda bridge: bridge.fetch_historical_ticks(STOCK, end=AT, count=3, what="BID_ASK"),
        lambda v, rid: ticks.historical_quotes(v, rid, QUOTES),
    ),
    "middles of the past": (
        lambda bridge: bridge.fetch_historical_ticks(STOCK, end=AT, count=3, what="MIDPOINT"),
        lambda v, rid: ticks.historical_midpoints(v, rid, QUOTES),
    ),
    "schedule": (
        lambda bridge: bridge.fetch_schedule(STOCK, duration="2 D"),
        lambda v, rid: ticks.historical_schedule(v, rid, (AT, AT), HOURS),
    ),
}  # fmt: skip
SCHEMAS = {
    10: "ContractData", 17: "HistoricalData", 20: "ScannerData", 63: "AccountSummary", 7: "PortfolioValue",
    71: "PositionMulti", 73: "AccountUpdateMulti", 79: "SymbolSamples", 86: "HistoricalNews", 96: "HistoricalTicks",
    97: "HistoricalTicksBidAsk", 98: "HistoricalTicksLast", 106: "HistoricalSchedule",
}  # fmt: skip

MORE_MAY_FOLLOW = (b"96", b"97", b"98")  # ticks of the past, whose last field says whether they are all


def frames_of(data: bytes) -> list[bytes]:
    """The frames of an answer, without their lengths."""
    found = []
    while data:
        size = int.from_bytes(data[:4], "big")
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found


def spoilt(version: int, frame: bytes, req_id: int) -> Iterator[tuple[str, bytes]]:
    """The frame with one field changed at a time, all but message number, request id and counts."""
    if version > 200:
        yield from spoilt_protobuf(frame)
        return
    values = frame.split(b"\0")[:-1]
    for place in range(1, len(values)):
        if values[place] == str(req_id).encode() or (place <= 2 and values[place].isdigit()):
            continue
        for garbage in (b"x", b"nan", b"inf", b"-7", b""):
            if garbage == b"" and place == len(values) - 1 and values[0] in MORE_MAY_FOLLOW:
                continue  # an empty "done" is a no, and the answer goes on
            changed = [*values[:place], garbage, *values[place + 1 :]]
            yield f"field {place} = {garbage.decode()!r}", b"\0".join(changed) + b"\0"


def spoilt_protobuf(frame: bytes) -> Iterator[tuple[str, bytes]]:
    """The same of a protobuf message: a field is missing, or is none of its kind."""
    number = int.from_bytes(frame[:4], "big") - 200
    if number not in SCHEMAS:
        return
    schema = getattr(import_module(f"ibapi.protobuf.{SCHEMAS[number]}_pb2"), SCHEMAS[number])
    for path in paths(schema.FromString(frame[4:])):
        for garbage in (None, "x", "nan", "inf", "-7", math.nan, math.inf, -7.0):
            message = schema.FromString(frame[4:])
            if change(message, path, garbage):
                yield f"{'.'.join(map(str, path))} = {garbage!r}", frame[:4] + message.SerializeToString()


def paths(message: Message, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every field that is set but the request's id; of what is repeated the second."""
    for field, value in message.ListFields():
        if field.name in ("reqId", "secIdList", "isDone"):
            continue
        repeated = not isinstance(value, Message)
        if field.type != field.TYPE_MESSAGE:
            yield (*before, field.name)
        elif repeated:
            yield from paths(value[1], (*before, field.name, 1))
        else:
            yield (*before, field.name)
            yield from paths(value, (*before, field.name))


def change(message: Any, path: tuple[Any, ...], garbage: Any) -> bool:
    """Put it there; False if no such thing can stand there."""
    for step in path[:-1]:
        message = message[step] if isinstance(step, int) else getattr(message, step)
    if garbage is None:
        message.ClearField(path[-1])
        return True
    if type(getattr(message, path[-1])) is not type(garbage):
        return False
    setattr(message, path[-1], garbage)
    return True


def numbers(value: Any) -> Iterator[tuple[str, float]]:
    """Every number of an answer, with its name."""
    for field in fields(value):
        each = getattr(value, field.name)
        if is_dataclass(each):
            yield from numbers(each)
        elif isinstance(each, float | Decimal):
            yield field.name, float(each)


@pytest.fixture(params=[200, 226], ids=["text", "protobuf"])
async def answering(request: pytest.FixtureRequest, gateway: Gateway) -> Any:
    """A gateway of either wire, and a bridge that waits for nothing for long."""
    gateway.version = request.param
    if request.param > 200:

        async def greet() -> None:
            for number, message in ((15, ManagedAccounts(accountsList=ACCOUNT)), (9, NextValidId(orderId=1))):
                content = (number + 200).to_bytes(4, "big") + message.SerializeToString()
                gateway.raw(struct.pack("!I", len(content)) + content)

        gateway.greet = greet
    async with IBKRBridge(
        port=gateway.port, request_timeout_s=60, messages_per_s=math.inf, small_bar_pacing=False
    ) as bridge:
        yield bridge, gateway


def id_in(version: int, request: bytes) -> int:
    """The request's id: ours are above a thousand million."""
    if version <= 200:
        return next((int(f) for f in request.split(b"\0") if f.isdigit() and int(f) >= 1_000_000_000), 0)
    number = 0
    for place, byte in enumerate(request[5:10]) if request[4:5] == b"\x08" else ():
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    return number


@pytest.mark.parametrize("which", ANSWERS)
async def test_no_spoilt_field_shortens_an_answer(answering: Any, which: str) -> None:
    """Every field of the first message of an answer, spoilt in every way."""
    (bridge, gateway), (fetch, say) = answering, ANSWERS[which]
    version = gateway.version

    async def answered(change_frames: Callable[[list[bytes], int], list[bytes]]) -> Any:
        asking = asyncio.create_task(fetch(bridge))
        while True:
            request = await asyncio.wait_for(gateway.raw_requests.get(), 60)
            if not is_cancel(version, request):
                break
        req_id = id_in(version, request)
        for frame in change_frames(frames_of(say(version, req_id)), req_id):
            gateway.raw(struct.pack("!I", len(frame)) + frame)
        try:
            return await asking
        except BrokerError as error:
            return error

    whole = await answered(lambda frames, _: frames)
    assert not isinstance(whole, BrokerError), whole
    changes = [name for name, _ in spoilt(version, frames_of(say(version, 1_234_567_890))[0], 1_234_567_890)]
    assert changes
    failed = 0
    for number, name in enumerate(changes):

        def one(frames: list[bytes], req_id: int, number: int = number) -> list[bytes]:
            return [list(spoilt(version, frames[0], req_id))[number][1], *frames[1:]]

        got = await answered(one)
        failed += isinstance(got, BrokerError)
        if not isinstance(got, BrokerError):
            assert len(got) == len(whole), f"{name}: {len(got)} of {len(whole)}"
            for value in got:
                for column, amount in numbers(value):
                    assert not math.isinf(amount), f"{name}: {column} {amount}"
                    assert amount >= 0 or math.isnan(amount) or column in MAY_BE_NEGATIVE, f"{name}: {column} {amount}"
    assert failed or which in WORDS_ALONE


WORDS_ALONE = {"account summary", "account values", "matching symbols", "scan"}  # in protobuf, whatever they are
MAY_BE_NEGATIVE = {"quantity", "average_cost", "market_price", "market_value", "unrealized", "realized"}
CANCELS = {23, 25, 63, 75, 77, 90, 107, 6, 106}


def is_cancel(version: int, request: bytes) -> bool:
    """A request that takes another one back; leaving an account's updates is one."""
    if version > 200:
        number = int.from_bytes(request[:4], "big") - 200
        return number in CANCELS - {6} or (number == 6 and b"\x08\x01" not in request[4:])
    values = request.split(b"\0")
    return int(values[0]) in CANCELS - {6} or (values[0] == b"6" and values[2] == b"0")
