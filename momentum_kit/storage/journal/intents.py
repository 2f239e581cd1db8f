"""Our decisions to order, durable before anything is sent; intents.db, written on the engine's own loop.

Plain sqlite3 on the caller's thread: a commit costs 0.2 to 0.3 ms, a hop to another thread costs more.
"""

import dataclasses
import json
import sqlite3
import time
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from momentum_kit.errors import StorageError
from momentum_kit.models import Contract, Intent, IntentKind, IntentState, OrderAction
from momentum_kit.storage.journal.encoding import to_column
from momentum_kit.storage.journal.migrations import INTENTS, INTENTS_ID
from momentum_kit.storage.journal.sqlite import open_database, read_table

_ORDER_IDS = ("entry_order_id", "target_order_id", "stop_order_id")
_FIELDS = tuple(field.name for field in dataclasses.fields(Intent))  # the columns have the same names


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


def _intent(row: dict[str, Any]) -> Intent:
    row["kind"] = IntentKind(row["kind"])
    row["contract"] = Contract(**json.loads(row["contract"]))
    row["action"] = OrderAction(row["action"])
    row["quantity"] = Decimal(row["quantity"])
    row["created_at"] = datetime.fromisoformat(row["created_at"])
    row["state"] = IntentState(row["state"])
    return Intent(**row)
