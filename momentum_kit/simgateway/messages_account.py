"""Messages of the account: summary, values, portfolio, positions."""

from decimal import Decimal

from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.messages import Reply
from momentum_kit.simgateway.wire import frame


def account_summary(request_id: int, account: str, tag: str, value: str, currency: str) -> bytes:
    """One tag of the summary."""
    return frame(Reply.ACCOUNT_SUMMARY, 1, request_id, account, tag, value, currency)


def account_summary_end(request_id: int) -> bytes:
    """All tags were sent once."""
    return frame(Reply.ACCOUNT_SUMMARY_END, 1, request_id)


def account_value(account: str, tag: str, value: str, currency: str) -> bytes:
    """One value of an account subscription."""
    return frame(Reply.ACCOUNT_VALUE, 2, tag, value, currency, account)


def account_update_multi(request_id: int, account: str, tag: str, value: str, currency: str) -> bytes:
    """One value of an account subscription with an id; no model portfolio."""
    return frame(Reply.ACCOUNT_UPDATE_MULTI, 1, request_id, account, "", tag, value, currency)


def account_update_multi_end(request_id: int) -> bytes:
    """The first full set of an account subscription with an id is complete."""
    return frame(Reply.ACCOUNT_UPDATE_MULTI_END, 1, request_id)


def account_update_time(clock: str) -> bytes:
    """When the values were taken, HH:MM."""
    return frame(Reply.ACCOUNT_UPDATE_TIME, 1, clock)


def account_download_end(account: str) -> bytes:
    """The first full set of an account subscription is complete."""
    return frame(Reply.ACCOUNT_DOWNLOAD_END, 1, account)


def portfolio_value(account: str, item: Instrument, quantity: Decimal, price: float, cost: float) -> bytes:
    """One holding of an account subscription; price, cost in USD a share. Realized P&L a holding is not kept."""
    contract = (item.con_id, item.symbol, item.sec_type, "", "0.0", "", "", item.primary_exchange)
    names = (item.currency, item.symbol, item.trading_class)
    value = float(quantity) * price
    gain = value - float(quantity) * cost
    money = (round(price, 4), round(value, 2), round(cost, 4), round(gain, 2), 0.0)
    return frame(Reply.PORTFOLIO_VALUE, 8, *contract, *names, quantity, *money, account)


def position(account: str, item: Instrument, quantity: Decimal, cost: float) -> bytes:
    """One holding; the exchange is the listing's, as IB sends it here."""
    contract = (item.con_id, item.symbol, item.sec_type, "", "0.0", "", "", item.primary_exchange)
    names = (item.currency, item.symbol, item.trading_class)
    return frame(Reply.POSITION, 3, account, *contract, *names, quantity, round(cost, 8))


def position_end() -> bytes:
    """All holdings were sent once."""
    return frame(Reply.POSITION_END, 1)
