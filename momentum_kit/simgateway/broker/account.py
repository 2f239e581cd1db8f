"""The simulated account: cash, holdings with average cost, commissions and the values an account summary shows."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from momentum_kit.simgateway.events import Profit
from momentum_kit.simgateway.scenario import CommissionSpec


class AccountPosition(NamedTuple):
    """A position: signed shares; average_cost in USD a share includes commissions, as IB's does."""

    con_id: int
    quantity: Decimal
    average_cost: float


class AccountLine(NamedTuple):
    """One line of the account summary; currency is empty where the value is no amount."""

    tag: str
    value: str
    currency: str


class Account:
    """One account in USD.

    commission: what executions cost. leverage: gross position value that a dollar of equity may carry (4 is
    Regulation T by day).
    """

    def __init__(self, *, name: str, cash_usd: float, commission: CommissionSpec, leverage: float = 4.0) -> None:
        self.name = name
        self.cash_usd = cash_usd
        self.commission = commission
        self.leverage = leverage
        self.realized_usd = 0.0
        self.commissions_usd = 0.0
        self._holdings: dict[int, AccountPosition] = {}
        self._realized_by: dict[int, float] = {}

    def order_commission(self, shares: float, value_usd: float) -> float:
        """Commission (USD) of an order that has filled this much so far: IB's minimum and maximum go by order."""
        plan = self.commission
        return min(max(shares * plan.per_share_usd, plan.least_usd), value_usd * plan.most_share)

    def execution_fees(self, shares: float, value_usd: float, *, sale: bool) -> float:
        """Regulatory fees (USD) of one execution: CAT on both sides, SEC and TAF on sales only."""
        plan = self.commission
        both_sides = shares * plan.cat_per_share_usd
        if not sale:
            return both_sides
        taf = min(shares * plan.taf_per_share_usd, plan.taf_most_usd)
        return both_sides + value_usd * plan.sec_usd_per_million / 1e6 + taf

    def quantity(self, con_id: int) -> Decimal:
        """Signed shares held now."""
        return self.holding(con_id).quantity

    def holding(self, con_id: int) -> AccountPosition:
        """The position in a contract, flat or not."""
        return self._holdings.get(con_id) or AccountPosition(con_id, Decimal(0), 0.0)

    def opens(self, con_id: int, signed: Decimal) -> bool:
        """True if buying (or, negative, selling) this many shares opens or adds to a position."""
        return self.quantity(con_id) * signed >= 0

    def book(self, con_id: int, signed: Decimal, price: float, commission_usd: float) -> float | None:
        """Take an execution in; returns the realised P&L after commission, None where nothing was closed."""
        _, held, average = self.holding(con_id)
        self.cash_usd -= float(signed) * price + commission_usd
        self.commissions_usd += commission_usd
        closed = Decimal(0) if self.opens(con_id, signed) else min(abs(signed), abs(held))
        opened = abs(signed) - closed
        fee_a_share = commission_usd / float(abs(signed))
        realized = None
        if closed:
            # IB's realised P&L is net of the commissions of both sides: the opening one is in the average cost.
            side = 1 if held > 0 else -1
            realized = float(closed) * (side * (price - average) - fee_a_share)
            self._realize(con_id, realized)
            held -= side * closed
        if opened:
            side = 1 if signed > 0 else -1
            basis = float(abs(held)) * average + float(opened) * (price + side * fee_a_share)
            held += side * opened
            average = basis / float(abs(held))
        self._holdings[con_id] = AccountPosition(con_id, held, average if held else 0.0)
        return realized

    def open_holdings(self) -> list[AccountPosition]:
        """All positions that are not flat, by con_id."""
        return [holding for _, holding in sorted(self._holdings.items()) if holding.quantity]

    def gross_usd(self, marks: Mapping[int, float]) -> float:
        """Sum of the absolute values of all positions."""
        return sum(abs(float(h.quantity)) * marks.get(h.con_id, h.average_cost) for h in self.open_holdings())

    def equity_usd(self, marks: Mapping[int, float]) -> float:
        """Cash and positions at `marks` (USD, average cost where there is none)."""
        return self.cash_usd + sum(
            float(h.quantity) * marks.get(h.con_id, h.average_cost) for h in self.open_holdings()
        )

    def margin_usd(
        self, marks: Mapping[int, float], con_id: int = 0, signed: Decimal = Decimal(0), price: float = 0.0
    ) -> float:
        """Initial margin of all positions, after trading `signed` more shares of a contract at `price` (USD)."""
        held = abs(self.quantity(con_id))
        added = float(abs(self.quantity(con_id) + signed) - held) * price
        return max(self.gross_usd(marks) + added, 0.0) / self.leverage

    def reprice(self, con_id: int, signed: Decimal, old: float, new: float) -> None:
        """An execution of `signed` shares was at `new` USD instead of `old`."""
        difference = float(signed) * (new - old)
        self.cash_usd -= difference
        _, held, average = self.holding(con_id)
        if held * signed > 0:
            self._holdings[con_id] = AccountPosition(con_id, held, average + difference / float(held))
        else:
            self._realize(con_id, -difference)

    def refusal(self, con_id: int, signed: Decimal, price: float, marks: Mapping[int, float]) -> str | None:
        """IB's words if equity cannot carry the position after this order; None if it can, or if it only closes."""
        # What only reduces a position is always taken, also without equity: nobody may be locked into a loss.
        after = abs(self.quantity(con_id) + signed)
        added = float(after - abs(self.quantity(con_id))) * price
        if added <= 0:
            return None
        equity = self.equity_usd(marks)
        margin = self.margin_usd(marks, con_id, signed, price)
        if margin <= equity:
            return None
        return (
            "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE "
            f"[{equity:.2f} USD] MUST EXCEED THE INITIAL MARGIN [{margin:.2f} USD]"
        )

    def values(self, marks: Mapping[int, float]) -> list[AccountLine]:
        """Every line of the account summary; amounts in USD with two decimals."""
        equity, gross = self.equity_usd(marks), self.gross_usd(marks)
        margin = gross / self.leverage
        free = equity - margin
        amounts = {
            "NetLiquidation": equity,
            "EquityWithLoanValue": equity,
            "TotalCashValue": self.cash_usd,
            "SettledCash": self.cash_usd,
            "AccruedCash": 0.0,
            # Maintenance is lower than initial margin at IB; one number for both errs to the strict side.
            "BuyingPower": max(0.0, free) * self.leverage,
            "AvailableFunds": free,
            "ExcessLiquidity": free,
            "GrossPositionValue": gross,
            "InitMarginReq": margin,
            "MaintMarginReq": margin,
            "FullInitMarginReq": margin,
            "FullMaintMarginReq": margin,
            "RealizedPnL": self.realized_usd,
            "UnrealizedPnL": self._unrealized_usd(marks),
        }
        ratios = {"Cushion": free / equity if equity else 0.0, "Leverage": gross / equity if equity else 0.0}
        lines = [AccountLine("AccountType", "INDIVIDUAL", "")]
        lines += [AccountLine(tag, f"{ratio:.4f}", "") for tag, ratio in ratios.items()]
        return lines + [AccountLine(tag, f"{amount:.2f}", "USD") for tag, amount in amounts.items()]

    def profit(self, marks: Mapping[int, float], con_id: int | None = None) -> Profit:
        """Profit and loss at `marks` (USD), of one contract or of all."""
        realized = self.realized_usd if con_id is None else self._realized_by.get(con_id, 0.0)
        unrealized = self._unrealized_usd(marks, con_id)
        return Profit(round(realized + unrealized, 2), round(unrealized, 2), round(realized, 2))

    def _realize(self, con_id: int, amount_usd: float) -> None:
        self.realized_usd += amount_usd
        self._realized_by[con_id] = self._realized_by.get(con_id, 0.0) + amount_usd

    def _unrealized_usd(self, marks: Mapping[int, float], con_id: int | None = None) -> float:
        counted = [h for h in self.open_holdings() if con_id in (None, h.con_id)]
        return sum(float(h.quantity) * (marks.get(h.con_id, h.average_cost) - h.average_cost) for h in counted)
