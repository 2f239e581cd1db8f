"""Rules over arrays of features, the vectorised twin of rules.py: every verdict and the reason of every skip.

tests/unit/detection/test_rule_arrays.py holds it to apply_rules and skip_reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from momentum_kit.config import Thresholds
from momentum_kit.detection.live import RULES, Gates

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

GATES = (
    "", "barred catalyst", "halted", "data not live", "no bars", "no baseline", "thin baseline", "no quote",
    "stale quote",
)  # fmt: skip
"""What no threshold on a feature can lift, in the order in which skip_reason asks; 0 means that the rules decide."""


@dataclass(frozen=True, slots=True, eq=False)
class RuleArrays:
    """Verdicts of the rules R on features of any shape: value, threshold and passed are (R, *shape), as RuleVerdict."""

    value: Values
    threshold: Values
    passed: Flags

    @property
    def first_failed(self) -> npt.NDArray[np.int8]:
        """(*shape) index into RULES of the rule that gives the reason, -1 where every rule passes."""
        return np.where(self.passed.all(axis=0), -1, self.passed.argmin(axis=0)).astype(np.int8)


def rule_arrays(features: Mapping[str, Values], thresholds: Thresholds) -> RuleArrays:
    """Every rule's verdict, in the order of RULES. A value of nan never passes."""
    f, t = features, thresholds
    since_news = f["ret_news"]
    low = f["price"] < t.min_price_usd
    share = t.max_spread_share * since_news * 1e4
    move, move_limit, moved = _move(f, t)
    rows = (
        (f["price"], np.where(low, t.min_price_usd, t.max_price_usd), ~low & (f["price"] <= t.max_price_usd)),
        (move, move_limit, moved),
        _least(f["z_tod"], t.min_z_tod),
        _least(f["rvol_bar"], t.min_rvol_bar),
        _least(f["rvol_cum"], t.min_rvol_cum),
        _least(f["dollar_volume_60s"], t.min_dollar_volume_60s_usd),
        _least(f["trades_60s"], t.min_trades_60s),
        _most(f["spread_bps"], np.where(np.isnan(share), np.nan, np.minimum(t.max_spread_bps, share))),
        _least(f["clv"], t.min_clv),
        _most(since_news, t.max_extension),
    )
    value, threshold, passed = (np.stack(np.broadcast_arrays(*column)) for column in zip(*rows, strict=True))
    return RuleArrays(value, threshold, passed)


def gate_arrays(barred: Flags, features: Mapping[str, Values], quoted: Flags, gates: Gates) -> npt.NDArray[np.int8]:
    """(N, K) index into GATES, 0 where the rules decide.

    barred: (N,) or (N, K) whether no long is opened on the catalyst. quoted: (N, K) whether a quote stood that can be
    traded on.
    Archives know of neither halts nor delayed data.
    """
    days = features["baseline_days"]
    refusals = {
        "barred catalyst": np.broadcast_to(barred if barred.ndim == 2 else barred[:, None], quoted.shape),
        "no bars": np.isnan(features["price"]),
        "no baseline": days == 0,
        "thin baseline": days < gates.min_baseline_days,
        "no quote": ~quoted,
        "stale quote": ~(features["quote_age_s"] <= gates.max_quote_age_s),
    }
    found = np.select(list(refusals.values()), [GATES.index(name) for name in refusals], 0)
    return found.astype(np.int8)


def skip_reasons(gate: npt.NDArray[np.int8], verdicts: RuleArrays) -> npt.NDArray[np.str_]:
    """The stable reason of each skip, '' where it is a signal; in the shape of the gate."""
    rule = verdicts.first_failed
    return np.where(gate > 0, np.array(GATES)[gate], np.array([*RULES, ""])[rule])


def _move(f: Mapping[str, Values], t: Thresholds) -> tuple[Values, Values, Flags]:
    """The window that is nearer to its limit speaks; a fall since the anchor overrules both."""
    short, long, news = np.expm1(f["ret_60s"]), np.expm1(f["ret_300s"]), f["ret_news"]
    short_passed, long_passed, news_passed = short >= t.min_ret_60s, long >= t.min_ret_300s, news >= t.min_ret_news
    nearer = np.isnan(short) | (long - t.min_ret_300s > short - t.min_ret_60s)
    long_speaks = ~short_passed & ~np.isnan(long) & (long_passed | nearer)
    value = np.where(news_passed, np.where(long_speaks, long, short), news)
    limit = np.where(news_passed, np.where(long_speaks, t.min_ret_300s, t.min_ret_60s), t.min_ret_news)
    return value, limit, news_passed & (short_passed | long_passed)


def _least(value: Values, threshold: float) -> tuple[Values, float, Flags]:
    return value, threshold, value >= threshold


def _most(value: Values, threshold: Values | float) -> tuple[Values, Values | float, Flags]:
    return value, threshold, value <= threshold
