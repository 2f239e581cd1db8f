"""Features of what is judged, now against then: found when they move, quiet when not, and what quiet is worth."""

import math

import numpy as np
import pytest

from momentum_kit.research.drift import DistributionWatch, psi, watch_distributions

SESSIONS, VALUES = 16, 20


def sessions(seed: int, count: int, shift: float = 0.0, together: float = 0.4) -> list[dict[str, np.ndarray]]:
    """Three features; what a session shares moves all of its values."""
    generator = np.random.default_rng(seed)
    return [
        {
            name: generator.normal(shift if name == "z" else 0.0, 1.0, VALUES) + generator.normal(0, together)
            for name in ("z", "spread", "volume")
        }
        for _ in range(count)
    ]


def by_name(found: tuple[DistributionWatch, ...]) -> dict[str, DistributionWatch]:
    """Each under its feature."""
    return {each.name: each for each in found}


def test_the_index_is_the_usual_one() -> None:
    """Thirty to ten against ten to thirty, half a count added to each; and equal shares are at no distance."""
    then, now = np.array([30.0, 10.0]), np.array([10.0, 30.0])
    assert psi(then, now) == pytest.approx(2 * (20 / 41) * math.log(30.5 / 10.5))
    assert psi(then, then * 1.0) == 0.0


def test_a_feature_that_moved_is_named_and_no_other() -> None:
    """By a standard deviation, in one of three."""
    found = by_name(watch_distributions(sessions(1, SESSIONS), sessions(2, SESSIONS, shift=1.0)))
    assert {name: each.moved for name, each in found.items()} == {"z": True, "spread": False, "volume": False}
    assert found["z"].words == "moved"
    assert found["z"].psi > found["z"].chance_95
    assert "cannot tell below a shift of" in found["spread"].words


def test_stable_worlds_are_left_in_peace() -> None:
    """Of sixty, in which the values of a session go together, 5% may be alarmed: nine would come once in a thousand."""
    alarmed = sum(
        any(
            each.moved for each in watch_distributions(sessions(100 + world, SESSIONS), sessions(500 + world, SESSIONS))
        )
        for world in range(60)
    )
    assert alarmed < 9


def test_what_is_said_to_be_seen_is_seen() -> None:
    """Of worlds that moved by the smallest shift that is promised, two thirds at least are found."""
    reference = sessions(7, SESSIONS)
    promised = by_name(watch_distributions(reference, sessions(8, SESSIONS)))["z"].smallest
    found = [
        by_name(watch_distributions(reference, sessions(900 + world, SESSIONS, shift=promised)))["z"].moved
        for world in range(12)
    ]
    assert sum(found) >= 8


def test_too_few_sessions_are_not_judged_and_say_so() -> None:
    """Nor is a feature that one side does not have: a feed that stopped to give it is no quiet one."""
    found = by_name(watch_distributions(sessions(1, SESSIONS), [{"z": np.ones(3), "new": np.ones(3)}] * 4))
    assert found["z"].words == "not judged: 5 sessions of each are needed"
    assert math.isnan(found["z"].psi)
    assert found["spread"].words == "not judged: known then only"
    assert found["new"].words == "not judged: known now only"


def test_sessions_that_can_be_dealt_in_too_few_ways_are_not_judged() -> None:
    """Five and five in 252 ways, and 26 features: no change whatever could be told from chance."""
    generator = np.random.default_rng(1)
    then, now = ([{f"x{at}": generator.normal(to, 1.0, 30) for at in range(26)} for _ in range(5)] for to in (0.0, 1e3))
    assert {each.words for each in watch_distributions(then, now)} == {
        "not judged: 5 sessions and 5 can be dealt in too few ways for so many features"
    }


@pytest.mark.parametrize(("was", "now"), [(0.05, 0.6), (0.95, 0.4)])
def test_a_flag_that_changes_has_moved_either_way(was: float, now: float) -> None:
    """Zeros and ones: rare ones that become frequent, and the other way round."""
    generator = np.random.default_rng(1)
    then, later = ([{"x": (generator.random(30) < share).astype(float)} for _ in range(20)] for share in (was, now))
    (found,) = watch_distributions(then, later)
    assert found.moved


@pytest.mark.parametrize("now", [0.0, 5.0])
def test_a_constant_that_changes_has_moved_either_way(now: float) -> None:
    """From one to nothing, and from one to five."""
    (found,) = watch_distributions([{"x": np.ones(30)}] * 20, [{"x": np.full(30, now)}] * 20)
    assert found.moved


def test_values_at_the_edge_of_what_a_float_holds_have_words() -> None:
    """Their deviation is beyond it: then no shift has a size."""
    generator = np.random.default_rng(1)
    then, now = ([{"x": generator.uniform(-1, 1, 30) * 1e308} for _ in range(9)] for _ in range(2))
    (found,) = watch_distributions(then, now)
    assert found.words == "quiet; so few values cannot tell"


def test_what_is_not_known_is_left_out() -> None:
    """A nan is no value of a feature, and a session of nothing else says nothing."""
    holes = [{"z": np.where(np.arange(VALUES) % 2, each["z"], np.nan)} for each in sessions(3, SESSIONS)]
    found = by_name(watch_distributions(sessions(1, SESSIONS), [*holes, {"z": np.full(3, np.nan)}]))["z"]
    assert found.values == SESSIONS * VALUES / 2
    assert math.isfinite(found.psi)


def test_a_feature_that_never_moved_promises_nothing() -> None:
    """One value then and now: no shift has a size."""
    same = [{"n": np.ones(4)} for _ in range(8)]
    (found,) = watch_distributions(same, same)
    assert not found.moved
    assert found.words == "quiet; so few values cannot tell"


def test_the_same_input_gives_the_same_answer() -> None:
    """Deals and worlds are drawn from the feature's name alone."""
    there, here = sessions(1, 8), sessions(2, 6, shift=0.3)
    assert watch_distributions(there, here) == watch_distributions(there, here)
