"""Features x Thresholds to verdicts, and verdicts to a signal or a skip; cheap enough to be swept.

The defaults of Thresholds are the detector defaults of the research notes: a least move of 3% in 60 s or 4% in 300 s
(what a scanner calls momentum), z 4.4 (Lee and Mykland's 1% limit for 390 minutes of a day, scaled; to be calibrated
on placebo minutes, never a p-value), five times the usual volume now and twice since the open, $100k and 30 trades
within 60 s (stale prices fake jumps), a spread that costs at most a quarter of the move, a close in the upper part of
the range, and no chase beyond 25% from the anchor.
"""

import math
from dataclasses import dataclass

from momentum_kit.config import Thresholds
from momentum_kit.models import Catalyst, Features, MarketDataType, NewsItem, Quote, RuleVerdict

RULES = (
    "price range", "move", "z", "rvol bar", "rvol cum", "dollar volume", "trades", "spread", "close location",
    "extension",
)  # fmt: skip
"""Every rule, in the order in which the first failure gives the reason."""

AT_MOST = frozenset({"spread", "extension"})
"""Rules whose value must not exceed the threshold; the price must do either, by the bound that is shown."""


@dataclass(frozen=True, slots=True)
class Gates:
    """Limits beside the thresholds: they say whether the numbers may be believed at all."""

    min_baseline_days: int
    max_quote_age_s: float


def apply_rules(features: Features, thresholds: Thresholds) -> tuple[RuleVerdict, ...]:
    """Every rule's verdict, in the order of RULES. A value of nan never passes."""
    f, t = features, thresholds
    return (
        _price_range(f.price, t),
        _move(f, t),
        _least("z", f.z_tod, t.min_z_tod),
        _least("rvol bar", f.rvol_bar, t.min_rvol_bar),
        _least("rvol cum", f.rvol_cum, t.min_rvol_cum),
        _least("dollar volume", f.dollar_volume_60s, t.min_dollar_volume_60s_usd),
        _least("trades", f.trades_60s, t.min_trades_60s),
        _most("spread", f.spread_bps, _widest_spread_bps(f, t)),
        _least("close location", f.clv, t.min_clv),
        _most("extension", f.ret_news, t.max_extension),
    )


def skip_reason(
    item: NewsItem,
    features: Features | None,
    verdicts: tuple[RuleVerdict, ...],
    quote: Quote | None,
    thresholds: Thresholds,
    gates: Gates,
) -> tuple[str, str] | None:
    """Why this is no signal, as a stable reason and the numbers behind it; None if everything passes.

    What can never become good comes first, then what makes the numbers untrustworthy, then the rules in order.
    """
    if catalyst := _barred(item, thresholds):
        return "barred catalyst", catalyst
    if item.body_dilution and Catalyst.OFFERING in thresholds.barred_catalysts:
        return "barred catalyst", f"{Catalyst.OFFERING} in its article: {item.body_dilution}"
    if quote is not None and quote.halted:
        return "halted", ""
    if quote is not None and quote.data_type is not MarketDataType.LIVE:
        return "data not live", quote.data_type.name.lower()
    if features is None:
        return "no bars", ""
    if features.baseline_days == 0:
        return "no baseline", ""
    if features.baseline_days < gates.min_baseline_days:
        return "thin baseline", f"{features.baseline_days} of {gates.min_baseline_days} sessions"
    if quote is None or not 0 < quote.bid <= quote.ask:
        return "no quote", f"bid {quote.bid:g} ask {quote.ask:g}" if quote else ""
    if not features.quote_age_s <= gates.max_quote_age_s:
        return "stale quote", f"{features.quote_age_s:.1f} s"
    failed = next((verdict for verdict in verdicts if not verdict.passed), None)
    return (failed.rule, describe(failed)) if failed else None


def describe(verdict: RuleVerdict) -> str:
    """`3.1 < 4.4`, for people."""
    if math.isnan(verdict.value):
        return "not known"
    sign = "<" if verdict.value < verdict.threshold else ">" if verdict.value > verdict.threshold else "="
    return f"{verdict.value:.4g} {sign} {verdict.threshold:.4g}"


def _barred(item: NewsItem, thresholds: Thresholds) -> str:
    """A second reading can bar a headline too; it can never lift the bar of the first."""
    read = item.reading.catalyst if item.reading else item.catalyst
    return next((str(catalyst) for catalyst in (item.catalyst, read) if catalyst in thresholds.barred_catalysts), "")


def _price_range(price: float, t: Thresholds) -> RuleVerdict:
    if price < t.min_price_usd:
        return RuleVerdict(rule="price range", value=price, threshold=t.min_price_usd, passed=False)
    return _most("price range", price, t.max_price_usd)


def _move(f: Features, t: Thresholds) -> RuleVerdict:
    """Simple returns: the window that is nearer to its limit speaks; a fall since the anchor overrules both."""
    short = _least("move", math.expm1(f.ret_60s), t.min_ret_60s)
    long = _least("move", math.expm1(f.ret_300s), t.min_ret_300s)
    since_news = _least("move", f.ret_news, t.min_ret_news)
    if not since_news.passed:
        return since_news
    if short.passed or math.isnan(long.value):
        return short
    nearer = math.isnan(short.value) or long.value - long.threshold > short.value - short.threshold
    return long if long.passed or nearer else short


def _widest_spread_bps(f: Features, t: Thresholds) -> float:
    share = t.max_spread_share * f.ret_news * 1e4
    return math.nan if math.isnan(share) else min(t.max_spread_bps, share)


def _least(rule: str, value: float, threshold: float) -> RuleVerdict:
    return RuleVerdict(rule=rule, value=value, threshold=threshold, passed=value >= threshold)


def _most(rule: str, value: float, threshold: float) -> RuleVerdict:
    return RuleVerdict(rule=rule, value=value, threshold=threshold, passed=value <= threshold)
