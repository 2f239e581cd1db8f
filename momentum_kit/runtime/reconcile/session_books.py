"""Journals of sessions -> the book of one account: every match once, in its latest correction and with its cost."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from momentum_kit.models import CommissionReport, Contract, Execution, Fill, OrderAction
from momentum_kit.runtime.control import decode_status_text
from momentum_kit.runtime.engine import FINAL_STATUS
from momentum_kit.services.execution import is_ours
from momentum_kit.sessions import exchange_day
from momentum_kit.storage.journal import query, read, readable
from momentum_kit.trading import FillCosts
from momentum_kit.trading.account import split_exec_id, undoing
from momentum_kit.trading.statement import BookFill

LIVED = """SELECT min(at), max(at) FROM (SELECT at FROM headlines UNION ALL SELECT at FROM executions
           UNION ALL SELECT at FROM equity UNION ALL SELECT at FROM incidents)"""
OWNER = "SELECT value FROM meta WHERE key = 'owner'"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionBook:
    """What one session wrote down.

    owner: by what its engine knew the account: its name, or the gateway's address; empty where no engine ran, as in a
    replay. account: by its last word; empty where it left none.
    """

    name: str
    owner: str
    account: str
    first_day: date | None
    last_day: date | None
    executions: tuple[Execution, ...]
    commissions: tuple[CommissionReport, ...]

    def ran_on(self, day: date) -> bool:
        """Whether it lived on an exchange day."""
        return self.first_day is not None and self.last_day is not None and self.first_day <= day <= self.last_day


def read_session(run_dir: Path) -> SessionBook:
    """A session's book by its folder. Raises StorageError where the journal cannot be read, or holds other things."""
    journal = run_dir / "journal.db"
    with readable(journal):
        ((first, last),) = query(journal, LIVED)
        return SessionBook(
            name=run_dir.name,
            owner=str(owners[-1][0]) if (owners := query(journal, OWNER)) else "",
            account=_last_word(run_dir),
            first_day=_day(first),
            last_day=_day(last),
            executions=tuple(map(_execution, _rows(journal, "SELECT * FROM executions ORDER BY id"))),
            commissions=tuple(map(_report, _rows(journal, "SELECT * FROM commissions ORDER BY id"))),
        )


def name_accounts(sessions: Sequence[SessionBook], accounts: Collection[str]) -> list[SessionBook]:
    """Whose the sessions without a last word are: their owner's, if it is an account, else what its others said."""
    told: dict[str, set[str]] = defaultdict(set)
    for each in sessions:
        if each.account:
            told[each.owner].add(each.account)
    named = []
    for each in sessions:
        known = {each.owner} & set(accounts) or told[each.owner]
        sure = not each.account and each.owner and len(known) == 1
        named.append(replace(each, account=next(iter(known))) if sure else each)
    return named


def book_fills(sessions: Iterable[SessionBook], until: date, costs: FillCosts) -> tuple[BookFill, ...]:
    """Every match up to the end of a day, oldest first; what no report said of its cost is estimated by `costs`."""
    executions: dict[str, Execution] = {}
    reports: dict[str, dict[int, CommissionReport]] = defaultdict(dict)
    for session in sessions:
        for execution in session.executions:
            known = executions.get(execution.base_id)
            if exchange_day(execution.time) <= until and (known is None or known.correction <= execution.correction):
                executions[execution.base_id] = execution
        for told in session.commissions:
            match, correction = split_exec_id(told.exec_id)
            reports[match][correction] = told
    for sale in [each for each in executions.values() if undoing(each) in executions]:
        del executions[sale.base_id], executions[undoing(sale)]  # the broker undid it, and so did our book
    held: dict[int, Decimal] = defaultdict(Decimal)
    filled: dict[tuple[str, int], tuple[float, float]] = {}
    fills = []
    for execution in sorted(executions.values(), key=lambda each: (each.time, each.order_id, each.base_id)):
        con_id = execution.contract.con_id
        # the broker's own forced sale carries no reference of ours, yet it is our position that it sells
        ours = is_ours(execution.order_ref) or (execution.liquidation and held[con_id] != 0)
        held[con_id] += execution.shares * execution.side.sign if ours else 0
        upto = [correction for correction in reports[execution.base_id] if correction <= execution.correction]
        report = reports[execution.base_id][max(upto)] if upto else None
        order = execution.order_ref, execution.order_id
        before = filled.get(order, (0.0, 0.0))
        shares = float(execution.shares)
        filled[order] = before[0] + shares, before[1] + shares * execution.price
        fills.append(_fill(execution, report, costs, before, ours=ours))
    return tuple(fills)


def _fill(
    execution: Execution, report: CommissionReport | None, costs: FillCosts, before: tuple[float, float], *, ours: bool
) -> BookFill:
    cost = costs.of_fill(Fill(execution, report), *before)
    in_usd = None if cost.basis == "unknown" else _exact(cost.usd)
    told = report is not None and math.isfinite(report.commission_usd)
    return BookFill(
        match=execution.base_id,
        symbol=execution.contract.symbol,
        con_id=execution.contract.con_id,
        shares=execution.shares * execution.side.sign,
        price=Decimal(str(execution.price)),
        time=execution.time,
        cost=_exact(report.commission_usd) if report and told else in_usd,
        currency=report.currency if report and told else "USD",
        cost_usd=in_usd,
        basis=cost.basis,
        ours=ours,
    )


def _exact(amount: float) -> Decimal:
    """An amount as it was meant: what a sum of floats adds to it lies far behind the places that IB tells."""
    return Decimal(str(round(amount, 9)))


def _execution(row: Row) -> Execution:
    return Execution(
        exec_id=row["exec_id"],
        order_id=row["order_id"],
        perm_id=row["perm_id"] or 0,
        client_id=0,
        contract=Contract(row["symbol"], row["con_id"]),
        account="",
        side=OrderAction(row["side"]),
        shares=Decimal(row["shares"]),
        price=row["price"],
        time=datetime.fromisoformat(row["time"]),
        order_ref=row["order_ref"] or "",
        exchange=row["exchange"] or "",
        cumulative_shares=Decimal(0),
        average_price=math.nan,
        liquidation=bool(row["liquidation"]),
        received_at=datetime.fromisoformat(row["at"]),
    )


def _report(row: Row) -> CommissionReport:
    """As the broker told it; a journal of an older kit has USD alone."""
    amount = row["amount"] if "amount" in row else row["commission_usd"]
    return CommissionReport(
        exec_id=row["exec_id"],
        commission_usd=math.nan if amount is None else amount,
        currency=row.get("currency") or "USD",
        realized_pnl_usd=math.nan if row["realized_pnl_usd"] is None else row["realized_pnl_usd"],
    )


def _last_word(run_dir: Path) -> str:
    try:
        return decode_status_text((run_dir / FINAL_STATUS).read_text(encoding="utf-8")).account
    except (OSError, ValueError):
        return ""


def _rows(journal: Path, sql: str) -> list[Row]:
    columns, rows = read(journal, sql)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _day(at: str | None) -> date | None:
    return exchange_day(datetime.fromisoformat(at)) if at else None
