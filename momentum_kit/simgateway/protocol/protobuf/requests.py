"""Reads requests from their protobuf bodies into the same values as text/request_readers.py does from text fields."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError, Message
from ibapi.protobuf.AccountDataRequest_pb2 import AccountDataRequest
from ibapi.protobuf.AccountSummaryRequest_pb2 import AccountSummaryRequest as AccountSummaryBody
from ibapi.protobuf.AccountUpdatesMultiRequest_pb2 import AccountUpdatesMultiRequest
from ibapi.protobuf.AutoOpenOrdersRequest_pb2 import AutoOpenOrdersRequest
from ibapi.protobuf.CancelAccountUpdatesMulti_pb2 import CancelAccountUpdatesMulti
from ibapi.protobuf.CancelHistoricalData_pb2 import CancelHistoricalData
from ibapi.protobuf.CancelMarketData_pb2 import CancelMarketData
from ibapi.protobuf.CancelOrderRequest_pb2 import CancelOrderRequest
from ibapi.protobuf.CancelPnL_pb2 import CancelPnL
from ibapi.protobuf.CancelPnLSingle_pb2 import CancelPnLSingle
from ibapi.protobuf.CancelPositionsMulti_pb2 import CancelPositionsMulti
from ibapi.protobuf.CancelRealTimeBars_pb2 import CancelRealTimeBars
from ibapi.protobuf.CancelTickByTick_pb2 import CancelTickByTick
from ibapi.protobuf.CompletedOrdersRequest_pb2 import CompletedOrdersRequest
from ibapi.protobuf.ConfigRequest_pb2 import ConfigRequest
from ibapi.protobuf.ContractDataRequest_pb2 import ContractDataRequest
from ibapi.protobuf.ExecutionRequest_pb2 import ExecutionRequest
from ibapi.protobuf.HeadTimestampRequest_pb2 import HeadTimestampRequest as HeadTimestampBody
from ibapi.protobuf.HistoricalDataRequest_pb2 import HistoricalDataRequest as HistoricalDataBody
from ibapi.protobuf.HistoricalNewsRequest_pb2 import HistoricalNewsRequest
from ibapi.protobuf.HistoricalTicksRequest_pb2 import HistoricalTicksRequest as HistoricalTicksBody
from ibapi.protobuf.MarketDataRequest_pb2 import MarketDataRequest as MarketDataBody
from ibapi.protobuf.MarketDataTypeRequest_pb2 import MarketDataTypeRequest
from ibapi.protobuf.MarketRuleRequest_pb2 import MarketRuleRequest
from ibapi.protobuf.MatchingSymbolsRequest_pb2 import MatchingSymbolsRequest
from ibapi.protobuf.NewsArticleRequest_pb2 import NewsArticleRequest
from ibapi.protobuf.NewsBulletinsRequest_pb2 import NewsBulletinsRequest
from ibapi.protobuf.PlaceOrderRequest_pb2 import PlaceOrderRequest
from ibapi.protobuf.PnLRequest_pb2 import PnLRequest
from ibapi.protobuf.PnLSingleRequest_pb2 import PnLSingleRequest
from ibapi.protobuf.PositionsMultiRequest_pb2 import PositionsMultiRequest
from ibapi.protobuf.RealTimeBarsRequest_pb2 import RealTimeBarsRequest as RealTimeBarsBody
from ibapi.protobuf.ScannerSubscriptionRequest_pb2 import ScannerSubscriptionRequest
from ibapi.protobuf.StartApiRequest_pb2 import StartApiRequest
from ibapi.protobuf.TickByTickRequest_pb2 import TickByTickRequest as TickByTickBody

from momentum_kit.simgateway.protocol.numbers import Request
from momentum_kit.simgateway.protocol.protobuf.place_order import read_place_order as read_order
from momentum_kit.simgateway.protocol.text import (
    AccountSummaryRequest,
    ArticleRequest,
    ContractDetailsRequest,
    ContractQuery,
    ExecutionsRequest,
    HeadTimestampRequest,
    HistoricalDataRequest,
    HistoricalTicksRequest,
    MarketDataRequest,
    MatchingRequest,
    NewsHistoryRequest,
    PlaceOrder,
    ProfitRequest,
    RealTimeBarsRequest,
    ScannerRequest,
    TickByTickRequest,
    days_asked,
    refuse_combo,
    split_codes,
    split_tags,
)
from momentum_kit.simgateway.protocol.wire import WireError


def parse_request(kind: Request, body: bytes) -> Any:
    """The value of a request; None for those without content, WireError where the body is not that request."""
    schema, value_of = _PARSERS.get(kind, (None, None))
    if schema is None or value_of is None:
        return None
    message = schema()
    try:
        message.ParseFromString(body)
    except DecodeError as error:
        raise WireError(f"not the protobuf body of {kind.name}") from error
    return value_of(message)


def contract_query(contract: Any) -> ContractQuery:
    """The contract of a request."""
    return ContractQuery(
        con_id=contract.conId,
        symbol=contract.symbol,
        sec_type=contract.secType,
        exchange=contract.exchange,
        primary_exchange=contract.primaryExch,
        currency=contract.currency,
        local_symbol=contract.localSymbol,
        trading_class=contract.tradingClass,
    )


def _number(name: str) -> Callable[[Any], int]:
    """One whole number that has to be there."""

    def read(message: Any) -> int:
        if not message.HasField(name):
            raise WireError(f"{name} is missing")
        number: int = getattr(message, name)
        return number

    return read


_request_id = _number("reqId")


def _start_api(message: Any) -> int:
    client_id: int = message.clientId
    return client_id


def _subscribe(message: Any) -> bool:
    return bool(message.subscribe)


def _tradable(message: Any) -> ContractQuery:
    contract = contract_query(message.contract)
    refuse_combo(contract)
    return contract


def _market_data(message: Any) -> MarketDataRequest:
    return MarketDataRequest(
        request_id=_request_id(message),
        contract=_tradable(message),
        generic_ticks=message.genericTickList,
        snapshot=message.snapshot or message.regulatorySnapshot,
    )


def _history(message: Any) -> HistoricalDataRequest:
    return HistoricalDataRequest(
        request_id=_request_id(message),
        contract=_tradable(message),
        end=message.endDateTime,
        bar_size=message.barSizeSetting,
        duration=message.duration,
        use_rth=message.useRTH,
        what=message.whatToShow,
        format_date=message.formatDate or 1,
        keep_up_to_date=message.keepUpToDate,
    )


def _head_timestamp(message: Any) -> HeadTimestampRequest:
    return HeadTimestampRequest(
        request_id=_request_id(message),
        contract=contract_query(message.contract),
        use_rth=message.useRTH,
        what=message.whatToShow,
        format_date=message.formatDate or 1,
    )


def _real_time_bars(message: Any) -> RealTimeBarsRequest:
    return RealTimeBarsRequest(
        request_id=_request_id(message),
        contract=contract_query(message.contract),
        seconds=message.barSize or 5,
        what=message.whatToShow,
        use_rth=message.useRTH,
    )


def _contract_details(message: Any) -> ContractDetailsRequest:
    contract = message.contract
    return ContractDetailsRequest(
        request_id=_request_id(message),
        contract=contract_query(contract),
        sec_id_type=contract.secIdType,
        sec_id=contract.secId,
    )


def _matching(message: Any) -> MatchingRequest:
    return MatchingRequest(_request_id(message), message.pattern)


def _news_history(message: Any) -> NewsHistoryRequest:
    return NewsHistoryRequest(
        request_id=_request_id(message),
        con_id=message.conId,
        providers=split_codes(message.providerCodes),
        start=message.startDateTime,
        end=message.endDateTime,
        limit=message.totalResults,
    )


def _article(message: Any) -> ArticleRequest:
    return ArticleRequest(_request_id(message), message.providerCode, message.articleId)


def _place_order(message: Any) -> PlaceOrder:
    contract = contract_query(message.contract)
    if contract.sec_type == "BAG":
        raise WireError("combination orders are not simulated")
    return read_order(message, contract)


def _executions(message: Any) -> ExecutionsRequest:
    asked = message.executionFilter
    return ExecutionsRequest(
        request_id=_request_id(message),
        client_id=asked.clientId,
        account=asked.acctCode,
        time=asked.time,
        symbol=asked.symbol,
        sec_type=asked.secType,
        exchange=asked.exchange,
        side=asked.side,
        days=days_asked(asked.lastNDays),
        dates=tuple(asked.specificDates),
    )


def _account_summary(message: Any) -> AccountSummaryRequest:
    return AccountSummaryRequest(_request_id(message), split_tags(message.tags))


def _profit(message: Any) -> ProfitRequest:
    return ProfitRequest(_request_id(message), message.account)


def _profit_of_one(message: Any) -> ProfitRequest:
    return ProfitRequest(_request_id(message), message.account, message.conId)


def _tick_by_tick(message: Any) -> TickByTickRequest:
    return TickByTickRequest(
        request_id=_request_id(message),
        contract=_tradable(message),
        kind=message.tickType,
        ignore_size=message.ignoreSize,
    )


def _historical_ticks(message: Any) -> HistoricalTicksRequest:
    return HistoricalTicksRequest(
        request_id=_request_id(message),
        contract=_tradable(message),
        start=message.startDateTime,
        end=message.endDateTime,
        count=message.numberOfTicks,
        what=message.whatToShow,
        use_rth=message.useRTH,
    )


def _scan(message: Any) -> ScannerRequest:
    asked = message.scannerSubscription
    return ScannerRequest(
        request_id=_request_id(message),
        rows=asked.numberOfRows if asked.HasField("numberOfRows") else -1,
        instrument=asked.instrument,
        location=asked.locationCode,
        code=asked.scanCode,
        above_price=asked.abovePrice or None,
        below_price=asked.belowPrice or None,
        above_volume=asked.aboveVolume or None,
    )


_PARSERS: dict[Request, tuple[Callable[[], Message], Callable[[Any], Any]]] = {
    Request.START_API: (StartApiRequest, _start_api),
    Request.CONTRACT_DETAILS: (ContractDataRequest, _contract_details),
    Request.MATCHING_SYMBOLS: (MatchingSymbolsRequest, _matching),
    Request.MARKET_RULE: (MarketRuleRequest, _number("marketRuleId")),
    Request.MARKET_DATA: (MarketDataBody, _market_data),
    Request.CANCEL_MARKET_DATA: (CancelMarketData, _request_id),
    Request.MARKET_DATA_TYPE: (MarketDataTypeRequest, _number("marketDataType")),
    Request.HISTORICAL_DATA: (HistoricalDataBody, _history),
    Request.HEAD_TIMESTAMP: (HeadTimestampBody, _head_timestamp),
    Request.REAL_TIME_BARS: (RealTimeBarsBody, _real_time_bars),
    Request.CANCEL_REAL_TIME_BARS: (CancelRealTimeBars, _request_id),
    Request.CANCEL_HISTORICAL_DATA: (CancelHistoricalData, _request_id),
    Request.PNL: (PnLRequest, _profit),
    Request.PNL_SINGLE: (PnLSingleRequest, _profit_of_one),
    Request.CANCEL_PNL: (CancelPnL, _request_id),
    Request.CANCEL_PNL_SINGLE: (CancelPnLSingle, _request_id),
    Request.TICK_BY_TICK: (TickByTickBody, _tick_by_tick),
    Request.CANCEL_TICK_BY_TICK: (CancelTickByTick, _request_id),
    Request.HISTORICAL_TICKS: (HistoricalTicksBody, _historical_ticks),
    Request.SCANNER: (ScannerSubscriptionRequest, _scan),
    Request.HISTORICAL_NEWS: (HistoricalNewsRequest, _news_history),
    Request.NEWS_ARTICLE: (NewsArticleRequest, _article),
    Request.PLACE_ORDER: (PlaceOrderRequest, _place_order),
    Request.CANCEL_ORDER: (CancelOrderRequest, _number("orderId")),
    Request.AUTO_OPEN_ORDERS: (AutoOpenOrdersRequest, lambda message: bool(message.autoBind)),
    Request.COMPLETED_ORDERS: (CompletedOrdersRequest, lambda message: bool(message.apiOnly)),
    Request.EXECUTIONS: (ExecutionRequest, _executions),
    Request.ACCOUNT_SUMMARY: (AccountSummaryBody, _account_summary),
    Request.ACCOUNT_UPDATES: (AccountDataRequest, _subscribe),
    Request.CONFIG: (ConfigRequest, _request_id),
    Request.NEWS_BULLETINS: (NewsBulletinsRequest, lambda message: bool(message.allMessages)),
    Request.POSITIONS_MULTI: (PositionsMultiRequest, _request_id),
    Request.CANCEL_POSITIONS_MULTI: (CancelPositionsMulti, _request_id),
    Request.ACCOUNT_UPDATES_MULTI: (AccountUpdatesMultiRequest, _request_id),
    Request.CANCEL_ACCOUNT_UPDATES_MULTI: (CancelAccountUpdatesMulti, _request_id),
}
