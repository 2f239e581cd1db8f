"""FillRecords: executions, commissions and round trips into ledger and journal, once each; for PositionManager."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from momentum_kit.models import CommissionReport, CommissionRow, Execution, ExecutionRow, Intent, RoundTripRow
from momentum_kit.services.context import SessionContext
from momentum_kit.sessions import exchange_day
from momentum_kit.trading.account import Ledger, RoundTrip

COSTS_WAIT = timedelta(seconds=10)  # for late commission reports; then the trip is written with what is estimated


@dataclass
class JournaledFills:
    """What this engine has journaled already; it outlives a connection, after which the broker repeats everything.

    trips: con_id and closed_at.
    """

    executions: set[str] = field(default_factory=set)
    commissions: set[str] = field(default_factory=set)
    trips: set[tuple[int, datetime]] = field(default_factory=set)


class FillRecords:
    """Each execution, report and round trip is journaled once, however often the broker repeats it."""

    def __init__(
        self,
        context: SessionContext,
        *,
        ledger: Ledger,
        intent: Callable[[str], Intent | None],
        exit_reason: Callable[[int], str],
        journaled: JournaledFills,
    ) -> None:
        self._context = context
        self._ledger = ledger
        self._intent = intent
        self._journaled = journaled
        self._exit_reason = exit_reason
        self._first_seen: dict[tuple[int, datetime], tuple[datetime, str]] = {}  # when, and why it had ended

    def take_execution(self, execution: Execution, *, ours: bool) -> None:
        """Into the ledger if it is ours, into the journal in any case."""
        new = ours and self._ledger.add_execution(execution)
        if not ours:
            self._ledger.note_other(execution)
        if execution.exec_id in self._journaled.executions:
            return
        self._journaled.executions.add(execution.exec_id)
        if new:
            self._context.counts["fills"] += 1
        self._context.journal.write(
            ExecutionRow(
                at=self._context.clock.now(),
                exec_id=execution.exec_id,
                order_id=execution.order_id,
                perm_id=execution.perm_id,
                order_ref=execution.order_ref,
                symbol=execution.contract.symbol,
                con_id=execution.contract.con_id,
                side=execution.side,
                shares=execution.shares,
                price=execution.price,
                time=execution.time,
                exchange=execution.exchange,
                liquidation=execution.liquidation,
            )
        )

    def take_commission(self, report: CommissionReport) -> None:
        """Into the ledger and the journal."""
        if self._ledger.add_commission(report) and report.exec_id not in self._journaled.commissions:
            self._journaled.commissions.add(report.exec_id)
            now = self._context.clock.now()
            cost = self._ledger.fill_costs.of_report(report, exchange_day(now))
            self._context.journal.write(
                CommissionRow(
                    at=now,
                    exec_id=report.exec_id,
                    commission_usd=cost.usd if cost else float("nan"),
                    realized_pnl_usd=report.realized_pnl_usd if report.currency == "USD" else float("nan"),
                    amount=report.commission_usd,
                    currency=report.currency,
                    basis=cost.basis if cost else "unknown",
                )
            )

    def pass_over_trips(self, open_intents: Collection[str]) -> None:
        """Take as written what ended before: all but the trips of intents whose end nobody had written down."""
        for trip in self._ledger.round_trips():
            if trip.order_ref not in open_intents:
                self._journaled.trips.add((trip.contract.con_id, trip.closed_at))

    def write_trips(self, now: datetime, *, final: bool = False) -> None:
        """Journal round trips whose costs are complete, overdue, or final."""
        for trip in self._ledger.round_trips():
            key = (trip.contract.con_id, trip.closed_at)
            if key in self._journaled.trips:
                continue
            first, reason = self._first_seen.setdefault(key, (now, self._reason(trip)))
            if not final and trip.pending and now - first < COSTS_WAIT:
                continue
            self._journaled.trips.add(key)
            self._first_seen.pop(key, None)
            self._write(trip, reason, now)

    def _write(self, trip: RoundTrip, reason: str, now: datetime) -> None:
        intent = self._intent(trip.order_ref)
        self._context.counts["round_trips"] += 1
        self._context.journal.write(
            RoundTripRow(
                at=now,
                item_id=intent.item_id if intent else "",
                symbol=trip.contract.symbol,
                con_id=trip.contract.con_id,
                opened_at=trip.opened_at,
                closed_at=trip.closed_at,
                quantity=trip.quantity,
                entry_price=trip.entry_price,
                exit_price=trip.exit_price,
                gross_usd=trip.gross_usd,
                costs_usd=trip.costs_usd,
                net_usd=trip.net_usd,
                reason=reason,
                r=trip.r(intent.risk_usd if intent else 0.0),
                costs_basis=trip.costs_basis,
                estimated_usd=trip.estimated_usd,
            )
        )

    def _reason(self, trip: RoundTrip) -> str:
        """What ended it: the broker, what was asked for, target or time exit, else the stop."""
        if trip.liquidation:
            return "liquidation"
        asked = self._exit_reason(trip.contract.con_id)
        if asked:
            return asked
        intent = self._intent(trip.order_ref)
        if intent is None:
            return "stop"
        legs = {intent.target_order_id: "target", intent.timed_order_id: "time exit at the broker"}
        return legs.get(trip.closing_order_id, "stop") if trip.closing_order_id else "stop"
