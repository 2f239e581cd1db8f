"""Fills by group, and rank correlations: against scipy, and against worlds whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from momentum_kit.research.events import EventTable
from momentum_kit.research.events.table import EVENT_DTYPES, FEATURES
from momentum_kit.research.tear_sheet.fills import BANDS, _cut
from momentum_kit.research.tear_sheet.grouping import FEW, SHOWN, grouped, rank_correlations

DAYS = np.arange("2026-01-05", "2026-03-16", dtype="datetime64[D]")


def fills(net: np.ndarray, by: str, names: list[str]) -> pd.DataFrame:
    """One fill a number, dealt over the days."""
    day = pd.to_datetime(DAYS[np.arange(len(net)) % len(DAYS)])
    return pd.DataFrame({"net_bps": net, "day": day, by: [names[at % len(names)] for at in range(len(net))]})


def world(seed: int, slope: float, by_day: float = 0.0, events: int = 400) -> EventTable:
    """Events of ten a day whose outcome follows one feature by a slope; by_day: how much of each its day shares."""
    rng = np.random.default_rng(seed)
    day = np.arange(events) // 10
    moods = rng.normal(size=(2, events // 10))[:, day]
    feature = rng.normal(size=events) + by_day * moods[0]
    net = slope * feature + rng.normal(size=events) + by_day * moods[1]
    columns: dict[str, object] = {name: [""] * events for name in EVENT_DTYPES}
    received = pd.Timestamp("2026-01-05 15:00", tz="UTC") + pd.to_timedelta(day, unit="D")
    columns |= {"con_id": range(events), "imputed": [False] * events, "received_at": received}
    columns |= {"published_at": received, "day": received.tz_localize(None).normalize()}
    features = {name: np.full((events, 2), np.nan) for name in FEATURES}
    features["z_tod"][:, 1] = feature
    features["price"][:] = 5.0
    outcome = np.full((events, 2), np.nan)
    outcome[:, 1] = 100 * net
    return EventTable(
        events=pd.DataFrame(columns).astype(EVENT_DTYPES), at=np.full((events, 2), "2026-01-05", "datetime64[us]"),
        features=features, gate=np.zeros((events, 2), np.int8), net_bps={"x": outcome}, gross_bps={"x": outcome},
    )  # fmt: skip


def test_a_rank_correlation_is_spearmans() -> None:
    """At the first decision that fills; what never varies, or is not known, has none."""
    table = world(1, 0.3)
    (row,) = rank_correlations(table, "x").to_dict("records")
    expected = spearmanr(table.features["z_tod"][:, 1], table.net_bps["x"][:, 1]).statistic
    assert (row["feature"], row["events"], row["ic"]) == ("z_tod", 400, pytest.approx(expected))
    assert row["low"] < row["ic"] < row["high"]


@pytest.mark.parametrize("by_day", [0.0, 1.0])
def test_no_correlation_is_found_by_luck_alone(by_day: float) -> None:
    """Of worlds without any, about one band in twenty leaves out zero, though the events of a day share a mood."""
    found = [rank_correlations(world(seed, 0.0, by_day), "x").iloc[0] for seed in range(100)]
    beyond = sum(bool(row["low"] > 0 or row["high"] < 0) for row in found)
    assert beyond <= 12


def test_groups_add_up_to_all() -> None:
    """Counts, sums and marks; the smallest of many groups are one row, and few fills are called so."""
    names = [f"catalyst {at:02}" for at in range(20)]
    table = grouped(fills(np.arange(-300.0, 301.0), "catalyst", names), "catalyst", DAYS)
    assert len(table) == SHOWN
    assert table["catalyst"].iloc[-1] == "9 others"
    assert (table["fills"].sum(), table["sum_bps"].sum()) == (601, 0)
    assert table["won"].sum() == 300
    assert (table["mark"] == np.where(table["fills"] < FEW, "few", "")).all()


@pytest.mark.parametrize("days", [1, 2, 5, 9])
def test_few_days_with_fills_have_no_band(days: int) -> None:
    """Fills of so few days, drawn again and again, would give one that is far too narrow."""
    some = fills(np.linspace(-50, 60, 40), "catalyst", ["a"])
    some["day"] = pd.to_datetime(DAYS[np.arange(40) % days])
    (row,) = grouped(some, "catalyst", DAYS).to_dict("records")
    assert (row["net_bps"], np.isnan(row["low_bps"])) == (pytest.approx(5), True)


def test_an_outcome_that_never_varies_ranks_nothing() -> None:
    """No number is divided by zero, and nothing is said."""
    table = world(1, 0.0)
    table.net_bps["x"][:, 1] = 7.0
    assert rank_correlations(table, "x").empty


def test_intervals_are_named_in_their_order() -> None:
    """The upper end belongs to the next; what is not known stands last."""
    _, edges, words = BANDS["price"]
    cut = _cut(pd.Series([25.0, 2.0, 1.99, np.nan, 20.0]), edges, words)
    assert cut.tolist() == ["20 or more USD", "2 to 5 USD", "below 2 USD", "not known", "20 or more USD"]
    assert list(cut.cat.categories)[:2] == ["below 2 USD", "2 to 5 USD"]
