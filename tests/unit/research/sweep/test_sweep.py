import math
from datetime import UTC, datetime
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum_kit.config import Thresholds
from momentum_kit.detection.live import apply_rules
from momentum_kit.errors import ResearchError, StorageError
from momentum_kit.models.decisions import Features
from momentum_kit.research.events import EventTable
from momentum_kit.research.events.table import FEATURES, concat, event_frame
from momentum_kit.research.sweep import Grid, TrialLedger, add_sums, sum_table
from momentum_kit.research.sweep.bins import least_log
from momentum_kit.research.sweep.sweep import sweep

NAN = math.nan
LOOSE = Thresholds(
    min_ret_60s=-0.9, min_ret_news=-1, min_z_tod=-99, min_rvol_bar=-1, min_rvol_cum=-1, max_extension=9,
    min_dollar_volume_60s_usd=-1, min_trades_60s=-1, max_spread_bps=9_999, max_spread_share=99, min_clv=-1,
)  # fmt: skip
GOOD = dict.fromkeys(FEATURES, 0.0) | {"price": 5.0, "anchor": 5.0}


def event_table(features, net_bps, gate=None, days=None):
    """A table of (N, K) arrays; what is not given is good enough for LOOSE."""
    net = {name: np.asarray(values, float) for name, values in net_bps.items()}
    shape = next(iter(net.values())).shape
    count = shape[0]
    received = pd.date_range("2026-03-02 15:00", periods=count, freq="s", tz="UTC")
    events = event_frame(
        {"item_id": [f"i{i}" for i in range(count)], "story_id": "s", "symbol": "ABC", "con_id": np.arange(count),
         "day": pd.to_datetime(["2026-03-02"] * count if days is None else days), "provider": "P", "catalyst": "other",
         "session": "regular", "published_at": received, "received_at": received, "imputed": False, "text": "t",
         "content": ""}
    )  # fmt: skip
    columns = {name: np.full(shape, GOOD[name]) for name in FEATURES}
    columns |= {name: np.asarray(values, float) for name, values in features.items()}
    at = (
        received.tz_localize(None).to_numpy().astype("datetime64[us]")[:, None] + np.arange(1, shape[1] + 1) * 5_000_000
    )
    return EventTable(
        events=events,
        at=at,
        features=columns,
        gate=np.asarray(np.zeros(shape) if gate is None else gate, np.int8),
        net_bps=net,
        gross_bps=net,
    )


def features_at(table, event, k):
    """What the rules would be given."""
    values = {name: float(table.features[name][event, k]) for name in FEATURES}
    return Features(at=datetime(2026, 3, 2, tzinfo=UTC), **values)


def plain_sweep(table, grid, base, exit_name):
    """One loop over cells, events and decision times; (D, *shape): signals, fills, hits, sums."""
    days = np.unique(table.days)
    signals, fills, hits = (np.zeros((len(days), *grid.shape), int) for _ in range(3))
    sums = np.zeros((len(days), *grid.shape))
    for cell in product(*map(range, grid.shape)):
        thresholds = grid.thresholds(base, cell)
        for event in range(len(table)):
            for k in range(table.gate.shape[1]):
                verdicts = apply_rules(features_at(table, event, k), thresholds)
                if table.gate[event, k] == 0 and all(verdict.passed for verdict in verdicts):
                    at = (int(np.searchsorted(days, table.days[event])), *cell)
                    net = table.net_bps[exit_name][event, k]
                    signals[at] += 1
                    fills[at] += not math.isnan(net)
                    hits[at] += net > 0
                    sums[at] += 0 if math.isnan(net) else net
                    break
    return signals, fills, hits, sums


AXES = {
    "min_price_usd": (4.0, 5.0, 5.5), "max_price_usd": (7.0, 6.0), "min_ret_60s": (0.01, 0.03, 0.05),
    "min_ret_300s": (0.02, 0.04), "min_ret_news": (0.0, 0.02, 0.05), "max_extension": (0.3, 0.05),
    "min_z_tod": (-1.0, 2.0, 4.4, 6.0), "min_rvol_bar": (1.0, 5.0), "max_spread_bps": (100.0, 50.0, 25.0),
    "max_spread_share": (1.0, 0.25, 0.1), "min_clv": (0.0, 0.6, 1.0), "min_trades_60s": (0.0, 30.0),
}  # fmt: skip
VALUES = {  # the better half behind
    "price": [NAN, 4.0, 7.5, 5.0, 5.25, 6.0],
    "ret_60s": [NAN, math.log1p(0.01), 0.0295588, math.log1p(0.03), 0.04, math.log1p(0.05)],
    "ret_300s": [NAN, 0.0, 0.01, math.log1p(0.02), math.log1p(0.04), 0.1],
    "ret_news": [NAN, -0.02, 0.0, 0.5, 0.02, 0.05, 0.2, 0.3],
    "z_tod": [NAN, -2.0, math.inf, 2.0, 4.4, 5.0], "rvol_bar": [NAN, 0.5, 5.0, 9.0], "clv": [NAN, 0.0, 0.6, 0.7, 1.0],
    "spread_bps": [NAN, 80.0, 100.0, 0.0, 20.0, 25.0, 50.0], "trades_60s": [NAN, 29.0, 30.0, 31.0],
}  # fmt: skip
STRICT = LOOSE.model_copy(
    update={"min_ret_60s": 0.03, "max_spread_share": 1.0, "min_z_tod": 2.0, "min_clv": 0.6, "max_extension": 0.3}
)
WILD = 0.25
"""Chance that a value may also be one that fails or is not known; else it is of the better half."""


@st.composite
def studies(draw):
    """A small table whose values lie on, beside and nowhere near the steps, and a grid of one to four axes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = count, _ = draw(st.integers(1, 8)), draw(st.integers(1, 7))
    names = draw(st.lists(st.sampled_from(sorted(AXES)), min_size=1, max_size=4, unique=True))
    days = rng.choice(["2026-03-02", "2026-03-03", "2026-03-06"], count)

    def matrix(values, wild):
        return np.where(
            rng.random(shape) < wild, rng.choice(values, shape), rng.choice(values[len(values) // 2 :], shape)
        )

    features = {name: matrix(values, WILD) for name, values in VALUES.items()}
    net, gate = matrix([NAN, -12.5, 0.0, 3.25, 40.0], 1), matrix([8, 0], WILD)
    table = event_table(features, {"exit": net}, gate, days)
    return table, Grid({name: AXES[name] for name in names}), draw(st.sampled_from([LOOSE, STRICT]))


@settings(max_examples=80, deadline=None)
@given(studies())
def test_one_pass_equals_the_loop(study):
    """Signals, fills, hits and sums by day equal what a loop over the rules finds, to the last digit."""
    table, grid, base = study
    signals, fills, hits, sums = plain_sweep(table, grid, base, "exit")
    found = sum_table(table, grid, base, ["exit"], threads=1)
    assert np.array_equal(found.days, np.unique(table.days))
    assert np.array_equal(found.signals.reshape(signals.shape), signals)
    assert np.array_equal(found.fills[0].reshape(fills.shape), fills)
    assert np.array_equal(found.hits[0].reshape(hits.shape), hits)
    assert np.array_equal(found.units[0].reshape(sums.shape) * 2.0**-32, sums)


def noisy_table(count=60, width=24, days=8, seed=3):
    """Correlated decision times with continuous values, two exit rules."""
    rng = np.random.default_rng(seed)
    shape = (count, width)

    def walk(level, step):
        return level * np.exp(rng.normal(0, 0.5, (count, 1)) + rng.normal(0, step, shape).cumsum(axis=1))

    features = {"ret_60s": walk(0.03, 0.2), "ret_300s": walk(0.03, 0.2), "z_tod": walk(4, 0.3),
                "rvol_bar": walk(5, 0.3), "ret_news": walk(0.05, 0.1), "spread_bps": walk(40, 0.2)}  # fmt: skip
    net = rng.normal(10, 80, shape)
    late = np.where(rng.random(shape) < 0.2, np.nan, net - rng.random(shape))
    when = np.sort(rng.choice(pd.bdate_range("2026-03-02", periods=days).strftime("%Y-%m-%d"), count))
    return event_table(features, {"soon": net, "late": late}, days=when)


NOISY_GRID = Grid({"max_spread_bps": (80.0, 40.0, 20.0), "min_ret_300s": (0.02, 0.03, 0.05),
                   "min_z_tod": (2.0, 4.0, 6.0, 8.0), "min_ret_60s": (0.01, 0.03, 0.05)})  # fmt: skip


def test_floats_and_every_decision_time():
    """With 24 decision times, continuous values and two exit rules, the sums agree to 1e-9, in threads as well."""
    table = noisy_table(count=24)
    plain = {name: plain_sweep(table, NOISY_GRID, LOOSE, name) for name in ("late", "soon")}
    for threads in (1, 3):
        found = sum_table(table, NOISY_GRID, LOOSE, ["late", "soon"], threads)
        for position, (signals, fills, hits, sums) in enumerate(plain.values()):
            assert len(np.unique(signals)) > 3
            assert np.array_equal(found.signals, signals.reshape(found.signals.shape))
            assert np.array_equal(found.fills[position], fills.reshape(found.signals.shape))
            assert np.array_equal(found.hits[position], hits.reshape(found.signals.shape))
            np.testing.assert_allclose(
                found.units[position] * 2.0**-32, sums.reshape(found.signals.shape), rtol=0, atol=1e-9 * len(table)
            )


def test_times_that_cover_little_of_each_other():
    """Two dozen decision times, each good where the others are not, give the first trigger of the loop as well."""
    rng = np.random.default_rng(8)
    shape = (12, 24)
    features = {"z_tod": rng.uniform(0, 9, shape), "rvol_bar": rng.uniform(0, 9, shape), "clv": rng.random(shape),
                "ret_60s": rng.uniform(0, 0.1, shape)}  # fmt: skip
    steps = {
        "min_z_tod": (1, 3, 5, 7),
        "min_rvol_bar": (1, 3, 5, 7),
        "min_clv": (0.1, 0.5, 0.9),
        "min_ret_60s": (0, 0.05),
    }
    table = event_table(features, {"exit": rng.integers(-99, 99, shape)}, days=["2026-03-02", "2026-03-03"] * 6)
    base = LOOSE.model_copy(update={"min_ret_300s": 9.0})
    signals, _, hits, sums = plain_sweep(table, Grid(steps), base, "exit")
    found = sum_table(table, Grid(steps), base, ["exit"])
    assert np.array_equal(found.signals, signals.reshape(found.signals.shape))
    assert np.array_equal(found.hits[0], hits.reshape(found.signals.shape))
    assert np.array_equal(found.units[0] * 2.0**-32, sums.reshape(found.signals.shape))


def test_parts_add_up_to_the_same_bytes():
    """Parts of a table, in any order, give bit for bit what the whole gives, its key included."""
    table = noisy_table()
    whole = sum_table(table, NOISY_GRID, LOOSE, ["soon", "late"])
    shuffled = np.random.default_rng(1).permutation(len(table))
    parts = [table.select(rows) for rows in np.array_split(shuffled, 5)]
    added = add_sums([sum_table(part, NOISY_GRID, LOOSE, ["soon", "late"]) for part in parts])
    for name in ("days", "keys", "signals", "fills", "hits", "units"):
        assert getattr(added, name).tobytes() == getattr(whole, name).tobytes(), name
    assert added.events == whole.events


def test_padding_changes_neither_sums_nor_key():
    """A table padded to more decision times gives the same sums, and is the same data to the ledger."""
    table = noisy_table(width=5)
    narrow, wide = table.select(np.arange(30)), noisy_table(width=24).select(np.arange(2))
    padded = concat([narrow, wide]).select(np.arange(30))
    one, other = (sum_table(each, NOISY_GRID, LOOSE, ["soon", "late"]) for each in (narrow, padded))
    assert padded.gate.shape == (30, 24)
    assert np.array_equal(one.keys, other.keys)
    assert np.array_equal(one.units, other.units)


def test_what_no_memory_holds_is_refused():
    """A grid whose days and cells would not fit is refused before anything is allocated."""
    axes = ("min_z_tod", "min_rvol_bar", "min_rvol_cum", "min_clv")
    huge = Grid({name: tuple(np.linspace(0, 1, 100)) for name in axes})
    with pytest.raises(ResearchError, match=r"100,000,000 cells x 1 exit rules need .* GB.*fewer steps"):
        sum_table(noisy_table(), huge, LOOSE, ["soon"])


@given(st.floats(-0.99, 5), st.integers(-40, 40))
def test_a_tie_is_decided_as_the_rules_decide_it(simple, ulps):
    """A logarithm reaches the moved threshold exactly where its simple return reaches the threshold."""
    log = math.log1p(simple)
    for _ in range(abs(ulps)):
        log = math.nextafter(log, math.copysign(math.inf, ulps))
    assert (log >= least_log(simple)) == (math.expm1(log) >= simple)


def test_statistics_of_every_cell(tmp_path):
    """Counts, hit rate, mean, t by day clusters, Sharpe, worst day and no-fill share are what pandas computes."""
    table = noisy_table(count=400, days=20)
    with TrialLedger(tmp_path / "ledger.db") as ledger:
        result = sweep(table, NOISY_GRID, LOOSE, ["late"], ledger)
    frame = result.frame()
    assert len(frame) == NOISY_GRID.size
    assert list(frame.columns[:4]) == list(NOISY_GRID.axes)
    for flat in (0, 5, 40, 107):
        rows = _signals(table, result.thresholds(tuple(np.unravel_index(flat, NOISY_GRID.shape))), "late")
        filled = rows.dropna(subset="net")
        mean = filled["net"].mean()
        off = (filled["net"] - mean).groupby(filled["day"]).sum()
        se = math.sqrt((off**2).sum() * len(off) / (len(off) - 1)) / len(filled)
        daily = filled.groupby("day")["net"].sum().reindex(result.days.astype("datetime64[us]"), fill_value=0.0)
        expected = {
            "signals": len(rows), "fills": len(filled), "no_fill_share": rows["net"].isna().mean(),
            "hit_rate": (filled["net"] > 0).mean(), "mean_bps": mean, "se_bps": se, "t_day": mean / se,
            "sharpe_day": daily.mean() / daily.std(), "worst_day_bps": daily.min(), "thin": len(filled) < 30,
        }  # fmt: skip
        for name, value in expected.items():
            assert frame[name][flat] == pytest.approx(value, rel=1e-9), (flat, name)


def _signals(table, thresholds, exit_name):
    """Day and outcome of every first trigger, by the plain rules."""
    found = []
    for event in range(len(table)):
        for k in range(table.gate.shape[1]):
            if all(verdict.passed for verdict in apply_rules(features_at(table, event, k), thresholds)):
                found.append((table.events["day"].iloc[event], table.net_bps[exit_name][event, k]))
                break
    return pd.DataFrame(found, columns=["day", "net"])


def test_shapes_of_the_result(tmp_path):
    """Counts lie by day and axis, outcomes also by exit rule; a day's sums over cells are those of daily_bps."""
    with TrialLedger(tmp_path / "ledger.db") as ledger:
        result = sweep(noisy_table(), NOISY_GRID, LOOSE, ["soon", "late"], ledger)
    shape = (len(result.days), *NOISY_GRID.shape)
    assert result.count.shape == shape
    assert result.hits.shape == result.fills.shape == result.sum_bps.shape == (*shape, 2)
    assert np.array_equal(result.sum_bps[..., 1].reshape(len(result.days), -1), result.daily_bps("late"))
    assert (result.fills[..., 0] == result.count).all()
    assert result.trials == result.new_trials == 2 * NOISY_GRID.size


def test_a_second_sweep_of_the_same_counts_nothing(tmp_path):
    """The same cells on the same data are the same trials; other data are new ones."""
    table = noisy_table()
    with TrialLedger(tmp_path / "ledger.db") as ledger:
        sweep(table, NOISY_GRID, LOOSE, ["soon"], ledger)
        assert sweep(table, NOISY_GRID, LOOSE, ["soon"], ledger).new_trials == 0
        fewer = sweep(table.select(np.arange(40)), NOISY_GRID, LOOSE, ["soon"], ledger)
    assert fewer.trials == 2 * NOISY_GRID.size


def _with(table, name, value):
    table.features[name][2, 1] = value
    return table


@pytest.mark.parametrize(
    ("table", "exits", "words"),
    [
        (noisy_table(count=29), ["soon"], "29 events; at least 30"),
        (noisy_table(), ["never"], "no outcomes for the exit rule never; known: soon, late"),
        (noisy_table(), [], "no exit rule"),
        (_with(noisy_table(), "spread_bps", -3.0), ["soon"], r"event 2 \(ABC\), decision time 1: a spread of -3 bps"),
        (noisy_table(width=64), ["soon"], "64 decision times; 63"),
    ],
)
def test_what_is_refused(tmp_path, table, exits, words):
    """Too few events, an unknown exit rule and a crossed quote are refused with the row and the remedy."""
    with TrialLedger(tmp_path / "ledger.db") as ledger:
        with pytest.raises(ResearchError, match=words):
            sweep(table, NOISY_GRID, LOOSE, exits, ledger)
        assert ledger.count() == 0


@pytest.mark.parametrize("value", [math.inf, 1e12])
def test_an_impossible_return_is_refused(value):
    """A return that no share can bring is refused with its event, before any sum overflows."""
    table = noisy_table()
    table.net_bps["soon"][7, 3] = value
    with pytest.raises(ResearchError, match=r"event 7 \(ABC\): a return of (inf|1e\+12) bps"):
        sum_table(table, NOISY_GRID, LOOSE, ["soon"])


def test_a_result_that_could_not_be_counted_is_not_shown(tmp_path):
    """Where the ledger cannot be written there is no result."""
    ledger = TrialLedger(tmp_path / "ledger.db")
    ledger.close()
    with pytest.raises(StorageError, match="not counted"):
        sweep(noisy_table(), NOISY_GRID, LOOSE, ["soon"], ledger)
