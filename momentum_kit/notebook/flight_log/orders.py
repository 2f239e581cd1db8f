"""Every order of a session in one row: why it was sent, how it was changed and why, what became of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from momentum_kit.notebook import tables
from momentum_kit.notebook.timeline import text_by_item
from momentum_kit.pages import Html, chip, clock, number, tag

LOOKS = {"Filled": "good", "Inactive": "bad"}
LEGS = {"target": "takes the profit", "stop": "limits the loss", "timed": "ends the holding time"}

Row = tuple[object, ...]


def order_rows(journal: Path) -> list[Row]:
    """For the flight log's table, in the order of sending."""
    orders = tables.orders(journal)
    orders["told_reason"] = _exit_reasons(orders, tables.table(journal, "exits"))
    texts = text_by_item(journal)
    updates = tables.table(journal, "order_updates").drop_duplicates("order_id", keep="last").set_index("order_id")
    fills = tables.fills(journal)
    slipped = _by_shares(fills)
    rows: list[Row] = []
    for order_id, changes in orders.groupby("order_id", sort=False):
        first = changes.iloc[0]
        update = updates.loc[order_id].to_dict() if order_id in updates.index else {}
        rows.append((
            clock(first["at"].isoformat()), tag("b", first["symbol"]), first["leg"], _order(first),
            tag("div", _why(first, texts), "mk-wrap"), tag("div", _fate(changes, update), "mk-wrap"),
            number(slipped.get(order_id), 1, plus=True) if order_id in slipped.index else "",
        ))  # fmt: skip
    return rows


def decision_rows(journal: Path) -> list[Row]:
    """Each story's last decision, in the order they were taken."""
    decided = tables.decisions(journal)
    last = decided[decided["final"].fillna(False) | (decided["verdict"] == "signal")]
    texts = text_by_item(journal)
    return [
        (clock(row["decided_at"].isoformat() if pd.notna(row["decided_at"]) else ""), tag("b", row["symbol"]),
         chip("signal", "good") if row["verdict"] == "signal" else chip("no signal", "off"),
         tag("div", ": ".join(filter(None, (_text(row["reason"]), _text(row["detail"])))), "mk-wrap"),
         tag("div", texts.get(row["item_id"], ""), "mk-wrap"))
        for row in last.to_dict("records")
    ]  # fmt: skip


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _order(row: Any) -> str:
    return f"{row['action']} {row['quantity']:g} {row['order_type']}{_price(row)}"


def _price(row: Any) -> str:
    price = row["stop_price"] if pd.notna(row["stop_price"]) else row["limit_price"]
    market = row["order_type"] == "MKT"
    return "" if market or pd.isna(price) else f" {price:.2f}"


def _why(row: Any, texts: Mapping[str, str]) -> str:
    if row["leg"] == "entry":
        return texts.get(row["item_id"], "") or "a signal without its headline"
    if row["leg"] == "exit":
        return row["told_reason"] or "an exit"
    sent = f"; the bracket was out in {row['decide_to_sent_ms']:.1f} ms" if pd.notna(row["decide_to_sent_ms"]) else ""
    return f"{LEGS.get(row['leg'], row['leg'])} of its entry{sent}"


def _fate(changes: pd.DataFrame, update: Mapping[Any, Any]) -> Html:
    """Its changes one after another, and where it ended."""
    told = []
    for _, row in changes.iloc[1:].iterrows():
        why = f" ({row['told_reason']})" if row["told_reason"] else ""
        what = "cancelled" if row["change"] == "cancel" else f"now {row['quantity']:g} {row['order_type']}{_price(row)}"
        told.append(f"{clock(row['at'].isoformat())} {what}{why}")
    status = str(update.get("status") or "no answer")
    if update.get("filled"):
        told.append(f"{update['filled']:g} at {update['avg_fill_price']:.4f}".rstrip("0").rstrip("."))
    return Html(f"{chip(status, LOOKS.get(status, 'off'))} {tag('span', '; '.join(told))}")


def _exit_reasons(orders: pd.DataFrame, exits: pd.DataFrame) -> "pd.Series[Any]":
    """For each row that sells early, the position manager's last reason for that contract at or before it."""
    early = (orders["leg"] == "exit") & (orders["change"] != "cancel")
    reasons = []
    for is_early, con_id, at in zip(early, orders["con_id"], orders["at"], strict=True):
        asked = exits[(exits["con_id"] == con_id) & (exits["at"] <= at)] if is_early else exits.iloc[:0]
        reasons.append(asked["reason"].iloc[-1] if len(asked) else "")
    return pd.Series(reasons, index=orders.index, dtype=str)


def _by_shares(fills: pd.DataFrame) -> "pd.Series[Any]":
    """Mean slippage of each order, by shares."""
    known = fills[fills["slippage_bps"].notna()]
    paid = (known["slippage_bps"] * known["shares"]).groupby(known["order_id"]).sum()
    return paid / known["shares"].groupby(known["order_id"]).sum()
