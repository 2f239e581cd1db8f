"""Messages of single ticks, of trading schedules and of scanners: as they come, and of the past."""

from collections.abc import Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from momentum_kit.sessions import NEW_YORK
from momentum_kit.simgateway.events import QuoteEvent, TradeEvent
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.protocol.numbers import Reply
from momentum_kit.simgateway.protocol.twins import HISTORY, SCANNER, protobuf_from
from momentum_kit.simgateway.protocol.wire import Field, message

LAST_KINDS = {"Last": 1, "AllLast": 2}
BID_ASK, MIDPOINT = 3, 4
TIME_ZONE = "US/Eastern"
Span = tuple[datetime, datetime]


@protobuf_from(HISTORY)
def tick_by_tick_last(version: int, request_id: int, kind: str, trade: TradeEvent, exchange: str) -> bytes:
    """One print; kind: Last or AllLast."""
    return message(
        version, Reply.TICK_BY_TICK, request_id, LAST_KINDS[kind], seconds(trade.time), trade.price, trade.size, 0,
        exchange, "",
    )  # fmt: skip


@protobuf_from(HISTORY)
def tick_by_tick_quote(version: int, request_id: int, quote: QuoteEvent) -> bytes:
    """One change of the touch."""
    prices = (quote.bid, quote.ask, quote.bid_size, quote.ask_size)
    return message(version, Reply.TICK_BY_TICK, request_id, BID_ASK, seconds(quote.time), *prices, 0)


@protobuf_from(HISTORY)
def tick_by_tick_midpoint(version: int, request_id: int, quote: QuoteEvent) -> bytes:
    """The middle of the touch."""
    return message(version, Reply.TICK_BY_TICK, request_id, MIDPOINT, seconds(quote.time), middle(quote))


@protobuf_from(HISTORY)
def historical_trades(version: int, request_id: int, trades: Sequence[TradeEvent], exchange: str) -> bytes:
    """Prints of the past; the answer is complete."""
    fields = [(seconds(t.time), 0, t.price, t.size, exchange, "") for t in trades]
    return message(version, Reply.HISTORICAL_TICKS_LAST, request_id, len(trades), *_flat(fields), 1)


@protobuf_from(HISTORY)
def historical_quotes(version: int, request_id: int, quotes: Sequence[QuoteEvent]) -> bytes:
    """Touches of the past; the answer is complete."""
    fields = [(seconds(q.time), 0, q.bid, q.ask, q.bid_size, q.ask_size) for q in quotes]
    return message(version, Reply.HISTORICAL_TICKS_BID_ASK, request_id, len(quotes), *_flat(fields), 1)


@protobuf_from(HISTORY)
def historical_midpoints(version: int, request_id: int, quotes: Sequence[QuoteEvent]) -> bytes:
    """Middles of the touch of the past; the answer is complete."""
    fields = [(seconds(q.time), 0, middle(q), 0) for q in quotes]
    return message(version, Reply.HISTORICAL_TICKS, request_id, len(quotes), *_flat(fields), 1)


@protobuf_from(HISTORY)
def historical_schedule(version: int, request_id: int, asked: Span, sessions: Sequence[Span]) -> bytes:
    """Trading hours of every session of a range, in exchange time."""
    spans = [(*map(schedule_time, span), schedule_time(span[0])[:8]) for span in sessions]
    ends = map(schedule_time, asked)
    return message(version, Reply.HISTORICAL_SCHEDULE, request_id, *ends, TIME_ZONE, len(spans), *_flat(spans))


@protobuf_from(SCANNER)
def scanner_data(version: int, request_id: int, items: Sequence[Instrument]) -> bytes:
    """What a scan found, best first; ranks count from 0."""
    rows = [
        (
            rank, item.con_id, item.symbol, item.sec_type, "", 0.0, "", "SMART", item.currency, item.symbol,
            item.trading_class, item.trading_class, "", "", "", "",
        )
        for rank, item in enumerate(items)
    ]  # fmt: skip
    return message(version, Reply.SCANNER_DATA, 3, request_id, len(rows), *_flat(rows))


@protobuf_from(SCANNER)
def scanner_parameters(version: int, codes: Sequence[str]) -> bytes:
    """The scans there are."""
    return message(version, Reply.SCANNER_PARAMETERS, 1, scanner_xml(codes))


def scanner_xml(codes: Sequence[str]) -> str:
    """The few elements of IB's document that name locations and scan codes."""
    scans = "".join(f"<ScanType><scanCode>{escape(code)}</scanCode></ScanType>" for code in codes)
    location = "<Location><locationCode>STK.US.MAJOR</locationCode></Location>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><ScanParameterResponse><LocationTree>{location}</LocationTree>'
        f"<ScanTypeList>{scans}</ScanTypeList></ScanParameterResponse>"
    )


def schedule_time(at: datetime) -> str:
    """A moment of a schedule."""
    return f"{at.astimezone(NEW_YORK):%Y%m%d-%H:%M:%S}"


def seconds(at: datetime) -> int:
    """IB's ticks carry whole seconds since 1970."""
    return int(at.timestamp())


def middle(quote: QuoteEvent) -> float:
    """Middle of the touch, USD."""
    return round((quote.bid + quote.ask) / 2, 6)


def _flat(rows: Sequence[Sequence[Field]]) -> list[Field]:
    return [field for row in rows for field in row]
