"""Compares bars and quotes as they were recorded live with history downloaded later: parity of the data itself."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from momentum_kit.errors import ArchiveError
from momentum_kit.runtime.parity.compare_runs import Parity, compare_runs
from momentum_kit.runtime.replay import Replay, run_replay
from momentum_kit.storage.archive import BARS_5S, QUOTES_5S, Archive

COMPARED = {
    BARS_5S: ("open", "high", "low", "close", "wap", "volume", "count"),
    QUOTES_5S: ("bid_close", "ask_close", "bid_size", "ask_size"),
}


@dataclass(slots=True, kw_only=True)
class SeriesParity:
    """One symbol's series in both archives. differing: intervals by column; largest: absolute difference by column."""

    kind: str
    symbol: str
    recorded: int = 0
    later: int = 0
    in_both: int = 0
    differing: dict[str, int] = field(default_factory=dict)
    largest: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        apart = ", ".join(
            f"{name} in {count} (at most {self.largest[name]:g})" for name, count in self.differing.items()
        )
        alone = f"{self.recorded - self.in_both} only recorded, {self.later - self.in_both} only later"
        return f"{self.kind} {self.symbol}: {self.in_both} intervals in both, {alone}; {apart or 'all equal'}"


@dataclass(slots=True)
class DataParity:
    """Series that differ, and what the same rules decide over both."""

    series: list[SeriesParity]
    decided: Parity

    def as_json(self) -> dict[str, Any]:
        """JSON-ready, with `decisions` and `differing` of the decisions on top."""
        return {**self.decided.as_json(), "series": [asdict(each) for each in self.series]}

    def __str__(self) -> str:
        return "\n".join([*map(str, self.series), str(self.decided)])


def data_parity(replay: Replay, later: Path, project: Path, folder: Path) -> DataParity:
    """Replay a day as recorded, and again on the series of `later` with the recorded headlines; compare both.

    replay: the recorded day. folder: receives the two runs, `recorded` and `later`.
    """
    run_replay(replay, project, folder / "recorded")
    run_replay(replace(replay, archive=later, headlines=replay.archive), project, folder / "later")
    return DataParity(
        compare_series(replay.archive, later, replay.day), compare_runs(folder / "recorded", folder / "later")
    )


def compare_series(recorded: Path, later: Path, day: date) -> list[SeriesParity]:
    """Every 5 s series that one of the archives has of the day."""
    mine, its = Archive(recorded), Archive(later)
    return [
        _compare(kind, symbol, names, _columns(mine, kind, symbol, day), _columns(its, kind, symbol, day))
        for kind, names in COMPARED.items()
        for symbol in sorted({*mine.symbols(day, kind), *its.symbols(day, kind)})
    ]


def _columns(archive: Archive, kind: str, symbol: str, day: date) -> Mapping[str, Any]:
    try:
        return archive.columns(kind, symbol, day, day)
    except ArchiveError:
        return {"start": np.empty(0, np.int64), **dict.fromkeys(COMPARED[kind], np.empty(0))}


def _compare(
    kind: str, symbol: str, names: tuple[str, ...], mine: Mapping[str, Any], its: Mapping[str, Any]
) -> SeriesParity:
    shared, left, right = np.intersect1d(mine["start"], its["start"], assume_unique=True, return_indices=True)
    found = SeriesParity(
        kind=kind, symbol=symbol, recorded=len(mine["start"]), later=len(its["start"]), in_both=len(shared)
    )
    for name in names:
        apart = np.abs(mine[name][left] - its[name][right])
        unequal = apart > 1e-9 * np.maximum(np.abs(mine[name][left]), 1.0)  # nan on a side: nothing to compare
        if unequal.any():
            found.differing[name] = int(unequal.sum())
            found.largest[name] = float(np.nanmax(apart))
    return found
