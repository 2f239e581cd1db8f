import dataclasses
import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum_kit.config import Thresholds
from momentum_kit.detection.batch import gate_arrays, rule_arrays
from momentum_kit.detection.batch.rules import skip_reasons
from momentum_kit.detection.live import RULES, Gates, apply_rules, skip_reason
from momentum_kit.models.decisions import Features
from momentum_kit.models.news import Catalyst

AT = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
NAMES = [field.name for field in dataclasses.fields(Features) if field.name != "at"]
LIMITS = Thresholds()
EXACT = [
    0.5, 1.0, 20.0, 21.0, math.log1p(0.03), math.log1p(0.04), 0.0, -0.01, 0.25, 4.4, 5.0, 2.0, 100_000.0, 30.0, 100.0,
    0.6, math.nan, math.inf,
]  # fmt: skip
VALUES = st.one_of(st.sampled_from(EXACT), st.floats(-10, 200_000))
GATES = Gates(min_baseline_days=10, max_quote_age_s=5.0)


@st.composite
def features_strategy(draw) -> Features:
    """Values on, beside and far from every limit."""
    values = {name: draw(VALUES) for name in NAMES}
    values |= {"baseline_days": draw(st.sampled_from([0, 9, 10, 20])), "n_tickers": 1}
    for name in ("ret_60s", "ret_300s"):
        values[name] = draw(st.one_of(st.sampled_from([*EXACT[4:8], math.nan]), st.floats(-0.2, 0.2)))
    values["ret_news"] = draw(st.one_of(st.sampled_from([*EXACT[4:9], math.nan]), st.floats(-0.2, 0.4)))
    values["price"] = draw(st.one_of(st.sampled_from(EXACT[:4]), st.floats(0.1, 30)))
    return Features(at=AT, **values)


@given(
    rows=st.lists(features_strategy(), min_size=1, max_size=6),
    catalyst=st.sampled_from(list(Catalyst)),
    bid=st.sampled_from([math.nan, 0.0, 10.0, 10.01, 10.5]),
    present=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_equal_to_the_rules(rows, catalyst, bid, present, make_item, make_quote):
    """Values, thresholds, verdicts and the reason of the skip, for one catalyst and quote at several decision times."""
    item = make_item(AT, catalyst)
    quote = make_quote(bid, 10.01) if present else None
    features = {name: np.array([[float(getattr(row, name)) for row in rows]]) for name in NAMES}
    found = rule_arrays(features, LIMITS)
    quoted = np.full((1, len(rows)), quote is not None and 0 < quote.bid <= quote.ask)
    gate = gate_arrays(np.array([catalyst in LIMITS.barred_catalysts]), features, quoted, GATES)
    reasons = skip_reasons(gate, found)
    for k, row in enumerate(rows):
        verdicts = apply_rules(row, LIMITS)
        assert [verdict.rule for verdict in verdicts] == list(RULES)
        assert found.passed[:, 0, k].tolist() == [verdict.passed for verdict in verdicts]
        for ours, name in ((found.value, "value"), (found.threshold, "threshold")):
            theirs = [getattr(verdict, name) for verdict in verdicts]
            assert ours[:, 0, k].tolist() == pytest.approx(theirs, rel=1e-9, nan_ok=True)
        refusal = skip_reason(item, row, verdicts, quote, LIMITS, GATES)
        assert reasons[0, k] == (refusal[0] if refusal else "")
        failed = [rule for rule, passed in zip(RULES, found.passed[:, 0, k], strict=True) if not passed]
        assert found.first_failed[0, k] == (RULES.index(failed[0]) if failed else -1)


def test_without_a_bar_nothing_else_is_asked(make_item):
    """No price, no features: the first gate after those of the catalyst and the quote."""
    features = {name: np.full((1, 2), np.nan) for name in NAMES}
    gate = gate_arrays(np.array([False]), features, np.zeros((1, 2), dtype=bool), GATES)
    assert skip_reasons(gate, rule_arrays(features, LIMITS)).tolist() == [["no bars", "no bars"]]
    assert skip_reason(make_item(AT), None, (), None, LIMITS, GATES) == ("no bars", "")
