"""A day's fills side by side: who has which, and what of shares, price, time, commission and fees differs.

Matches are joined by exec id without its correction number. Amounts are equal where they agree to the cent.
"""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from momentum_kit.sessions import exchange_day, in_words
from momentum_kit.trading.statement.differences import CENT, ZERO, StatementDifference, amounts, counted, deal
from momentum_kit.trading.statement.values import AccountStatement, BookFill, ChargedFee, DayBook, StatementFill

PRICE = Decimal("0.00005")  # a share: statements round to six places, the API sends what it computed
SAME_TIME = timedelta(seconds=1)  # both sides have whole seconds, each rounded in its own way
QUARTER = timedelta(minutes=15)  # zones differ by whole ones


class FillComparison:
    """What differs between the fills of a book and of a statement: differences and notes, once `run` is through.

    pairs: what of ours both sides have. unknown_here: what of ours only the statement has.
    """

    def __init__(self, book: DayBook, statement: AccountStatement) -> None:
        self._statement = statement
        self._book = book
        self._known = {fill.match: fill for fill in book.fills}
        self._fees: dict[str, list[ChargedFee]] = defaultdict(list)  # by trade id
        for fee in statement.fees:
            self._fees[fee.trade_id].append(fee)
        self.pairs: list[tuple[BookFill, StatementFill]] = []
        self.unknown_here: list[StatementFill] = []
        self.differences: list[StatementDifference] = []
        self.notes: list[str] = []

    def run(self) -> None:
        """Compare everything."""
        self._join()
        self._compare_times()
        for ours, theirs in self.pairs:
            self._compare(ours, theirs)
        self._sum_commissions()
        self._tell_loose_fees()

    def _tell(self, kind: str, fill: BookFill | StatementFill, words: str) -> None:
        self.differences.append(
            StatementDifference(kind=kind, symbol=fill.symbol, con_id=fill.con_id, words=words, exec_id=fill.match)
        )

    def _tell_of_all(self, kind: str, words: str) -> None:
        self.differences.append(StatementDifference(kind=kind, symbol="", con_id=0, words=words))

    def _join(self) -> None:
        """Which fills both sides have, and which only one."""
        told = {fill.match for fill in self._statement.fills if fill.match}
        for ours in sorted(self._book.fills, key=lambda fill: fill.time):
            if ours.ours and ours.match not in told and exchange_day(ours.time) == self._book.day:
                self._tell("missing there", ours, f"the statement has no {deal(ours)}")
        for theirs in self._statement.fills:
            known = self._known.get(theirs.match) if theirs.match else None
            if theirs.cancelled:
                if known and known.ours:
                    self._tell("cancelled there", theirs, f"IB took back our {deal(known)}")
            elif known and known.ours:
                self.pairs.append((known, theirs))
            elif not theirs.match:
                self._tell("not ours", theirs, f"{deal(theirs)}, booked by IB without an execution: {theirs.booked}")
            elif known or theirs.owner == "foreign":
                self._tell("not ours", theirs, f"{deal(theirs)}, by an order that is not ours")
            else:
                self.unknown_here.append(theirs)
                doubt = "" if theirs.owner == "ours" else "; whose order it was, the statement does not say"
                self._tell("missing here", theirs, f"no session wrote down this {deal(theirs)}{doubt}")

    def _compare_times(self) -> None:
        """A statement in another zone has every time wrong by as much: that is one difference."""
        shifts = {theirs.time - ours.time if theirs.time else None for ours, theirs in self.pairs}
        shift = next(iter(shifts)) if len(shifts) == 1 else None
        if shift and not shift % QUARTER:
            words = f"each of {len(self.pairs)} by {shift / timedelta(hours=1):+g} h; --zone says whose time it has"
            self._tell_of_all("other time", words)
            return
        for ours, theirs in self.pairs:
            if theirs.time is None:
                self._tell("other time", ours, "the statement has a date alone")
            elif abs(theirs.time - ours.time) > SAME_TIME:
                self._tell("other time", ours, f"here {in_words(ours.time)}, there {in_words(theirs.time)}")

    def _compare(self, ours: BookFill, theirs: StatementFill) -> None:
        corrected = "; IB corrected it" if theirs.corrected else ""
        if ours.con_id != theirs.con_id:
            words = f"here {ours.symbol} ({ours.con_id}), there {theirs.symbol} ({theirs.con_id})"
            self._tell("other contract", ours, words)
        if ours.shares != theirs.shares:
            self._tell("other shares", ours, f"here {deal(ours)}, there {deal(theirs)}{corrected}")
        apart = abs(ours.price - theirs.price)
        if apart >= PRICE or apart * abs(theirs.shares) >= CENT:
            self._tell("other price", ours, f"here {ours.price:f}, there {theirs.price:f}{corrected}")
        self._compare_commission(ours, theirs, corrected)

    def _compare_commission(self, ours: BookFill, theirs: StatementFill, corrected: str) -> None:
        here, fees = comparable_cost(ours, theirs), self._billed_apart(theirs)
        if here is not None and fees and abs(here - theirs.commission - fees) < CENT <= abs(here - theirs.commission):
            self.notes.append(f"{ours.symbol}: {fees:f} {theirs.currency} stand apart there, and are in our costs")
            return
        if here is None or abs(here - theirs.commission) >= CENT:
            if here is not None:
                told, billed = amounts(here, theirs.commission)
                told += " (estimated)" if ours.basis == "estimated" else ""
            else:
                billed = f"{theirs.commission:.4f}"
                told = f"{ours.cost:f} {ours.currency}" if ours.cost is not None else "unknown"
            made_of = ", ".join(f"{name} {amount:f}" for name, amount in theirs.consists.items() if amount)
            made_of = f" ({made_of})" if made_of else ""
            self._tell("other commission", ours, f"here {told}, there {billed} {theirs.currency}{made_of}{corrected}")
        if fees:
            names = ", ".join(f"{fee.description} {fee.amount:f}" for fee in self._fees_of(theirs)) or f"taxes {fees:f}"
            self._tell("fee billed apart", theirs, f"{names} {theirs.currency}, not in our costs")

    def _billed_apart(self, theirs: StatementFill) -> Decimal:
        """What the statement charges for a fill besides its commission; its row and the list of fees say the same."""
        return theirs.taxes or sum((fee.amount for fee in self._fees_of(theirs)), ZERO)

    def _fees_of(self, theirs: StatementFill) -> list[ChargedFee]:
        return [fee for trade in sorted(theirs.trade_ids) for fee in self._fees.get(trade, ())]

    def _sum_commissions(self) -> None:
        """Below half a cent each, yet not all together."""
        apart = [here - t.commission for o, t in self.pairs if (here := comparable_cost(o, t)) is not None]
        small = sum((each for each in apart if abs(each) < CENT), ZERO)
        if abs(small) >= CENT:
            words = f"{small:+.4f} here over all fills, and less than half a cent in each"
            self._tell_of_all("other commission", words)
        estimated = sum(ours.basis == "estimated" for ours, _ in self.pairs)
        if estimated:
            self.notes.append(f"{estimated} of {len(self.pairs)} commissions were estimated here: no report came")

    def _tell_loose_fees(self) -> None:
        """What hangs on no fill of ours."""
        taken = {trade for _, theirs in self.pairs for trade in theirs.trade_ids}
        ours, others = {fill.con_id for fill in self._book.fills if fill.ours}, 0
        for fee in self._statement.fees:
            if not fee.amount or fee.trade_id in taken:
                continue
            if fee.con_id and fee.con_id not in ours:
                others += 1
                continue
            words = f"{fee.description} {fee.amount:f} {fee.currency}, for no fill of ours"
            self.differences.append(
                StatementDifference(kind="fee billed apart", symbol=fee.symbol, con_id=fee.con_id, words=words)
            )
        if others:
            self.notes.append(f"not compared: {counted(others, 'fee')} in symbols that no session traded")


def comparable_cost(ours: BookFill, theirs: StatementFill) -> Decimal | None:
    """Our cost in the currency of the statement; None where it is not known in that."""
    if ours.currency == theirs.currency:
        return ours.cost
    return ours.cost_usd if theirs.currency == "USD" else None
