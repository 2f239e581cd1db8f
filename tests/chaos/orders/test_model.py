"""The small stories of the evidence model in every run of the tests; `make chaos` explores them all."""

import pytest

from momentum_kit.trading.orders import PositionWitness
from tests.chaos.orders.model import Model

SMALL = ("bought", "sold by hand", "a person buys beside us")


@pytest.mark.parametrize("story", SMALL)
def test_the_first_law_holds_in_every_state(story: str) -> None:
    """Whatever order the words come in, and wherever the services die."""
    seen = Model(story).run()
    assert seen.faults == []
    assert seen.states > 500


def test_a_witness_that_believes_the_first_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is no test that cannot fail: with rows that never trail, protection is taken away."""
    monkeypatch.setattr(PositionWitness, "on_the_way", lambda *_: False)
    assert "protection is taken away" in Model("bought").run().faults[0]
