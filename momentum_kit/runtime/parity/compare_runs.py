"""Compares what two runs over the same day decided, traded and paid; each difference is told in words.

    left     the run in question (live, demo, or a replay)
    right    its replay, or the same day over other data

Rows are matched by story, symbol and decision time: ids of orders and executions differ from run to run.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from momentum_kit.json_text import parse_json
from momentum_kit.storage.journal import latest, query

DECISIONS = """
    SELECT story_id, symbol, CASE final WHEN 1 THEN '' ELSE decided_at END, final, verdict, reason, detail, features,
        rules
    FROM decisions ORDER BY id
"""
HEADLINES = "SELECT story_id, outcome, reason FROM headlines ORDER BY id"
RISK = "SELECT story_id, symbol, at, verdict, reason, quantity FROM risk ORDER BY id"
FILLS = "SELECT exec_id, order_id, symbol, side, shares, price, time, con_id FROM executions ORDER BY id"
ENTRIES = "SELECT order_id, item_id FROM orders WHERE leg = 'entry' AND change = 'place'"
STORIES = "SELECT item_id, story_id, symbol FROM items"
ASKS = """
    SELECT d.item_id, m.ask FROM decisions d
    JOIN marks m ON m.con_id = d.con_id AND m.at = d.decided_at WHERE d.verdict = 'signal'
"""
EXACT = 1e-9  # features nearer than this, relative to their size, are the same number

Key = tuple[str, ...]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not the same; left and right in short, why in words."""

    what: str  # decision, risk or fill
    story_id: str
    symbol: str
    at: str
    left: str
    right: str
    why: str


@dataclass(slots=True)
class Parity:
    """What was compared and what differs. decisions: rows on either side; differing: those not equal on both.

    features: by name, the largest difference, absolute and relative to the larger value, over rows on both sides.
    traded, fills: entries judged by the risk gate, and entries that filled; slippage_bps: mean over entries, fill over
    the ask at the decision.
    """

    decisions: int = 0
    differing: int = 0
    features: dict[str, dict[str, float]] = field(default_factory=dict)
    traded: int = 0
    traded_differing: int = 0
    fills: int = 0
    fills_differing: int = 0
    slippage_bps: dict[str, float | None] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """JSON-ready; nan is None."""
        return {**asdict(self), "differences": [asdict(each) for each in self.differences]}

    def __str__(self) -> str:
        worst = max(self.features.items(), key=lambda each: each[1]["relative"], default=None)
        lines = [
            f"{self.decisions} decisions, {self.differing} differ; "
            f"{self.traded} risk verdicts, {self.traded_differing} differ; "
            f"{self.fills} filled entries, {self.fills_differing} differ"
        ]
        if worst and worst[1]["relative"] > 0:
            lines.append(f"largest difference of a feature: {worst[0]}, {worst[1]['relative']:.2g} of its size")
        lines += [f"{d.at or 'the last word'} {d.symbol} {d.story_id}: {d.what}: {d.why}" for d in self.differences]
        return "\n".join(lines)


def compare_runs(left: Path, right: Path) -> Parity:
    """Compare two run folders by their journals. Raises StorageError where there is none."""
    found = Parity()
    _compare_decisions(left / "journal.db", right / "journal.db", found)
    _compare_risk(left / "journal.db", right / "journal.db", found)
    _compare_fills(left / "journal.db", right / "journal.db", found)
    return found


# -- decisions ---------------------------------------------------------------------------------------------------------


def _compare_decisions(left: Path, right: Path, found: Parity) -> None:
    ours, theirs = (_by_key(query(path, DECISIONS), 4, ("verdict", "reason", "detail", "features", "rules"))
                    for path in (left, right))  # fmt: skip
    heard = [{row[0]: row[1:] for row in query(path, HEADLINES)} for path in (left, right)]
    keys = sorted(ours.keys() | theirs.keys())
    found.decisions = len(keys)
    for key in keys:
        one, other = ours.get(key), theirs.get(key)
        if one and other:
            if key[3] == "0":  # a last word repeats the features of whichever decision came closest
                _measure(one, other, found.features)
            if (one["verdict"], one["reason"]) == (other["verdict"], other["reason"]):
                continue
        why = _why_decisions_differ(one, other, heard[0].get(key[0]), heard[1].get(key[0]))
        found.differing += 1
        found.differences.append(
            Difference(
                what="decision",
                story_id=key[0],
                symbol=key[1],
                at=key[2],
                left=_said(one),
                right=_said(other),
                why=why,
            )
        )


def _why_decisions_differ(
    one: Row | None, other: Row | None, heard: Sequence[str] | None, heard_there: Sequence[str] | None
) -> str:
    """In words; one, other: the decision on either side, heard: what became of the headline (outcome, reason)."""
    if one is None or other is None:
        side, there = ("right", heard) if one is None else ("left", heard_there)
        if there is None:
            return f"only on the {side}: the other side never heard the headline"
        if there[0] == "skip":
            return f"only on the {side}: the other side skipped the headline ({there[1]})"
        present = one or other
        assert present is not None
        return f"only on the {side} ({_said(present)}): the other side had decided already, or had no bars or line then"
    for mine, its in zip(_rules(one), _rules(other), strict=False):
        if mine["passed"] != its["passed"]:
            return f"{mine['rule']}: {_against(mine)} on the left, {_against(its)} on the right{_moved(one, other)}"
    halted = "halted" in (one["reason"], other["reason"])
    words = f"{_said(one)} on the left, {_said(other)} on the right{_moved(one, other)}"
    return f"{words}; an archive keeps no halts" if halted else words


def _moved(one: Row, other: Row) -> str:
    """The features that moved most, most first."""
    mine, its = _features(one), _features(other)
    sizes = {name: _relative(mine[name], its[name]) for name in mine.keys() & its.keys() if _numbers(mine, its, name)}
    far = sorted((name for name in sizes if sizes[name] > EXACT), key=lambda name: (-sizes[name], name))[:3]
    told = ", ".join(f"{name} {mine[name]:.6g} against {its[name]:.6g}" for name in far)
    missing = sorted(name for name in mine.keys() & its.keys() if (mine[name] is None) != (its[name] is None))
    told = ", ".join(filter(None, (told, f"known on one side only: {', '.join(missing[:3])}" if missing else "")))
    return f" ({told})" if told else ""


def _measure(one: Row, other: Row, into: dict[str, dict[str, float]]) -> None:
    mine, its = _features(one), _features(other)
    for name in mine.keys() & its.keys():
        if _numbers(mine, its, name):
            known = into.setdefault(name, {"absolute": 0.0, "relative": 0.0})
            known["absolute"] = max(known["absolute"], abs(mine[name] - its[name]))
            known["relative"] = max(known["relative"], _relative(mine[name], its[name]))


def _relative(one: float, other: float) -> float:
    return abs(one - other) / max(abs(one), abs(other)) if one != other else 0.0


def _numbers(one: Row, other: Row, name: str) -> bool:
    return all(isinstance(side[name], int | float) for side in (one, other))


def _features(row: Row) -> Row:
    return parse_json(row["features"]) if row["features"] else {}


def _rules(row: Row) -> list[Row]:
    return parse_json(row["rules"]) if row["rules"] else []


def _against(verdict: Row) -> str:
    value = "not known" if verdict["value"] is None else f"{verdict['value']:.6g}"
    limit = "not known" if verdict["threshold"] is None else f"{verdict['threshold']:.6g}"
    return f"{value} {'passes' if verdict['passed'] else 'fails'} {limit}"


def _said(row: Row | None) -> str:
    return "nothing" if row is None else str(row["verdict"] if row["verdict"] != "skip" else row["reason"])


# -- risk and fills ----------------------------------------------------------------------------------------------------


def _compare_risk(left: Path, right: Path, found: Parity) -> None:
    ours, theirs = (_by_key(query(path, RISK), 3, ("verdict", "reason", "quantity")) for path in (left, right))
    keys = sorted(ours.keys() | theirs.keys())
    found.traded = len(keys)
    for key in keys:
        one, other = ours.get(key), theirs.get(key)
        if one != other:
            found.traded_differing += 1
            told = [f"{_gate(one)}", f"{_gate(other)}"]
            why = (
                "the other side did not signal then" if None in (one, other) else "what was held or lost before differs"
            )
            found.differences.append(
                Difference(
                    what="risk",
                    story_id=key[0],
                    symbol=key[1],
                    at=key[2],
                    left=told[0],
                    right=told[1],
                    why=f"{told[0]} against {told[1]}: {why}",
                )
            )


def _gate(row: Row | None) -> str:
    if row is None:
        return "nothing"
    return f"accepted {row['quantity']}" if row["verdict"] == "accepted" else f"refused ({row['reason']})"


def _compare_fills(left: Path, right: Path, found: Parity) -> None:
    ours, theirs = _entries(left), _entries(right)
    keys = sorted(ours.keys() | theirs.keys())
    found.fills = len(keys)
    found.slippage_bps = {"left": _mean_slippage(ours.values()), "right": _mean_slippage(theirs.values())}
    for key in keys:
        one, other = ours.get(key), theirs.get(key)
        if one and other and one["shares"] == other["shares"] and _relative(one["price"], other["price"]) <= EXACT:
            continue
        found.fills_differing += 1
        told = [f"{row['shares']:g} at {row['price']:.4f}" if row else "nothing" for row in (one, other)]
        at = (one or other or {})["at"]
        found.differences.append(
            Difference(
                what="fill",
                story_id=key[0],
                symbol=key[1],
                at=at,
                left=told[0],
                right=told[1],
                why=_why_fills(one, other),
            )
        )


def _why_fills(one: Row | None, other: Row | None) -> str:
    if one is None or other is None:
        side = "right" if one is None else "left"
        return f"an entry filled on the {side} only: the other side sent none, or it did not fill in time"
    words = f"{one['shares']:g} at {one['price']:.4f} against {other['shares']:g} at {other['price']:.4f}"
    slips = [f"{row['slippage_bps']:+.1f} bps" for row in (one, other) if row["slippage_bps"] is not None]
    return f"{words}; slippage {' against '.join(slips)}" if slips else words


def _entries(path: Path) -> Mapping[Key, Row]:
    """What each entry bought in all: shares, mean price and time of the first fill, slippage over the asked price."""
    stories = {item: (story, symbol) for item, story, symbol in query(path, STORIES)}
    entries = dict(query(path, ENTRIES))
    asks = dict(query(path, ASKS))
    found: dict[Key, dict[str, Any]] = {}
    for _, order_id, symbol, _, shares, price, at, _ in latest(query(path, FILLS)):
        if order_id not in entries:
            continue
        item = entries[order_id]
        key = stories.get(item, ("", symbol))
        row = found.setdefault(key, {"shares": 0.0, "usd": 0.0, "at": at, "ask": asks.get(item)})
        row["shares"] += float(shares)
        row["usd"] += float(shares) * price
    for row in found.values():
        row["price"] = row["usd"] / row["shares"]
        row["slippage_bps"] = (row["price"] / row["ask"] - 1) * 1e4 if row["ask"] else None
    return found


def _mean_slippage(rows: Iterable[Row]) -> float | None:
    known = [row["slippage_bps"] for row in rows if row["slippage_bps"] is not None]
    return math.fsum(known) / len(known) if known else None


def _by_key(rows: Iterable[tuple[Any, ...]], width: int, names: Sequence[str]) -> dict[Key, Mapping[str, Any]]:
    return {tuple(map(str, row[:width])): dict(zip(names, row[width:], strict=True)) for row in rows}
