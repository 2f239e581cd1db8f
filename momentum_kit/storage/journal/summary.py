"""A journal in numbers (heard, decided, ordered, filled, earned) and in one hash; for reports and commands."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from momentum_kit.storage.journal.sqlite import query
from momentum_kit.trading.account import split_exec_id

# The last word on a headline or news item that led to no order. An item that signalled is decided by the risk gate.
SKIPS = """
    SELECT reason, count(*) FROM (
        SELECT reason FROM headlines WHERE outcome = 'skip'
        UNION ALL SELECT reason FROM decisions WHERE verdict = 'skip' AND final = 1
        UNION ALL SELECT 'risk: ' || reason FROM risk WHERE verdict = 'refused'
    ) GROUP BY reason ORDER BY count(*) DESC, reason
"""
UNDECIDED = """
    SELECT count(*) FROM items WHERE item_id NOT IN
        (SELECT item_id FROM decisions WHERE verdict = 'signal' OR final = 1)
"""
SIGNAL_STORIES = "SELECT DISTINCT story_id, symbol FROM decisions WHERE verdict = 'signal' ORDER BY story_id, symbol"
ENTRY_STORIES = """
    SELECT DISTINCT items.story_id, items.symbol FROM orders JOIN items USING (item_id)
    WHERE orders.leg = 'entry' AND orders.change = 'place' ORDER BY items.story_id, items.symbol
"""

# Market times only: nothing here may depend on the wall. Risk verdicts fall at their signal's decision time.
DECIDED = """
    SELECT 'decision', story_id, symbol, decided_at, verdict, reason FROM decisions
    UNION ALL SELECT 'headline', story_id, '', received_at, outcome, reason FROM headlines WHERE outcome = 'skip'
    UNION ALL SELECT 'risk', story_id, symbol, at, verdict, reason FROM risk
"""


def summarise(path: str | Path) -> dict[str, Any]:
    """Counts, skips by reason, profit after costs (USD) and latency (wall ms) of a journal; JSON-ready.

    skips: the last word on each headline or item, with 'risk: ' before the risk gate's. round_trips: how many.
    gross_pnl_usd: realised and open; it and costs_usd are of the last equity row. latency_ms: from the arrival of the
    deciding message to the last byte of the bracket; p50 and p99 are None without an entry. Raises StorageError.
    """
    gross_usd, costs_usd = _gross_usd(path), _costs_usd(path)
    return {
        "headlines": _count(path, "SELECT count(*) FROM headlines"),
        "items": _count(path, "SELECT count(*) FROM items"),
        "signals": _count(path, "SELECT count(*) FROM decisions WHERE verdict = 'signal'"),
        "skips": dict(query(path, SKIPS)),
        "undecided": _count(path, UNDECIDED),
        "entries": _count(path, "SELECT count(*) FROM orders WHERE leg = 'entry' AND change = 'place'"),
        "orders": _count(path, "SELECT count(*) FROM orders WHERE change = 'place'"),
        "fills": len(latest(query(path, "SELECT exec_id FROM executions"))),
        "round_trips": _count(path, "SELECT count(*) FROM round_trips"),
        "wins": _count(path, "SELECT count(*) FROM round_trips WHERE net_usd > 0"),
        "gross_pnl_usd": round(gross_usd, 2),
        "costs_usd": round(costs_usd, 2),
        "net_pnl_usd": round(gross_usd - costs_usd, 2),
        "latency_ms": _latency(path),
        "incidents": dict(query(path, "SELECT kind, count(*) FROM incidents GROUP BY kind ORDER BY kind")),
        "signal_stories": [list(row) for row in query(path, SIGNAL_STORIES)],
        "entry_stories": [list(row) for row in query(path, ENTRY_STORIES)],
    }


def decisions_digest(path: str | Path) -> str:
    """One hash over everything a session decided: equal for equal decisions, whatever the speed of the machine.

    SHA-256 (hex) over the sorted rows of what was decided: story, symbol, market time, verdict, reason.
    Headlines that were skipped and risk verdicts count as decisions. Raises StorageError.
    """
    rows = sorted("\x1f".join("" if value is None else str(value) for value in row) for row in query(path, DECIDED))
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def latest(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows whose first value is an exec_id, without those that a later correction of the same match replaces."""
    kept: dict[str, tuple[int, tuple[Any, ...]]] = {}
    for row in rows:
        base_id, correction = split_exec_id(row[0])
        if base_id not in kept or correction >= kept[base_id][0]:
            kept[base_id] = (correction, row)
    return [row for _, row in kept.values()]


def percentile(ascending: Sequence[float], share: float) -> float | None:
    """The least value that at least `share` of all values do not exceed; None without values."""
    return ascending[max(math.ceil(share * len(ascending)), 1) - 1] if ascending else None


def _gross_usd(path: str | Path) -> float:
    last = query(path, "SELECT realised_usd, unrealised_usd FROM equity ORDER BY id DESC LIMIT 1")
    if last:
        return math.fsum(value or 0.0 for value in last[0])
    return float(query(path, "SELECT total(gross_usd) FROM round_trips")[0][0])


def _costs_usd(path: str | Path) -> float:
    """As the ledger has them, estimates included; without an equity row what the broker told."""
    last = query(path, "SELECT costs_usd FROM equity ORDER BY id DESC LIMIT 1")
    if last:
        return float(last[0][0] or 0.0)
    commissions = latest(query(path, "SELECT exec_id, commission_usd FROM commissions"))
    return math.fsum(commission_usd or 0.0 for _, commission_usd in commissions)


def _latency(path: str | Path) -> dict[str, float | int | None]:
    sql = "SELECT decide_to_sent_ms FROM orders WHERE decide_to_sent_ms IS NOT NULL ORDER BY 1"
    ascending = [row[0] for row in query(path, sql)]
    p50, p99 = (percentile(ascending, share) for share in (0.5, 0.99))
    return {"p50": p50 and round(p50, 3), "p99": p99 and round(p99, 3), "n": len(ascending)}


def _count(path: str | Path, sql: str) -> int:
    return int(query(path, sql)[0][0])
