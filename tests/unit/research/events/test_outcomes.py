"""Outcomes of an event table: which columns come out, net of what, and what stays unknown."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from momentum_kit.config import ExitSettings
from momentum_kit.errors import ResearchError
from momentum_kit.models.news import Headline
from momentum_kit.models.orders import OrderAction
from momentum_kit.research.events import EventTable, FillAssumptions
from momentum_kit.research.events.outcomes import NO_QUOTES, ExitRule, add_outcomes, held_positions
from momentum_kit.research.events.table import EVENT_DTYPES, FEATURES, event_frame
from momentum_kit.storage.archive import SECONDS, DatedMaster, Provenance
from momentum_kit.trading import CostTable, commission, parse_costs

COSTS = Path(__file__).parents[4] / "config" / "costs.yaml"
DAY, HALF_DAY = date(2026, 5, 14), date(2025, 11, 28)
RECEIVED = datetime(2026, 5, 14, 14, 30, 2, tzinfo=UTC)
RULE = ExitRule(name="default")
K = 3


class Market:
    """One symbol that stands at 5 USD, 30 minutes from the headline on, with or without quotes, by any bar length."""

    def __init__(self, *, quotes: bool = True, ends_s: int = 1800) -> None:
        self.quotes = quotes
        self.ends_s = ends_s

    def columns(self, kind: str, *_: Any) -> Mapping[str, Any]:
        """The series by column, as the archive gives them."""
        begin = int(RECEIVED.timestamp()) // 60 * 60
        start = np.arange(begin - 300, begin + self.ends_s, SECONDS[kind], dtype=np.int64) * 1_000_000
        prices = dict.fromkeys(("open", "high", "low", "close"), 5.0) | {"volume": 50_000.0, "count": 40.0, "wap": 5.0}
        for side, price in (("bid", 4.99), ("ask", 5.01)):
            prices |= dict.fromkeys((f"{side}_open", f"{side}_close"), price) | {f"{side}_size": 1_000.0}
        return {"start": start} | {name: np.full(start.size, price) for name, price in prices.items()}

    def provenances(self, kind: str, *_: Any) -> Mapping[date, tuple[int, Provenance]]:
        """The day of the headline, and of the half day of one test; quotes only where there are some."""
        origin = Provenance(source="test", sha256="", imported_at=RECEIVED, adjusted=False)
        there = self.quotes or not kind.startswith("quotes")
        return dict.fromkeys((DAY, HALF_DAY), (1, origin)) if there else {}

    def headlines(self, *_: Any) -> Sequence[Headline]:
        """None: the events are given."""
        return ()

    def symbol_master(self, *_: Any) -> DatedMaster | None:
        """None: the events are given."""
        return None


@pytest.fixture(scope="module")
def costs() -> CostTable:
    """The dated table of the project."""
    return parse_costs(yaml.safe_load(COSTS.read_text(encoding="utf-8")))


def table(symbols: Sequence[str] = ("AAA", "BBB"), received: datetime = RECEIVED, seconds: int = 5) -> EventTable:
    """One event a symbol, judged K times; the last event lacks its last decision time."""
    n = len(symbols)
    first = np.datetime64(int(received.timestamp() // seconds * seconds + 2 * seconds), "s").astype("datetime64[us]")
    at = np.tile(first + np.arange(K) * np.timedelta64(seconds, "s"), (n, 1))
    at[-1, -1] = np.datetime64("NaT", "us")
    features = {name: np.full((n, K), np.nan) for name in FEATURES}
    features |= {"price": np.full((n, K), 5.0), "atr": np.full((n, K), 0.03)}
    columns: dict[str, Any] = {name: [""] * n for name in EVENT_DTYPES}
    columns |= {"symbol": list(symbols), "con_id": range(n), "imputed": [False] * n}
    columns |= {
        "day": [pd.Timestamp(received.date())] * n,
        "published_at": [received] * n,
        "received_at": [received] * n,
    }
    return EventTable(events=event_frame(columns), at=at, features=features, gate=np.zeros((n, K), dtype=np.int8))


def test_net_is_gross_less_spread_and_fees(costs: CostTable) -> None:
    """In a market that stands still every outcome is minus a spread and two commissions, on what was paid."""
    result = add_outcomes(table(), Market(), [RULE], costs, FillAssumptions())
    fees = sum(
        commission(costs, "fixed", side, 1_000, 5 + s, DAY) for side, s in zip(OrderAction, (0.01, -0.01), strict=True)
    )
    expected = -(0.02 * 1_000 + fees) / 5_010 * 1e4
    known = ~np.isnat(result.at)
    assert result.net_bps["default"][known] == pytest.approx(np.full(known.sum(), expected))
    assert result.gross_bps["default"][known] == pytest.approx(np.zeros(known.sum()))
    assert np.isnan(result.net_bps["default"][~known]).all(), "no decision time, no outcome"


def test_doubled_costs_double_the_loss_of_a_still_market(costs: CostTable) -> None:
    """The stress scales spread and fees alike and leaves the gross return alone."""
    once, twice = (
        add_outcomes(table(), Market(), [RULE], costs, FillAssumptions().stressed(costs=multiple))
        for multiple in (1.0, 2.0)
    )
    assert twice.net_bps["default"][0, 0] == pytest.approx(2 * once.net_bps["default"][0, 0], rel=0.01)
    assert np.array_equal(twice.gross_bps["default"], once.gross_bps["default"], equal_nan=True)


def test_five_times_the_latency_is_five_seconds() -> None:
    """The house's latency stress is on the assumption itself."""
    assert FillAssumptions().stressed(latency=5).latency_s == 5.0


def test_without_quotes_the_table_is_marked(costs: CostTable) -> None:
    """Outcomes of bars alone say so, and cost the assumed spread."""
    result = add_outcomes(table(), Market(quotes=False), [RULE], costs, FillAssumptions())
    assert NO_QUOTES in result.marks
    assert result.net_bps["default"][0, 0] < -35


def test_minute_bars_are_used_where_the_table_was_built_from_them(costs: CostTable) -> None:
    """Decisions a minute apart take their outcomes from minute bars."""
    minutes = table(seconds=60)
    result = add_outcomes(minutes, Market(quotes=False), [RULE], costs, FillAssumptions())
    assert np.isfinite(result.net_bps["default"][0]).all()


def test_a_tape_that_ends_before_the_exit_leaves_nan(costs: CostTable) -> None:
    """A return that the archive cannot tell is not a number, never zero."""
    result = add_outcomes(table(), Market(ends_s=300), [RULE], costs, FillAssumptions())
    assert np.isnan(result.net_bps["default"]).all()


def test_each_exit_rule_has_its_own_outcomes(costs: CostTable) -> None:
    """Rules are added beside those a table has already."""
    first = add_outcomes(table(), Market(), [RULE], costs, FillAssumptions())
    both = add_outcomes(first, Market(), [ExitRule(name="quick", time_stop_s=60)], costs, FillAssumptions())
    assert set(both.net_bps) == set(both.gross_bps) == {"default", "quick"}


def test_positions_are_closed_before_a_half_day_ends(costs: CostTable) -> None:
    """On the day after Thanksgiving the close is 13:00: a position of 12:50 must sell five minutes before."""
    received = datetime(2025, 11, 28, 17, 50, 2, tzinfo=UTC)

    class HalfDay(Market):
        """The same market on that day, with a fall to 4.95 at 12:54:30."""

        def columns(self, *args: Any, **names: Any) -> Mapping[str, Any]:
            found = dict(super().columns(*args, **names))
            found["start"] = found["start"] + int((received - RECEIVED) / timedelta(microseconds=1))
            fallen = found["start"] >= int(received.timestamp() + 268) * 1_000_000
            for name in found:
                if name.endswith(("open", "close")):
                    found[name] = np.where(fallen, found[name] - 0.05, found[name])
            return found

    result = add_outcomes(table(received=received), HalfDay(), [RULE], costs, FillAssumptions())
    assert result.gross_bps["default"][0, 0] == pytest.approx(-100, abs=1), "sold at 12:55, after the fall"
    early = ExitRule(name="default", flat_before_close_s=400)
    sooner = add_outcomes(table(received=received), HalfDay(), [early], costs, FillAssumptions())
    assert sooner.gross_bps["default"][0, 0] == pytest.approx(0, abs=1), "sold at 12:53:20, before it"


def test_a_rule_takes_the_exits_of_a_live_session() -> None:
    """The same settings, the same exits."""
    settings = ExitSettings(stop_atr=1.0, stop_min_pct=3.0, target_r=4.0, time_stop_s=120)
    assert ExitRule.live(settings) == ExitRule(
        name="live",
        stop_atr=1.0,
        stop_min_pct=3.0,
        target_r=4.0,
        trail_r=None,
        time_stop_s=120.0,
        flat_before_close_s=settings.flat_before_close_s,
    )


@pytest.mark.parametrize("wrong", [{"stop_atr": 0}, {"target_r": -1.0}, {"trail_r": float("inf")}, {"time_stop_s": 0}])
def test_impossible_exit_rules_are_refused(wrong: dict[str, float]) -> None:
    """A rule that could never end a position is an error, not a silent nan."""
    with pytest.raises(ResearchError):
        ExitRule(name="wrong", **wrong)


def test_rules_of_one_name_are_refused(costs: CostTable) -> None:
    """Two rules of one name would overwrite each other."""
    with pytest.raises(ResearchError, match="different names"):
        add_outcomes(table(), Market(), [RULE, RULE], costs, FillAssumptions())


def test_impossible_assumptions_are_refused() -> None:
    """Negative costs and an order of nothing are errors."""
    with pytest.raises(ResearchError, match="latency_s"):
        FillAssumptions(latency_s=-1)
    with pytest.raises(ResearchError, match="notional_usd"):
        FillAssumptions(notional_usd=0)


class MovingMarket(Market):
    """It dips to 4.95 a minute after the headline, and prints 5.25 a minute later."""

    def columns(self, kind: str, *_: Any) -> Mapping[str, Any]:
        """With the two moves in the bars; the quotes stand still."""
        found = dict(super().columns(kind))
        since_s = found["start"] / 1e6 - RECEIVED.timestamp()
        if not kind.startswith("quotes"):
            found["low"] = np.where((since_s >= 60) & (since_s < 65), 4.95, found["low"])
            found["high"] = np.where((since_s >= 120) & (since_s < 125), 5.25, found["high"])
        return found


def test_what_a_position_went_through() -> None:
    """Bought at the ask of 5.01, 2% at risk: the dip is its worst, its target of 5.22 its best and its end."""
    found = held_positions(
        table(), np.array([0, 1, 1]), np.array([0, 0, 1]), MovingMarket(), RULE, FillAssumptions(impact_coef=0.0)
    )
    assert found["ended"].tolist() == ["target"] * 3
    np.testing.assert_allclose(found["mae_bps"], (4.95 / 5.01 - 1) * 1e4)
    np.testing.assert_allclose(found["mfe_bps"], (5.22 / 5.01 - 1) * 1e4)
    assert found["held_s"].between(100, 125).all()
    assert found["held_s"].iloc[1] - found["held_s"].iloc[2] == 5


def test_a_position_whose_end_is_not_on_the_tape() -> None:
    """Nothing is said of what it went through."""
    found = held_positions(
        table(), np.array([0]), np.array([0]), Market(ends_s=300), RULE, FillAssumptions(impact_coef=0.0)
    )
    assert found["ended"].tolist() == [""]
    assert found[["held_s", "mae_bps", "mfe_bps"]].isna().all(axis=None)
