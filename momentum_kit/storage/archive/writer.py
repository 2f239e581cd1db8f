"""Series on their way into month files: gathered in bounded memory, joined, and refused where they do not belong."""

from datetime import date
from functools import partial
from pathlib import Path

from momentum_kit.errors import ArchiveError
from momentum_kit.storage.archive.changes import Changes
from momentum_kit.storage.archive.files import StoredRows, join_days, merged_month, read_days
from momentum_kit.storage.archive.rows import FILE, Series

BUFFERED_ROWS = 1_000_000  # about 80 MB


class Writer:
    """Gathers series by month file and stages the files in parts of bounded memory."""

    def __init__(self, root: Path, pending: Changes) -> None:
        self.count = 0
        self._root = root
        self._pending = pending
        self._gathered: dict[Path, dict[date, StoredRows]] = {}
        self._rows = 0
        self._given: set[tuple[Path, date]] = set()
        self._adjusted: dict[Path, bool] = {}

    def add(self, target: Path, series: Series) -> None:
        """Take one symbol's day."""
        self._check_adjusted(target.parent.parent, series)
        fresh, days = (series.columns(), series.provenance), self._gathered.setdefault(target, {})
        days[series.day] = join_days(series.kind, days[series.day], fresh) if series.day in days else fresh
        self.count += 1
        self._rows += len(fresh[0]["start"])
        if self._rows >= BUFFERED_ROWS:
            self.flush()

    def flush(self) -> None:
        """Stage what was gathered."""
        for target, fresh in self._gathered.items():
            joined = {day for day in fresh if (target, day) in self._given}
            self._given |= {(target, day) for day in fresh}
            kind = target.parent.parent.parent.name
            self._pending.put(target, partial(merged_month, kind, self._pending.current(target), fresh, joined))
        self._gathered, self._rows = {}, 0

    def _check_adjusted(self, folder: Path, series: Series) -> None:
        """Raw and adjusted prices never stand in one series: any stored day tells which it is."""
        new = series.provenance.adjusted
        if folder not in self._adjusted:
            file = next(folder.glob(f"month=*/{FILE}"), None)
            self._adjusted[folder] = next(iter(read_days(file).values())).provenance.adjusted if file else new
        if new is not self._adjusted[folder]:
            words = "raw prices do not belong among adjusted" if not new else "adjusted prices do not belong among raw"
            raise ArchiveError(f"{self._root}: {series}: {words} ones; give them an archive of their own")
