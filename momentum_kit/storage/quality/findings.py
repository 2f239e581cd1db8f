"""What a look at the archive finds: one finding a check, symbol and day."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

SHOWN = 30
ERROR, WARNING, NOTE = "error", "warning", "note"  # cannot be right, look at it, good to know


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityFinding:
    """One thing that is wrong, suspicious or worth knowing; day is '' where it concerns many, count how often."""

    severity: str
    check: str
    kind: str
    symbol: str
    day: str
    count: int
    detail: str

    def __str__(self) -> str:
        where = " ".join(part for part in (self.kind, self.symbol, self.day) if part)
        return f"{self.severity:7} {self.check}: {where}: {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """All findings, worst first, with what was looked at: rows by kind, and which series are raw and which adjusted."""

    archive: str
    rows: dict[str, int]
    symbols: int
    days: tuple[str, ...]
    raw: tuple[str, ...]
    adjusted: tuple[str, ...]
    findings: tuple[QualityFinding, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Findings by check."""
        return dict(sorted(Counter(finding.check for finding in self.findings).items()))

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {**asdict(self), "counts": self.counts}

    def __str__(self) -> str:
        looked = ", ".join(f"{count:,} {kind}" for kind, count in self.rows.items() if count) or "nothing"
        reach = f"{self.days[0]} to {self.days[-1]}" if self.days else "no day"
        lines = [f"{self.archive}: {looked} of {self.symbols} symbols, {len(self.days)} days, {reach}"]
        lines.append(f"series: {len(self.raw)} raw, {len(self.adjusted)} adjusted")
        lines += [str(finding) for finding in self.findings[:SHOWN]]
        if len(self.findings) > SHOWN:
            lines.append(f"... and {len(self.findings) - SHOWN} more; --json lists all")
        summary = ", ".join(f"{count} x {check}" for check, count in self.counts.items()) or "nothing to complain about"
        return "\n".join((*lines, summary))


def worst_first(findings: Iterable[QualityFinding]) -> tuple[QualityFinding, ...]:
    """Errors, warnings, notes; within each by check, symbol and day."""
    rank = {ERROR: 0, WARNING: 1, NOTE: 2}
    return tuple(sorted(findings, key=lambda found: (rank[found.severity], found.check, found.symbol, found.day)))
