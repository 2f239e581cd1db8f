import dataclasses
import math

import numpy as np
import pytest

from momentum_kit.detection.live import RULES, apply_rules
from momentum_kit.errors import GuardRefused, ResearchError
from momentum_kit.models.decisions import Features
from momentum_kit.research.events import EventTable
from momentum_kit.research.events.table import FEATURES
from momentum_kit.research.sweep import first_triggers, outcomes
from momentum_kit.research.sweep.triggers import margin_frame, margins, only_failure
from momentum_kit.research.validation import open_seal, seal, validate
from momentum_kit.research.validation.daily import DailyCells, choose, t_by_day
from momentum_kit.research.validation.perturbations import (
    break_even_multiple,
    flips,
    moved_by,
    usual_perturbations,
    with_features,
)
from momentum_kit.research.validation.validation import candidate_hash, signal_rate


def features_at(table: EventTable, event: int, k: int) -> Features:
    """One decision's features as the live rules take them."""
    values = {name: table.features[name][event, k] for name in FEATURES}
    return Features(at=table.at[event, k].item(), **values)


def test_a_trigger_is_the_first_time_at_which_the_live_rules_all_hold(planted, planted_thresholds):
    """The vectorised trigger is what apply_rules says decision by decision, and the margins have its signs."""
    table = planted(events=60, days=20)
    triggers = first_triggers(table, planted_thresholds)
    by_rule = margins(table, planted_thresholds)
    for event in range(len(table)):
        verdicts = [apply_rules(features_at(table, event, k), planted_thresholds) for k in range(3)]
        passing = [k for k in range(3) if all(verdict.passed for verdict in verdicts[k])]
        assert triggers[event] == (passing[0] if passing else -1)
        for k in range(3):
            assert [bool(by_rule[rule][event, k] >= 0) for rule in RULES] == [v.passed for v in verdicts[k]]
    assert (triggers >= 0).any()
    assert (triggers < 0).any()


def test_the_sums_of_a_candidate_are_those_of_the_sweep(planted, swept):
    """Signals, fills and returns of any cell come out the same event by event and from the sweep."""
    table = planted(events=600)
    result = swept(table)
    cells = DailyCells.of(result)
    for column in (0, 37, len(result.exits) * result.grid.size - 1):
        exit_rule, cell = cells.place(column)
        found = outcomes(table, result.thresholds(cell), exit_rule)
        assert found.signalled.sum() == cells.signals[:, column].sum()
        assert found.filled.sum() == cells.fills[:, column].sum()
        assert np.nansum(found.net_bps) == pytest.approx(cells.sums[:, column].sum(), abs=1e-6)
        t = result.statistics[exit_rule].t_day
        assert t_by_day(cells, least_fills=1)[column] == pytest.approx(
            t.reshape(-1)[column % result.grid.size], rel=1e-6
        )


def test_a_planted_edge_is_chosen_and_the_evidence_says_so(planted, swept, planted_thresholds, tmp_path):
    """The candidate is next to the planted thresholds, judged on days it was not chosen from, and costs are known."""
    study = seal(planted(events=4000), tmp_path / "seals.db")
    evidence = validate(swept(study.table), study.table, stressed={"latency x 5": study.table})
    assert evidence.candidate is not None
    assert abs(evidence.candidate.min_z_tod - planted_thresholds.min_z_tod) <= 1
    assert evidence.exit_rule == "a"
    assert evidence.in_sample.low > 0
    assert evidence.cross_validated.band.p_value < 0.05
    assert evidence.spa.p_value < 0.02
    assert evidence.sharpe.dsr_effective > 0.8
    assert evidence.sharpe.dsr <= evidence.sharpe.dsr_effective <= evidence.sharpe.psr
    assert evidence.gross_bps - evidence.in_sample.estimate == pytest.approx(40, abs=1e-6)
    assert evidence.break_even == pytest.approx(evidence.gross_bps / 40)
    assert evidence.stressed["latency x 5"].estimate == pytest.approx(evidence.in_sample.estimate)
    assert evidence.rate.low < evidence.rate.mean < evidence.rate.high
    assert evidence.sharpe.trials == 150
    opened = open_seal(evidence, study.sealed)
    assert opened.sealed is not None
    assert opened.sealed.estimate > 0
    assert opened.sealed_fills >= 30
    with pytest.raises(GuardRefused, match=candidate_hash(evidence.candidate, "a")[:19]):
        open_seal(evidence, study.sealed)


def test_without_an_edge_nothing_stands_out(planted, swept, tmp_path):
    """Where every signal loses its costs there is no candidate, no reason to open the seal, no made-up number."""
    study = seal(planted(edge_bps=-40), tmp_path / "seals.db")
    evidence = validate(swept(study.table), study.table)
    assert evidence.candidate is None
    assert math.isnan(evidence.in_sample.estimate)
    assert math.isnan(evidence.break_even)
    assert evidence.se_bps > 0
    with pytest.raises(ResearchError, match="no candidate"):
        open_seal(evidence, study.sealed)


def test_another_table_than_the_swept_one_is_refused(planted, swept):
    """Other days, or other events on the same days, do not give the sweep's signals."""
    table = planted(events=4000)
    result = swept(table)
    with pytest.raises(ResearchError, match="days are not those"):
        validate(result, table.select(table.days < table.days.max()))
    with pytest.raises(ResearchError, match="does not give the sweep's signals"):
        validate(result, table.select(np.arange(len(table)) % 7 > 0))


def test_the_choice_is_made_from_the_given_days_only(planted, swept):
    """What happens on other days cannot change what is chosen."""
    cells = DailyCells.of(swept(planted(events=4000)))
    early = cells.days < cells.days[80]
    changed = dataclasses.replace(cells, sums=np.where(early[:, None], cells.sums, -cells.sums))
    assert choose(cells.select(early)) == choose(changed.select(early))


def test_what_does_not_fit_is_refused(planted_grid):
    """Wrong shapes, days out of order and outcomes that are no numbers name what is wrong."""
    days = np.array(["2026-01-05", "2026-01-06"], dtype="datetime64[D]")
    sums, counts = np.zeros((2, 75)), np.zeros((2, 75), int)
    with pytest.raises(ResearchError, match="fills has the shape"):
        DailyCells(grid=planted_grid, exits=("a",), days=days, sums=sums, fills=counts[:1], signals=counts)
    with pytest.raises(ResearchError, match="ascending"):
        DailyCells(grid=planted_grid, exits=("a",), days=days[::-1], sums=sums, fills=counts, signals=counts)
    with pytest.raises(ResearchError, match="column 3 has no number on 2026-01-06"):
        broken = sums.copy()
        broken[1, 3] = np.nan
        DailyCells(grid=planted_grid, exits=("a",), days=days, sums=broken, fills=counts, signals=counts)


def test_a_tick_flips_in_its_own_direction_only(planted, planted_thresholds):
    """A lower price loses signals, a higher one gains some, twice the spread loses some; nothing else moves."""
    table = planted()
    tight = planted_thresholds.model_copy(update={"min_ret_60s": 0.05, "min_ret_300s": 0.05})
    by_name = {flip.change: flip for flip in flips(table, usual_perturbations(table), tight)}
    assert by_name["a tick lower"].lost > 0 == by_name["a tick lower"].gained
    assert by_name["a tick higher"].gained > 0
    assert by_name["twice the spread"].lost > 0 == by_name["twice the spread"].gained
    same = flips(table, {"nothing": with_features(table, {})}, tight)[0]
    assert (same.lost, same.gained, same.share) == (0, 0, 0.0)
    with pytest.raises(ResearchError, match="other events"):
        flips(table, {"a part": table.select(np.arange(len(table)) > 0)}, tight)


@pytest.mark.parametrize("usd", [-0.02, 0.01])
def test_moving_the_price_moves_the_returns_with_it(planted, usd):
    """The features after a move are those of a tape whose last price was moved."""
    table = planted(events=50, days=10)
    before, moved = table.features, moved_by(table, usd).features
    price = before["price"] + usd
    assert moved["price"] == pytest.approx(price)
    for name in ("ret_60s", "ret_300s"):
        earlier = before["price"] / np.exp(before[name])
        assert moved[name] == pytest.approx(np.log(price / earlier))
    anchor = before["price"] / (1 + before["ret_news"])
    assert moved["ret_news"] == pytest.approx(price / anchor - 1)
    assert moved["z_tod"] == pytest.approx(moved["ret_60s"] / (before["ret_60s"] / before["z_tod"]))
    assert moved["clv"] is before["clv"]


def test_margins_are_told_per_signal_and_per_rule(planted, planted_thresholds):
    """One row a signal, all margins positive; what one limit alone kept out is counted."""
    table = planted()
    frame = margin_frame(table, planted_thresholds)
    assert len(frame) == (first_triggers(table, planted_thresholds) >= 0).sum()
    assert (frame[list(RULES)] >= 0).all(axis=None)
    kept_out = only_failure(table, planted_thresholds)
    assert kept_out["z"] > 0
    loose = planted_thresholds.model_copy(update={"min_z_tod": -9.0})
    gained = (first_triggers(table, loose) >= 0) & (first_triggers(table, planted_thresholds) < 0)
    assert gained.sum() == kept_out["z"]


def test_costs_may_rise_to_the_multiple_at_which_nothing_is_left(planted, planted_thresholds):
    """Gross 100, net 60: costs of 40 may rise two and a half times."""
    found = outcomes(planted(sigma_bps=0.0), planted_thresholds, "a")
    flat = dataclasses.replace(found, net_bps=np.where(found.filled, 60.0, np.nan),
                               gross_bps=np.where(found.filled, 100.0, np.nan))  # fmt: skip
    assert break_even_multiple(flat) == pytest.approx(2.5)


def test_only_signals_of_regular_hours_make_the_rate(planted, planted_thresholds):
    """The live watch compares regular hours, so the export counts them alone."""
    table = planted()
    found = outcomes(table, planted_thresholds, "a")
    events = table.events.copy()
    events.loc[events.index % 2 == 0, "session"] = "pre"
    halved = signal_rate(dataclasses.replace(table, events=events), found)
    whole = signal_rate(table, found)
    assert halved.mean == pytest.approx(found.signalled[1::2].sum() / len(np.unique(table.days)))
    assert halved.mean < whole.mean
    assert whole.dispersion == pytest.approx(1.0, abs=0.5)
