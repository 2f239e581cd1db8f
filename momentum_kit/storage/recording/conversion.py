"""A recorded session -> archive rows: bars by the same builder as live, quote bars, headlines, executions, minutes."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from momentum_kit.detection.live import floor_time
from momentum_kit.errors import ArchiveError
from momentum_kit.json_text import parse_json
from momentum_kit.models import (
    CommissionReport,
    ContractDetails,
    Execution,
    Fill,
    Headline,
    Quote,
    TradeTick,
)
from momentum_kit.sessions import exchange_day, session_on
from momentum_kit.storage.archive import (
    BARS,
    BARS_5S,
    QUOTES_5S,
    Archive,
    Listing,
    Provenance,
    Series,
    Span,
    joined_spans,
    now,
)
from momentum_kit.storage.recording.recorded_line import RecordedLine
from momentum_kit.storage.recording.recorder import (
    FILE,
    TYPES,
    ArticleAnswer,
    Connected,
    HistoryAnswer,
    Watched,
    adapter,
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One line of a recording; at: market time."""

    at: datetime
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReport:
    """What a recording became: rows by kind; whole: False if its end was cut off."""

    rows: dict[str, int]
    symbols: tuple[str, ...]
    days: tuple[str, ...]
    lines: int
    whole: bool

    def __str__(self) -> str:
        rows = ", ".join(f"{count:,} {kind}" for kind, count in self.rows.items() if count) or "nothing"
        end = "" if self.whole else "; the recording was cut off, up to there all is kept"
        return f"{self.lines:,} messages of {len(self.symbols)} symbols, {', '.join(self.days)}: {rows}{end}"


class Recording:
    """Reads a recording in order. whole tells, after reading, whether its end was intact."""

    def __init__(self, path: Path) -> None:
        self.file = path / FILE if path.is_dir() else path
        self.whole = True
        if not self.file.is_file():
            raise ArchiveError(f"{self.file}: no recording; set storage.record: true and run a session")

    def __iter__(self) -> Iterator[Recorded]:
        with gzip.open(self.file, "rb") as lines:
            number = 0
            while True:
                try:
                    line = lines.readline()
                except (EOFError, zlib.error, gzip.BadGzipFile):
                    self.whole = False  # killed while it wrote: the batches before this one are whole
                    return
                if not line:
                    return
                number += 1
                yield self._value(line, number)

    def _value(self, line: bytes, number: int) -> Recorded:
        try:
            entry = parse_json(line)
            value = adapter(entry["t"]).validate_python(entry["v"])[0] if entry["t"] in TYPES else None
            return Recorded(datetime.fromisoformat(entry["at"]), value)
        except (ValueError, KeyError, TypeError) as error:
            raise ArchiveError(f"{self.file}: line {number}: {str(error).splitlines()[0]}") from None


def convert_recording(path: Path, archive: Archive) -> RecordReport:
    """Add a run's recording to an archive of its own; converting it again changes nothing.

    5 s bars are raw, as they were traded; minutes are the gateway's history, which is split-adjusted. Raises
    ArchiveError for a recording that is missing or not ours.
    """
    recording = Recording(path)
    lines, headlines, fills, details, count = _gather(recording)
    source = f"recording {recording.file.parent.name}"
    origin = Provenance(source=source, sha256="", imported_at=now(), adjusted=False)
    series = [_beside(archive, each) for line in lines.values() for each in _series(line, origin)]
    archive.extend(series)
    if headlines:
        archive.add_headlines(headlines, origin)
    if fills:
        archive.add_executions(fills, origin)
    days = sorted({each.day for each in series} | {exchange_day(line.published_at) for line in headlines})
    if details and days:
        archive.add_symbol_master(days[-1], map(_listing, details), origin)
    rows = {kind: sum(len(each.rows) for each in series if each.kind == kind) for kind in (BARS, BARS_5S, QUOTES_5S)}
    symbols = tuple(sorted({each.symbol for each in series}))
    rows |= {"headlines": len(headlines), "executions": len(fills)}
    return RecordReport(rows=rows, symbols=symbols, days=tuple(map(str, days)), lines=count, whole=recording.whole)


def _gather(
    recording: Iterable[Recorded],
) -> tuple[dict[int, RecordedLine], list[Headline], list[Fill], list[ContractDetails], int]:
    lines: dict[int, RecordedLine] = {}
    headlines: list[Headline] = []
    executions: dict[str, Execution] = {}
    costs: dict[str, CommissionReport] = {}
    details: dict[int, ContractDetails] = {}
    bodies: dict[tuple[str, str], str] = {}
    count, last = 0, None
    for each in recording:
        if isinstance(each.value, Connected) and last:
            for line in lines.values():  # the connection before was lost: what it watched ended with its last word
                line.close(last)
        count, last = count + 1, each.at
        match each.value:
            case TradeTick() as tick if tick.con_id in lines:
                lines[tick.con_id].trade(tick)
            case Quote() as quote if quote.con_id in lines:
                lines[quote.con_id].update(quote)
            case Watched(what, contract, opening) if what != "headlines":
                line = lines.setdefault(contract.con_id, RecordedLine(contract=contract))
                if opening:
                    line.opened = line.opened or each.at
                else:
                    line.close(each.at)
            case HistoryAnswer(what="TRADES") as answer if answer.contract.con_id:
                lines.setdefault(answer.contract.con_id, RecordedLine(contract=answer.contract)).history(answer)
            case Headline() as headline:
                headlines.append(headline)
            case ArticleAnswer(provider, article_id, text):
                bodies[provider, article_id] = text
            case Execution() as execution:
                executions[execution.exec_id] = execution
            case CommissionReport() as report:
                costs[report.exec_id] = report
            case ContractDetails() as detail:
                details[detail.contract.con_id] = detail
    if last:
        for line in lines.values():
            line.close(last)
    headlines = [replace(line, body=bodies.get((line.provider, line.article_id), "")) for line in headlines]
    fills = [Fill(execution, costs.get(execution.exec_id)) for execution in executions.values()]
    return lines, headlines, fills, list(details.values()), count


def _series(line: RecordedLine, origin: Provenance) -> Iterator[Series]:
    symbol = line.contract.symbol
    for kind, rows in ((BARS_5S, [line.bars[start] for start in sorted(line.bars)]), (QUOTES_5S, line.quotes)):
        by_day: dict[date, list[Any]] = {}
        for row in rows:
            by_day.setdefault(exchange_day(row.start), []).append(row)
        for day, some in by_day.items():
            spans = [span for span in joined_spans(line.covered) if exchange_day(span[0]) == day]
            yield Series(kind=kind, symbol=symbol, day=day, rows=some, provenance=_covering(origin, tuple(spans)))
    for day, (asked_at, minutes) in line.minutes.items():
        session = session_on(day)
        if session and minutes:
            covered = ((session.open, min(session.close, floor_time(asked_at, 60))),)
            words = Provenance(
                source=f"{origin.source}, the session's history",
                sha256="",
                imported_at=origin.imported_at,
                adjusted=True,
            )
            yield Series(kind=BARS, symbol=symbol, day=day, rows=minutes, provenance=_covering(words, covered))


def _beside(archive: Archive, series: Series) -> Series:
    """The day with what another run has of it; where both speak for a time, the later conversion counts."""
    count, known = archive.provenances(series.kind, series.symbol).get(series.day, (0, None))
    fresh = series.provenance
    if known is None or not count or known.adjusted is not fresh.adjusted or known.source == fresh.source:
        return series
    read = archive.quotes if series.kind == QUOTES_5S else archive.bars
    rows: Any = [row for row in read(series.symbol, series.day, series.kind) if not _speaks(fresh, row.start)]
    covered = joined_spans((*known.covered, *fresh.covered)) if known.covered else ()
    sources = known.source if fresh.source in known.source else f"{known.source}; {fresh.source}"
    origin = Provenance(
        source=sources, sha256="", imported_at=fresh.imported_at, adjusted=fresh.adjusted, covered=covered
    )
    merged = sorted([*rows, *series.rows], key=lambda row: row.start)
    return Series(kind=series.kind, symbol=series.symbol, day=series.day, rows=merged, provenance=origin)


def _speaks(origin: Provenance, at: datetime) -> bool:
    return any(start <= at < end for start, end in origin.covered)


def _covering(origin: Provenance, covered: tuple[Span, ...]) -> Provenance:
    return Provenance(
        source=origin.source,
        sha256=origin.sha256,
        imported_at=origin.imported_at,
        adjusted=origin.adjusted,
        covered=covered,
    )


def _listing(details: ContractDetails) -> Listing:
    contract = details.contract
    return Listing(
        symbol=contract.symbol, con_id=contract.con_id, name=details.long_name,
        primary_exchange=contract.primary_exchange, currency=contract.currency,
        sec_type=contract.sec_type, stock_type=details.stock_type,
        industry=details.industry, category=details.category, subcategory=details.subcategory,
    )  # fmt: skip
