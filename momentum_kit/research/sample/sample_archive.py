"""A sample as archive files, with its truth beside them: what `data sample` writes and data/sample holds."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from momentum_kit.errors import InputError
from momentum_kit.models import Headline
from momentum_kit.research.sample.market_sample import Sample, SampleSpec, generate
from momentum_kit.research.sample.tape import AFTER, BEFORE, US
from momentum_kit.sessions import exchange_day
from momentum_kit.storage.archive import BARS, Archive, Provenance, Series, Span, from_micros, in_days, micros

TRUTH = "truth.json"
GENERATED_AT = datetime(2026, 1, 1, tzinfo=UTC)  # one moment for all: the same spec gives the same bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleReport:
    """What was written: counts, the share of events on which the planted thresholds hold, and where."""

    folder: str
    symbols: int
    days: int
    headlines: int
    planted: int
    size_mb: float

    def __str__(self) -> str:
        return (
            f"{self.folder}: {self.headlines} headlines on {self.symbols} symbols in {self.days} sessions, "
            f"{self.planted} of them planted, {self.size_mb:.1f} MB; the truth is in {TRUTH}"
        )


def write_sample(archive_root: str | Path, spec: SampleSpec) -> SampleReport:
    """Generate a sample into a folder that holds no archive yet.

    Raises InputError where there is something already: generated and real days must never stand in one archive.
    """
    root = Path(archive_root)
    if root.is_dir() and any(root.iterdir()):
        raise InputError(f"{root} is not empty; generated days do not belong among others: choose a new folder")
    sample = generate(spec)
    archive, origin = Archive(root), provenance(spec)
    archive.extend(_series(sample, origin))
    archive.add_headlines(sample.source.news, origin)
    for master in sample.source.masters:
        archive.add_symbol_master(master.day, master.listings, origin)
    (root / TRUTH).write_text(json.dumps(truth(sample), indent=1) + "\n", encoding="utf-8")
    size = sum(file.stat().st_size for file in root.rglob("*") if file.is_file())
    planted = int(sample.truth["first_pass_at"].notna().sum())
    return SampleReport(
        folder=str(root),
        symbols=spec.symbols,
        days=spec.days,
        headlines=len(sample.source.news),
        planted=planted,
        size_mb=size / 1e6,
    )


def provenance(spec: SampleSpec) -> Provenance:
    """Who made the rows: the generator with this seed; sha256 is that of the whole spec."""
    text = json.dumps(_plain(spec), sort_keys=True)
    return Provenance(
        source=f"sample seed {spec.seed}",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        imported_at=GENERATED_AT,
        adjusted=False,
    )


def truth(sample: Sample) -> dict[str, Any]:
    """The spec, and each event's kind, first passing decision (null: none) and drift, as plain JSON."""
    rows = sample.truth.to_dict("records")
    return {
        "spec": _plain(sample.spec),
        "events": [
            {
                "item_id": row["item_id"],
                "symbol": row["symbol"],
                "day": f"{row['day']:%Y-%m-%d}",
                "kind": row["kind"],
                "first_pass_at": row["first_pass_at"].isoformat()
                if row["first_pass_at"] == row["first_pass_at"]
                else None,
                "drift_bps": round(row["drift_bps"], 2),
            }
            for row in rows
        ],
    }


def _plain(spec: SampleSpec) -> dict[str, Any]:
    return {
        **asdict(replace(spec, planted=None)),  # type: ignore[arg-type]
        "first_day": spec.first_day.isoformat(),
        "planted": spec.planted.model_dump(mode="json"),
    }


def _series(sample: Sample, origin: Provenance) -> Iterator[Series]:
    """Every symbol's series by day; those of 5 s speak for the windows around its headlines only."""
    for (kind, symbol), columns in sorted(sample.source.series.items(), key=lambda item: (item[0][1], item[0][0])):
        for each in in_days(kind, symbol, columns, origin):
            spans = () if kind == BARS else _windows(sample, symbol, each)
            yield replace(each, provenance=replace(origin, covered=spans))


def _windows(sample: Sample, symbol: str, series: Series) -> tuple[Span, ...]:
    lines: list[Headline] = [
        line
        for line in sample.source.news
        if line.contract and line.contract.symbol == symbol and line.received_at
        and exchange_day(line.received_at) == series.day
    ]  # fmt: skip
    minutes = sorted(micros(line.received_at) // (60 * US) for line in lines if line.received_at)
    return tuple(
        (from_micros((minute - BEFORE) * 60 * US), from_micros((minute + 1 + AFTER) * 60 * US)) for minute in minutes
    )
