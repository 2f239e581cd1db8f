"""Messages of the account: summary, values, portfolio, positions, profit and loss."""

from decimal import Decimal

from momentum_kit.simgateway.events import Profit
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.protocol.numbers import Reply
from momentum_kit.simgateway.protocol.twins import ACCOUNTS, SCANNER, protobuf_from
from momentum_kit.simgateway.protocol.wire import message


@protobuf_from(ACCOUNTS)
def account_summary(version: int, request_id: int, account: str, tag: str, value: str, currency: str) -> bytes:
    """One tag of the summary."""
    return message(version, Reply.ACCOUNT_SUMMARY, 1, request_id, account, tag, value, currency)


@protobuf_from(ACCOUNTS)
def account_summary_end(version: int, request_id: int) -> bytes:
    """All tags were sent once."""
    return message(version, Reply.ACCOUNT_SUMMARY_END, 1, request_id)


@protobuf_from(ACCOUNTS)
def account_value(version: int, account: str, tag: str, value: str, currency: str) -> bytes:
    """One value of an account subscription."""
    return message(version, Reply.ACCOUNT_VALUE, 2, tag, value, currency, account)


@protobuf_from(ACCOUNTS)
def account_update_multi(version: int, request_id: int, account: str, tag: str, value: str, currency: str) -> bytes:
    """One value of an account subscription with an id; no model portfolio."""
    return message(version, Reply.ACCOUNT_UPDATE_MULTI, 1, request_id, account, "", tag, value, currency)


@protobuf_from(ACCOUNTS)
def account_update_multi_end(version: int, request_id: int) -> bytes:
    """The first full set of an account subscription with an id is complete."""
    return message(version, Reply.ACCOUNT_UPDATE_MULTI_END, 1, request_id)


@protobuf_from(ACCOUNTS)
def account_update_time(version: int, clock: str) -> bytes:
    """When the values were taken, HH:MM."""
    return message(version, Reply.ACCOUNT_UPDATE_TIME, 1, clock)


@protobuf_from(ACCOUNTS)
def account_download_end(version: int, account: str) -> bytes:
    """The first full set of an account subscription is complete."""
    return message(version, Reply.ACCOUNT_DOWNLOAD_END, 1, account)


@protobuf_from(ACCOUNTS)
def portfolio_value(
    version: int, account: str, item: Instrument, quantity: Decimal, price: float, cost: float
) -> bytes:
    """One holding of an account subscription; price, cost in USD a share. Realized P&L a holding is not kept."""
    contract = (item.con_id, item.symbol, item.sec_type, "", "0.0", "", "", item.primary_exchange)
    names = (item.currency, item.symbol, item.trading_class)
    money = holding_money(quantity, price, cost)
    # 8 is the version of this layout, from before server versions decided it.
    return message(version, Reply.PORTFOLIO_VALUE, 8, *contract, *names, quantity, *money, account)


def holding_money(quantity: Decimal, price: float, cost: float) -> tuple[float, float, float, float, float]:
    """Price, value, cost, unrealized and realized P&L of a holding in USD."""
    value = float(quantity) * price
    gain = value - float(quantity) * cost
    return round(price, 4), round(value, 2), round(cost, 4), round(gain, 2), 0.0


@protobuf_from(ACCOUNTS)
def position(version: int, account: str, item: Instrument, quantity: Decimal, cost: float) -> bytes:
    """One holding; the exchange is the listing's, as IB sends it here."""
    contract = (item.con_id, item.symbol, item.sec_type, "", "0.0", "", "", item.primary_exchange)
    names = (item.currency, item.symbol, item.trading_class)
    return message(version, Reply.POSITION, 3, account, *contract, *names, quantity, round(cost, 8))


@protobuf_from(ACCOUNTS)
def position_end(version: int) -> bytes:
    """All holdings were sent once."""
    return message(version, Reply.POSITION_END, 1)


@protobuf_from(ACCOUNTS)
def position_multi(
    version: int, request_id: int, account: str, item: Instrument, quantity: Decimal, cost: float
) -> bytes:
    """One holding of a subscription with an id; no model portfolio."""
    contract = (item.con_id, item.symbol, item.sec_type, "", "0.0", "", "", item.primary_exchange)
    names = (item.currency, item.symbol, item.trading_class)
    held = (quantity, round(cost, 8), "")  # the model comes last
    return message(version, Reply.POSITION_MULTI, 1, request_id, account, *contract, *names, *held)


@protobuf_from(ACCOUNTS)
def position_multi_end(version: int, request_id: int) -> bytes:
    """All holdings of a subscription with an id were sent once."""
    return message(version, Reply.POSITION_MULTI_END, 1, request_id)


@protobuf_from(SCANNER)
def pnl(version: int, request_id: int, profit: Profit) -> bytes:
    """The account's profit and loss, USD."""
    return message(version, Reply.PNL, request_id, *profit)


@protobuf_from(SCANNER)
def pnl_single(version: int, request_id: int, quantity: Decimal, profit: Profit, value: float) -> bytes:
    """A holding's profit and loss and its value, USD."""
    return message(version, Reply.PNL_SINGLE, request_id, quantity, *profit, value)
