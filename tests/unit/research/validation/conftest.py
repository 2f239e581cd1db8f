"""Event tables whose truth is known, without a market behind them."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from momentum_kit.config import Thresholds
from momentum_kit.research.events import EventTable
from momentum_kit.research.events.table import EVENT_DTYPES, FEATURES, event_frame
from momentum_kit.research.sweep import Grid, SweepResult, TrialLedger
from momentum_kit.research.sweep.sweep import sweep

PLANTED = Thresholds(name="planted", min_z_tod=4.0, min_rvol_bar=4.0, min_clv=0.5)
STEPS = (2.0, 3.0, 4.0, 5.0, 6.0)
GRID = Grid({"min_z_tod": STEPS, "min_rvol_bar": STEPS, "min_clv": (0.3, 0.5, 0.7)})


def planted_table(
    seed: int = 1,
    days: int = 160,
    events: int = 2400,
    edge_bps: float = 60.0,
    elsewhere_bps: float = -40.0,
    sigma_bps: float = 150.0,
    marks: tuple[str, ...] = (),
    first_day: str = "2025-06-02",
) -> EventTable:
    """Events at three decision times; the net returns of exit `a` have the mean edge_bps where PLANTED holds."""
    rng = np.random.default_rng(seed)
    day = np.sort(rng.integers(days, size=events)) + np.datetime64(first_day)
    shape = (events, 3)
    seconds = rng.integers(14 * 3600, 20 * 3600, size=events)
    received = day.astype("datetime64[us]") + (seconds * 1_000_000).astype("m8[us]")
    strength = rng.normal(size=(events, 1))

    def feature(center: float, slope: float, noise: float) -> np.ndarray:
        return center + slope * strength + noise * rng.normal(size=shape)

    features = {name: np.full(shape, 1.0) for name in FEATURES}
    features |= {
        "price": rng.uniform(3, 15, size=shape), "ret_60s": feature(0.05, 0.01, 0.002),
        "ret_300s": feature(0.05, 0.01, 0.002), "ret_news": np.abs(feature(0.06, 0.01, 0.002)),
        "z_tod": feature(3.6, 1.0, 0.7), "rvol_bar": feature(3.6, 1.0, 0.7), "rvol_cum": np.full(shape, 5.0),
        "dollar_volume_60s": np.full(shape, 5e5), "trades_60s": np.full(shape, 90.0),
        "clv": rng.uniform(0.2, 1, size=shape), "spread_bps": rng.uniform(10, 60, size=shape),
    }  # fmt: skip
    good = (features["z_tod"] >= 4) & (features["rvol_bar"] >= 4) & (features["clv"] >= 0.5)
    mood = rng.normal(0, 15, size=days)[(day - day[0]).astype(int)]
    noise = mood[:, None] + sigma_bps * rng.standard_t(5, size=(events, 1)) / np.sqrt(5 / 3)
    net = np.where(good, edge_bps, elsewhere_bps) + noise + 10 * rng.normal(size=shape)
    net[rng.random(shape) < 0.03] = np.nan
    times = pd.to_datetime(received).tz_localize("UTC")
    number = np.arange(events)
    columns: dict[str, object] = dict.fromkeys(EVENT_DTYPES, "")
    columns |= {
        "item_id": [f"s{n}:{n % 40}" for n in number], "symbol": [f"S{n % 40}" for n in number], "con_id": number % 40,
        "day": day, "published_at": times, "received_at": times, "imputed": np.zeros(events, bool),
        "session": "regular",
    }  # fmt: skip
    at = received[:, None] + np.array([10, 40, 90], dtype="m8[s]").astype("m8[us]")
    outcomes = {"a": net, "b": 0.8 * net - 5}
    gross = {name: values + 40 for name, values in outcomes.items()}
    frame = event_frame(pd.DataFrame(columns, index=range(events)))
    return EventTable(
        events=frame,
        at=at,
        features=features,
        gate=np.zeros(shape, np.int8),
        net_bps=outcomes,
        gross_bps=gross,
        marks=marks,
    )


@pytest.fixture
def planted() -> Callable[..., EventTable]:
    """Makes a table whose edge is where PLANTED holds."""
    return planted_table


@pytest.fixture
def planted_thresholds() -> Thresholds:
    """Where the edge is."""
    return PLANTED


@pytest.fixture
def planted_grid() -> Grid:
    """A grid around it."""
    return GRID


@pytest.fixture
def swept(tmp_path) -> Callable[[EventTable], SweepResult]:
    """Sweeps a table with the planted grid and both exits."""

    def run(table: EventTable) -> SweepResult:
        with TrialLedger(tmp_path / "ledger.db") as ledger:
            return sweep(table, GRID, Thresholds(), ["a", "b"], ledger)

    return run
