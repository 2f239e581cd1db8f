"""BookEntries: executions that the broker never said, where its words and our book differ; for the execution service.

Only executions say what is ours. Where they do not explain what is held, or explain what is not there, the missing one
is written into the book. A human decides two of them: `adopt` takes shares that are nobody's as bought by us, from when
on they are protected and sold as ours; `ignore` gives shares of ours away, from when on no order of ours stands for
them. The third follows from the evidence: `take_back` undoes a sale that the broker has undone. All are executions like
others, marked by their id and exchange, written down, and undone by nothing but another such entry.
"""

import uuid
from dataclasses import replace
from decimal import Decimal
from functools import partial

from momentum_kit.config import ExitSettings
from momentum_kit.errors import GuardRefused
from momentum_kit.models import CommissionReport, Execution, Intent, IntentKind, IntentState, OrderAction, Position
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import PriceRules
from momentum_kit.services.execution.order_desk import OrderDesk
from momentum_kit.services.execution.reconciliation import new_intent_id
from momentum_kit.services.execution.witnesses import Witnesses
from momentum_kit.trading import round_price
from momentum_kit.trading.account import Ledger, undoing
from momentum_kit.trading.orders import Bracket

BY_HAND = "HAND"  # the exchange of an entry that a human made
UNDONE = "UNDONE"  # of one that undoes a sale


class BookEntries:
    """Makes such executions; nothing is sent here, the guardian does what follows from them."""

    def __init__(
        self,
        context: SessionContext,
        *,
        exits: ExitSettings,
        ledger: Ledger,
        desk: OrderDesk,
        witnesses: Witnesses,
        rules: PriceRules,
    ) -> None:
        self._context = context
        self._exits = exits
        self._ledger = ledger
        self._desk = desk
        self._witnesses = witnesses
        self._rules = rules

    def adopt(self, symbol: str) -> tuple[Execution, CommissionReport]:
        """Take the shares of a symbol that are not ours as ours, at their average cost. GuardRefused if there are none.

        Where no bracket of ours leads the symbol, a new intent does, its stop the least distance below the cost.
        """
        position = self._witnesses.position(symbol)
        foreign = self._witnesses.evidence(position.contract.con_id).foreign if position else Decimal(0)
        if position is None or foreign <= 0:
            raise GuardRefused(f"{symbol}: nothing is held there that is not ours already{self._numbers(position)}")
        con_id = position.contract.con_id
        bracket = self._desk.brackets.get(con_id)
        if bracket is None or bracket.closed:
            intent = self._intent(position, foreign)
            self._context.written(self._context.intents.record(intent), f"{symbol}: its adoption goes on unrecorded")
            bracket = self._desk.brackets[con_id] = Bracket(intent=intent, sent_at=self._context.clock.elapsed())
        self._witnesses.not_foreign(con_id)
        return self._entry(bracket.intent, OrderAction.BUY, foreign, position.average_cost)

    def ignore(self, symbol: str) -> tuple[Execution, CommissionReport]:
        """Give what our book has of a symbol away, at its own cost. GuardRefused if it has none."""
        held = {bracket.intent.contract.symbol: bracket for bracket in self._desk.in_order()}
        bracket = held.get(symbol)
        shares = self._ledger.traded(bracket.intent.contract.con_id) if bracket else Decimal(0)
        if bracket is None or shares <= 0:
            raise GuardRefused(f"{symbol}: our book has no shares of it")
        prices = {holding.contract.symbol: holding.average_price for holding in self._ledger.holdings()}
        bracket.exit_reason = "ignored by hand"
        price = prices.get(symbol, bracket.intent.limit_price or 0.0)
        return self._entry(bracket.intent, OrderAction.SELL, shares, price)

    def take_back(self, con_id: int, shares: Decimal) -> list[tuple[Execution, CommissionReport]]:
        """Undo the sale of so many shares in our book, each part at its own price: one that Ledger.undoable has.

        Where no bracket of ours leads the symbol any more a new intent does, with its entry's stop; nothing is undone
        where none was written. StorageError where that entry cannot be read.
        """
        foreign = self._witnesses.evidence(con_id).foreign
        sales = self._ledger.undoable(con_id, foreign).get(shares, ())
        bracket = self._desk.brackets.get(con_id)
        if not sales:
            return []
        if bracket is None or bracket.closed:
            known = [bracket.intent] if bracket else list(self._context.intents.find([e.order_ref for e in sales]))
            if not known:
                return []  # it was never written: the shares stay named as not ours
            intent = self._again(known[0], shares, sales[-1].price)
            what = f"{intent.contract.symbol}: what is back goes on unrecorded"
            self._context.written(self._context.intents.record(intent), what)
            bracket = self._desk.brackets[con_id] = Bracket(intent=intent, sent_at=self._context.clock.elapsed())
        entry = partial(self._entry, bracket.intent, OrderAction.BUY)
        return [entry(sale.shares, sale.price, exec_id=f"{undoing(sale)}.01", exchange=UNDONE) for sale in sales]

    def _again(self, entry: Intent, shares: Decimal, price: float) -> Intent:
        """The intent of shares that are back: as their entry's, whose stop price it keeps."""
        stop = entry.stop_price or price * (1 - self._exits.stop_min_pct / 100)
        return replace(
            entry,
            intent_id=new_intent_id(self._context.owner),
            entry_id=entry.first_entry_id,
            kind=IntentKind.ENTRY,
            action=OrderAction.BUY,
            quantity=shares,
            limit_price=price,
            target_price=None,
            stop_price=round_price(stop, self._rules.known(entry.contract), "down"),
            risk_usd=max(float(shares) * (price - stop), 0.0),
            created_at=self._context.clock.now(),
            state=IntentState.WORKING,
            reason="a sale undone",
            entry_order_id=0,
            target_order_id=0,
            stop_order_id=0,
            timed_order_id=0,
        )

    def _intent(self, position: Position, shares: Decimal) -> Intent:
        contract = replace(position.contract, exchange=position.contract.exchange or "SMART")
        cost = position.average_cost
        stop = round_price(cost * (1 - self._exits.stop_min_pct / 100), self._rules.known(contract), "down")
        return Intent(
            intent_id=new_intent_id(self._context.owner),
            kind=IntentKind.ENTRY,
            item_id="",
            contract=contract,
            account=position.account,
            action=OrderAction.BUY,
            quantity=shares,
            limit_price=cost,
            target_price=None,
            stop_price=stop,
            risk_usd=float(shares) * (cost - stop),
            created_at=self._context.clock.now(),
            state=IntentState.WORKING,
            reason="adopted by hand",
        )

    def _entry(
        self,
        intent: Intent,
        side: OrderAction,
        shares: Decimal,
        price: float,
        *,
        exec_id: str = "",
        exchange: str = BY_HAND,
    ) -> tuple[Execution, CommissionReport]:
        now = self._context.clock.now()
        execution = Execution(
            exec_id=exec_id or f"hand-{uuid.uuid4().hex}.01",
            order_id=0,
            perm_id=0,
            client_id=0,
            contract=intent.contract,
            account=intent.account,
            side=side,
            shares=shares,
            price=price,
            time=now,
            order_ref=intent.intent_id,
            exchange=exchange,
            cumulative_shares=shares,
            average_price=price,
            liquidation=False,
            received_at=now,
        )
        free = CommissionReport(
            exec_id=execution.exec_id, commission_usd=0.0, currency="USD", realized_pnl_usd=float("nan")
        )
        return execution, free

    def _numbers(self, position: Position | None) -> str:
        return f": {self._witnesses.evidence(position.contract.con_id).numbers()}" if position is not None else ""
