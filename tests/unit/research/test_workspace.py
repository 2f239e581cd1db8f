import dataclasses
import math
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from distributed import LocalCluster

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research import Workspace
from momentum_kit.research.conclusions import against_truth, what_holds, what_moves, worth_studying
from momentum_kit.research.event_study import EventStudy, archived_bars, groups, net_by_delay, paths, study
from momentum_kit.research.event_study.grouping import GROUPS
from momentum_kit.research.events import EventTable, HeadlineCounts, count_headlines
from momentum_kit.research.plots import event_study_plot
from momentum_kit.research.plots.event_study import MOST_GROUPS
from momentum_kit.research.plots.explore import delay_plot, tape_plot
from momentum_kit.research.sweep import Cluster, grid_of
from momentum_kit.research.validation import load_evidence, save_evidence
from momentum_kit.research.views import findings, inside, table, word
from momentum_kit.storage.quality import examine

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "data" / "sample"
AXES = {"min_z_tod": [4, 8], "max_spread_bps": [100, 50], "min_rvol_cum": [0.5], "max_spread_share": [0.5]}


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Workspace:
    """A study of the sample whose events are built."""
    opened = Workspace.open(SAMPLE, tmp_path_factory.mktemp("desk"), ROOT / "config" / "sim.yaml")
    opened.build()
    return opened


@pytest.fixture(scope="module")
def opened(desk) -> EventTable:
    """The days that a study may look at."""
    return desk.open_days().table


def test_the_same_bytes_come_from_a_cluster(desk, tmp_path):
    """Events and sweep on two workers are those of this process."""
    grid, base = grid_of(AXES, desk.config.thresholds)
    here = desk.sweep(grid, base)
    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0", memory_limit=0, silence_logs=50
    ) as local, Cluster(local.scheduler_address) as cluster:  # fmt: skip
        there = dataclasses.replace(desk, folder=tmp_path / "there", run=cluster.run)
        there.build()
        found = there.sweep(grid, base)
    assert (desk.folder / "events.parquet").read_bytes() == (there.folder / "events.parquet").read_bytes()
    assert here.sums.units.tobytes() == found.sums.units.tobytes()
    assert here.sums.signals.tobytes() == found.sums.signals.tobytes()
    assert here.sums.keys.tolist() == found.sums.keys.tolist()


def test_sealed_days_are_beyond_reach(desk, opened):
    """The last fifth of the days is in the table and in no study."""
    assert sorted(set(desk.events().days) - set(opened.days)) == list(
        np.array(["2026-05-20", "2026-05-21", "2026-05-22"], "datetime64[D]")
    )


def test_counted_sessions_are_those_of_the_events(desk):
    """Catalyst and session of every item agree with the event table's."""
    counted = count_headlines(desk.news()).items.set_index("item_id")
    events = desk.events().events.set_index("item_id")
    for column in ("catalyst", "session"):
        assert counted[column].to_dict() == events[column].to_dict()


@pytest.mark.parametrize(
    ("at", "session"),
    [
        ("2026-05-04 08:00", "pre"),
        ("2026-05-04 17:00", "post"),
        ("2026-05-04 21:00", "closed"),
        ("2026-05-03 11:00", "closed"),
    ],
)
def test_sessions_outside_regular_hours_are_named(desk, at, session):
    """As the event table names them."""
    news = desk.news((date(2026, 5, 4), date(2026, 5, 4)))
    received = pd.Timestamp(at, tz="America/New_York").value // 1000
    moved = dataclasses.replace(news, rows=[news.rows[0]._replace(received_at=received)])
    assert count_headlines(moved).items["session"].tolist() == [session]


def test_every_grouping_names_every_event(opened):
    """No event is lost, and an unknown grouping is refused."""
    for by in GROUPS:
        assert len(groups(opened, by)) == len(opened)
    with pytest.raises(ResearchError, match="cannot group by mood"):
        groups(opened, "mood")


def test_net_by_delay_is_the_mean_of_the_table(opened):
    """Of those that filled, at each decision time, without any rule."""
    net = net_by_delay(opened, "live")
    assert net["mean_bps"].to_numpy() == pytest.approx(np.nanmean(opened.net_bps["live"][:, : len(net)], axis=0))
    assert net["delay_s"].is_monotonic_increasing
    assert net["delay_s"].iloc[0] >= 5
    assert (net["low_bps"] < net["mean_bps"]).all()
    assert (net["mean_bps"] < net["high_bps"]).all()


def test_buying_every_headline_of_the_sample_does_not_pay(desk, opened):
    """The sample's truth: only what passes the planted thresholds earns its costs; the words say so."""
    found = study(paths(archived_bars(desk.archive), opened.events))
    words = what_moves(found, net_by_delay(opened, "live"))
    assert words.startswith("**Do not buy headlines without a rule")
    assert "no drift before the headline" in words


def net_frame(**groups: tuple[float, float, float, int]) -> pd.DataFrame:
    """First decision time of each group: mean, low, high, fills."""
    rows = [
        {"group": name, "delay_s": 7.5, "events": n, "fills": n, "mean_bps": mean, "low_bps": low, "high_bps": high}
        for name, (mean, low, high, n) in groups.items()
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (net_frame(all=(9.0, 2.0, 15.0, 50)), "Even buying without a rule pays"),
        (net_frame(all=(9.0, -2.0, 15.0, 50)), "neither clearly pays nor clearly loses"),
        (net_frame(all=(9.0, math.nan, math.nan, 50)), "Too few days to tell"),
        (net_frame(a=(9.0, 2.0, 15.0, 50), b=(30.0, 9.0, 60.0, 12)), "each by itself: a."),
        (net_frame(a=(9.0, -2.0, 15.0, 50), b=(3.0, -9.0, 6.0, 40)), "No group pays its costs beyond doubt;"),
    ],
)  # fmt: skip
def test_what_moves_is_said_as_it_is(frame, words):
    """Bands decide, thin groups are no evidence, and a drift before the headline is told."""
    groups = pd.DataFrame({"group": frame["group"], "events": frame["events"], "drift_before_p": 0.001})
    said = what_moves(EventStudy("catalyst", pd.DataFrame(), groups, 0, ()), frame)
    assert words in said
    assert "the tape drifts before the headline in" in said


@pytest.mark.parametrize(
    ("days", "words"), [(3, "Do not study it yet"), (15, "expect no verdict"), (50, "Study it: it can")]
)
def test_an_archive_is_worth_studying_from_a_number_of_days(days, words):
    """And survivorship is told where somebody is missing."""
    day = pd.to_datetime("2026-01-01") + pd.to_timedelta(np.arange(100) % days, unit="D")
    items = pd.DataFrame({"day": day, "symbol": "A", "delay_s": 2.0})
    assert words in worth_studying(HeadlineCounts(items, 100, {}, ()))
    assert "SURVIVORSHIP" in worth_studying(HeadlineCounts(items, 100, {}, ("SURVIVORSHIP: 3 of 100",)))


def test_the_truth_of_the_sample_is_told(desk, opened, tmp_path):
    """The planted thresholds are compared with the plateau; without a truth it is refused."""
    axes = {**AXES, "min_rvol_bar": [6], "min_dollar_volume_60s_usd": [150_000], "max_spread_bps": [100, 50, 25]}
    result = desk.sweep(*grid_of(axes, desk.config.thresholds))
    said = against_truth(result, result.plateau(), desk.archive.root)
    assert "20 bps were planted" in said
    with pytest.raises(ResearchError, match="only a generated market"):
        against_truth(result, result.plateau(), tmp_path)


def test_evidence_is_read_as_it_was_written(desk, tmp_path):
    """Unknown numbers, bands, dates and thresholds survive the file; a broken one is refused with the remedy."""
    result = desk.sweep(*grid_of(AXES, desk.config.thresholds))
    verdict, evidence = desk.validate(result)
    save_evidence(tmp_path / "e.json", evidence)
    assert repr(load_evidence(tmp_path / "e.json")) == repr(evidence)
    assert "collect more days" in what_holds(verdict, evidence)
    (tmp_path / "e.json").write_text("{}")
    with pytest.raises(ResearchError, match="validate again"):
        load_evidence(tmp_path / "e.json")


def test_more_groups_than_can_be_told_apart_are_refused(desk, opened):
    """A picture with too many lines shows nothing."""
    names = np.array([f"g{n % (MOST_GROUPS + 1)}" for n in range(len(opened))])
    found = study(paths(archived_bars(desk.archive), opened.events.assign(mine=names)), "mine")
    with pytest.raises(ResearchError, match="can be told apart"):
        event_study_plot(found)


def test_first_looks_are_drawn(desk):
    """How late headlines arrive, and one of them on its tape; where there are no bars it is said."""
    items = count_headlines(desk.news()).items
    assert "330 items" in delay_plot(items).axes[0].texts[0].get_text()
    event = items.iloc[0]
    assert tape_plot(desk.archive, event).axes[0].get_ylabel() == f"{event['symbol']}, USD"
    with pytest.raises(ResearchError, match="no 5 s bars"):
        tape_plot(desk.archive, event.replace(event["symbol"], "NOPE"))


def test_tables_are_for_people():
    """Whole large numbers, a dash for what is not known, text escaped, headings below the notebook's own."""
    html = table(pd.DataFrame({"n": [1200, 3], "bps": [12.34, math.nan], "text": ["<b>", "x"]})).to_html()
    for shown in ("1,200", "12.3", ">-<", "&lt;b&gt;"):
        assert shown in html
    assert [word(value) for value in (1234.5, 0.12345, 7, math.nan, "x", True)] == [
        "1,234",
        "0.1235",
        "7",
        "-",
        "x",
        "True",
    ]
    assert inside("# One\n\n## Two") == "### One\n\n#### Two"
    assert findings(examine(Workspace.open(SAMPLE).archive))["check"].tolist() == [
        "crossed quotes",
        "outlier",
        "outlier",
    ]


def test_a_grid_of_single_values_is_refused():
    """There is nothing to compare."""
    with pytest.raises(ResearchError, match="every axis has one value"):
        grid_of({"min_z_tod": [4]}, Thresholds())


def test_an_archive_without_headlines_says_what_to_do(tmp_path):
    """And a folder that cannot be made is one clear line."""
    (tmp_path / "bare").mkdir()
    bare = Workspace.open(tmp_path / "bare", config=ROOT / "config" / "sim.yaml")
    with pytest.raises(ResearchError, match="no headlines; momentum-kit data"):
        bare.days()
