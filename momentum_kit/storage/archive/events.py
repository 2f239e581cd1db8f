"""The archive's tables that are not series: headlines, executions and dated symbol masters."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from momentum_kit.models import Fill, Headline
from momentum_kit.sessions import exchange_day
from momentum_kit.storage.archive.changes import Changes, changes
from momentum_kit.storage.archive.event_rows import (
    Coverage,
    DatedMaster,
    Listing,
    Row,
    better_fill,
    better_headline,
    coverage_of,
    coverage_text,
    fill_of,
    fill_row,
    fill_schema,
    headline_key,
    headline_of,
    headline_row,
    headline_schema,
    joined_spans,
    listing_schema,
    spans_by_month,
)
from momentum_kit.storage.archive.files import read_footer, read_table, write_table
from momentum_kit.storage.archive.rows import EXECUTIONS, HEADLINES, SYMBOLS, Provenance, Span

if TYPE_CHECKING:
    import pyarrow as pa


class Events:
    """Headlines, executions and symbol masters of an archive; the base of Archive."""

    root: Path

    def headlines(self, first_day: date, last_day: date) -> tuple[Headline, ...]:
        """Headlines published from first_day to last_day (New York, both included), in the order of publication.

        contract is None where the source did not tie the headline to one; received_at is None where nobody recorded
        it; received_ns is 0.
        """
        found = []
        for file in self._months(HEADLINES, first_day, last_day):
            found += [headline_of(row) for row in read_table(file).to_pylist()]
        within = [line for line in found if first_day <= exchange_day(line.published_at) <= last_day]
        return tuple(sorted(within, key=_in_order))

    def headline_coverage(self, first_day: date, last_day: date) -> dict[tuple[int, str], tuple[Span, ...]]:
        """Which times somebody asked for, by con_id and provider, in the months of these days."""
        joined: dict[tuple[int, str], tuple[Span, ...]] = {}
        for file in self._months(HEADLINES, first_day, last_day):
            for key, spans in coverage_of(read_footer(file)).items():
                joined[key] = joined_spans(joined.get(key, ()) + spans)
        return joined

    def add_headlines(
        self, headlines: Iterable[Headline], provenance: Provenance, covered: Coverage | None = None
    ) -> int:
        """Add headlines; returns how many were new or better known.

        A headline is one (provider, article_id, contract). One that is there already stays, unless the new one knows
        when it was received, or knows it earlier, or has its article. covered: the times asked for, also those with
        nothing in them.
        """
        months: dict[str, list[Headline]] = {}
        for line in headlines:
            months.setdefault(f"{exchange_day(line.published_at):%Y-%m}", []).append(line)
        spans = spans_by_month(covered or {})
        changed = 0
        with changes(self.root) as pending:
            for month in sorted(months.keys() | spans.keys()):
                target = self._event_file(HEADLINES, month)
                known = pending.current(target)
                rows = {headline_key(row): row for row in (read_table(known).to_pylist() if known else ())}
                for line in months.get(month, ()):
                    row = headline_row(line, provenance)
                    before = rows.get(headline_key(row))
                    after = better_headline(before, row) if before else row
                    changed += after != before
                    rows[headline_key(row)] = after
                coverage = dict(coverage_of(read_footer(known))) if known else {}
                for key, more in spans.get(month, {}).items():
                    coverage[key] = joined_spans(coverage.get(key, ()) + more)
                ordered = sorted(rows.values(), key=lambda row: (row["published_at"], headline_key(row)))
                _put(pending, target, ordered, headline_schema(), {"coverage": coverage_text(coverage)})
            pending.commit()
        return changed

    def executions(self, first_day: date, last_day: date) -> tuple[Fill, ...]:
        """Executions of these New York days with their commissions (None where none came), in time order."""
        found = []
        for file in self._months(EXECUTIONS, first_day, last_day):
            found += [fill_of(row) for row in read_table(file).to_pylist()]
        within = [fill for fill in found if first_day <= exchange_day(fill.execution.time) <= last_day]
        return tuple(sorted(within, key=lambda fill: (fill.execution.time, fill.execution.exec_id)))

    def add_executions(self, fills: Iterable[Fill], provenance: Provenance) -> int:
        """Add executions, the highest correction of each; a commission known once is kept. Returns how many changed."""
        months: dict[str, list[Fill]] = {}
        for fill in fills:
            months.setdefault(f"{exchange_day(fill.execution.time):%Y-%m}", []).append(fill)
        changed = 0
        with changes(self.root) as pending:
            for month, some in sorted(months.items()):
                target = self._event_file(EXECUTIONS, month)
                known = pending.current(target)
                stored = [fill_of(row) for row in (read_table(known).to_pylist() if known else ())]
                best = {fill.execution.base_id: fill for fill in stored}
                for fill in some:
                    before = best.get(fill.execution.base_id)
                    after = better_fill(before, fill) if before else fill
                    changed += after != before
                    best[fill.execution.base_id] = after
                rows = [fill_row(fill, provenance) for fill in best.values()]
                rows.sort(key=lambda row: (row["time"], row["exec_id"]))
                _put(pending, target, rows, fill_schema(), {})
            pending.commit()
        return changed

    def symbol_master(self, as_of: date) -> DatedMaster | None:
        """The newest symbol master that is not younger than as_of; None if there is none."""
        folders = sorted((self.root / SYMBOLS).glob("day=*/symbols.parquet"))
        known = [file for file in folders if file.parent.name <= f"day={as_of}"]
        if not known:
            return None
        listed = tuple(Listing(**row) for row in read_table(known[-1]).to_pylist())
        day = date.fromisoformat(known[-1].parent.name.partition("=")[2])
        return DatedMaster(day, listed, read_footer(known[-1])["source"])

    def add_symbol_master(self, day: date, listings: Iterable[Listing], provenance: Provenance) -> int:
        """Freeze what is listed on a day; what the day has already stays, a con_id seen again is replaced."""
        target = self.root / SYMBOLS / f"day={day}" / "symbols.parquet"
        with changes(self.root) as pending:
            known = pending.current(target)
            rows = {row["con_id"] or row["symbol"]: row for row in (read_table(known).to_pylist() if known else ())}
            rows |= {listing.con_id or listing.symbol: asdict(listing) for listing in listings}
            ordered = sorted(rows.values(), key=lambda row: (row["symbol"], row["con_id"]))
            _put(pending, target, ordered, listing_schema(), {"source": provenance.source})
            pending.commit()
        return len(rows)

    def _months(self, kind: str, first_day: date, last_day: date) -> Iterator[Path]:
        first, last = f"month={first_day:%Y-%m}", f"month={last_day:%Y-%m}"
        for file in sorted((self.root / kind).glob(f"month=*/{kind}.parquet")):
            if first <= file.parent.name <= last:
                yield file

    def _event_file(self, kind: str, month: str) -> Path:
        return self.root / kind / f"month={month}" / f"{kind}.parquet"

    def _event_views(self) -> Iterator[tuple[str, str]]:
        for kind, folders in ((HEADLINES, "month=*"), (EXECUTIONS, "month=*"), (SYMBOLS, "day=*")):
            if next((self.root / kind).glob(f"{folders}/{kind}.parquet"), None):
                pattern = str(self.root / kind / folders / f"{kind}.parquet").replace("'", "''")
                yield kind, f"SELECT * FROM read_parquet('{pattern}', hive_partitioning = true, union_by_name = true)"


def _in_order(line: Headline) -> tuple[object, ...]:
    contract = line.contract
    return line.published_at, line.provider, line.article_id, contract.symbol if contract else ""


def _put(pending: Changes, target: Path, rows: list[Row], schema: "pa.Schema", footer: Row) -> None:
    import pyarrow as pa

    table = pa.Table.from_pylist(rows, schema=schema)
    pending.put(target, lambda file: write_table(table, footer, file))
