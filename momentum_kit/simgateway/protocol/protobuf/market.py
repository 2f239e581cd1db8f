"""Messages of quotes, bars and contracts in protobuf: the twin of text/market.py."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from ibapi.protobuf.ContractData_pb2 import ContractData
from ibapi.protobuf.ContractDataEnd_pb2 import ContractDataEnd
from ibapi.protobuf.ContractDescription_pb2 import ContractDescription
from ibapi.protobuf.ContractDetails_pb2 import ContractDetails
from ibapi.protobuf.HeadTimestamp_pb2 import HeadTimestamp
from ibapi.protobuf.HistoricalData_pb2 import HistoricalData
from ibapi.protobuf.HistoricalDataBar_pb2 import HistoricalDataBar
from ibapi.protobuf.HistoricalDataEnd_pb2 import HistoricalDataEnd
from ibapi.protobuf.HistoricalDataUpdate_pb2 import HistoricalDataUpdate
from ibapi.protobuf.MarketDataType_pb2 import MarketDataType
from ibapi.protobuf.MarketRule_pb2 import MarketRule
from ibapi.protobuf.PriceIncrement_pb2 import PriceIncrement
from ibapi.protobuf.RealTimeBarTick_pb2 import RealTimeBarTick
from ibapi.protobuf.SymbolSamples_pb2 import SymbolSamples
from ibapi.protobuf.TickGeneric_pb2 import TickGeneric
from ibapi.protobuf.TickPrice_pb2 import TickPrice
from ibapi.protobuf.TickReqParams_pb2 import TickReqParams
from ibapi.protobuf.TickSize_pb2 import TickSize
from ibapi.protobuf.TickSnapshotEnd_pb2 import TickSnapshotEnd
from ibapi.protobuf.TickString_pb2 import TickString

from momentum_kit.models import Bar
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.protocol.numbers import Reply
from momentum_kit.simgateway.protocol.protobuf.session import contract_of, decimal_text, protobuf_frame
from momentum_kit.simgateway.protocol.text import (
    BBO_EXCHANGE,
    SNAPSHOT_PERMISSIONS,
    bar_time,
    head_time_text,
    size_rules,
)
from momentum_kit.simgateway.protocol.wire import bar_size_texts, price_text, wire_time


def tick_price(_: int, request_id: int, tick: int, price: float, size: int = 0, attributes: int = 0) -> bytes:
    """A price with its size; attributes: 1 can auto-execute, 2 past limit, 4 pre-open."""
    body = TickPrice(reqId=request_id, tickType=tick, price=price, size=str(size), attrMask=attributes)
    return protobuf_frame(Reply.TICK_PRICE, body)


def tick_size(_: int, request_id: int, tick: int, size: int) -> bytes:
    """A size alone, shares."""
    return protobuf_frame(Reply.TICK_SIZE, TickSize(reqId=request_id, tickType=tick, size=str(size)))


def tick_generic(_: int, request_id: int, tick: int, value: float) -> bytes:
    """A number without a size: halted, shortable."""
    return protobuf_frame(Reply.TICK_GENERIC, TickGeneric(reqId=request_id, tickType=tick, value=value))


def tick_string(_: int, request_id: int, tick: int, text: str) -> bytes:
    """A tick in words: timestamps, RTTradeVolume."""
    return protobuf_frame(Reply.TICK_STRING, TickString(reqId=request_id, tickType=tick, value=text))


def tick_req_params(_: int, request_id: int, min_tick: float) -> bytes:
    """What comes first on a market data line."""
    body = TickReqParams(
        reqId=request_id,
        minTick=decimal_text(min_tick),
        bboExchange=BBO_EXCHANGE,
        snapshotPermissions=SNAPSHOT_PERMISSIONS,
    )
    return protobuf_frame(Reply.TICK_REQ_PARAMS, body)


def tick_snapshot_end(_: int, request_id: int) -> bytes:
    """All of a snapshot was sent."""
    return protobuf_frame(Reply.TICK_SNAPSHOT_END, TickSnapshotEnd(reqId=request_id))


def market_data_type(_: int, request_id: int, data_type: int) -> bytes:
    """What is being delivered: 1 live, 2 frozen, 3 delayed, 4 delayed-frozen."""
    return protobuf_frame(Reply.MARKET_DATA_TYPE, MarketDataType(reqId=request_id, marketDataType=data_type))


def real_time_bar(_: int, request_id: int, bar: Bar) -> bytes:
    """A 5 s bar, stamped at its start in seconds since 1970."""
    body = RealTimeBarTick(
        reqId=request_id,
        time=int(bar.start.timestamp()),
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=str(int(bar.volume)),
        WAP=decimal_text(Decimal(f"{bar.wap:.4f}")),
        count=bar.count,
    )
    return protobuf_frame(Reply.REAL_TIME_BAR, body)


def historical_data(
    version: int, request_id: int, bars: Sequence[Bar], start: datetime, end: datetime, format_date: int
) -> bytes:
    """All bars of one answer and its end; `start` and `end` are the range that was asked for."""
    listed = [_bar(bar, version, format_date) for bar in bars]
    body = HistoricalData(reqId=request_id, historicalDataBars=listed)
    asked = (wire_time(start, version), wire_time(end, version))
    ending = HistoricalDataEnd(reqId=request_id, startDateStr=asked[0], endDateStr=asked[1])
    return protobuf_frame(Reply.HISTORICAL_DATA, body) + protobuf_frame(Reply.HISTORICAL_DATA_END, ending)


def historical_data_update(version: int, request_id: int, bar: Bar, format_date: int) -> bytes:
    """The bar that is building, of an answer that is kept up to date."""
    body = HistoricalDataUpdate(reqId=request_id, historicalDataBar=_bar(bar, version, format_date))
    return protobuf_frame(Reply.HISTORICAL_DATA_UPDATE, body)


def _bar(bar: Bar, version: int, format_date: int) -> HistoricalDataBar:
    prices = [float(price_text(price)) for price in (bar.open, bar.high, bar.low, bar.close)]
    volume, wap = bar_size_texts(bar.volume, bar.wap)
    return HistoricalDataBar(
        date=bar_time(bar, version, format_date),
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        volume=volume,
        WAP=wap,
        barCount=bar.count,
    )


def head_timestamp(version: int, request_id: int, at: datetime, format_date: int) -> bytes:
    """When the history of a contract begins."""
    body = HeadTimestamp(reqId=request_id, headTimestamp=head_time_text(version, at, format_date))
    return protobuf_frame(Reply.HEAD_TIMESTAMP, body)


def contract_details(_: int, request_id: int, item: Instrument, day: date) -> bytes:
    """One stock as IB describes it; trading hours run from `day`."""
    smallest, step, usual = map(decimal_text, size_rules(item))
    details = ContractDetails(
        marketName=item.trading_class,
        minTick=decimal_text(item.min_tick),
        orderTypes=item.order_types,
        validExchanges=",".join(item.valid_exchanges),
        priceMagnifier=1,
        underConId=0,
        longName=item.long_name,
        industry=item.industry,
        category=item.category,
        subcategory=item.subcategory,
        timeZoneId=item.time_zone_id,
        tradingHours=item.trading_hours(day),
        liquidHours=item.liquid_hours(day),
        secIdList={"ISIN": item.isin} if item.isin else {},
        aggGroup=item.agg_group,
        marketRuleIds=",".join(map(str, item.market_rule_ids)),
        stockType=item.stock_type,
        minSize=smallest,
        sizeIncrement=step,
        suggestedSizeIncrement=usual,
    )
    contract = contract_of(item, exchange=item.valid_exchanges[0], primaryExch=item.primary_exchange)
    body = ContractData(reqId=request_id, contract=contract, contractDetails=details)
    return protobuf_frame(Reply.CONTRACT_DETAILS, body)


def contract_details_end(_: int, request_id: int) -> bytes:
    """No more contracts match."""
    return protobuf_frame(Reply.CONTRACT_DETAILS_END, ContractDataEnd(reqId=request_id))


def symbol_samples(_: int, request_id: int, items: Sequence[Instrument]) -> bytes:
    """Answers to a symbol search."""
    found = []
    for item in items:
        description = ContractDescription()
        description.contract.conId, description.contract.symbol = item.con_id, item.symbol
        description.contract.secType, description.contract.primaryExch = item.sec_type, item.primary_exchange
        description.contract.currency, description.contract.description = item.currency, item.long_name
        found.append(description)
    return protobuf_frame(Reply.SYMBOL_SAMPLES, SymbolSamples(reqId=request_id, contractDescriptions=found))


def market_rule(_: int, rule_id: int, bands: Sequence[tuple[float, float]]) -> bytes:
    """Price bands of a rule: from an edge upwards, in steps."""
    listed = [PriceIncrement(lowEdge=edge, increment=step) for edge, step in bands]
    return protobuf_frame(Reply.MARKET_RULE, MarketRule(marketRuleId=rule_id, priceIncrements=listed))
