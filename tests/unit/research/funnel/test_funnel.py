from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from momentum_kit import Study
from momentum_kit.cli import main
from momentum_kit.config import Thresholds, load_thresholds
from momentum_kit.detection.batch import GATES, rule_arrays
from momentum_kit.detection.batch.rules import skip_reasons
from momentum_kit.errors import ResearchError
from momentum_kit.research.events import EventTable, ExitRule, read_news
from momentum_kit.research.funnel import HORIZONS_S, keep_shadow_book, lifted, stop_reasons
from momentum_kit.research.funnel.shadow_book import LIFTED
from momentum_kit.research.sweep import TrialLedger, first_triggers

ROOT = Path(__file__).resolve().parents[4]
pytestmark = pytest.mark.usefixtures("own_record")
LOOSE = Thresholds(
    min_z_tod=4, min_rvol_bar=3, min_rvol_cum=0.5, max_spread_share=0.5, min_dollar_volume_60s_usd=50_000
)


@pytest.fixture(scope="module")
def study(tmp_path_factory, own_record) -> Study:
    """A study of the sample whose events are built."""
    made = Study(ROOT / "data" / "sample", folder=tmp_path_factory.mktemp("s"), config=ROOT / "config" / "sim.yaml")
    made.build()
    return made


@pytest.fixture(scope="module")
def table(study) -> EventTable:
    """The open days."""
    return study.events().table


@pytest.fixture(scope="module")
def priced(study, table) -> EventTable:
    """The same with what each horizon would have brought."""
    rules = (study.assumed.exits[0], *(ExitRule.after(name, seconds) for name, seconds in HORIZONS_S.items()))
    return replace(study.assumed, exits=rules).with_outcomes(replace(table, net_bps={}, gross_bps={}), study.archive)


def test_every_headline_is_somewhere(study, table):
    """What a stage stops and what it leaves add up to what came in, down to the fills."""
    found = study.funnel(LOOSE)
    left, stopped = found.left, Counter()
    for row in found.stages.to_dict("records"):
        stopped[row["stage"]] += row["stopped"]
    assert left["judged events"] == len(table)
    assert left["judged events"] - stopped["judged events"] == left["signals"]
    assert left["signals"] - stopped["signals"] == left["entries"]
    assert left["entries"] - stopped["entries"] == left["fills"] > 0
    assert left["signals"] == int((first_triggers(table, LOOSE) >= 0).sum())
    assert str(found).splitlines()[0].strip().endswith("headlines heard")


def test_an_event_is_stopped_where_it_had_come_furthest(table):
    """No decision time of it got past the rule that is named, and one got to it."""
    reasons = stop_reasons(table, LOOSE)
    at_each = skip_reasons(table.gate, rule_arrays(table.features, LOOSE))
    order = {name: place for place, name in enumerate([*GATES[1:], *LIFTED])}
    signals = first_triggers(table, LOOSE) >= 0
    assert set(reasons[signals]) == {""}
    for event in np.flatnonzero(~signals):
        known = [order[name] for name in at_each[event][~np.isnat(table.at[event])]]
        assert order[reasons[event]] == max(known)


def test_a_rule_s_book_is_what_it_alone_kept_out(priced, tmp_path):
    """Those that signal without it and not with it, at the decision at which they would have."""
    with TrialLedger(tmp_path / "t.db") as ledger:
        found = keep_shadow_book(priced, LOOSE, "live", ledger)
        again = keep_shadow_book(priced, LOOSE, "live", ledger)
    book = found.book.set_index("rule")
    assert book["barred"].sum() > 20
    for rule, limits in LIFTED.items():
        trigger = first_triggers(priced, LOOSE.model_copy(update=dict(limits)))
        rows = np.flatnonzero((trigger >= 0) & (first_triggers(priced, LOOSE) < 0))
        assert book.loc[rule, "barred"] == len(rows)
        net = priced.net_bps["live"][rows, trigger[rows]]
        assert book.loc[rule, "fills"] == np.isfinite(net).sum()
        if np.isfinite(net).any():
            assert book.loc[rule, "net_bps"] == pytest.approx(np.nanmean(net))
            assert book.loc[rule, "saved_bps"] == pytest.approx(-np.nansum(net))
            minute = priced.net_bps["1 min"][rows, trigger[rows]]
            assert book.loc[rule, "1 min"] == pytest.approx(np.nanmean(minute))
    assert (found.trials, again.trials) == (len(lifted(priced, LOOSE)), 0)


def test_too_few_fills_give_no_interval(priced, tmp_path):
    """And so no rule is said to save or to cost by them."""
    with TrialLedger(tmp_path / "t.db") as ledger:
        found = keep_shadow_book(priced, LOOSE, "live", ledger)
    thin = found.book[found.book["fills"] < 10]
    assert len(thin)
    assert thin["low_bps"].isna().all()
    for rule in thin.loc[thin["fills"] > 0, "rule"]:
        assert rule in found.conclusion().partition("not known of")[2]


def test_a_barred_catalyst_has_a_book(priced, tmp_path):
    """The gate is lifted, and the rules decide behind it."""
    barred = replace(priced, gate=np.where(priced.gate == 0, np.int8(GATES.index("barred catalyst")), priced.gate))
    with TrialLedger(tmp_path / "t.db") as ledger:
        book = keep_shadow_book(barred, LOOSE, "live", ledger).book.set_index("rule")
    assert book.loc["barred catalyst", "barred"] == int((first_triggers(priced, LOOSE) >= 0).sum()) > 0
    assert book.drop("barred catalyst")["barred"].sum() == 0


def test_late_and_crowded_headlines_are_kept_with_their_reason(study):
    """What would have become of them, had they been in time and of fewer."""
    strict = study.config.news.model_copy(update={"max_age_s": 1.0})
    days = study.events().table.days
    news = read_news(study.archive, days.min().item(), days.max().item(), strict, None, study.assumed.master)
    assert len(news.refused["not live"]) == news.skips["not live"] > 10
    frame = news.frame("not live")
    assert (frame["received_at"] - frame["published_at"]).dt.total_seconds().min() > 1
    assert set(frame.columns) == set(news.frame().columns)


def test_outcomes_that_are_not_there_are_refused(table, tmp_path):
    """The horizons are priced first."""
    with TrialLedger(tmp_path / "t.db") as ledger, pytest.raises(ResearchError, match="no outcomes for 1 min"):
        keep_shadow_book(table, LOOSE, "live", ledger)


def test_the_commands_show_both_on_the_open_days(study, tmp_path, capsys, monkeypatch):
    """With thresholds of a file."""
    monkeypatch.chdir(ROOT)
    (tmp_path / "mine.yaml").write_text(LOOSE.model_dump_json(exclude={"export"}))
    assert load_thresholds(tmp_path / "mine.yaml") == LOOSE
    given = ["--study", str(study.folder), "--thresholds", str(tmp_path / "mine.yaml")]
    assert main(["research", "funnel", *given]) == 0
    assert "stopped by:" in capsys.readouterr().out
    assert main(["research", "shadow", *given]) == 0
    said = capsys.readouterr().out
    assert "as traded: exit live" in said
    assert "Lifting one for what is seen here is a choice after the fact" in said
