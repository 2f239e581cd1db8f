"""Reads a request from its text fields: which function reads which request."""

from collections.abc import Callable
from typing import Any

from momentum_kit.simgateway.protocol.numbers import Request
from momentum_kit.simgateway.protocol.text.place_order import read_place_order
from momentum_kit.simgateway.protocol.text.requests import (
    AccountSummaryRequest,
    ArticleRequest,
    ContractDetailsRequest,
    ExecutionsRequest,
    HeadTimestampRequest,
    HistoricalDataRequest,
    HistoricalTicksRequest,
    MarketDataRequest,
    MatchingRequest,
    NewsHistoryRequest,
    ProfitRequest,
    RealTimeBarsRequest,
    ScannerRequest,
    TickByTickRequest,
    read_cancel_order,
)
from momentum_kit.simgateway.protocol.wire import FieldReader

Reader = Callable[[FieldReader, int], Any]


def _nothing(_: FieldReader, __: int) -> None:
    """Requests without content, or whose content changes nothing here."""


def _number(fields: FieldReader, _: int) -> int:
    return fields.integer()


def _number_after_version(fields: FieldReader, _: int) -> int:
    fields.skip()
    return fields.integer()


def _flag_after_version(fields: FieldReader, _: int) -> bool:
    fields.skip()
    return fields.flag()


def _flag(fields: FieldReader, _: int) -> bool:
    return fields.flag()


def _count_of_ids(fields: FieldReader, _: int) -> None:
    fields.skip(2)


_READERS: dict[Request, Reader] = {
    **dict.fromkeys(Request, _nothing),
    Request.START_API: _number_after_version,
    Request.IDS: _count_of_ids,
    Request.CONTRACT_DETAILS: lambda fields, _: ContractDetailsRequest.read(fields),
    Request.MATCHING_SYMBOLS: lambda fields, _: MatchingRequest.read(fields),
    Request.MARKET_RULE: _number,
    Request.MARKET_DATA: lambda fields, _: MarketDataRequest.read(fields),
    Request.CANCEL_MARKET_DATA: _number_after_version,
    Request.MARKET_DATA_TYPE: _number_after_version,
    Request.HISTORICAL_DATA: lambda fields, _: HistoricalDataRequest.read(fields),
    Request.HEAD_TIMESTAMP: lambda fields, _: HeadTimestampRequest.read(fields),
    Request.REAL_TIME_BARS: lambda fields, _: RealTimeBarsRequest.read(fields),
    Request.CANCEL_REAL_TIME_BARS: _number_after_version,
    Request.CANCEL_HISTORICAL_DATA: _number_after_version,
    Request.PNL: lambda fields, _: ProfitRequest.read(fields, single=False),
    Request.PNL_SINGLE: lambda fields, _: ProfitRequest.read(fields, single=True),
    Request.CANCEL_PNL: _number,
    Request.CANCEL_PNL_SINGLE: _number,
    Request.TICK_BY_TICK: lambda fields, _: TickByTickRequest.read(fields),
    Request.CANCEL_TICK_BY_TICK: _number,
    Request.HISTORICAL_TICKS: lambda fields, _: HistoricalTicksRequest.read(fields),
    Request.SCANNER: lambda fields, _: ScannerRequest.read(fields),
    Request.HISTORICAL_NEWS: lambda fields, _: NewsHistoryRequest.read(fields),
    Request.NEWS_ARTICLE: lambda fields, _: ArticleRequest.read(fields),
    Request.PLACE_ORDER: read_place_order,
    Request.CANCEL_ORDER: read_cancel_order,
    Request.AUTO_OPEN_ORDERS: _flag_after_version,
    Request.COMPLETED_ORDERS: _flag,
    Request.EXECUTIONS: ExecutionsRequest.read,
    Request.ACCOUNT_SUMMARY: lambda fields, _: AccountSummaryRequest.read(fields),
    Request.ACCOUNT_UPDATES: _flag_after_version,
    Request.NEWS_BULLETINS: _flag_after_version,
    Request.POSITIONS_MULTI: _number_after_version,
    Request.CANCEL_POSITIONS_MULTI: _number_after_version,
    Request.ACCOUNT_UPDATES_MULTI: _number_after_version,
    Request.CANCEL_ACCOUNT_UPDATES_MULTI: _number_after_version,
}


def parse_request(kind: Request, body: bytes, version: int) -> Any:
    """The value of a request; None for those without content, WireError where the fields do not fit."""
    return _READERS[kind](FieldReader(body), version)
