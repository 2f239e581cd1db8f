"""Our book of a day beside the broker's statement: every difference with its kind, its symbol and its numbers in words.

What follows from a difference of the fills (a sale that is missing leaves another position and another profit) is told
as such: applied to the statement's own fills, our arithmetic gives the statement's profit and position.
"""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from momentum_kit.sessions import exchange_day
from momentum_kit.trading.statement.differences import CENT, ZERO, StatementDifference, amounts, counted, whole
from momentum_kit.trading.statement.fills import FillComparison
from momentum_kit.trading.statement.gains import Traded, realised_on
from momentum_kit.trading.statement.values import (
    AccountStatement,
    BookFill,
    DayBook,
    LateCorrection,
    StatementFill,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """One side of the day in numbers, USD where all was charged in it; None where a part of it is unknown."""

    fills: int
    commissions: Decimal | None
    realised: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs, what is worth knowing though nothing differs, and both sides in numbers."""

    differences: tuple[StatementDifference, ...]
    notes: tuple[str, ...]
    here: Totals
    there: Totals


def compare_day(book: DayBook, statement: AccountStatement) -> Comparison:
    """All that differs between our book and the statement of the same day."""
    fills = FillComparison(book, statement)
    fills.run()
    known = {fill.match: fill for fill in book.fills}
    late = [_late(each) for each in statement.corrections if each.match not in known or known[each.match].ours]
    told = [*fills.differences, *late]
    results: list[StatementDifference] = []
    gained_here: list[Decimal | None] = []
    gained_there: list[Decimal] = []
    contracts = _contracts(book, statement, {each.con_id for each in told if each.con_id})
    for contract in contracts:
        if contract.traded:
            here, there = contract.gained_here(), contract.gained_there()
            gained_here.append(here)
            gained_there.append(there)
            results += contract.profit(here, there)
        results += contract.position(book)
    ours = [fill for fill in book.fills if fill.ours and exchange_day(fill.time) == book.day]
    billed = [theirs for _, theirs in fills.pairs] + fills.unknown_here
    return Comparison(
        differences=(*told, *results),
        notes=(*fills.notes, *_left_out(statement, {contract.con_id for contract in contracts})),
        here=Totals(fills=len(ours), commissions=whole(fill.cost for fill in ours), realised=whole(gained_here)),
        there=Totals(
            fills=len(billed),
            commissions=sum((each.commission for each in billed), ZERO),
            realised=sum(gained_there, ZERO),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contract:
    """One contract that we have ever traded, by both sides. differs: something of its fills is told already."""

    con_id: int
    symbol: str
    traded: bool
    before: tuple[BookFill, ...]
    today: tuple[BookFill, ...]
    billed: tuple[StatementFill, ...]
    shares_there: Decimal
    differs: bool
    statement: AccountStatement

    def gained_here(self) -> Decimal | None:
        fills = [_traded(fill) for fill in (*self.before, *self.today)]
        known = [fill for fill in fills if fill]
        return realised_on(self.statement.day, known) if len(known) == len(fills) else None

    def gained_there(self) -> Decimal:
        return sum((fill.realised for fill in self.billed), ZERO)

    def profit(self, here: Decimal | None, there: Decimal) -> list[StatementDifference]:
        if here is not None and abs(here - there) < CENT:
            return []
        if here is None:
            lost = any(fill.cost_usd is None for fill in (*self.before, *self.today))
            why = "a cost is" if lost else "it was sold, and no session bought it"
            words = f"here unknown: {why}{' unknown' if lost else ''}; there {there:+.2f} USD"
            return [self._difference("realised P&L differs", words, follows=False)]
        pair = amounts(here, there, plus=True)
        explained = self._explained()
        follows = self.differs and explained is not None and abs(explained - there) < CENT
        return [self._difference("realised P&L differs", f"here {pair[0]}, there {pair[1]} USD", follows=follows)]

    def position(self, book: DayBook) -> list[StatementDifference]:
        before = sum((fill.shares for fill in self.before), ZERO)
        here = before + sum((fill.shares for fill in self.today), ZERO)
        if here == self.shares_there:
            return []
        follows = self.differs and before + sum((fill.shares for fill in self.billed), ZERO) == self.shares_there
        since = f" by fills since {exchange_day(book.since)}" if book.since else ""
        words = f"here {here:f} shares{since}, there {self.shares_there:f}"
        return [self._difference("position differs", words, follows=follows)]

    def _explained(self) -> Decimal | None:
        """Our arithmetic on the statement's own fills; None where it cannot be done."""
        times = {fill.match: fill.time for fill in self.today}  # ours: a statement's may be in another zone
        fills = [_traded(fill) for fill in self.before]
        for fill in self.billed:
            time = times.get(fill.match) or fill.time
            charged = fill.commission + fill.taxes
            fills.append(Traded(time, fill.shares, fill.price, charged) if time and fill.currency == "USD" else None)
        known = [fill for fill in fills if fill]
        return realised_on(self.statement.day, known) if len(known) == len(fills) else None

    def _difference(self, kind: str, words: str, *, follows: bool) -> StatementDifference:
        return StatementDifference(kind=kind, symbol=self.symbol, con_id=self.con_id, words=words, follows=follows)


def _contracts(book: DayBook, statement: AccountStatement, differing: set[int]) -> list[_Contract]:
    """Every contract of ours, by symbol."""
    ours: dict[int, list[BookFill]] = defaultdict(list)
    billed: dict[int, list[StatementFill]] = defaultdict(list)
    for fill in book.fills:
        if fill.ours:
            ours[fill.con_id].append(fill)
    matches = {fill.match: fill.con_id for fill in book.fills if fill.ours}
    for row in statement.fills:
        if not row.cancelled:
            billed[row.con_id].append(row)
        if row.owner == "ours" or row.match in matches:
            ours.setdefault(row.con_id, [])  # a fill of ours that no session wrote down
    found = []
    for con_id, fills in ours.items():
        today = tuple(fill for fill in fills if exchange_day(fill.time) == book.day)
        held = statement.positions.get(con_id)
        found.append(
            _Contract(
                con_id=con_id,
                symbol=fills[0].symbol if fills else billed[con_id][0].symbol if billed[con_id] else "",
                traded=bool(today or billed[con_id]),
                before=tuple(fill for fill in fills if exchange_day(fill.time) != book.day),
                today=today,
                billed=tuple(billed[con_id]),
                shares_there=held.shares if held else ZERO,
                differs=con_id in differing,
                statement=statement,
            )
        )
    return sorted(found, key=lambda contract: (contract.symbol, contract.con_id))


def _traded(fill: BookFill) -> Traded | None:
    return None if fill.cost_usd is None else Traded(fill.time, fill.shares, fill.price, fill.cost_usd)


def _late(correction: LateCorrection) -> StatementDifference:
    words = (
        f"IB changed a fill of {correction.traded_on}: {correction.shares:+f} shares, "
        f"commission {correction.commission:+f}, cash {correction.cash:+.2f} USD"
    )
    return StatementDifference(
        kind="earlier day corrected",
        symbol=correction.symbol,
        con_id=correction.con_id,
        words=words,
        exec_id=correction.match,
    )


def _left_out(statement: AccountStatement, compared: set[int]) -> list[str]:
    """What the statement has and nothing here speaks of."""
    notes = []
    strangers = statement.positions.keys() - compared
    if strangers:
        notes.append(f"not compared: {counted(len(strangers), 'position')} in symbols that no session traded")
    for kind, count in sorted(statement.elsewhere.items()):
        notes.append(f"not compared: {counted(count, 'trade')} of class {kind}, since the kit trades stocks")
    return notes
