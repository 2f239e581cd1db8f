from dataclasses import fields
from typing import get_args, get_type_hints

import pytest

from momentum_kit.errors import ScenarioError
from momentum_kit.simgateway.embedding import SWITCHES, BrokerAssumptions


def test_every_switch_is_a_field_with_the_same_alternatives_and_a_source():
    """What is listed for people is what the broker obeys; delays are the only other fields."""
    hints = get_type_hints(BrokerAssumptions)
    assert {field.name for field in fields(BrokerAssumptions) if not field.name.endswith("_ms")} == {
        s.name for s in SWITCHES
    }
    for switch in SWITCHES:
        assert {a.name for a in switch.alternatives} == set(get_args(hints[switch.name]))
        assert len(switch.alternatives) > 1
        assert all(alternative.source for alternative in switch.alternatives)


def test_alternatives_are_chosen_by_name():
    """All other switches keep their default."""
    chosen = BrokerAssumptions.choose({"first_status": "held"})
    assert (chosen.first_status, chosen.cancel_status) == ("held", BrokerAssumptions().cancel_status)


@pytest.mark.parametrize(
    ("choices", "named"),
    [
        ({"first_statu": "held"}, "first_status"),
        ({"first_status": "sometimes"}, "buys_and_gtc_held"),
        ({"late_execution_ms": -1}, "late_execution_ms"),
        ({"late_commission_ms": "soon"}, "late_commission_ms"),
    ],
)
def test_an_unknown_switch_or_alternative_is_refused_by_name(choices, named):
    """The message names what is wrong and what is known."""
    with pytest.raises(ScenarioError, match=named):
        BrokerAssumptions.choose(choices)
