"""Our decisions to order, durable before anything is sent, and what they filled; intents.db, on the engine's own loop.

Plain sqlite3 on the caller's thread: a commit costs 0.2 to 0.3 ms, a hop to another thread costs more.
"""

import dataclasses
import json
import sqlite3
import time
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from momentum_kit.errors import StorageError
from momentum_kit.models import Contract, Execution, Intent, IntentKind, IntentState, OrderAction
from momentum_kit.storage.journal.encoding import to_column
from momentum_kit.storage.journal.migrations import INTENTS, INTENTS_ID
from momentum_kit.storage.journal.sqlite import open_database, read_table

_ORDER_IDS = ("entry_order_id", "target_order_id", "stop_order_id")
_FIELDS = tuple(field.name for field in dataclasses.fields(Intent))  # the columns have the same names
_EXECUTION_FIELDS = tuple(field.name for field in dataclasses.fields(Execution) if field.name != "from_request")


class SqliteIntents:
    """ports.Intents on SQLite (WAL, synchronous FULL): a method that returned has reached the disk."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._connection = open_database(self.path, INTENTS, INTENTS_ID, "FULL")

    def record(self, intent: Intent) -> None:
        """Write a new intent; StorageError if it is known already or the disk refuses."""
        values = [to_column(getattr(intent, name)) for name in _FIELDS]
        marks = ", ".join("?" * (len(_FIELDS) + 1))
        self._run(f"INSERT INTO intents (wall_ns, {', '.join(_FIELDS)}) VALUES ({marks})", [time.time_ns(), *values])

    def mark(self, intent_id: str, state: IntentState, **order_ids: int) -> None:
        """Move an intent to a state, optionally with its order ids; StorageError if there is no such intent."""
        unknown = order_ids.keys() - set(_ORDER_IDS)
        if unknown:
            raise StorageError(f"intents: no order id called {', '.join(sorted(unknown))}")
        changes = ", ".join(f"{name} = ?" for name in ("state", *order_ids))
        done = self._run(
            f"UPDATE intents SET {changes} WHERE intent_id = ?", [state.value, *order_ids.values(), intent_id]
        )
        if done.rowcount != 1:
            raise StorageError(f"{self.path}: no intent {intent_id}")

    def find(self, intent_ids: Collection[str]) -> tuple[Intent, ...]:
        """The intents of these ids that were ever written, oldest first."""
        return self._select(f"intent_id IN ({_marks(intent_ids)})", list(intent_ids))

    def note_execution(self, execution: Execution) -> None:
        """Write an execution down once; StorageError if the disk refuses."""
        values = [to_column(getattr(execution, name)) for name in _EXECUTION_FIELDS]
        self._run(
            f"INSERT OR IGNORE INTO executions (wall_ns, {', '.join(_EXECUTION_FIELDS)}) "
            f"VALUES ({_marks((*_EXECUTION_FIELDS, 'wall_ns'))})",
            [time.time_ns(), *values],
        )

    def executions(self, order_refs: Collection[str]) -> tuple[Execution, ...]:
        """What was written down of these intents, in time order."""
        sql = f"SELECT {', '.join(_EXECUTION_FIELDS)} FROM executions WHERE order_ref IN ({_marks(order_refs)})"
        rows = self._run(f"{sql} ORDER BY time, order_id, exec_id", list(order_refs))
        return tuple(_execution(dict(zip(_EXECUTION_FIELDS, row, strict=True))) for row in rows)

    def unresolved(self) -> tuple[Intent, ...]:
        """Every intent that is neither CLOSED nor REFUSED, oldest first."""
        return self._select("state NOT IN (?, ?)", [IntentState.CLOSED.value, IntentState.REFUSED.value])

    def entries_since(self, at: datetime) -> tuple[Intent, ...]:
        """Every entry decided at or after a market time, however it ended, oldest first."""
        return self._select("kind = ? AND created_at >= ?", [IntentKind.ENTRY.value, to_column(at)])

    def close(self) -> None:
        """Close the file; every row is on disk already."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _select(self, condition: str, values: list[Any]) -> tuple[Intent, ...]:
        sql = f"SELECT {', '.join(_FIELDS)} FROM intents WHERE {condition} ORDER BY created_at, wall_ns"
        return tuple(_intent(dict(zip(_FIELDS, row, strict=True))) for row in self._run(sql, values))

    def _run(self, sql: str, values: list[Any]) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)  # autocommit: returns after the commit
        except sqlite3.Error as error:
            raise StorageError(f"{self.path}: {error}") from None


def intents_file(data_dir: Path, owner_key: str) -> Path:
    """Where the intents of one account are kept."""
    return data_dir / f"intents-{owner_key}.db"


def unresolved_symbols(path: Path) -> tuple[str, ...]:
    """Symbols of intents whose end nobody wrote down: what a session that died may have left; read-only.

    StorageError if the file cannot be read.
    """
    done = (IntentState.CLOSED.value, IntentState.REFUSED.value)
    rows = [row for row in read_table(path, "intents") if row["state"] not in done]
    return tuple(sorted({json.loads(row["contract"])["symbol"] for row in rows}))


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _execution(row: dict[str, Any]) -> Execution:
    row["contract"] = Contract(**json.loads(row["contract"]))
    row["side"] = OrderAction(row["side"])
    row["shares"], row["cumulative_shares"] = Decimal(row["shares"]), Decimal(row["cumulative_shares"])
    row["time"], row["received_at"] = (datetime.fromisoformat(row[name]) for name in ("time", "received_at"))
    row["average_price"] = float("nan") if row["average_price"] is None else row["average_price"]
    row["liquidation"] = bool(row["liquidation"])
    return Execution(**row)


def _intent(row: dict[str, Any]) -> Intent:
    row["kind"] = IntentKind(row["kind"])
    row["contract"] = Contract(**json.loads(row["contract"]))
    row["action"] = OrderAction(row["action"])
    row["quantity"] = Decimal(row["quantity"])
    row["created_at"] = datetime.fromisoformat(row["created_at"])
    row["state"] = IntentState(row["state"])
    return Intent(**row)
