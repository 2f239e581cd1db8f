"""Journal rows for tests: those that speak of a few columns only, and a journal that keeps its rows in memory."""

from typing import Any

from momentum_kit.models import JOURNAL_ROWS, JournalRow
from momentum_kit.models.journal_rows import columns_of
from momentum_kit.ports import Journal

CLASSES = {kind.table: kind for kind in JOURNAL_ROWS}


def partial_row(table: str, **columns: Any) -> JournalRow:
    """A row whose other columns are null."""
    kind = CLASSES[table]
    return kind(**{**dict.fromkeys(columns_of(kind)), **columns})


def put(journal: Journal, table: str, **columns: Any) -> None:
    """Write a partial row."""
    journal.write(partial_row(table, **columns))


class Rows:
    """The Journal port in memory: the columns of each table's rows, in the order written."""

    def __init__(self) -> None:
        self.rows: list[JournalRow] = []

    def write(self, row: JournalRow) -> None:
        """Keep it."""
        self.rows.append(row)

    def __getitem__(self, table: str) -> list[dict[str, Any]]:
        return [row.columns() for row in self.rows if row.table == table]
