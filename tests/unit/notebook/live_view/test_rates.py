import math
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from momentum_kit.config import Thresholds, ThresholdsExport
from momentum_kit.detection.live import apply_rules
from momentum_kit.models.decisions import Features
from momentum_kit.notebook.live_view.rates import MOST, JudgedDecisions, SignalShare, expected_a_session

AT = datetime(2026, 11, 20, 15, tzinfo=UTC)
GOOD = {
    "price": 5.0, "ret_60s": 0.05, "ret_300s": 0.05, "ret_news": 0.06, "z_tod": 6.0, "rvol_bar": 9.0, "rvol_cum": 3.0,
    "dollar_volume_60s": 5e5, "trades_60s": 80.0, "spread_bps": 30.0, "clv": 0.9,
}  # fmt: skip


def row(item: str, second: int = 0, verdict: str = "skip", reason: str = "z", **changed: Any) -> dict[str, Any]:
    """A row of the journal's decisions."""
    features = {**GOOD, **changed}
    return {"item_id": item, "decided_at": f"t{second}", "verdict": verdict, "reason": reason, "features": features}


def judged(*rows: dict[str, Any]) -> JudgedDecisions:
    """A session that decided so."""
    found = JudgedDecisions()
    for each in rows:
        found.add(each)
    return found


def test_a_looser_limit_counts_what_would_have_signalled() -> None:
    """An item signals once, at whichever decision time everything passes."""
    session = judged(row("a", 0, z_tod=3.0), row("a", 5, z_tod=3.5), row("b", 0, z_tod=1.0))
    assert session.rate(Thresholds()) == SignalShare(0, 0, 2)
    assert session.rate(Thresholds(min_z_tod=2.5)) == SignalShare(1, 0, 2)
    assert session.rate(Thresholds(min_z_tod=0.5)) == SignalShare(2, 0, 2)


def test_what_was_not_judged_on_after_its_signal_is_said_to_be_unknown() -> None:
    """A stricter limit may only have delayed a signal: the journal cannot know, and the words say so."""
    session = judged(row("a", 0, "signal", "", z_tod=5.0), row("b", 0, "signal", "", z_tod=9.0))
    rate = session.rate(Thresholds(min_z_tod=7))
    assert rate == SignalShare(1, 1, 2)
    assert rate.words == "1 to 2 of 2"
    assert session.rate(Thresholds()).words == "2 of 2"


def test_no_threshold_lifts_a_gate() -> None:
    """An item that a halt, an old quote or a missing baseline kept out stays out; it counts as an item."""
    rows = [row(reason, reason=reason) for reason in ("halted", "stale quote", "no baseline", "barred catalyst")]
    bare = {**row("none", reason="no bars"), "features": None}
    assert judged(*rows, bare).rate(Thresholds(min_z_tod=0)) == SignalShare(0, 0, 5)


def test_a_row_told_twice_counts_once_and_old_ones_are_forgotten() -> None:
    """Journal and stream tell the same row; after very many the older half goes, in bounded memory."""
    assert judged(row("a"), row("a")).rate(Thresholds()) == SignalShare(1, 0, 1)
    session = judged(*(row(f"{number}") for number in range(MOST + 2_000)))
    assert MOST / 2 <= session.rate(Thresholds()).signals <= MOST + 2_000


def test_research_s_promise_is_scaled_by_this_session() -> None:
    """Where research stamped the file its rate is told, and what moved limits make of it."""
    stamp = ThresholdsExport(exit_rule="x", first_day=date(2026, 1, 2), last_day=date(2026, 6, 1), code_version="1",
                             trials=1, dsr=None, pbo=None, verdict="accept", signals_per_session=3.0,
                             signals_per_session_low=2.0, signals_per_session_high=4.0, signals_dispersion=1.0,
                             hash="sha256:x")  # fmt: skip
    stamped = Thresholds().model_copy(update={"export": stamp})
    words = expected_a_session(stamped, SignalShare(2, 0, 9), SignalShare(4, 0, 9))
    assert "3.0 signals a session (2.0 to 4.0)" in words
    assert "about 1.5" in words
    assert "about" not in expected_a_session(stamped, SignalShare(0, 0, 9), SignalShare(0, 0, 9))
    assert expected_a_session(Thresholds(), SignalShare(2, 0, 9), SignalShare(4, 0, 9)) == ""


values = st.one_of(st.none(), st.floats(-1, 100))


@settings(max_examples=60)
@given(st.fixed_dictionaries(dict.fromkeys(GOOD, values)), st.floats(0, 10), st.floats(0, 0.1))
def test_the_rate_is_the_detector_s_own_verdict(features: dict[str, Any], least_z: float, least_move: float) -> None:
    """JudgedDecisions again, an item signals exactly where the detector's rules all pass."""
    thresholds = Thresholds(min_z_tod=least_z, min_ret_60s=least_move)
    nothing = dict.fromkeys((field.name for field in fields(Features)), math.nan)
    known = {name: math.nan if value is None else value for name, value in features.items()}
    verdicts = apply_rules(Features(**{**nothing, "at": AT, **known}), thresholds)  # type: ignore[arg-type]
    expected = all(verdict.passed for verdict in verdicts)
    assert judged({**row("a"), "features": features}).rate(thresholds).signals == int(expected)
