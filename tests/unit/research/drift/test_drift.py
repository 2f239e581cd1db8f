"""The drift watch: how often it cries over nothing, what it finds and when, and what it owns up to not seeing."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from momentum_kit.research.drift import drift_evidence, watch_drift

SESSIONS = 60
RUNS = 2000
DRAWS = {
    "few signals": lambda generator, shape: generator.poisson(2.2, shape).astype(float),  # a session; many ties
    "slippage": lambda generator, shape: generator.standard_t(3, shape) * 6 + 4,  # bps, with heavy tails
    "net": lambda generator, shape: generator.lognormal(0, 1, shape) - 1.5,  # skewed
    "fill rate": lambda generator, shape: generator.binomial(4, 0.8, shape) / 4,
}


@pytest.mark.parametrize("kind", DRAWS)
def test_looking_every_day_raises_no_more_false_alarms_than_promised(kind: str) -> None:
    """2,000 stable runs of 60 sessions, each with a reference of its own and looked at daily: 5% at most alarm."""
    generator = np.random.default_rng(11)
    alarmed = 0
    for _ in range(40):
        reference = DRAWS[kind](generator, 80)
        lived = DRAWS[kind](generator, (RUNS // 40, SESSIONS))
        alarmed += int((drift_evidence(reference, lived, generator.random(lived.shape)).max(axis=1) >= 20).sum())
    assert alarmed / RUNS <= 0.05


def _lived(shift: float, generator: np.random.Generator) -> npt.NDArray[np.float64]:
    return generator.normal(4 + shift, 2, SESSIONS)


def test_four_numbers_together_keep_the_promise() -> None:
    """200 stable runs of 60 sessions: at most one in twenty has an alarm in any of its four numbers."""
    generator, alarms = np.random.default_rng(5), 0
    for _ in range(200):
        reference = {kind: draw(generator, 60) for kind, draw in DRAWS.items()}
        lived = {kind: draw(generator, SESSIONS) for kind, draw in DRAWS.items()}
        alarms += any(each.since for each in watch_drift(reference, lived, horizons=()))
    assert alarms <= 10


def test_a_drift_is_found_about_as_soon_as_promised() -> None:
    """Of the least drift that 20 sessions are said to show, most are seen by then; of a third of it, few."""
    generator = np.random.default_rng(3)
    reference = generator.normal(4, 2, 120)
    (quiet,) = watch_drift({"delay": reference}, {"delay": _lived(0, generator)})
    smallest = quiet.smallest[20]
    seen = dict.fromkeys((smallest, smallest / 3), 0)
    for size in seen:
        for _ in range(50):
            (watch,) = watch_drift({"delay": reference}, {"delay": _lived(size, generator)}, horizons=())
            seen[size] += watch.since is not None and watch.since <= 20
    assert seen[smallest] >= 30
    assert seen[smallest / 3] <= 12


def test_a_change_in_the_middle_is_found_too() -> None:
    """Thirty sessions like the reference, then slippage of twice the size."""
    generator = np.random.default_rng(7)
    lived = np.concatenate([generator.normal(5, 2, 30), generator.normal(10, 2, 30)])
    (watch,) = watch_drift({"slippage": generator.normal(5, 2, 100)}, {"slippage": lived})
    assert watch.since is not None
    assert 30 < watch.since <= 50
    assert watch.words == f"drifted (higher), seen after {watch.since} sessions"


def test_quiet_says_what_it_cannot_tell() -> None:
    """The least change shrinks with the sessions, and before ten of them nothing is claimed."""
    generator = np.random.default_rng(9)
    reference = generator.normal(0, 1, 100)
    few, many = generator.normal(0, 1, 5), generator.normal(0, 1, 60)
    (watch,) = watch_drift({"net": reference}, {"net": few})
    assert watch.words == "quiet; so few sessions cannot tell"
    (watch,) = watch_drift({"net": reference}, {"net": many})
    assert watch.smallest[60] < watch.smallest[20] < watch.smallest[10]
    assert watch.words == f"quiet; cannot tell below a change of {watch.smallest[60]:.3g}"


def test_a_session_more_changes_no_earlier_verdict() -> None:
    """Also where many values are equal, whose order is drawn."""
    generator = np.random.default_rng(2)
    reference, lived = generator.poisson(2, 50).astype(float), generator.poisson(5, 40).astype(float)
    (whole,) = watch_drift({"signals": reference}, {"signals": lived}, horizons=())
    assert whole.since
    (then,) = watch_drift({"signals": reference}, {"signals": lived[: whole.since]}, horizons=())
    (before,) = watch_drift({"signals": reference}, {"signals": lived[: whole.since - 1]}, horizons=())
    assert (then.since, before.since) == (whole.since, None)


def test_sessions_without_a_value_are_passed_over() -> None:
    """A session without a fill has no slippage; a number that never moved can drift to anywhere unseen."""
    lived = [math.nan, 3.0, math.nan, 3.0]
    (watch,) = watch_drift({"slippage": [3.0] * 25}, {"slippage": lived, "more": [1.0]})
    assert (watch.sessions, watch.since, watch.mean) == (2, None, 3.0)
    assert all(map(math.isinf, watch.smallest.values()))


def test_a_reference_of_too_few_sessions_judges_nothing() -> None:
    """It says so, and takes nothing of the alarms that the others may raise."""
    generator = np.random.default_rng(6)
    reference = {"signals": generator.normal(0, 1, 40), "net": [1.0, 2.0, 3.0, math.nan]}
    lived = {"signals": generator.normal(2, 1, 30), "net": [math.nan, 90.0]}
    signals, net = watch_drift(reference, lived)
    assert net.words == "not judged: 3 sessions of reference, 20 are needed"
    (alone,) = watch_drift({"signals": reference["signals"]}, {"signals": lived["signals"]})
    assert signals == alone
    assert signals.since
