"""Our decisions to order, durable before anything is sent, and what they filled; intents.db, by a thread.

A commit costs 0.2 to 0.3 ms, and on a bad day many seconds (a stalled fsync was seen to stop everything for 16 s): one
thread writes, in order, and whoever must know that a row is on disk waits for its future.
"""

import dataclasses
import json
import sqlite3
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from momentum_kit.errors import StorageError
from momentum_kit.models import Contract, Execution, Intent, IntentKind, IntentState, OrderAction
from momentum_kit.storage.journal.encoding import to_column
from momentum_kit.storage.journal.migrations import INTENTS, INTENTS_ID
from momentum_kit.storage.journal.sqlite import open_database, open_read_only, read_table

READ_WAIT_S = 5.0

_Read = TypeVar("_Read")

_ORDER_IDS = ("entry_order_id", "target_order_id", "stop_order_id", "timed_order_id")
_FIELDS = tuple(field.name for field in dataclasses.fields(Intent))  # the columns have the same names
_EXECUTION_FIELDS = tuple(field.name for field in dataclasses.fields(Execution) if field.name != "from_request")


class SqliteIntents:
    """ports.Intents on SQLite (WAL, synchronous FULL). The future of a write is done once its row has reached the disk.

    Writes are made in the order of their calls; a read but `find` sees all that were called for before it, and waits
    for them READ_WAIT_S at most.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with ExitStack() as opened:
            self._connection = opened.enter_context(closing(open_database(self.path, INTENTS, INTENTS_ID, "FULL")))
            self._reader = open_read_only(self.path)
            opened.pop_all()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="intents")

    def record(self, intent: Intent) -> "Future[None]":
        """Write a new intent; StorageError if it is known already or the disk refuses."""
        values = [to_column(getattr(intent, name)) for name in _FIELDS]
        columns = ("wall_ns", *_FIELDS)
        sql = f"INSERT INTO intents ({', '.join(columns)}) VALUES ({_marks(columns)})"
        return self._writer.submit(self._write, sql, [time.time_ns(), *values])

    def mark(self, intent_id: str, state: IntentState, **order_ids: int) -> "Future[None]":
        """Move an intent to a state, optionally with its order ids; StorageError if there is no such intent."""
        unknown = order_ids.keys() - set(_ORDER_IDS)
        if unknown:
            raise StorageError(f"intents: no order id called {', '.join(sorted(unknown))}")
        changes = ", ".join(f"{name} = ?" for name in ("state", *order_ids))
        sql = f"UPDATE intents SET {changes} WHERE intent_id = ?"
        return self._writer.submit(self._write, sql, [state.value, *order_ids.values(), intent_id], intent_id)

    def note_execution(self, execution: Execution) -> "Future[None]":
        """Write an execution down once; StorageError if the disk refuses."""
        values = [to_column(getattr(execution, name)) for name in _EXECUTION_FIELDS]
        columns = ("wall_ns", *_EXECUTION_FIELDS)
        sql = f"INSERT OR IGNORE INTO executions ({', '.join(columns)}) VALUES ({_marks(columns)})"
        return self._writer.submit(self._write, sql, [time.time_ns(), *values])

    def find(self, intent_ids: Collection[str]) -> tuple[Intent, ...]:
        """The intents of these ids that are on disk, oldest first; it waits for no write."""
        return self._select(self._reader, f"intent_id IN ({_marks(intent_ids)})", list(intent_ids))

    def executions(self, order_refs: Collection[str]) -> tuple[Execution, ...]:
        """What was written down of these intents and of all others of their positions, in time order.

        What an entry bought, an exit or a stop of its own may have sold, each with a reference of its own: one without
        the other would be a position that is not there.
        """
        marks = _marks(order_refs)
        sql = f"""WITH firsts AS
                (SELECT iif(entry_id = '', intent_id, entry_id) FROM intents WHERE intent_id IN ({marks}))
            SELECT {", ".join(_EXECUTION_FIELDS)} FROM executions
            WHERE order_ref IN ({marks}) OR order_ref IN firsts
                OR order_ref IN (SELECT intent_id FROM intents WHERE entry_id IN firsts)
            ORDER BY time, order_id, exec_id"""
        rows = self._in_turn(self._fetch, self._connection, sql, [*order_refs, *order_refs])
        return tuple(_execution(dict(zip(_EXECUTION_FIELDS, row, strict=True))) for row in rows)

    def unresolved(self) -> tuple[Intent, ...]:
        """Every intent that is neither CLOSED nor REFUSED, oldest first."""
        done = [IntentState.CLOSED.value, IntentState.REFUSED.value]
        return self._in_turn(self._select, self._connection, "state NOT IN (?, ?)", done)

    def entries_since(self, at: datetime) -> tuple[Intent, ...]:
        """Every entry decided at or after a market time, however it ended, oldest first."""
        values = [IntentKind.ENTRY.value, to_column(at)]
        return self._in_turn(self._select, self._connection, "kind = ? AND created_at >= ?", values)

    def close(self) -> None:
        """Close the file, once every row is on disk or refused."""
        self._writer.shutdown()
        for connection in (self._reader, self._connection):
            with suppress(sqlite3.Error):
                connection.close()

    def _in_turn(self, read: Callable[..., _Read], *args: Any) -> _Read:
        """Read after all that was to be written before."""
        try:
            return self._writer.submit(read, *args).result(READ_WAIT_S)
        except TimeoutError:
            raise StorageError(f"{self.path}: the disk has not answered for {READ_WAIT_S:g} s") from None

    def _select(self, connection: sqlite3.Connection, condition: str, values: list[Any]) -> tuple[Intent, ...]:
        sql = f"SELECT {', '.join(_FIELDS)} FROM intents WHERE {condition} ORDER BY created_at, wall_ns"
        return tuple(_intent(dict(zip(_FIELDS, row, strict=True))) for row in self._fetch(connection, sql, values))

    def _fetch(self, connection: sqlite3.Connection, sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
        try:
            return connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StorageError(f"{self.path}: {error}") from None

    def _write(self, sql: str, values: list[Any], marked: str = "") -> None:
        """On the writer's thread; autocommit: it returns after the commit. marked: the intent that must be there."""
        try:
            done = self._connection.execute(sql, values)
        except (sqlite3.Error, ValueError, OverflowError) as error:
            raise StorageError(f"{self.path}: {error}") from None
        if marked and done.rowcount != 1:
            raise StorageError(f"{self.path}: no intent {marked}")


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
