"""What a session told, as tables for the panel: headlines, signals, orders, log, newest first. Pure: rows to HTML."""

from collections.abc import Mapping
from typing import Any

from momentum_kit.notebook.panel.record import Record, Row, Verdict
from momentum_kit.pages import Html, chip, clock, join, number, table, tag

SHOWN = 40  # rows of a table
SHOWN_LINES = 60  # of the log
STATUSES = {"Filled": "good", "Cancelled": "off", "ApiCancelled": "off", "Inactive": "bad"}
LEVELS = {"warning": "warn", "error": "bad", "critical": "bad"}


def headlines_table(record: Record) -> Html:
    """Every headline with what became of it and why."""
    newest = sorted(record.headlines.values(), key=lambda row: str(row["at"]), reverse=True)[:SHOWN]
    rows = []
    for row in newest:
        verdict = _verdict(record, row)
        symbols = ", ".join(map(str, row.get("symbols") or ()))
        words = tag("div", row["text"] or "", "mk-wrap")
        why = tag("div", verdict.reason, "mk-wrap")
        rows.append((clock(row["at"]), tag("b", symbols), chip(verdict.words, verdict.kind), why, words))
    heads = ("at", "symbol", "verdict", "reason", "headline")
    return table(f"Headlines ({_count(record.headlines, newest)})", heads, rows, "no headline yet")


def _verdict(record: Record, row: Row) -> Verdict:
    """Of the items that a headline became, the one that came furthest."""
    if row["outcome"] == "skip":
        return Verdict(0, "off", "not judged", str(row["reason"]))
    found = [record.verdicts[item] for item in record.items.get(str(row["story_id"]), ()) if item in record.verdicts]
    return max(found, key=lambda verdict: verdict.rank, default=Verdict(0, "info", "waiting", "for its first bar"))


def signals_table(record: Record) -> Html:
    """Every signal with the numbers behind it, and what the risk gate said."""
    newest = sorted(record.signals.values(), key=lambda row: str(row["at"]), reverse=True)[:SHOWN]
    rows = []
    for row in newest:
        features: Mapping[str, Any] = row.get("features") or {}
        risk = record.risk.get(str(row["item_id"]), {})
        accepted = risk.get("verdict") == "accepted"
        said = f"{number(risk.get('quantity'), 0)} shares" if accepted else str(risk.get("reason", "asking"))
        kind = "good" if accepted else "warn" if risk else "info"
        move = number(100 * float(features.get("ret_news") or 0), 1, plus=True)
        rows.append((
            clock(row["at"]), tag("b", row["symbol"]), chip(said, kind), number(row["price"]), move,
            number(features.get("z_tod"), 1), number(features.get("rvol_bar"), 1),
            number(features.get("spread_bps"), 0),
        ))  # fmt: skip
    heads = ("at", "symbol", "risk gate", ">price", ">move %", ">z", ">rvol", ">bps")
    return table(f"Signals ({_count(record.signals, newest)})", heads, rows, "no signal yet")


def orders_table(record: Record) -> Html:
    """Every order as it stands."""
    newest = sorted(record.orders.values(), key=lambda row: (row["placed_at"], row["order_id"]), reverse=True)[:SHOWN]
    rows = []
    for row in newest:
        update = record.updates.get(row["order_id"], {})
        status = str(update.get("status", "sent"))
        price = row["stop_price"] if row["stop_price"] is not None else row["limit_price"]
        done = f"{number(update.get('filled', 0), 0)} of {number(row['quantity'], 0)}"
        rows.append((
            clock(row["placed_at"]), tag("b", row["symbol"]), row["leg"], chip(status, STATUSES.get(status, "info")),
            f"{row['action']} {row['order_type']}", number(price), done, number(update.get("avg_fill_price") or None),
        ))  # fmt: skip
    heads = ("at", "symbol", "leg", "status", "order", ">price", ">filled", ">paid")
    return table(f"Orders ({_count(record.orders, newest)})", heads, rows, "no order yet")


def log_tail(record: Record) -> Html:
    """The engine's last log lines, newest first."""
    newest = list(record.log)[: -SHOWN_LINES - 1 : -1]
    title = tag("div", "Log", "mk-caption")
    if not newest:
        return join((title, tag("div", "nothing logged since this panel opened", "mk-empty")))
    lines = [
        tag("div", join((_level(str(line["level"])), tag("span", f"{line['logger']}: ", "mk-faint"), line["text"])))
        for line in newest
    ]
    return join((title, tag("div", join(lines), "mk-lines")))


def _level(level: str) -> Html:
    return join((chip(level, LEVELS[level]), " ")) if level in LEVELS else Html("")


def _count(kept: Mapping[Any, Any], shown: list[Any]) -> str:
    return f"{len(shown)}" if len(shown) == len(kept) else f"newest {len(shown)} of {len(kept)}"
