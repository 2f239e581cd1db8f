"""The tables of a session as a kit hands them out: what matters first, ids last, every column with its look."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import pandas as pd

from momentum_kit.notebook.html import reason_detail
from momentum_kit.pages import ColumnLook, ReadableFrame, Row, chip, number

FIRST = {
    "headlines": ("received_at", "symbols", "outcome", "reason", "catalyst", "text", "provider", "published_at"),
    "decisions": ("decided_at", "symbol", "verdict", "reason", "detail", "price", "features", "rules", "final"),
    "orders": ("at", "symbol", "leg", "action", "order_type", "quantity", "limit_price", "stop_price", "change"),
    "positions": ("symbol", "quantity", "average_price", "last_price", "stop_price", "unrealised_usd", "r"),
    "round_trips": ("opened_at", "closed_at", "symbol", "net_usd", "r", "reason", "quantity"),
    "equity": ("net_usd",),
}
IDS = (
    "item_id", "story_id", "article_id", "intent_id", "order_id", "order_ref", "perm_id", "exec_id", "con_id", "id",
    "wall_ns",
)  # fmt: skip

NAMED = 3  # rules that failed, or symbols, before the rest is only counted or hinted at
_SHOWN_FEATURES = (  # name, words, factor, decimals, unit, with its sign
    ("ret_news", "move", 100, 1, "%", True), ("z_tod", "z", 1, 1, "", False), ("rvol_bar", "rvol", 1, 1, "", False),
    ("spread_bps", "spread", 1, 0, " bps", False),
)  # fmt: skip


def _verdict(value: Any, _row: Row) -> object:
    return chip(value, "good") if value == "signal" else chip(value, "off")


def _outcome(value: Any, _row: Row) -> object:
    return chip(value, "info") if value == "item" else chip(value, "off")


def _symbols(value: Any, _row: Row) -> object:
    if not isinstance(value, list):
        return ""
    return ", ".join(map(str, value[:NAMED])) + (f" and {len(value) - NAMED} more" if len(value) > NAMED else "")


def _side(value: Any, _row: Row) -> object:
    return chip(value, "good") if value == "BUY" else chip(value, "info")


def _detail(value: Any, row: Row) -> object:
    return reason_detail(str(row.get("reason")), value, row.get("decided_at")) if isinstance(value, str) else ""


def _features(value: Any, _row: Row) -> object:
    if not isinstance(value, Mapping):
        return ""
    known = [each for each in _SHOWN_FEATURES if isinstance(value.get(each[0]), int | float)]
    return ", ".join(
        f"{words} {number(value[name] * factor, decimals, plus=plus)}{unit}"
        for name, words, factor, decimals, unit, plus in known
    )


def _rules(value: Any, _row: Row) -> object:
    if not isinstance(value, list):
        return ""
    failed = [str(each.get("rule")) for each in value if not each.get("passed")]
    named = ", ".join([*failed[:NAMED], *(["\u2026"] if len(failed) > NAMED else [])])
    return f"{len(value) - len(failed)} of {len(value)}{named and f', not {named}'}" if value else ""


def _four_digits(value: Any, _row: Row) -> object:
    return f"{value:.4g}" if math.isfinite(value) else number(None)


_PRICE = ColumnLook(unit="USD", exact_to=4)
_PROFIT = ColumnLook(decimals=2, signed=True)
_SHARES = ColumnLook(unit="shares", decimals=0)
_PRICES = (
    "price", "limit_price", "stop_price", "entry_price", "exit_price", "reference_price", "average_price",
    "last_price", "avg_fill_price", "bid", "ask", "open", "high", "low", "close", "wap",
)  # fmt: skip
_PROFITS = (
    "net_usd", "gross_usd", "realised_usd", "unrealised_usd", "realized_pnl_usd", "more_usd", "lived_usd",
)  # fmt: skip
_RISKS = ("r", "r_low", "r_high", "mean_r", "lived_r")


class SessionTable(ReadableFrame):
    """One table of a session: a DataFrame with typed columns and aware UTC times, shown in New York's."""

    LOOKS: ClassVar[Mapping[str, ColumnLook]] = {
        **dict.fromkeys(_PRICES, _PRICE),
        **dict.fromkeys(_PROFITS, _PROFIT),
        **dict.fromkeys(("quantity", "shares", "volume"), _SHARES),
        **dict.fromkeys(IDS, ColumnLook(plain=True, faint=True)),
        **dict.fromkeys(_RISKS, ColumnLook(unit="initial risk", decimals=2, signed=True)),
        "verdict": ColumnLook(show=_verdict),
        "outcome": ColumnLook(show=_outcome),
        "symbols": ColumnLook(show=_symbols),
        "side": ColumnLook(show=_side),
        "action": ColumnLook(show=_side),
        "detail": ColumnLook(show=_detail),
        "features": ColumnLook(show=_features),
        "rules": ColumnLook(unit="passed", show=_rules),
        **dict.fromkeys(
            ("reference_median", "median", "smallest"), ColumnLook(show=_four_digits)
        ),  # each row has its own unit
        "slippage_bps": ColumnLook(unit="worse is +", decimals=1),
    }

    @classmethod
    def of(cls, name: str, frame: pd.DataFrame, caption: str = "") -> "SessionTable":
        """A table by its name, its columns put in order."""
        first = [column for column in FIRST.get(name, ()) if column in frame.columns]
        last = [column for column in ("at", *IDS) if column in frame.columns and column not in first]
        between = [column for column in frame.columns if column not in (*first, *last)]
        table = cls(frame[[*first, *between, *last]])
        table.caption = caption or name.replace("_", " ").capitalize()
        return table
