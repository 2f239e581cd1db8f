"""Event study on tapes whose truth is known."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from momentum_kit.errors import ResearchError
from momentum_kit.research.event_study import abnormal_returns, archived_bars, paths
from momentum_kit.research.event_study.event_study import Paths
from momentum_kit.research.event_study.grouping import buckets, deciles
from momentum_kit.storage.archive import BARS, BARS_5S, Archive, Provenance, Series

OPEN = np.datetime64("2026-03-02T14:30:00", "us").astype(np.int64)
DAY = np.int64(86_400_000_000)
SECOND = np.int64(1_000_000)


class Tapes:
    """Five-second bars in memory: one random walk a symbol and day, with a jump where a test wants one."""

    def __init__(self, symbols: int, days: int, seed: int, sigma: float = 1e-4) -> None:
        rng = np.random.default_rng(seed)
        self.bars: dict[str, dict[str, npt.NDArray[Any]]] = {}
        count = 1440  # two hours
        for index in range(symbols):
            start = np.concatenate([OPEN + day * DAY + np.arange(count) * 5 * SECOND for day in range(days)])
            close = 10 * np.exp(np.cumsum(rng.normal(0, sigma, start.size)))
            volume = np.full(start.size, 500.0)
            seconds = np.full(start.size, 5)
            self.bars[f"S{index}"] = {"start": start, "seconds": seconds, "close": close, "volume": volume}

    def __call__(self, symbol: str, _first: np.datetime64, _last: np.datetime64) -> Mapping[str, npt.NDArray[Any]]:
        """The symbol's bars of all days; none for a symbol that is not there."""
        return self.bars.get(symbol, {name: np.empty(0) for name in ("start", "seconds", "close", "volume")})

    def jump(self, symbol: str, at: np.int64, size: float) -> None:
        """Every bar that starts at or after `at` is higher by ln `size`, its first minute trades five times as much."""
        bars = self.bars[symbol]
        bars["close"][bars["start"] >= at] *= np.exp(size)
        bars["volume"][(bars["start"] >= at) & (bars["start"] < at + 60 * SECOND)] *= 5


def events_at(rows: list[tuple[str, np.int64]], **columns: Any) -> pd.DataFrame:
    """Events published at these instants."""
    at = pd.to_datetime([int(instant) for _, instant in rows], unit="us", utc=True)
    frame = pd.DataFrame({"symbol": [symbol for symbol, _ in rows], "published_at": at})
    frame["day"] = frame["published_at"].dt.tz_convert("America/New_York").dt.tz_localize(None).dt.normalize()
    return frame.assign(**columns)


def half_past(day: int, minutes: int = 60) -> np.int64:
    """An instant of a day, minutes after the open."""
    return np.int64(OPEN + day * DAY + minutes * 60 * SECOND)


def planted(size: float, sigma: float = 1e-4) -> Paths:
    """Forty symbols on as many days, each jumping by `size` at its headline."""
    tapes = Tapes(40, 40, seed=5, sigma=sigma)
    rows = [(f"S{index}", half_past(index)) for index in range(40)]
    for symbol, at in rows:
        tapes.jump(symbol, at, size)
    return paths(tapes, events_at(rows))


def test_a_planted_jump_is_found_and_nothing_before_it() -> None:
    """The mean after zero is the planted one within its band; before zero there is no drift and no mark."""
    found = abnormal_returns(planted(0.01))
    curve = found.curves.set_index("offset_s")
    assert curve.loc[0, "mean_bps"] == 0
    assert curve.loc[60, "low_bps"] < 100 < curve.loc[60, "high_bps"]
    assert curve.loc[-60, "low_bps"] < 0 < curve.loc[-60, "high_bps"]
    assert curve.loc[60, "volume_ratio"] == pytest.approx(5)
    assert curve.loc[-60, "volume_ratio"] == pytest.approx(1)
    group = found.groups.iloc[0]
    assert group["drift_before_p"] > 0.01
    assert group["mark"] == ""


def test_a_leak_is_marked() -> None:
    """A tape that rises before its headlines is marked as such."""
    tapes = Tapes(40, 40, seed=6)
    rows = [(f"S{index}", half_past(index)) for index in range(40)]
    for symbol, at in rows:
        tapes.jump(symbol, at - 120 * SECOND, 0.01)
    group = abnormal_returns(paths(tapes, events_at(rows))).groups.iloc[0]
    assert group["drift_before_bps"] == pytest.approx(100, abs=15)
    assert group["mark"] == "drift before the headline"


def test_only_bars_that_had_ended_count() -> None:
    """At one second after the headline the bar in progress is not known yet."""
    tapes = Tapes(1, 1, seed=1, sigma=0)
    at = half_past(0)
    tapes.jump("S0", at, 0.05)
    found = paths(tapes, events_at([("S0", at)]), (-60, 0, 1, 4, 5, 10))
    assert found.abnormal[0].tolist() == pytest.approx([0, 0, 0, 0, 0.05, 0.05])


def test_the_market_is_taken_off() -> None:
    """A move that the market shares is not abnormal; without a market the result says so."""
    tapes = Tapes(1, 1, seed=2)
    tapes.bars["SPY"] = {name: values.copy() for name, values in tapes.bars["S0"].items()}
    at = half_past(0)
    adjusted = paths(tapes, events_at([("S0", at)]), market="SPY")
    assert np.nanmax(np.abs(adjusted.abnormal)) < 1e-12
    assert adjusted.marks == ()
    assert paths(tapes, events_at([("S0", at)])).marks == ("NOT MARKET-ADJUSTED",)


def test_the_archive_gives_each_instant_from_one_series(tmp_path: Path) -> None:
    """Five-second bars where there are some, minutes elsewhere; nothing is counted twice."""
    day, minute = date(2026, 3, 2), 60 * SECOND
    archive = Archive(tmp_path)
    known = Provenance(source="test", sha256="", imported_at=datetime(2026, 3, 3, tzinfo=UTC), adjusted=False)
    archive.extend(
        [
            Series(kind=BARS, symbol="S0", day=day, rows=columns_at(OPEN + np.arange(4) * minute), provenance=known),
            Series(
                kind=BARS_5S,
                symbol="S0",
                day=day,
                rows=columns_at(OPEN + minute + np.arange(12) * 5 * SECOND),
                provenance=known,
            ),
        ]
    )
    found = archived_bars(archive)("S0", np.datetime64(day), np.datetime64(day))
    assert found["seconds"].tolist() == [60, *[5] * 12, 60, 60]
    assert (np.diff(found["start"]) > 0).all()
    assert archived_bars(archive)("S1", np.datetime64(day), np.datetime64(day))["start"].size == 0


def columns_at(start: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
    """Bars at these starts, all alike."""
    price, count = np.full(start.size, 10.0), np.full(start.size, 3.0)
    return {
        "start": start, "open": price, "high": price, "low": price, "close": price, "volume": count * 100,
        "wap": price, "count": count,
    }  # fmt: skip


def test_overlapping_events_count_once() -> None:
    """Of headlines on one symbol within one window the first stays, and the number of others is told."""
    tapes = Tapes(2, 1, seed=3)
    rows = [("S0", half_past(0, 20)), ("S0", half_past(0, 25)), ("S1", half_past(0, 25)), ("S0", half_past(0, 110))]
    found = paths(tapes, events_at(rows))
    assert found.overlapping == 1
    assert len(found.events) == 3


def test_few_events_and_days_are_marked() -> None:
    """Six events on three days get no band and say why."""
    tapes = Tapes(6, 3, seed=4)
    rows = [(f"S{index}", half_past(index % 3)) for index in range(6)]
    found = abnormal_returns(paths(tapes, events_at(rows, provider=["A", "B"] * 3)), by="provider")
    assert found.groups["mark"].tolist() == ["too few events, too few days"] * 2
    assert found.curves["low_bps"].isna().all()


def test_bands_cover_the_truth() -> None:
    """Over sixty seeds the 95% band at ten minutes covers a true mean of zero about as often as it says."""
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        moved = rng.normal(0, 0.02, (80, 1)) + np.repeat(rng.normal(0, 0.01, (40, 1)), 2, axis=0)
        abnormal = np.hstack([np.zeros((80, 2)), moved])
        days = np.repeat(np.arange(40), 2)
        frame = pd.DataFrame({"day": np.datetime64("2026-01-01") + days})
        grid = np.array([-60, 0, 600])
        curve = abnormal_returns(
            Paths(
                events=frame, offsets_s=grid, abnormal=abnormal, volume=np.ones_like(abnormal), overlapping=0, marks=()
            ),
            seed=seed,
        ).curves
        covered += bool(curve["low_bps"].iloc[2] < 0 < curve["high_bps"].iloc[2])
    assert 50 <= covered <= 60


def test_groups_for_people() -> None:
    """Deciles rank, buckets name their interval; what is not known has a group of its own."""
    assert deciles([np.nan, *range(20)])[:3].tolist() == ["unknown", "01", "01"]
    assert deciles(range(20))[-1] == "10"
    assert buckets([0.5, 2.0, 70.0, np.nan], (1, 5, 20), "USD").tolist() == [
        "1: below 1 USD",
        "2: 1 to 5 USD",
        "4: from 20 USD",
        "unknown",
    ]


@pytest.mark.parametrize("offsets", [(0, 5), (-5, 5), (-5, 0, 0)])
def test_a_grid_without_before_or_zero_is_refused(offsets: tuple[int, ...]) -> None:
    """The grid must show what was before the headline."""
    with pytest.raises(ResearchError, match="offsets"):
        paths(Tapes(1, 1, seed=1), events_at([("S0", half_past(0))]), offsets)


def test_a_market_without_bars_is_refused() -> None:
    """Not silently left out."""
    with pytest.raises(ResearchError, match="SPY"):
        paths(Tapes(1, 1, seed=1), events_at([("S0", half_past(0))]), market="SPY")
