"""Messages of the account in protobuf: the twin of text/account.py."""

from decimal import Decimal

from ibapi.protobuf.AccountDataEnd_pb2 import AccountDataEnd
from ibapi.protobuf.AccountSummary_pb2 import AccountSummary
from ibapi.protobuf.AccountSummaryEnd_pb2 import AccountSummaryEnd
from ibapi.protobuf.AccountUpdateMulti_pb2 import AccountUpdateMulti
from ibapi.protobuf.AccountUpdateMultiEnd_pb2 import AccountUpdateMultiEnd
from ibapi.protobuf.AccountUpdateTime_pb2 import AccountUpdateTime
from ibapi.protobuf.AccountValue_pb2 import AccountValue
from ibapi.protobuf.PnL_pb2 import PnL
from ibapi.protobuf.PnLSingle_pb2 import PnLSingle
from ibapi.protobuf.PortfolioValue_pb2 import PortfolioValue
from ibapi.protobuf.Position_pb2 import Position
from ibapi.protobuf.PositionEnd_pb2 import PositionEnd
from ibapi.protobuf.PositionMulti_pb2 import PositionMulti
from ibapi.protobuf.PositionMultiEnd_pb2 import PositionMultiEnd

from momentum_kit.simgateway.events import Profit
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.protocol.numbers import Reply
from momentum_kit.simgateway.protocol.protobuf.session import contract_of, decimal_text, protobuf_frame
from momentum_kit.simgateway.protocol.text import holding_money


def account_summary(_: int, request_id: int, account: str, tag: str, value: str, currency: str) -> bytes:
    """One tag of the summary."""
    body = AccountSummary(reqId=request_id, account=account, tag=tag, value=value, currency=currency)
    return protobuf_frame(Reply.ACCOUNT_SUMMARY, body)


def account_summary_end(_: int, request_id: int) -> bytes:
    """All tags were sent once."""
    return protobuf_frame(Reply.ACCOUNT_SUMMARY_END, AccountSummaryEnd(reqId=request_id))


def account_value(_: int, account: str, tag: str, value: str, currency: str) -> bytes:
    """One value of an account subscription."""
    body = AccountValue(key=tag, value=value, currency=currency, accountName=account)
    return protobuf_frame(Reply.ACCOUNT_VALUE, body)


def account_update_multi(_: int, request_id: int, account: str, tag: str, value: str, currency: str) -> bytes:
    """One value of an account subscription with an id; no model portfolio."""
    body = AccountUpdateMulti(reqId=request_id, account=account, key=tag, value=value, currency=currency)
    return protobuf_frame(Reply.ACCOUNT_UPDATE_MULTI, body)


def account_update_multi_end(_: int, request_id: int) -> bytes:
    """The first full set of an account subscription with an id is complete."""
    return protobuf_frame(Reply.ACCOUNT_UPDATE_MULTI_END, AccountUpdateMultiEnd(reqId=request_id))


def account_update_time(_: int, clock: str) -> bytes:
    """When the values were taken, HH:MM."""
    return protobuf_frame(Reply.ACCOUNT_UPDATE_TIME, AccountUpdateTime(timeStamp=clock))


def account_download_end(_: int, account: str) -> bytes:
    """The first full set of an account subscription is complete."""
    return protobuf_frame(Reply.ACCOUNT_DOWNLOAD_END, AccountDataEnd(accountName=account))


def portfolio_value(_: int, account: str, item: Instrument, quantity: Decimal, price: float, cost: float) -> bytes:
    """One holding of an account subscription; price, cost in USD a share. Realized P&L a holding is not kept."""
    market_price, market_value, average_cost, unrealized, realized = holding_money(quantity, price, cost)
    body = PortfolioValue(
        contract=contract_of(item, primaryExch=item.primary_exchange),
        position=decimal_text(quantity),
        marketPrice=market_price,
        marketValue=market_value,
        averageCost=average_cost,
        unrealizedPNL=unrealized,
        realizedPNL=realized,
        accountName=account,
    )
    return protobuf_frame(Reply.PORTFOLIO_VALUE, body)


def position(_: int, account: str, item: Instrument, quantity: Decimal, cost: float) -> bytes:
    """One holding; the exchange is the listing's, as IB sends it here."""
    contract = contract_of(item, exchange=item.primary_exchange)
    body = Position(account=account, contract=contract, position=decimal_text(quantity), avgCost=round(cost, 8))
    return protobuf_frame(Reply.POSITION, body)


def position_end(_: int) -> bytes:
    """All holdings were sent once."""
    return protobuf_frame(Reply.POSITION_END, PositionEnd())


def position_multi(_: int, request_id: int, account: str, item: Instrument, quantity: Decimal, cost: float) -> bytes:
    """One holding of a subscription with an id; no model portfolio."""
    body = PositionMulti(
        reqId=request_id,
        account=account,
        contract=contract_of(item, exchange=item.primary_exchange),
        position=decimal_text(quantity),
        avgCost=round(cost, 8),
    )
    return protobuf_frame(Reply.POSITION_MULTI, body)


def position_multi_end(_: int, request_id: int) -> bytes:
    """All holdings of a subscription with an id were sent once."""
    return protobuf_frame(Reply.POSITION_MULTI_END, PositionMultiEnd(reqId=request_id))


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
