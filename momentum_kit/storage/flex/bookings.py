"""Trades of a Flex statement, row by row, and which rows are one match.

IB corrects a match by rows: the original stays, a cancellation (transactionType TradeCancel, without an execution id)
takes its shares back, and a rebooking follows with the trade id of the original and an execution id whose last number
is raised or the same. Commissions of the three add up: what the rebooking charges is the difference. Whether a
cancellation takes back realised profit as well is not documented; where its own is zero, the cancelled row's goes too.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from momentum_kit.storage.flex.document import FlexRow
from momentum_kit.storage.flex.rows import FlexValues
from momentum_kit.storage.flex.values import text_of
from momentum_kit.trading.account import split_exec_id

NEEDED = (
    "symbol", "conid", "dateTime", "quantity", "tradePrice", "taxes", "ibCommission", "ibCommissionCurrency",
    "fifoPnlRealized", "ibExecID", "tradeID", "transactionType",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One row of Trades; costs are positive, shares signed. exec_id is empty where it is no execution."""

    row: FlexRow
    exec_id: str
    trade_id: str
    transaction_id: str
    traded_on: date
    time: datetime | None
    shares: Decimal
    price: Decimal
    commission: Decimal
    taxes: Decimal
    realised: Decimal
    cancels: bool

    @property
    def correction(self) -> int:
        """The number of its version; later ones replace earlier ones."""
        return split_exec_id(self.exec_id)[1]

    @property
    def original(self) -> tuple[str, str]:
        """Transaction id and trade id of what a cancellation takes back; empty where it does not say."""
        found = (text_of(self.row.values.get(name, "")) for name in ("origTransactionID", "origTradeID"))
        transaction, trade = ("" if each == "0" else each for each in found)
        return transaction, trade


def is_execution(row: FlexRow) -> bool:
    """Orders, symbols, lots and wash sales stand beside executions where the query asks for them too."""
    level = row.values.get("levelOfDetail")
    if level is not None:
        return row.tag == "Trade" and level.upper() == "EXECUTION"
    return row.tag == "Trade" and any(text_of(row.values.get(name, "")) for name in ("ibExecID", "transactionType"))


def read_booking(values: FlexValues, row: FlexRow) -> Booking:
    """One execution, cancellation or booking. InputError where the query left a value out, or one is none."""
    values.need("Trades", row, NEEDED)
    on, at = values.moment(row, "dateTime")
    said, shares = row.values.get("buySell", "").upper(), values.number(row, "quantity")
    cancels = values.text(row, "transactionType").endswith("Cancel") or "(CA" in said
    if not cancels and said.startswith(("BUY", "SELL")):
        shares = abs(shares) if said.startswith("BUY") else -abs(shares)
    return Booking(
        row=row,
        exec_id=values.text(row, "ibExecID"),
        trade_id=values.text(row, "tradeID"),
        transaction_id=values.text(row, "transactionID"),
        traded_on=values.day(row, "tradeDate") or on,
        time=at,
        shares=shares,
        price=values.number(row, "tradePrice"),
        commission=-values.number(row, "ibCommission"),
        taxes=-values.number(row, "taxes"),
        realised=values.number(row, "fifoPnlRealized"),
        cancels=cancels,
    )


def by_match(bookings: Iterable[Booking]) -> list[list[Booking]]:
    """The rows of each match, in the order written; the same row twice counts once."""
    rows: dict[str, Booking] = {}
    for each in bookings:
        rows.setdefault(each.transaction_id or repr(sorted(each.row.values.items())), each)
    executions = [each for each in rows.values() if each.exec_id]
    by_transaction = {each.transaction_id: each.exec_id for each in executions if each.transaction_id}
    by_trade = {each.trade_id: each.exec_id for each in executions if each.trade_id}
    found: dict[str, list[Booking]] = defaultdict(list)
    for identity, each in rows.items():
        exec_id, trade = each.exec_id, each.trade_id
        if each.cancels and not exec_id:
            transaction, trade = each.original
            exec_id = by_transaction.get(transaction, by_trade.get(trade, ""))
        found[split_exec_id(exec_id)[0] if exec_id else f"trade {trade or identity}"].append(each)
    return list(found.values())


def realised_of(rows: list[Booking], stands: list[Booking]) -> Decimal:
    """What a match realised: of all its rows where cancellations carry their part of it, else of what stands."""
    carried = any(each.cancels and each.realised for each in rows)
    return sum((each.realised for each in (rows if carried else stands)), Decimal(0))


def standing(rows: list[Booking]) -> tuple[list[Booking], list[Booking]]:
    """What of a match stands, and what a later version replaces without a cancellation."""
    left = [each for each in rows if not each.cancels]
    for cancel in (each for each in rows if each.cancels):
        transaction, _ = cancel.original
        named = [each for each in left if transaction and each.transaction_id == transaction]
        alike = [each for each in left if each.shares == -cancel.shares and each.price == cancel.price]
        for gone in (named or alike)[:1]:
            left.remove(gone)
    latest = max((each.correction for each in left), default=0)
    return [each for each in left if each.correction == latest], [each for each in left if each.correction < latest]
