"""Generated markets: the truth they carry is the truth of their own tape, and they look like a market."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from momentum_kit.detection.live import Tape, apply_rules, build_baseline, compute_features
from momentum_kit.errors import InputError
from momentum_kit.models.market import MarketDataType, Quote
from momentum_kit.models.news import Catalyst, NewsItem
from momentum_kit.research.events import EventTable, FillAssumptions, build
from momentum_kit.research.events.outcomes import ExitRule, add_outcomes
from momentum_kit.research.sample import SAMPLE, TRUTH, write_sample
from momentum_kit.research.sample.market_sample import Sample, SampleSpec, generate
from momentum_kit.research.sample.sample_archive import truth
from momentum_kit.research.sample.truth import power
from momentum_kit.research.sweep import holds
from momentum_kit.sessions import previous_sessions, session_at
from momentum_kit.storage.archive import Archive
from momentum_kit.storage.archive.rows import to_rows
from momentum_kit.trading import parse_costs

ROOT = Path(__file__).parents[4]
COSTS = parse_costs(yaml.safe_load((ROOT / "config" / "costs.yaml").read_text(encoding="utf-8")))
SMALL = SampleSpec(seed=3, days=18, symbols=10, headlines_a_day=20, first_day=date(2026, 4, 20))
TINY = SampleSpec(seed=5, days=2, symbols=3, headlines_a_day=5, first_day=date(2026, 5, 4), warm_up=11)


@pytest.fixture(scope="module")
def sample() -> Sample:
    """A sample of 360 headlines with an edge of 20 bps."""
    return generate(SMALL)


@pytest.fixture(scope="module")
def table(sample: Sample) -> EventTable:
    """Its event table with the outcomes of the default exits."""
    return with_outcomes(sample)


@pytest.fixture(scope="module")
def richer() -> Sample:
    """The same market with 100 bps more of it."""
    return generate(replace(SMALL, edge_bps=120.0))


def with_outcomes(sample: Sample) -> EventTable:
    """The event table of a sample as any study builds it, with the outcomes of the default exits."""
    events = build(sample.source, *sample.span)
    return add_outcomes(events, sample.source, [ExitRule(name="default")], COSTS, FillAssumptions())


def first(passed: np.ndarray) -> np.ndarray:
    """Index of the first True of each row, -1 for none."""
    return np.where(passed.any(axis=1), passed.argmax(axis=1), -1)


def net_at(table: EventTable, k: np.ndarray) -> np.ndarray:
    """Net bps of the events with k >= 0, bought at their k-th decision."""
    rows = np.flatnonzero(k >= 0)
    return table.net_bps["default"][rows, k[rows]]


def test_the_same_spec_gives_the_same_sample() -> None:
    """Everything hangs on the spec alone, to the bit; another seed is another market."""
    one, two, other = generate(TINY), generate(TINY), generate(replace(TINY, seed=6))
    for key, columns in one.source.series.items():
        for name, column in columns.items():
            assert np.array_equal(column, two.source.series[key][name]), (key, name)
    assert one.source.news == two.source.news
    pd.testing.assert_frame_equal(one.truth, two.truth)
    assert one.source.news != other.source.news


def test_every_headline_becomes_an_event(sample: Sample, table: EventTable) -> None:
    """The headlines read as IB's do: each is tied to its contract; offerings are barred, and mere dates."""
    assert len(table) == len(sample.source.news) == 18 * 20
    assert set(table.events["item_id"]) == set(sample.truth["item_id"])
    kinds = sample.truth.set_index("item_id").loc[table.events["item_id"], "kind"].to_numpy()
    barred = (table.gate == 1).any(axis=1)
    assert barred[kinds == "offering"].all()
    assert set(kinds[barred]) <= {"offering", "quiet"}


def test_truth_is_what_the_final_tape_says(sample: Sample, table: EventTable) -> None:
    """The first decision at which the planted thresholds hold is the one in the truth, on the tape with its drift."""
    told = sample.truth.set_index("item_id").loc[table.events["item_id"]]
    k = first(holds(table, SMALL.planted))
    at = pd.Series(pd.to_datetime(table.at[np.arange(k.size), np.maximum(k, 0)], utc=True)).where(k >= 0)
    assert at.equals(told["first_pass_at"].reset_index(drop=True))
    assert np.array_equal(told["drift_bps"].to_numpy() > 0, k >= 0)
    assert 80 < (k >= 0).sum() < 200


def test_truth_holds_for_the_functions_that_judge_live(sample: Sample) -> None:
    """Bar by bar through Tape, compute_features and apply_rules, the first pass is the one in the truth."""
    some = sample.truth[sample.truth["kind"] == "shock"].head(4)
    lines = {line.article_id.partition("$")[2]: line for line in sample.source.news}
    for event in some.itertuples():
        headline = lines[event.story_id]
        received = headline.received_at
        assert received is not None and headline.contract is not None
        day, symbol = received.date(), event.symbol
        sessions = previous_sessions(day, 20)
        past = to_rows("bars_1m", sample.source.columns("bars_1m", symbol, sessions[0].day, sessions[-1].day))
        session = session_at(received)
        assert session is not None
        baseline = build_baseline(past, sessions, session.open)
        tape = Tape(session, to_rows("bars_1m", sample.source.columns("bars_1m", symbol, day, day)), received)
        tape.extend(to_rows("bars_5s", sample.source.columns("bars_5s", symbol, day, day)))
        item = NewsItem(
            item_id=event.item_id,
            story_id=event.story_id,
            headline=headline,
            contract=headline.contract,
            text=headline.text,
            catalyst=Catalyst.OTHER,
            catalyst_rule="",
        )
        quotes = {row.end: row for row in to_rows("quotes_5s", sample.source.columns("quotes_5s", symbol, day, day))}
        passing = []
        for at in pd.date_range(pd.Timestamp(received) + pd.Timedelta("5s"), periods=24, freq="5s").ceil("5s"):
            if at > pd.Timestamp(received) + pd.Timedelta("120s"):
                break
            row = quotes[at.to_pydatetime()]
            quote = Quote(
                event.con_id, row.bid_close, row.ask_close, row.bid_size, row.ask_size, row.bid_close, False,
                MarketDataType.LIVE, row.end,
            )  # fmt: skip
            features = compute_features(at.to_pydatetime(), tape, baseline, item, quote, 0.0)
            assert features is not None
            if all(verdict.passed for verdict in apply_rules(features, SMALL.planted)):
                passing.append(at)
        assert (passing[0] if passing else pd.NaT) is pd.NaT or passing[0] == event.first_pass_at
        assert bool(passing) == pd.notna(event.first_pass_at)


def test_an_edge_changes_nothing_before_the_first_pass(sample: Sample, richer: Sample) -> None:
    """A larger drift leaves the tape up to a symbol's first passing decision as it was."""
    for symbol, of_symbol in sample.truth.dropna(subset="first_pass_at").groupby("symbol"):
        until = of_symbol["first_pass_at"].min().value // 1000
        for kind, seconds in (("bars_5s", 5), ("quotes_5s", 5), ("bars_1m", 60)):
            one, two = (each.source.series[kind, symbol] for each in (sample, richer))
            for name, column in one.items():
                before = one["start"] + seconds * 1_000_000 <= until
                same = two["start"] + seconds * 1_000_000 <= until
                assert np.array_equal(column[before], two[name][same]), (symbol, kind, name)


def test_the_edge_arrives_net_of_costs(sample: Sample, table: EventTable, richer: Sample) -> None:
    """Where the thresholds hold the default exits net about the edge; elsewhere they lose about their costs.

    The same market with 100 bps more tells how much of a drift arrives: its noise is the same, so few events suffice.
    """
    more = with_outcomes(richer)
    k, same = first(holds(table, SMALL.planted)), first(holds(more, SMALL.planted))
    both = np.where((k == same), k, -1)
    assert (both >= 0).sum() > 0.9 * (k >= 0).sum()
    assert np.nanmean(net_at(more, both) - net_at(table, both)) == pytest.approx(100, abs=15)
    mine, others = net_at(table, k), net_at(table, np.where(k >= 0, -1, 0))
    assert abs(np.nanmean(mine) - 20) < 3 * np.nanstd(mine) / np.sqrt(mine.size)
    assert np.nanmean(others) < -30


def test_events_lie_on_both_sides_of_each_planted_threshold(table: EventTable) -> None:
    """Without any one of the rules more events pass: each of them can be found."""
    k = first(holds(table, SMALL.planted))
    loose = {
        "z": {"min_z_tod": -99.0},
        "volume": {"min_rvol_bar": 0.0},
        "dollars": {"min_dollar_volume_60s_usd": 0.0},
        "spread": {"max_spread_bps": 1e9},
        "move": {"min_ret_60s": -1.0, "min_ret_300s": -1.0, "min_ret_news": -1.0, "max_spread_share": 1e9},
    }
    for name, changes in loose.items():
        more = first(holds(table, SMALL.planted.model_copy(update=changes)))
        assert ((more >= 0) & (k < 0)).sum() >= 3, name


def test_a_placebo_nets_nothing_anywhere() -> None:
    """Every event pays its costs back and no more, wherever it lies."""
    placebo = generate(replace(SMALL, days=12, placebo=True))
    table = with_outcomes(placebo)
    k = first(holds(table, placebo.spec.planted))
    for chosen in (k, np.where(k >= 0, -1, 0), np.full(k.size, 15)):
        net = net_at(table, chosen)
        assert abs(np.nanmean(net)) < 3.5 * np.nanstd(net) / np.sqrt(net.size)


def test_prices_spreads_and_volumes_look_like_small_caps(sample: Sample) -> None:
    """Cents, 1 to 20 USD, spreads of at least a cent, busy opens and closes, fat tails, and minutes without a trade."""
    volumes, returns = np.zeros(390), []
    for (kind, _), columns in sample.source.series.items():
        if kind == "quotes_5s":
            cents = np.stack([columns["bid_close"], columns["ask_close"]]) * 100
            assert np.allclose(cents, np.rint(cents))
            bps = (columns["ask_close"] - columns["bid_close"]) / columns["ask_close"] * 1e4
            assert 8 < np.median(bps) < 100
        if kind == "bars_1m":
            assert columns["low"].min() > 0.7 and np.quantile(columns["high"], 0.999) < 30
            assert ((columns["low"] <= columns["open"]) & (columns["open"] <= columns["high"])).all()
            assert ((columns["low"] <= columns["wap"]) & (columns["wap"] <= columns["high"] + 1e-9)).all()
            assert columns["count"].min() >= 1 and (columns["volume"] >= columns["count"]).all()
            minute = ((columns["start"] // 60_000_000) % 1440 - 810).astype(int)  # summer time: the open is 13:30 UTC
            inside = (minute >= 0) & (minute < 390)
            volumes += np.bincount(minute[inside], columns["volume"][inside], 390)
            returns.append(np.diff(np.log(columns["close"]))[np.diff(columns["start"]) == 60_000_000])
    assert volumes[:10].mean() > 2 * volumes[150:250].mean() < 2 * volumes[-10:].mean()
    moved = np.concatenate(returns)
    assert np.mean(moved**4) / np.mean(moved**2) ** 2 > 5


def test_minutes_are_the_sum_of_their_5_s_bars(sample: Sample) -> None:
    """Around a headline both series tell the same trades."""
    symbol = sample.truth["symbol"].iloc[0]
    minutes, fine = (sample.source.series[kind, symbol] for kind in ("bars_1m", "bars_5s"))
    of = fine["start"] // 60_000_000
    for minute in np.unique(of)[:40]:
        row = np.flatnonzero(minutes["start"] == minute * 60_000_000)
        mine = of == minute
        assert minutes["volume"][row] == fine["volume"][mine].sum()
        assert minutes["high"][row] == fine["high"][mine].max()
        assert minutes["close"][row] == fine["close"][mine][-1]


def test_files_hold_what_memory_holds(tmp_path: Path) -> None:
    """An archive gives the same event table as the sample it was written from, and its truth beside it."""
    report = write_sample(tmp_path / "archive", TINY)
    made, archive = generate(TINY), Archive(tmp_path / "archive")
    stored, direct = build(archive, *made.span), build(made.source, *made.span)
    for name, values in direct.features.items():
        assert np.array_equal(values, stored.features[name], equal_nan=True), name
    assert json.loads((tmp_path / "archive" / TRUTH).read_text()) == truth(made)
    assert (report.headlines, report.symbols, report.days) == (10, 3, 2)
    again = write_sample(tmp_path / "again", TINY)
    files = [file.relative_to(tmp_path / "again") for file in (tmp_path / "again").rglob("*") if file.is_file()]
    assert again.size_mb == report.size_mb
    assert all((tmp_path / "again" / f).read_bytes() == (tmp_path / "archive" / f).read_bytes() for f in files)


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    """Generated days never mix with others."""
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="choose a new folder"):
        write_sample(tmp_path, TINY)


def test_the_committed_sample_is_what_its_command_writes() -> None:
    """Every row of one committed day, and the truth of all, come out again."""
    made, archive = generate(SAMPLE), Archive(ROOT / "data" / "sample")
    day = made.span[0]
    for kind, symbol in made.source.series:
        if archive.holds(kind, symbol, day):
            stored, fresh = archive.columns(kind, symbol, day, day), made.source.columns(kind, symbol, day, day)
            for name in stored:
                assert np.array_equal(stored[name], fresh[name]), (kind, symbol, name)
        else:
            assert not made.source.columns(kind, symbol, day, day)["start"].size
    assert archive.headlines(*made.span) == tuple(made.source.headlines(*made.span))
    assert json.loads((ROOT / "data" / "sample" / TRUTH).read_text()) == truth(made)
    assert len(made.truth) >= 300


@pytest.mark.parametrize("wrong", [{"days": 0}, {"symbols": 1, "headlines_a_day": 9}, {"warm_up": 0}])
def test_impossible_specs_are_refused(wrong: dict[str, int]) -> None:
    """More headlines than there is room for, or nothing at all, is bad input."""
    with pytest.raises(InputError):
        SampleSpec(**wrong)


def test_power_grows_with_edge_and_events() -> None:
    """With 150 bps of noise and 1,700 signals 20 bps are found nearly always, 10 mostly, 5 often not."""
    found = [power(edge, 150, 1_700) for edge in (5, 10, 20)]
    assert found == pytest.approx([0.394, 0.866, 0.9999], abs=0.002)
    assert power(0, 150, 1_700) == pytest.approx(0.05, abs=1e-3)


def test_the_command_writes_what_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`data sample` changes the committed spec by its options, and reports as JSON."""
    from momentum_kit.cli.data import sample as command

    command(tmp_path / "new", days=1, headlines=3, first="2026-05-04", symbols=2, placebo=True, json_=True)
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    spec = json.loads((tmp_path / "new" / TRUTH).read_text())["spec"]
    assert (report["headlines"], spec["placebo"], spec["seed"], spec["days"]) == (3, True, SAMPLE.seed, 1)
