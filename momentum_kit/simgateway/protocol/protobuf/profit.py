"""Profit and loss in protobuf: the twin of messages_profit."""

from decimal import Decimal

from ibapi.protobuf.PnL_pb2 import PnL
from ibapi.protobuf.PnLSingle_pb2 import PnLSingle

from momentum_kit.simgateway.events import Profit
from momentum_kit.simgateway.protocol.protobuf.session import decimal_text, protobuf_frame
from momentum_kit.simgateway.protocol.text.session import Reply


def pnl(_: int, request_id: int, profit: Profit) -> bytes:
    """The account's profit and loss, USD."""
    daily, unrealized, realized = profit
    body = PnL(reqId=request_id, dailyPnL=daily, unrealizedPnL=unrealized, realizedPnL=realized)
    return protobuf_frame(Reply.PNL, body)


def pnl_single(_: int, request_id: int, quantity: Decimal, profit: Profit, value: float) -> bytes:
    """A holding's profit and loss and its value, USD."""
    daily, unrealized, realized = profit
    body = PnLSingle(
        reqId=request_id,
        position=decimal_text(quantity),
        dailyPnL=daily,
        unrealizedPnL=unrealized,
        realizedPnL=realized,
        value=value,
    )
    return protobuf_frame(Reply.PNL_SINGLE, body)
