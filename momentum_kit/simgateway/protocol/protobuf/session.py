"""Protobuf frames, values and contracts, and the messages of the session itself: the twin of text/session.py."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from ibapi.protobuf.ApiConfig_pb2 import ApiConfig
from ibapi.protobuf.ApiPrecautionsConfig_pb2 import ApiPrecautionsConfig
from ibapi.protobuf.ApiSettingsConfig_pb2 import ApiSettingsConfig
from ibapi.protobuf.ConfigResponse_pb2 import ConfigResponse
from ibapi.protobuf.Contract_pb2 import Contract
from ibapi.protobuf.CurrentTime_pb2 import CurrentTime
from ibapi.protobuf.CurrentTimeInMillis_pb2 import CurrentTimeInMillis
from ibapi.protobuf.ErrorMessage_pb2 import ErrorMessage
from ibapi.protobuf.ManagedAccounts_pb2 import ManagedAccounts
from ibapi.protobuf.NextValidId_pb2 import NextValidId

from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.protocol.numbers import Reply
from momentum_kit.simgateway.protocol.wire import (
    PROTOBUF_OFFSET,
    UNSET_DOUBLE,
    UNSET_INTEGER,
    Field,
    as_field,
    epoch_ms,
)
from momentum_kit.simgateway.scenario import ApiSpec

_UNSET = frozenset({"", UNSET_DOUBLE, UNSET_INTEGER})
_FROM_TEXT: dict[int, Callable[[str], object]] = {
    FieldDescriptor.CPPTYPE_STRING: str,
    FieldDescriptor.CPPTYPE_DOUBLE: float,
    FieldDescriptor.CPPTYPE_INT32: int,
    FieldDescriptor.CPPTYPE_INT64: int,
    FieldDescriptor.CPPTYPE_BOOL: lambda text: text in ("1", "true"),
}


def protobuf_frame(number: int, body: Message) -> bytes:
    """One length-prefixed message: its number plus 200 in four bytes, then its protobuf body."""
    payload: bytes = body.SerializeToString()
    return (len(payload) + 4).to_bytes(4, "big") + (number + PROTOBUF_OFFSET).to_bytes(4, "big") + payload


def as_text(value: Any) -> str:
    """A value of a request as the text wire would bring it, empty where it is IB's 'unset'."""
    text = as_field(value)
    return "" if text in _UNSET else text


def fill(body: Any, values: Mapping[str, Field]) -> None:
    """Set fields from values as the text wire carries them; what is unset, or does not fit its field, stays out.

    A text client may have written anything into a field that nobody looks at; its echo must not harm another client.
    """
    known = body.DESCRIPTOR.fields_by_name
    for name, value in values.items():
        text = as_text(value)
        if text:
            try:
                setattr(body, name, _FROM_TEXT[known[name].cpp_type](text))
            except ValueError:
                continue


def decimal_text(value: Decimal | int | float) -> str:
    """A size or volume, which protobuf carries as text."""
    return as_field(value)


def contract_of(item: Instrument, **fields: Any) -> Any:
    """A stock's contract; strike, right and the exchange that is meant come with `fields`."""
    return Contract(
        conId=item.con_id,
        symbol=item.symbol,
        secType=item.sec_type,
        currency=item.currency,
        localSymbol=item.symbol,
        tradingClass=item.trading_class,
        **{"strike": 0.0, **fields},
    )


def managed_accounts(_: int, accounts: tuple[str, ...]) -> bytes:
    """Accounts of this login, joined by commas."""
    return protobuf_frame(Reply.MANAGED_ACCOUNTS, ManagedAccounts(accountsList=",".join(accounts)))


def next_valid_id(_: int, order_id: int) -> bytes:
    """The lowest order id this client may use now."""
    return protobuf_frame(Reply.NEXT_VALID_ID, NextValidId(orderId=order_id))


def error(_: int, at: datetime, request_id: int, code: int, text: str, advanced: str = "") -> bytes:
    """An error, warning or notice; request_id -1 belongs to no request."""
    body = ErrorMessage(id=request_id, errorTime=epoch_ms(at), errorCode=code, errorMsg=text)
    if advanced:
        body.advancedOrderRejectJson = advanced
    return protobuf_frame(Reply.ERROR, body)


def current_time(_: int, now: datetime) -> bytes:
    """Market time in seconds since 1970."""
    return protobuf_frame(Reply.CURRENT_TIME, CurrentTime(currentTime=int(now.timestamp())))


def current_time_in_millis(_: int, now: datetime) -> bytes:
    """Market time in milliseconds since 1970."""
    return protobuf_frame(Reply.CURRENT_TIME_IN_MILLIS, CurrentTimeInMillis(currentTimeInMillis=epoch_ms(now)))


def config_response(_: int, request_id: int, settings: ApiSpec) -> bytes:
    """The gateway's API settings."""
    precautions = ApiPrecautionsConfig(
        bypassOrderPrecautions=settings.bypass_order_precautions,
        bypassNoOverfillProtection=settings.bypass_no_overfill_protection,
    )
    told = ApiSettingsConfig(
        readOnlyApi=settings.read_only,
        sendMarketDataInLotsForUsStocks=settings.lots_for_us_stocks,
        rejectMessagesAboveMaxRate=settings.reject_above_max_rate,
        maintainAndResubmitOrdersOnReconnect=settings.resubmit_on_reconnect,
    )
    body = ConfigResponse(reqId=request_id, api=ApiConfig(precautions=precautions, settings=told))
    return protobuf_frame(Reply.CONFIG_RESPONSE, body)
