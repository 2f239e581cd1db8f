"""A session's journal as pandas DataFrames: typed columns, aware UTC times; what kit.orders() and its like return.

One function a table, each reading journal.db read-only, also while the session runs. Raises StorageError.
"""

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from momentum_kit.json_text import parse_json
from momentum_kit.storage.journal import latest, query, read

TIMES = {"at", "published_at", "received_at", "decided_at", "time", "opened_at", "closed_at"}
NUMBERS_AS_TEXT = {"quantity", "filled", "remaining", "shares"}
STRUCTURES = {"features", "rules", "limits", "reading", "symbols"}
FLAGS = {"final", "liquidation"}
FILL_COLUMNS = [
    "time", "symbol", "side", "shares", "price", "leg", "reference", "reference_price", "slippage_bps",
    "commission_usd", "realized_pnl_usd", "exchange", "liquidation", "item_id", "order_id", "order_ref", "perm_id",
    "con_id", "exec_id",
]  # fmt: skip

Series: TypeAlias = "pd.Series[Any]"


def headlines(path: str | Path) -> pd.DataFrame:
    """Every headline received: outcome 'item' or 'skip' with its reason, its symbols, parse and resolve ms."""
    return table(path, "headlines")


def items(path: str | Path) -> pd.DataFrame:
    """Every news item, a story tied to a contract: catalyst, sentiment -1..1, confidence 0..1."""
    return table(path, "items")


def decisions(path: str | Path) -> pd.DataFrame:
    """Every decision: verdict, reason, price in USD, features as a dict, rules as a list of dicts, ms."""
    return table(path, "decisions")


def orders(path: str | Path) -> pd.DataFrame:
    """Every order placed, modified or cancelled: leg, quantity in shares, prices in USD, ms from decision to bytes."""
    return table(path, "orders")


def equity(path: str | Path) -> pd.DataFrame:
    """Realised and open profit before costs, costs, and net_usd, all USD, indexed by time."""
    frame = table(path, "equity")
    frame["net_usd"] = (
        frame["realised_usd"].fillna(0) + frame["unrealised_usd"].fillna(0) - frame["costs_usd"].fillna(0)
    )
    return frame.set_index("at")


def round_trips(path: str | Path) -> pd.DataFrame:
    """Every finished round trip: prices, gross, costs and net in USD, r in multiples of the initial risk."""
    return table(path, "round_trips")


def marks(path: str | Path) -> pd.DataFrame:
    """Price, bid and ask in USD of each watched symbol at each closed 5 s bar."""
    return table(path, "marks")


def fills(path: str | Path) -> pd.DataFrame:
    """Executions (corrections applied) with their order's leg, costs in USD, and slippage.

    slippage_bps: (price - reference_price) x side over reference_price, positive is worse than the reference.
    reference names it: the ask at the decision for an entry, the order's stop or limit, else the last mark.
    """
    frame = table(path, "executions")
    kept = [row[1] for row in latest(zip(frame["exec_id"], frame.index, strict=True))]
    frame = frame.loc[sorted(kept)].reset_index(drop=True)
    commissions = table(path, "commissions")
    kept = [row[1] for row in latest(zip(commissions["exec_id"], commissions.index, strict=True))]
    costs = commissions.loc[kept, ["exec_id", "commission_usd", "realized_pnl_usd"]]
    frame = frame.merge(costs, on="exec_id", how="left")
    # The order as it last was: an exit is often a resting stop that was modified.
    last = orders(path).query("change != 'cancel'").drop_duplicates("order_id", keep="last")
    columns = ["order_id", "item_id", "leg", "order_type", "limit_price", "stop_price"]
    frame = frame.merge(last[columns], on="order_id", how="left")
    signals = table(path, "decisions", "verdict = 'signal'")  # of a day's thousands
    return _with_slippage(frame, signals, marks(path))[FILL_COLUMNS]


def positions(path: str | Path) -> pd.DataFrame:
    """What the recorded executions leave open: signed shares, mean entry price, last mark and open profit, USD.

    Holdings from before the session are not in its journal.
    """
    rows = []
    last = marks(path).drop_duplicates("con_id", keep="last").set_index("con_id")["price"]
    for (con_id, symbol), group in fills(path).groupby(["con_id", "symbol"]):
        quantity, price = _open_position(group)
        if quantity:
            mark = float(last.get(con_id, np.nan))
            rows.append((symbol, con_id, quantity, price, mark, (mark - price) * quantity))
    names = ["symbol", "con_id", "quantity", "average_price", "last_price", "unrealised_usd"]
    types = {"symbol": "str", "con_id": "int64"} | dict.fromkeys(names[2:], "float64")
    return pd.DataFrame(rows, columns=names).astype(types)


def table(path: str | Path, name: str, where: str = "true") -> pd.DataFrame:
    """Any table of the journal, its columns typed; where: an SQL condition on its rows."""
    declared = {row[1]: row[2] for row in query(path, f'PRAGMA table_info("{name}")')}
    columns, rows = read(path, f'SELECT * FROM "{name}" WHERE {where} ORDER BY id')
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    return pd.DataFrame({column: _typed(frame[column], declared[column]) for column in columns})


def _typed(values: Series, declared: str) -> Series:
    name = values.name
    if name in TIMES:
        return pd.to_datetime(values, utc=True, format="ISO8601").astype("datetime64[us, UTC]")
    if name in STRUCTURES:
        return values.map(_structure)
    if name in FLAGS:
        return values.astype("boolean")
    if declared == "REAL" or name in NUMBERS_AS_TEXT:
        return values.astype("float64")
    return values.astype("Int64") if declared == "INTEGER" else values.astype("str")


def _structure(text: str | None) -> object:
    if text is None:
        return None
    try:
        return parse_json(text)
    except ValueError:
        return text


def _with_slippage(frame: pd.DataFrame, signals: pd.DataFrame, marked: pd.DataFrame) -> pd.DataFrame:
    signals = signals.drop_duplicates("item_id").reset_index(drop=True)
    asks = pd.Series(_last_marks(signals, "decided_at", marked, "ask").to_numpy(), index=signals["item_id"])
    market = frame["order_type"] == "MKT"
    named = {
        "ask": frame["item_id"].map(asks).where(frame["leg"] == "entry"),
        "stop": frame["stop_price"].where(~market),
        "limit": frame["limit_price"].where(~market),
        "mark": _last_marks(frame, "time", marked, "price"),
    }
    frame["reference"] = pd.Series(pd.NA, index=frame.index, dtype="str")
    frame["reference_price"] = np.nan
    for name, prices in named.items():
        missing = frame["reference_price"].isna() & prices.notna()
        frame.loc[missing, "reference"] = name
        frame.loc[missing, "reference_price"] = prices[missing]
    side = np.where(frame["side"] == "BUY", 1.0, -1.0)
    frame["slippage_bps"] = (frame["price"] - frame["reference_price"]) / frame["reference_price"] * side * 1e4
    return frame


def _last_marks(frame: pd.DataFrame, at: str, marked: pd.DataFrame, column: str) -> Series:
    """For each row, what its contract's last mark at or before the row's time says; nan without one."""
    left = frame[[at, "con_id"]].reset_index().sort_values(at)
    right = marked[["at", "con_id", column]].rename(columns={"at": "marked_at"}).sort_values("marked_at")
    joined = pd.merge_asof(left, right, left_on=at, right_on="marked_at", by="con_id")
    return joined.set_index("index")[column].reindex(frame.index)


def _open_position(group: pd.DataFrame) -> tuple[float, float]:
    """Signed shares and mean price after one contract's executions in time order."""
    quantity = price = 0.0
    for side, shares, paid in group.sort_values("time")[["side", "shares", "price"]].itertuples(index=False):
        signed = shares if side == "BUY" else -shares
        after = quantity + signed
        if quantity * signed >= 0:
            price = (price * quantity + paid * signed) / after
        elif quantity * after < 0:
            price = paid  # through zero: the rest was opened at this price
        quantity = after
    return quantity, price
