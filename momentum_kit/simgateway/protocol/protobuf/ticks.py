"""Messages of single ticks, schedules and scanners in protobuf: the twin of text/ticks.py."""

from collections.abc import Sequence

from ibapi.protobuf.HistoricalSchedule_pb2 import HistoricalSchedule
from ibapi.protobuf.HistoricalSession_pb2 import HistoricalSession
from ibapi.protobuf.HistoricalTick_pb2 import HistoricalTick
from ibapi.protobuf.HistoricalTickBidAsk_pb2 import HistoricalTickBidAsk
from ibapi.protobuf.HistoricalTickLast_pb2 import HistoricalTickLast
from ibapi.protobuf.HistoricalTicks_pb2 import HistoricalTicks
from ibapi.protobuf.HistoricalTicksBidAsk_pb2 import HistoricalTicksBidAsk
from ibapi.protobuf.HistoricalTicksLast_pb2 import HistoricalTicksLast
from ibapi.protobuf.ScannerData_pb2 import ScannerData
from ibapi.protobuf.ScannerDataElement_pb2 import ScannerDataElement
from ibapi.protobuf.ScannerParameters_pb2 import ScannerParameters
from ibapi.protobuf.TickAttribBidAsk_pb2 import TickAttribBidAsk
from ibapi.protobuf.TickAttribLast_pb2 import TickAttribLast
from ibapi.protobuf.TickByTickData_pb2 import TickByTickData

from momentum_kit.simgateway.events import QuoteEvent, TradeEvent
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.protocol.numbers import Reply
from momentum_kit.simgateway.protocol.protobuf.session import contract_of, decimal_text, protobuf_frame
from momentum_kit.simgateway.protocol.text import (
    BID_ASK,
    LAST_KINDS,
    MIDPOINT,
    TIME_ZONE,
    Span,
    middle,
    scanner_xml,
    schedule_time,
    seconds,
)


def tick_by_tick_last(_: int, request_id: int, kind: str, trade: TradeEvent, exchange: str) -> bytes:
    """One print; kind: Last or AllLast."""
    body = TickByTickData(reqId=request_id, tickType=LAST_KINDS[kind], historicalTickLast=_trade(trade, exchange))
    return protobuf_frame(Reply.TICK_BY_TICK, body)


def tick_by_tick_quote(_: int, request_id: int, quote: QuoteEvent) -> bytes:
    """One change of the touch."""
    body = TickByTickData(reqId=request_id, tickType=BID_ASK, historicalTickBidAsk=_quote(quote))
    return protobuf_frame(Reply.TICK_BY_TICK, body)


def tick_by_tick_midpoint(_: int, request_id: int, quote: QuoteEvent) -> bytes:
    """The middle of the touch."""
    body = TickByTickData(reqId=request_id, tickType=MIDPOINT, historicalTickMidPoint=_middle(quote))
    return protobuf_frame(Reply.TICK_BY_TICK, body)


def historical_trades(_: int, request_id: int, trades: Sequence[TradeEvent], exchange: str) -> bytes:
    """Prints of the past; the answer is complete."""
    ticks = [_trade(trade, exchange) for trade in trades]
    body = HistoricalTicksLast(reqId=request_id, historicalTicksLast=ticks, isDone=True)
    return protobuf_frame(Reply.HISTORICAL_TICKS_LAST, body)


def historical_quotes(_: int, request_id: int, quotes: Sequence[QuoteEvent]) -> bytes:
    """Touches of the past; the answer is complete."""
    body = HistoricalTicksBidAsk(reqId=request_id, historicalTicksBidAsk=map(_quote, quotes), isDone=True)
    return protobuf_frame(Reply.HISTORICAL_TICKS_BID_ASK, body)


def historical_midpoints(_: int, request_id: int, quotes: Sequence[QuoteEvent]) -> bytes:
    """Middles of the touch of the past; the answer is complete."""
    body = HistoricalTicks(reqId=request_id, historicalTicks=map(_middle, quotes), isDone=True)
    return protobuf_frame(Reply.HISTORICAL_TICKS, body)


def historical_schedule(_: int, request_id: int, asked: Span, sessions: Sequence[Span]) -> bytes:
    """Trading hours of every session of a range, in exchange time."""
    spans = [
        HistoricalSession(
            startDateTime=schedule_time(start), endDateTime=schedule_time(end), refDate=schedule_time(start)[:8]
        )
        for start, end in sessions
    ]
    first, last = map(schedule_time, asked)
    body = HistoricalSchedule(
        reqId=request_id, startDateTime=first, endDateTime=last, timeZone=TIME_ZONE, historicalSessions=spans
    )
    return protobuf_frame(Reply.HISTORICAL_SCHEDULE, body)


def scanner_data(_: int, request_id: int, items: Sequence[Instrument]) -> bytes:
    """What a scan found, best first; ranks count from 0."""
    rows = [
        ScannerDataElement(rank=rank, contract=contract_of(item, exchange="SMART"), marketName=item.trading_class)
        for rank, item in enumerate(items)
    ]
    return protobuf_frame(Reply.SCANNER_DATA, ScannerData(reqId=request_id, scannerDataElement=rows))


def scanner_parameters(_: int, codes: Sequence[str]) -> bytes:
    """The scans there are."""
    return protobuf_frame(Reply.SCANNER_PARAMETERS, ScannerParameters(xml=scanner_xml(codes)))


def _trade(trade: TradeEvent, exchange: str) -> HistoricalTickLast:
    return HistoricalTickLast(
        time=seconds(trade.time),
        tickAttribLast=TickAttribLast(pastLimit=False, unreported=False),
        price=trade.price,
        size=decimal_text(trade.size),
        exchange=exchange,
        specialConditions="",
    )


def _quote(quote: QuoteEvent) -> HistoricalTickBidAsk:
    return HistoricalTickBidAsk(
        time=seconds(quote.time),
        tickAttribBidAsk=TickAttribBidAsk(bidPastLow=False, askPastHigh=False),
        priceBid=quote.bid,
        priceAsk=quote.ask,
        sizeBid=decimal_text(quote.bid_size),
        sizeAsk=decimal_text(quote.ask_size),
    )


def _middle(quote: QuoteEvent) -> HistoricalTick:
    return HistoricalTick(time=seconds(quote.time), price=middle(quote), size="0")
