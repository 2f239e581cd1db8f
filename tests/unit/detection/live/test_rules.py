import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.config import Thresholds, load_thresholds
from momentum_kit.detection.live import RULES, Gates, apply_rules, skip_reason
from momentum_kit.detection.live.rules import AT_MOST, describe
from momentum_kit.models.decisions import Features, RuleVerdict
from momentum_kit.models.market import MarketDataType
from momentum_kit.models.news import Catalyst, Reading

T = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
GATES = Gates(min_baseline_days=10, max_quote_age_s=5.0)
GOOD = Features(
    at=T, price=10.6, anchor=10.0, age_s=60, ret_60s=math.log(1.05), ret_300s=math.log(1.06), ret_news=0.06, gap=0.01,
    z_tod=12.0, jump_lm=15.0, jump_bns=3.0, rvol_bar=9.0, rvol_cum=3.0, dollar_volume_60s=250_000.0, trades_60s=60.0,
    trade_rate=1.0, vwap_dev_bps=300.0, clv=0.9, range_atr=4.0, atr=0.05, spread_bps=20.0, imbalance=0.2,
    quote_age_s=0.5, luld_dist=0.05, sentiment=0.5, confidence=0.9, n_tickers=1, baseline_days=10,
)  # fmt: skip


def reason(features, item, quote, thresholds=None):
    """The stable reason alone; None where everything passes."""
    thresholds = thresholds or Thresholds()
    verdicts = apply_rules(features, thresholds) if features else ()
    skip = skip_reason(item, features, verdicts, quote, thresholds, GATES)
    return skip[0] if skip else None


def test_everything_passes(make_item, make_quote):
    """Ten verdicts in their fixed order, all passed, and no reason to skip."""
    verdicts = apply_rules(GOOD, Thresholds())
    assert tuple(verdict.rule for verdict in verdicts) == RULES
    assert all(verdict.passed for verdict in verdicts)
    assert reason(GOOD, make_item(T), make_quote()) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"price": 0.99}, "price range"),
        ({"price": 20.01}, "price range"),
        ({"ret_60s": 0.01, "ret_300s": 0.02}, "move"),
        ({"ret_news": -0.01}, "move"),
        ({"z_tod": 4.3}, "z"),
        ({"rvol_bar": 4.9}, "rvol bar"),
        ({"rvol_cum": 1.9}, "rvol cum"),
        ({"dollar_volume_60s": 99_999.0}, "dollar volume"),
        ({"trades_60s": 29.0}, "trades"),
        ({"spread_bps": 101.0, "ret_news": 0.2}, "spread"),
        ({"spread_bps": 60.0, "ret_news": 0.02}, "spread"),
        ({"clv": 0.59}, "close location"),
        ({"ret_news": 0.251}, "extension"),
    ],
)
def test_each_rule_alone_refuses(change, expected, make_item, make_quote):
    """One number beyond its limit is one stable reason."""
    assert reason(replace(GOOD, **change), make_item(T), make_quote()) == expected


@pytest.mark.parametrize("change", [{"ret_60s": 0.0}, {"ret_300s": 0.0}, {"ret_60s": math.nan}, {"ret_300s": math.nan}])
def test_either_window_suffices_for_a_move(change):
    """3% in 60 s or 4% in 300 s."""
    assert apply_rules(replace(GOOD, **change), Thresholds())[1].passed


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("price", "price range"), ("ret_news", "move"), ("z_tod", "z"), ("rvol_bar", "rvol bar"),
        ("rvol_cum", "rvol cum"), ("dollar_volume_60s", "dollar volume"), ("trades_60s", "trades"),
        ("spread_bps", "spread"), ("clv", "close location"), ("ret_news", "extension"), ("ret_news", "spread"),
    ],
)  # fmt: skip
def test_nan_never_passes(field, rule):
    """A number that is not known refuses."""
    verdicts = {verdict.rule: verdict for verdict in apply_rules(replace(GOOD, **{field: math.nan}), Thresholds())}
    assert not verdicts[rule].passed


numbers = st.floats(-1e6, 1e6) | st.just(math.nan)
returns = st.floats(-2, 2) | st.just(math.nan)


NUMBERS = ("price", "z_tod", "rvol_bar", "rvol_cum", "dollar_volume_60s", "trades_60s", "spread_bps", "clv")
RETURNS = ("ret_60s", "ret_300s", "ret_news")


@given(st.fixed_dictionaries(dict.fromkeys(NUMBERS, numbers) | dict.fromkeys(RETURNS, returns)))
def test_a_verdict_is_its_value_against_its_threshold(values):
    """What is shown is what decided: at most for spread, extension and the upper price, at least for the others."""
    thresholds = Thresholds()
    for verdict in apply_rules(replace(GOOD, **values), thresholds):
        upper = verdict.rule == "price range" and verdict.threshold == thresholds.max_price_usd
        if verdict.rule in AT_MOST or upper:
            assert verdict.passed == (verdict.value <= verdict.threshold)
        else:
            assert verdict.passed == (verdict.value >= verdict.threshold)


@pytest.mark.parametrize("catalyst", ["offering", "reverse_split", "delisting", "ma_target", "halt"])
def test_barred_catalysts(catalyst, make_item, make_quote):
    """No long on these, however good the tape; by either reading."""
    assert reason(GOOD, make_item(T, Catalyst(catalyst)), make_quote()) == "barred catalyst"
    reading = Reading(catalyst=Catalyst(catalyst), direction=1.0, confidence=1.0, source="test")
    assert reason(GOOD, make_item(T, Catalyst.FDA, reading=reading), make_quote()) == "barred catalyst"


def test_an_article_bars_what_its_headline_did_not(make_item, make_quote):
    """Shares sold in the article are as bad as in the headline, and its words are told; unless those may be bought."""
    item = replace(make_item(T, Catalyst.FDA), body_dilution="priced an offering")
    why = ("barred catalyst", "offering in its article: priced an offering")
    assert skip_reason(item, GOOD, (), make_quote(), Thresholds(), GATES) == why
    lenient = Thresholds(barred_catalysts=("halt",))
    assert skip_reason(item, GOOD, (), make_quote(), lenient, GATES) is None


def test_a_second_reading_never_lifts_a_bar(make_item, make_quote):
    """What the rules bar stays barred whatever a service says."""
    reading = Reading(catalyst=Catalyst.FDA, direction=1.0, confidence=1.0, source="test")
    assert reason(GOOD, make_item(T, Catalyst.OFFERING, reading=reading), make_quote()) == "barred catalyst"


@pytest.mark.parametrize(
    ("features", "quote", "expected"),
    [
        (None, {}, "no bars"),
        (replace(GOOD, baseline_days=0), {}, "no baseline"),
        (replace(GOOD, baseline_days=9), {}, "thin baseline"),
        (GOOD, None, "no quote"),
        (GOOD, {"bid": math.nan}, "no quote"),
        (GOOD, {"bid": 0.0}, "no quote"),
        (GOOD, {"bid": 11.0, "ask": 10.0}, "no quote"),
        (replace(GOOD, quote_age_s=5.1), {}, "stale quote"),
        (replace(GOOD, quote_age_s=math.nan), {}, "stale quote"),
        (GOOD, {"data_type": MarketDataType.DELAYED}, "data not live"),
        (GOOD, {"halted": True}, "halted"),
    ],
)
def test_untrustworthy_numbers_refuse_before_the_rules(features, quote, expected, make_item, make_quote):
    """Bars, baseline, quote, its age and kind, and a halt each have their reason."""
    made = make_quote(**quote) if quote is not None else None
    assert reason(features, make_item(T), made) == expected


def test_words_for_people():
    """Value, relation and threshold; an unknown value says so."""
    assert describe(RuleVerdict(rule="z", value=3.1, threshold=4.4, passed=False)) == "3.1 < 4.4"
    assert describe(RuleVerdict(rule="spread", value=150.0, threshold=100.0, passed=False)) == "150 > 100"
    assert describe(RuleVerdict(rule="z", value=math.nan, threshold=4.4, passed=False)) == "not known"


def test_shipped_thresholds():
    """default.yaml says what the code's defaults say; large_cap.yaml parses and lets SPY's prices in."""
    folder = Path(__file__).parents[4] / "config" / "thresholds"
    assert load_thresholds(folder / "default.yaml") == Thresholds()
    large = load_thresholds(folder / "large_cap.yaml")
    assert large.name == "large_cap"
    assert large.max_price_usd >= 1000
    assert large.min_ret_60s < 0.005
