"""The day of one account from a Flex file: fills with their corrections applied, positions, fees."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import date, tzinfo
from decimal import Decimal

from momentum_kit.errors import InputError
from momentum_kit.plain_text import plain_text
from momentum_kit.storage.flex.bookings import Booking, by_match, is_execution, read_booking, realised_of, standing
from momentum_kit.storage.flex.document import FlexFile, FlexPeriod, FlexRow
from momentum_kit.storage.flex.rows import STOCK, FlexValues, asset_class, is_day
from momentum_kit.storage.flex.values import date_of
from momentum_kit.trading.account import split_exec_id
from momentum_kit.trading.statement import (
    AccountStatement,
    ChargedFee,
    LateCorrection,
    StatementFill,
    StatementPosition,
)

ZERO = Decimal(0)
TRADES, POSITIONS, DETAILS = "Trades", "OpenPositions", "UnbundledCommissionDetails"
FEES = ("TransactionTaxes", "TransactionFees")  # as files have it, and as IB's page names the section
SELECT = {
    TRADES: "Trades (its option Executions)",
    POSITIONS: "Open Positions (its option Summary)",
    FEES[0]: "Transaction Fees",
}
PARTS = {
    "brokerExecutionCharge": "IB", "brokerClearingCharge": "IB clearing", "thirdPartyExecutionCharge": "venue",
    "thirdPartyClearingCharge": "clearing", "regFINRATradingActivityFee": "FINRA TAF",
    "regSection31TransactionFee": "SEC", "regOther": "other regulatory", "other": "other",
}  # fmt: skip
"""Of a commission, as the section Commission Details splits it."""


def read_day(
    flex: FlexFile, account: str, day: date, *, zone: tzinfo, is_ours: Callable[[str], bool]
) -> AccountStatement:
    """An account's day. zone: of times that name none; is_ours: whether an order reference is one of ours.

    Raises InputError, one line, where the file does not hold that day of that account to its end, where the query left
    out a section or a value that is needed (an absent one is never taken for empty), and where a value is none.
    """
    for day_first in (False, True):
        ending = [period for period in flex.periods if period.account == account and _ends(period, day, day_first)]
        if ending:
            period = max(ending, key=lambda each: _begin(each, day_first) or date.min)
            values = FlexValues(file=flex.file, account=account, day_first=day_first, zone=zone)
            return _Day(values, period, day, is_ours=is_ours).statement()
    held = [f"{each.account} {_shown(each, 'fromDate')} to {_shown(each, 'toDate')}" for each in flex.periods]
    more = f" and {len(held) - 4} more" if len(held) > 4 else ""
    raise InputError(
        f"{flex.file}: no statement of {account} that ends on {day}; it holds {'; '.join(held[:4])}{more}; "
        f"run the query for that day alone"
    )


def _ends(period: FlexPeriod, day: date, day_first: bool) -> bool:
    begin = _begin(period, day_first)
    return begin is not None and begin <= day and is_day(period.values.get("toDate", ""), day, day_first=day_first)


def _begin(period: FlexPeriod, day_first: bool) -> date | None:
    try:
        return date_of(period.values.get("fromDate", ""), day_first=day_first)
    except ValueError:
        return None


def _shown(period: FlexPeriod, name: str) -> str:
    return plain_text(period.values.get(name, "?"), 12)


class _Day:
    """One statement while it is read."""

    def __init__(self, values: FlexValues, period: FlexPeriod, day: date, *, is_ours: Callable[[str], bool]) -> None:
        self._values, self._period, self._day, self._is_ours = values, period, day, is_ours
        self._alone = _begin(period, values.day_first) == day
        self._details: dict[str, list[FlexRow]] = defaultdict(list)  # by trade id
        for row in values.own(period.sections.get(DETAILS, ())):
            self._details[values.text(row, "tradeID")].append(row)

    def statement(self) -> AccountStatement:
        trades, fees = self._section(TRADES), self._section(*FEES)
        positions = self._section(POSITIONS)
        stocks = [row for row in trades if asset_class(row) == STOCK]
        matches = by_match(read_booking(self._values, row) for row in stocks if is_execution(row))
        if not matches and any(row.tag not in ("Lot", "WashSale") for row in stocks):
            raise InputError(f"{self._values.file}: Trades holds sums alone; in the query, select {SELECT[TRADES]}")
        today = [[each for each in rows if each.traded_on == self._day] for rows in matches]
        late = [[each for each in rows if self._is_late(each)] for rows in matches]
        others = Counter(asset_class(row) for row in trades if is_execution(row))
        return AccountStatement(
            account=self._values.account,
            day=self._day,
            fills=tuple(self._fill(rows) for rows in today if rows),
            positions=self._positions([row for row in positions if asset_class(row) == STOCK]),
            fees=tuple(self._fees(fees)),
            corrections=tuple(found for rows in late if rows and (found := self._correction(rows))),
            elsewhere={name: count for name, count in others.items() if name != STOCK},
        )

    def _section(self, *names: str) -> list[FlexRow]:
        for name in names:
            if name in self._period.sections:
                return self._values.own(self._period.sections[name])
        raise InputError(
            f"{self._values.file}: the statement has no section {SELECT[names[0]].partition(' (')[0]}, not even an "
            f"empty one; in the query, select {SELECT[names[0]]}"
        )

    def _is_late(self, booking: Booking) -> bool:
        """Of an earlier day, and booked on this one."""
        if booking.traded_on >= self._day:
            return False
        reported = self._values.day(booking.row, "reportDate")
        return self._alone if reported is None else reported == self._day

    def _fill(self, rows: list[Booking]) -> StatementFill:
        stands, replaced = standing(rows)
        last = next((each for each in reversed(stands or rows) if each.exec_id), rows[-1])
        shares = sum((each.shares for each in stands), ZERO)
        worth = sum((each.shares * each.price for each in stands), ZERO)
        charged = [each for each in rows if each not in replaced]
        reference = self._values.text(last.row, "orderReference") if "orderReference" in last.row.values else None
        trades = frozenset(each.trade_id for each in rows if each.trade_id)
        currencies = (self._values.text(last.row, name, 10) for name in ("ibCommissionCurrency", "currency"))
        return StatementFill(
            match=split_exec_id(last.exec_id)[0] if last.exec_id else "",
            symbol=self._values.text(last.row, "symbol", 30),
            con_id=self._values.con_id(last.row),
            shares=shares,
            price=worth / shares if shares and len({each.price for each in stands}) > 1 else last.price,
            time=last.time,
            commission=sum((each.commission for each in charged), ZERO),
            currency=next(filter(None, currencies), "USD"),
            taxes=sum((each.taxes for each in charged), ZERO),
            realised=realised_of(charged, stands),
            owner="unknown" if reference is None else "ours" if self._is_ours(reference) else "foreign",
            booked=self._values.text(last.row, "transactionType", 40),
            trade_ids=trades,
            corrected=len(rows) > len(stands),
            cancelled=not stands,
            consists=self._consists(trades),
        )

    def _correction(self, rows: list[Booking]) -> LateCorrection | None:
        """What a correction of an earlier day changed; None where nothing came of it, as when IB books anew."""
        shares = sum((each.shares for each in rows), ZERO)
        commission = sum((each.commission + each.taxes for each in rows), ZERO)
        cash = -sum((each.shares * each.price for each in rows), ZERO) - commission
        if not shares and not commission and not cash:
            return None
        named = next((each for each in rows if each.exec_id), rows[0])
        return LateCorrection(
            match=split_exec_id(named.exec_id)[0] if named.exec_id else "",
            symbol=self._values.text(named.row, "symbol", 30),
            con_id=self._values.con_id(named.row),
            traded_on=named.traded_on,
            shares=shares,
            commission=commission,
            cash=cash,
        )

    def _consists(self, trades: frozenset[str]) -> Mapping[str, Decimal]:
        found: dict[str, Decimal] = defaultdict(Decimal)
        for row in (row for trade in trades for row in self._details.get(trade, ())):
            for name, words in PARTS.items():
                if name in row.values:
                    found[words] -= self._values.number(row, name)
        return dict(found)

    def _positions(self, rows: list[FlexRow]) -> dict[int, StatementPosition]:
        summed = [row for row in rows if row.values.get("levelOfDetail", "SUMMARY").upper() == "SUMMARY"]
        found: dict[int, StatementPosition] = {}
        for row in summed or rows:  # lots alone add up to the same
            self._values.need("Open Positions", row, ("symbol", "conid", "position"))
            con_id, shares = self._values.con_id(row), self._values.number(row, "position")
            shares += found[con_id].shares if con_id in found else ZERO
            found[con_id] = StatementPosition(symbol=self._values.text(row, "symbol", 30), shares=shares)
        return found

    def _fees(self, rows: list[FlexRow]) -> list[ChargedFee]:
        detailed = [row for row in rows if row.values.get("levelOfDetail", "").upper() == "DETAIL"]
        found = []
        for row in detailed or rows:
            self._values.need("Transaction Fees", row, ("taxDescription", "taxAmount"))
            if not self._is_of_day(row):
                continue
            trade = "tradeId" if "tradeId" in row.values else "tradeID"  # this section's own spelling
            found.append(
                ChargedFee(
                    description=self._values.text(row, "taxDescription", 80),
                    symbol=self._values.text(row, "symbol", 30),
                    con_id=self._values.con_id(row) if self._values.text(row, "conid") else 0,
                    trade_id=self._values.text(row, trade),
                    amount=-self._values.number(row, "taxAmount"),
                    currency=self._values.text(row, "currency", 10),
                )
            )
        return found

    def _is_of_day(self, row: FlexRow) -> bool:
        on = self._values.day(row, "reportDate") or self._values.day(row, "date")
        if on is None and not self._alone:
            raise InputError(
                f"{self._values.file}: Transaction Fees of several days leave out Report Date; "
                f"in the query, select it, or run it for one day alone"
            )
        return self._alone or on == self._day
