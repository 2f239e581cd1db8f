import math
from typing import Any

import pytest

from momentum_kit.config import Thresholds
from momentum_kit.errors import InputError
from momentum_kit.runtime.control import ThresholdState
from momentum_kit.runtime.control.tuning import thresholds_hash

FILE = ThresholdState(Thresholds(), Thresholds())


def test_a_set_is_applied_over_the_one_in_force_and_reverted() -> None:
    """Two changes in a row add up; hash and words follow; revert brings the file's set back."""
    once = FILE.applied({"min_ret_60s": 0.05})
    twice = once.applied({"max_price_usd": 10, "barred_catalysts": ["halt"]})
    assert twice.current.min_ret_60s == 0.05
    assert twice.current.barred_catalysts == ("halt",)
    assert set(twice.changes) == {"min_ret_60s", "max_price_usd", "barred_catalysts"}
    assert twice.changes["min_ret_60s"] == (0.03, 0.05)
    assert twice.hash != once.hash != FILE.hash
    assert "min_ret_60s 0.03 -> 0.05" in once.words_since(FILE)
    assert twice.reverted().current == FILE.file
    assert "nothing changed" in FILE.reverted().words_since(FILE)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"min_ret": 0.05}, "min_ret"),
        ({"min_ret_60s": "0.05"}, "min_ret_60s"),
        ({"min_ret_60s": None}, "min_ret_60s"),
        ({"min_ret_60s": True}, "min_ret_60s"),
        ({"min_ret_60s": math.nan}, "min_ret_60s"),
        ({"min_ret_60s": math.inf}, "min_ret_60s"),
        ({"min_ret_60s": 3}, "^min_ret_60s: Input should be less than or equal to 1, not 3$"),
        ({"min_clv": 60}, "^min_clv: Input should be less than or equal to 1, not 60$"),
        ({"max_spread_bps": -1}, "^max_spread_bps: Input should be greater than or equal to 0, not -1$"),
        ({"min_price_usd": 30}, "min_price_usd exceeds max_price_usd"),
        ({"min_ret_60s": 0.05, "max_spread_bps": [1]}, "max_spread_bps"),
        ({"barred_catalysts": ["offerings"]}, "unknown offerings"),
        ({"barred_catalysts": "halt"}, "barred_catalysts"),
        ({"export": None}, "export"),
    ],
)
def test_what_is_not_valid_changes_nothing(values: dict[str, Any], words: str) -> None:
    """An unknown name, a text, nan, a contradiction: the whole set is refused in one line that names the limit."""
    with pytest.raises(InputError, match=words) as caught:
        FILE.applied(values)
    assert "\n" not in str(caught.value)


def test_the_hash_is_of_the_limits_alone() -> None:
    """A set by another name with the same limits is the same set."""
    assert thresholds_hash(Thresholds(name="other")) == thresholds_hash(Thresholds())
