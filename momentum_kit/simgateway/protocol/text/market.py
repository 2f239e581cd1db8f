"""Messages of the market: ticks, bars, and the descriptions of contracts."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum

from momentum_kit.models import Bar
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.protocol.numbers import Reply
from momentum_kit.simgateway.protocol.times import DAY_S
from momentum_kit.simgateway.protocol.twins import CONTRACTS, HISTORY, MARKET_DATA, SYMBOLS, protobuf_from
from momentum_kit.simgateway.protocol.wire import ascii7, bar_size_texts, message, price_text, wire_time

SIZE_RULES = 164  # contractDetails without a version field, with minSize and its kin
ISSUER_ID = 176
LAST_TRADE_DATE = 182
INELIGIBILITY_REASONS = 186
HISTORICAL_DATA_END = 196  # dates move from historicalData to a message of their own
BBO_EXCHANGE, SNAPSHOT_PERMISSIONS = "9c0001", 3  # the BBO exchange map, and the right to snapshots
Z_SUFFIX = 214  # server version from which UTC times with a dash end in Z


class TickType(IntEnum):
    """Tick types in use, live numbers; `delayed` gives the ones of delayed data."""

    BID_SIZE = 0
    BID = 1
    ASK = 2
    ASK_SIZE = 3
    LAST = 4
    LAST_SIZE = 5
    VOLUME = 8
    CLOSE = 9
    LAST_TIMESTAMP = 45
    SHORTABLE = 46
    HALTED = 49
    RT_TRADE_VOLUME = 77
    SHORTABLE_SHARES = 89

    @property
    def delayed(self) -> int:
        """The tick type under which delayed data carries the same value."""
        return _DELAYED.get(self, self)


_DELAYED = {
    TickType.BID: 66,
    TickType.ASK: 67,
    TickType.LAST: 68,
    TickType.BID_SIZE: 69,
    TickType.ASK_SIZE: 70,
    TickType.LAST_SIZE: 71,
    TickType.VOLUME: 74,
    TickType.CLOSE: 75,
    TickType.LAST_TIMESTAMP: 88,
}


@protobuf_from(MARKET_DATA)
def tick_price(version: int, request_id: int, tick: int, price: float, size: int = 0, attributes: int = 0) -> bytes:
    """A price with its size; attributes: 1 can auto-execute, 2 past limit, 4 pre-open."""
    return message(version, Reply.TICK_PRICE, 6, request_id, tick, price, size, attributes)


@protobuf_from(MARKET_DATA)
def tick_size(version: int, request_id: int, tick: int, size: int) -> bytes:
    """A size alone, shares."""
    return message(version, Reply.TICK_SIZE, 6, request_id, tick, size)


@protobuf_from(MARKET_DATA)
def tick_generic(version: int, request_id: int, tick: int, value: float) -> bytes:
    """A number without a size: halted, shortable."""
    return message(version, Reply.TICK_GENERIC, 6, request_id, tick, value)


@protobuf_from(MARKET_DATA)
def tick_string(version: int, request_id: int, tick: int, text: str) -> bytes:
    """A tick in words: timestamps, RTTradeVolume."""
    return message(version, Reply.TICK_STRING, 6, request_id, tick, text)


@protobuf_from(MARKET_DATA)
def tick_req_params(version: int, request_id: int, min_tick: float) -> bytes:
    """What comes first on a market data line."""
    return message(version, Reply.TICK_REQ_PARAMS, request_id, min_tick, BBO_EXCHANGE, SNAPSHOT_PERMISSIONS)


@protobuf_from(MARKET_DATA)
def tick_snapshot_end(version: int, request_id: int) -> bytes:
    """All of a snapshot was sent."""
    return message(version, Reply.TICK_SNAPSHOT_END, 1, request_id)


@protobuf_from(MARKET_DATA)
def market_data_type(version: int, request_id: int, data_type: int) -> bytes:
    """What is being delivered: 1 live, 2 frozen, 3 delayed, 4 delayed-frozen."""
    return message(version, Reply.MARKET_DATA_TYPE, 1, request_id, data_type)


@protobuf_from(HISTORY)
def real_time_bar(version: int, request_id: int, bar: Bar) -> bytes:
    """A 5 s bar, stamped at its start in seconds since 1970."""
    start = int(bar.start.timestamp())
    prices = (bar.open, bar.high, bar.low, bar.close)
    volume, wap = Decimal(int(bar.volume)), Decimal(f"{bar.wap:.4f}")
    return message(version, Reply.REAL_TIME_BAR, 3, request_id, start, *prices, volume, wap, bar.count)


@protobuf_from(HISTORY)
def historical_data(
    version: int, request_id: int, bars: Sequence[Bar], start: datetime, end: datetime, format_date: int
) -> bytes:
    """All bars of one answer and its end; `start` and `end` are the range that was asked for."""
    fields: list[str | int] = []
    for bar in bars:
        fields += [bar_time(bar, version, format_date), *map(price_text, (bar.open, bar.high, bar.low, bar.close))]
        fields += [*bar_size_texts(bar.volume, bar.wap), bar.count]
    asked = (wire_time(start, version), wire_time(end, version))
    if version < HISTORICAL_DATA_END:
        return message(version, Reply.HISTORICAL_DATA, request_id, *asked, len(bars), *fields)
    ending = message(version, Reply.HISTORICAL_DATA_END, request_id, *asked)
    return message(version, Reply.HISTORICAL_DATA, request_id, len(bars), *fields) + ending


@protobuf_from(HISTORY)
def historical_data_update(version: int, request_id: int, bar: Bar, format_date: int) -> bytes:
    """The bar that is building, of an answer that is kept up to date; IB's order of the fields is its own."""
    prices = [price_text(price) for price in (bar.open, bar.close, bar.high, bar.low)]
    volume, wap = bar_size_texts(bar.volume, bar.wap)
    when = bar_time(bar, version, format_date)
    return message(version, Reply.HISTORICAL_DATA_UPDATE, request_id, bar.count, when, *prices, wap, volume)


def bar_time(bar: Bar, version: int, format_date: int) -> str:
    """A bar's stamp: days as YYYYMMDD always, else exchange time, or seconds since 1970 under format 2."""
    if bar.seconds >= DAY_S:
        return wire_time(bar.start, version)[:8]
    return str(int(bar.start.timestamp())) if format_date == 2 else wire_time(bar.start, version)


@protobuf_from(HISTORY)
def head_timestamp(version: int, request_id: int, at: datetime, format_date: int) -> bytes:
    """When the history of a contract begins."""
    return message(version, Reply.HEAD_TIMESTAMP, request_id, head_time_text(version, at, format_date))


def head_time_text(version: int, at: datetime, format_date: int) -> str:
    """Seconds since 1970 under format 2, else UTC with a dash."""
    if format_date == 2:
        return str(int(at.timestamp()))
    return f"{at:%Y%m%d-%H:%M:%S}" + ("Z" if version >= Z_SUFFIX else "")


@protobuf_from(CONTRACTS)
def contract_details(version: int, request_id: int, item: Instrument, day: date) -> bytes:
    """One stock as IB describes it; trading hours run from `day`."""
    head: list[str | int | float] = [request_id] if version >= SIZE_RULES else [8, request_id]
    head += [item.symbol, item.sec_type, ""] + ([""] if version >= LAST_TRADE_DATE else [])
    head += [
        "0",
        "",
        item.valid_exchanges[0],
        item.currency,
        item.symbol,
        item.trading_class,
        item.trading_class,
        item.con_id,
    ]
    head += [item.min_tick] + ([] if version >= SIZE_RULES else ["100"])  # mdSizeMultiplier, then given up
    body: list[str | int] = ["", item.order_types, ",".join(item.valid_exchanges), 1, 0]
    body += [ascii7(item.long_name), item.primary_exchange, "", item.industry, item.category, item.subcategory]
    body += [item.time_zone_id, item.trading_hours(day), item.liquid_hours(day), "", ""]
    body += [1, "ISIN", item.isin] if item.isin else [0]
    rules = ",".join(map(str, item.market_rule_ids))
    return message(
        version,
        Reply.CONTRACT_DETAILS,
        *head,
        *body,
        item.agg_group,
        "",
        "",
        rules,
        "",
        item.stock_type,
        *_sizes(version, item),
    )


def size_rules(item: Instrument) -> tuple[Decimal, Decimal, Decimal]:
    """Smallest size, increment and usual increment."""
    smallest, step, usual = item.min_size, item.size_increment, item.suggested_size_increment
    return Decimal(str(smallest)), Decimal(str(step)), Decimal(str(usual))


def _sizes(version: int, item: Instrument) -> tuple[Decimal | int, ...]:
    smallest, step, usual = size_rules(item)
    if version >= INELIGIBILITY_REASONS:
        return (smallest, step, usual, 0)
    if version >= SIZE_RULES:
        return (smallest, step, usual)
    return (smallest,) if version == SIZE_RULES - 1 else ()


@protobuf_from(CONTRACTS)
def contract_details_end(version: int, request_id: int) -> bytes:
    """No more contracts match."""
    return message(version, Reply.CONTRACT_DETAILS_END, 1, request_id)


@protobuf_from(SYMBOLS)
def symbol_samples(version: int, request_id: int, items: Sequence[Instrument]) -> bytes:
    """Answers to a symbol search."""
    fields: list[str | int] = []
    for item in items:
        fields += [item.con_id, item.symbol, item.sec_type, item.primary_exchange, item.currency, 0]
        if version >= ISSUER_ID:
            fields += [item.long_name, ""]
    return message(version, Reply.SYMBOL_SAMPLES, request_id, len(items), *fields)


@protobuf_from(SYMBOLS)
def market_rule(version: int, rule_id: int, bands: Sequence[tuple[float, float]]) -> bytes:
    """Price bands of a rule: from an edge upwards, in steps."""
    return message(version, Reply.MARKET_RULE, rule_id, len(bands), *(number for band in bands for number in band))
