import dataclasses
import math
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from momentum_kit import Study
from momentum_kit.config import Thresholds
from momentum_kit.errors import GuardRefused, InputError, ResearchError
from momentum_kit.research.event_study import AbnormalReturns, abnormal_returns, archived_bars, groups, paths
from momentum_kit.research.event_study.grouping import GROUPS
from momentum_kit.research.events import EventTable, read_news
from momentum_kit.research.plots import event_study_plot
from momentum_kit.research.plots.event_study import MOST_GROUPS
from momentum_kit.research.study import EventStudy, HeadlineCounts
from momentum_kit.research.study.headline_counts import count_headlines
from momentum_kit.research.sweep import grid_of, outcomes
from momentum_kit.research.tear_sheet import GROUPS as GROUPS_OF_FILLS
from momentum_kit.research.validation import load_evidence, save_evidence

ROOT = Path(__file__).resolve().parents[4]
SAMPLE, CONFIG = ROOT / "data" / "sample", ROOT / "config" / "sim.yaml"
AXES = {"min_z_tod": [4, 8], "max_spread_bps": [100, 50], "min_rvol_cum": [0.5], "max_spread_share": [0.5]}

pytestmark = pytest.mark.usefixtures("own_record")


@pytest.fixture(scope="module")
def study(tmp_path_factory, own_record) -> Study:
    """A study of the sample whose events are built."""
    opened = Study(SAMPLE, folder=tmp_path_factory.mktemp("study"), config=CONFIG)
    opened.events()
    return opened


@pytest.fixture(scope="module")
def opened(study) -> EventTable:
    """The days that a study may look at."""
    return study.events().table


def test_the_same_bytes_come_from_a_cluster(study, tmp_path):
    """Events and sweep on two workers are those of this process."""
    from distributed import LocalCluster  # whoever runs another test need not load it

    here = study.sweep(AXES).result
    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0", memory_limit=0, silence_logs=50
    ) as local:
        there = Study(SAMPLE, folder=tmp_path / "there", config=CONFIG, scheduler=local.scheduler_address)
        there.events()
        found = there.sweep(AXES).result
    assert (study.folder / "events.parquet").read_bytes() == (there.folder / "events.parquet").read_bytes()
    assert here.sums.units.tobytes() == found.sums.units.tobytes()
    assert here.sums.signals.tobytes() == found.sums.signals.tobytes()
    assert here.sums.keys.tolist() == found.sums.keys.tolist()


def test_events_are_counted_whole_and_shown_for_the_open_days(study, opened):
    """The last fifth of the days is counted, and neither its events nor its outcomes are in any view."""
    found = study.events()
    assert len(found) == found.summary()["events"] == 330
    assert sorted(set(EventTable.load(found.file).days) - set(opened.days)) == list(
        np.array(["2026-05-20", "2026-05-21", "2026-05-22"], "datetime64[D]")
    )
    frame = found.frame()
    assert len(frame) == len(opened) == 264
    assert frame["received_at"].max().day == 19
    assert frame.columns[-3:].tolist() == ["item_id", "story_id", "con_id"]
    shown = found._repr_html_()
    assert "66 on 3 sealed days" in shown
    assert "New York" in shown


def test_counted_sessions_are_those_of_the_events(study):
    """Catalyst and session of every item agree with the event table's."""
    found = study.events()
    counted = study.counts().items.set_index("item_id")
    events = EventTable.load(found.file).events.set_index("item_id")
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
def test_sessions_outside_regular_hours_are_named(study, at, session):
    """As the event table names them."""
    day = date(2026, 5, 4)
    news = read_news(study.archive, day, day, study.config.news)
    received = pd.Timestamp(at, tz="America/New_York").value // 1000
    moved = dataclasses.replace(news, rows=[news.rows[0]._replace(received_at=received)])
    assert count_headlines(moved, "XNYS").items["session"].tolist() == [session]


def test_every_grouping_names_every_event(opened):
    """No event is lost, and an unknown grouping is refused."""
    for by in GROUPS:
        assert len(groups(opened, by)) == len(opened)
    with pytest.raises(ResearchError, match="cannot group by mood"):
        groups(opened, "mood")


def test_net_by_delay_is_the_mean_of_the_table(study, opened):
    """Of those that filled, at each decision time, without any rule."""
    net = study.event_study().net
    assert net["mean_bps"].to_numpy() == pytest.approx(np.nanmean(opened.net_bps["live"][:, : len(net)], axis=0))
    assert net["delay_s"].is_monotonic_increasing
    assert net["delay_s"].iloc[0] >= 5
    assert (net["low_bps"] < net["mean_bps"]).all()
    assert (net["mean_bps"] < net["high_bps"]).all()


def test_buying_every_headline_of_the_sample_does_not_pay(study):
    """The sample's truth: only what passes the planted thresholds earns its costs; the words say so."""
    found = study.event_study()
    words = found.conclusion()
    assert words.startswith("**Do not buy headlines without a rule")
    assert "no drift before the headline" in words
    assert "NOT MARKET-ADJUSTED" in found._repr_html_()
    assert found.plot().axes[0].get_ylabel() == "mean abnormal return, bps"


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
    returns = AbnormalReturns(by="catalyst", curves=pd.DataFrame(), groups=groups, overlapping=0, marks=())
    said = EventStudy(returns=returns, net=frame, exit_rule="live", events=50).conclusion()
    assert words in said
    assert "the tape drifts before the headline in" in said


@pytest.mark.parametrize(
    ("days", "words"), [(3, "Do not study it yet"), (15, "expect no verdict"), (50, "Study it: it can")]
)
def test_an_archive_is_worth_studying_from_a_number_of_days(days, words):
    """And survivorship is told where somebody is missing."""
    day = pd.to_datetime("2026-01-01") + pd.to_timedelta(np.arange(100) % days, unit="D")
    items = pd.DataFrame({"day": day, "symbol": "A", "delay_s": 2.0})
    assert words in HeadlineCounts(items=items, heard=100, skips={}, marks=()).conclusion()
    assert (
        "SURVIVORSHIP"
        in HeadlineCounts(items=items, heard=100, skips={}, marks=("SURVIVORSHIP: 3 of 100",)).conclusion()
    )


def test_the_truth_of_the_sample_is_told(study, tmp_path):
    """The planted thresholds are compared with the plateau; without a truth it is refused."""
    axes = {**AXES, "min_rvol_bar": [6], "min_dollar_volume_60s_usd": [150_000], "max_spread_bps": [100, 50, 25]}
    found = study.sweep(axes)
    assert "20 bps were planted" in found.against_truth()
    found._archive = tmp_path
    with pytest.raises(ResearchError, match="only a generated market"):
        found.against_truth()


def test_a_sweep_shows_itself_and_looks_closer_at_one_cell(study):
    """Plateau, shortlist and pictures need no cell named; signals, margins and the gate are those of the chosen one."""
    found = study.sweep(AXES)
    cell = found.cell()
    signals = int(found.frame()["signals"].iloc[np.ravel_multi_index(cell, found.result.grid.shape)])
    assert len(found.margins()) == len(found.simulate().orders) == signals
    assert set(found.only_failure()) == set(found.margins().columns[3:])
    assert "best of its neighbourhood, live" in found._repr_html_()
    assert f"all cells: {study.folder / 'cells.parquet'}" in str(found)
    for figure in (found.heat_map("min_z_tod", "max_spread_bps"), found.sensitivity_plot(), found.signals_by_day()):
        assert "exit live" in figure.axes[0].get_title(loc="left") + (figure.get_suptitle() or "")
    assert study.swept().result.trials == found.result.trials


def test_where_no_cell_stands_out_a_sweep_says_so(study):
    """Thresholds that let everything through: no plateau, and the pictures show the best of the neighbourhoods."""
    found = study.sweep({"min_z_tod": [-9, -8], "min_rvol_bar": [0, 0.1], "max_spread_share": [99]})
    assert "no plateau" in found._repr_html_()
    assert len(found.cell()) == 2
    assert found.heat_map("min_z_tod", "min_rvol_bar").axes
    with pytest.raises(ResearchError, match="no plateau"):
        found.plateau()


def test_evidence_is_read_as_it_was_written(study, tmp_path):
    """Unknown numbers, bands, dates and thresholds survive the file; a broken one is refused with the remedy."""
    study.sweep(AXES)
    found = study.validate()
    save_evidence(tmp_path / "e.json", found.evidence)
    assert repr(load_evidence(tmp_path / "e.json")) == repr(found.evidence)
    assert "collect more days" in found.conclusion()
    shown = found._repr_html_()
    assert 0 < shown.index("<h3>Verdict: cannot tell</h3>") < shown.index("<svg") < shown.index("<table")
    (tmp_path / "e.json").write_text("{}")
    with pytest.raises(ResearchError, match="validate again"):
        load_evidence(tmp_path / "e.json")


def test_a_seal_that_was_not_opened_is_not_renewed(study):
    """The days that nobody saw stay what they are."""
    with pytest.raises(GuardRefused, match="not opened yet"):
        study.renew_seal()


def test_more_groups_than_can_be_told_apart_are_refused(study, opened):
    """A picture with too many lines shows nothing."""
    names = np.array([f"g{n % (MOST_GROUPS + 1)}" for n in range(len(opened))])
    found = abnormal_returns(paths(archived_bars(study.archive), opened.events.assign(mine=names)), "mine")
    with pytest.raises(ResearchError, match="can be told apart"):
        event_study_plot(found)


def test_first_looks_are_drawn(study):
    """How late headlines arrive, and one of them on its tape; where there are no bars it is said."""
    counts = study.counts()
    assert "330 items" in counts.delay_plot().axes[0].texts[0].get_text()
    event = counts.items.iloc[0]
    assert study.tape_plot(event).axes[0].get_ylabel() == f"{event['symbol']}, USD"
    with pytest.raises(ResearchError, match="no 5 s bars"):
        study.tape_plot(event.replace(event["symbol"], "NOPE"))


def test_counts_show_themselves(study):
    """Counts and what came of nothing in a sentence, then a table a column, with units."""
    shown = study.counts()._repr_html_()
    assert "330 headlines, 330 items (story x contract); nothing came of: none" in shown
    assert shown.count("<table ") == 3
    assert "delay_s" in shown


def test_doubtful_rows_are_counted_by_check(study):
    """The sample holds crossed quotes and false prints on purpose."""
    assert study.quality()["check"].tolist() == ["crossed quotes", "outlier", "outlier"]


def test_a_grid_of_single_values_is_refused():
    """There is nothing to compare."""
    with pytest.raises(ResearchError, match="every axis has one value"):
        grid_of({"min_z_tod": [4]}, Thresholds())


def test_an_archive_without_headlines_says_what_to_do(tmp_path):
    """And a day that is none, or an archive that is not there, is one clear line."""
    (tmp_path / "bare").mkdir()
    bare = Study(tmp_path / "bare", config=CONFIG)
    with pytest.raises(ResearchError, match="no headlines; momentum-kit data"):
        bare.counts()
    with pytest.raises(InputError, match="soon: expected a day"):
        bare.counts("soon")
    with pytest.raises(ResearchError, match="no archive here"):
        Study(tmp_path / "nowhere")


EVERYTHING = {
    "min_z_tod": -100.0, "min_ret_60s": -1.0, "min_ret_300s": -1.0, "min_ret_news": -1.0, "min_rvol_bar": -1.0,
    "min_rvol_cum": -1.0, "min_dollar_volume_60s_usd": -1.0, "min_trades_60s": -1.0, "min_clv": -1.0,
    "max_spread_bps": 10_000.0, "max_spread_share": 100.0, "max_extension": 10.0,
}  # fmt: skip


def test_the_tear_sheet_shows_the_fills_of_the_table(study, opened, tmp_path, monkeypatch):
    """Row by row what the table says, each group the same fills; the page holds every picture and each best fill."""
    monkeypatch.setattr("momentum_kit.research.tear_sheet.tear_sheet.MOST_PICTURES", 4)
    limits = study.config.thresholds.model_copy(update=EVERYTHING)
    sheet = study.tear_sheet(limits)
    found = outcomes(opened, limits, "live")
    assert len(sheet) == found.filled.sum() > 100
    assert sheet.fills["net_bps"].sum() == pytest.approx(found.net_bps[found.filled].sum())
    assert set(sheet.fills["item_id"]) == set(opened.events["item_id"][found.filled])
    for group in GROUPS_OF_FILLS:
        table = sheet.by(group)
        assert table["fills"].sum() == len(sheet)
        assert table["sum_bps"].sum() == pytest.approx(sheet.fills["net_bps"].sum())
    ended = sheet.fills[sheet.fills["ended"] != ""]
    assert len(ended) == len(sheet)  # a fill of the table has an end
    assert (ended["mae_bps"] <= ended["mfe_bps"]).all()
    assert (ended.loc[ended["ended"] == "target", "net_bps"] > 0).all()
    (live,) = sheet.exits.to_dict("records")
    assert (live["exit"], live["fills"], live["net_bps"]) == (
        "live", len(sheet), pytest.approx(sheet.fills["net_bps"].mean(), abs=1e-3),
    )  # fmt: skip
    page = sheet.page(tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 4 + 4
    assert f"{len(sheet) - 4} in between are left out" in page
    assert len(sheet.picture(1).axes) == 2
    with pytest.raises(ResearchError, match="no fill 0"):
        sheet.picture(0)
    with pytest.raises(ResearchError, match="is no group"):
        sheet.by("moon")


def test_a_tear_sheet_is_a_trial(study):
    """The first look at some thresholds is counted, the second is the same; nothing of a sealed day is in it."""
    limits = study.config.thresholds.model_copy(update={"min_z_tod": 3.21})
    before = study.tear_sheet(study.config.thresholds).trials
    assert study.tear_sheet(limits).trials == before + 1
    assert study.tear_sheet(limits).trials == before + 1
    whole = EventTable.load(study.folder / "events.parquet")
    assert study.tear_sheet(limits).days.max() < whole.days.max()


def test_a_tear_sheet_without_a_fill_says_so(study, tmp_path):
    """A page all the same, and one line where a picture of fills is asked for."""
    sheet = study.tear_sheet(study.config.thresholds.model_copy(update={"min_z_tod": 100.0}))
    assert str(sheet.conclusion()).startswith("**No fill.**")
    assert "Days that a choice had not seen" in sheet.page(tmp_path / "none.html").read_text(encoding="utf-8")
    with pytest.raises(ResearchError, match="no fill to look at"):
        sheet.overview()


def test_a_tear_sheet_is_refused_before_anything_is_counted(study):
    """Another exit rule, or no thresholds: one line, and no trial."""
    before = study.tear_sheet().trials
    for given, words in (((None, "quick"), "no exit rule quick"), (({"min_z_tod": 3},), "give Thresholds")):
        with pytest.raises((ResearchError, InputError), match=words):
            study.tear_sheet(*given)
    assert study.tear_sheet().trials == before


def test_a_fill_without_a_tape_is_named_on_the_page(study, tmp_path, monkeypatch):
    """An archive of minutes has no picture of a fill, and a page all the same."""

    def none(*_):
        raise ResearchError("plot: no 5 s bars")

    monkeypatch.setattr("momentum_kit.research.study.study.StudySteps.tape_plot", none)
    page = study.tear_sheet().page(tmp_path / "s.html").read_text(encoding="utf-8")
    assert page.count("No picture: plot: no 5 s bars") == 3
