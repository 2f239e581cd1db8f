"""What the detector saw and what it decided."""

from dataclasses import dataclass
from datetime import datetime

from momentum_kit.models.contracts import Contract
from momentum_kit.models.news import Catalyst


@dataclass(frozen=True, slots=True)
class Features:
    """Numbers from one window at one decision time, from bars closed and headlines received at `at` only.

    nan means not computable (no bar, no quote, no baseline); a rule that needs it then skips and says so.
    Formulas and sources stand in detection/features.py.
    """

    at: datetime
    price: float  # USD, close of the last closed bar
    anchor: float  # USD, last price before the headline
    age_s: float  # since the headline was received
    ret_60s: float  # ln, last 60 s
    ret_300s: float  # ln, last 300 s
    ret_news: float  # price / anchor - 1
    gap: float  # today's open / previous close - 1
    z_tod: float  # ret_60s over its usual size at this time of day
    jump_lm: float  # Lee-Mykland L of ret_60s, before the time-of-day factor
    jump_bns: float  # BNS ratio-max z of the day so far
    rvol_bar: float  # volume of the last 60 s / its usual
    rvol_cum: float  # volume of the day so far / its usual
    dollar_volume_60s: float  # USD
    trades_60s: float  # count
    trade_rate: float  # trades per second, last 60 s
    vwap_dev_bps: float  # price over the day's VWAP
    clv: float  # close location in the 60 s range, 0..1
    range_atr: float  # 60 s range / ATR14 of 1-minute bars
    atr: float  # USD, ATR14 of 1-minute bars
    spread_bps: float
    imbalance: float  # (bid size - ask size) / sum
    quote_age_s: float
    luld_dist: float  # (upper band - price) / price, regular hours
    sentiment: float  # headline K, -1..1
    confidence: float  # headline C, 0..1
    n_tickers: int
    baseline_days: int


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """One rule applied to one set of features: value against threshold, both in the rule's unit."""

    rule: str
    value: float
    threshold: float
    passed: bool


@dataclass(frozen=True, slots=True)
class TradeSignal:
    """Every rule passed: buy, with the numbers sizing needs.

    reference_price: USD, the ask at the decision (slippage is measured from it); atr: USD.
    deciding_ns: perf_counter_ns at the arrival of the message that closed the deciding bar.
    """

    item_id: str
    story_id: str
    contract: Contract
    catalyst: Catalyst
    decided_at: datetime
    reference_price: float
    atr: float
    features: Features
    deciding_ns: int = 0


@dataclass(frozen=True, slots=True)
class Skip:
    """No trade, and why: `reason` is a short stable phrase, `detail` the numbers behind it."""

    item_id: str
    story_id: str
    symbol: str
    decided_at: datetime
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of the trace: a news item judged at one decision time."""

    outcome: TradeSignal | Skip
    features: Features | None
    rules: tuple[RuleVerdict, ...]
    final: bool  # nothing more will be decided for this item
