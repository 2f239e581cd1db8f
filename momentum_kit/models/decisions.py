"""What the detector saw and what it decided."""

from dataclasses import dataclass
from datetime import datetime

from momentum_kit.models.contracts import Contract
from momentum_kit.models.news import Catalyst


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Numbers from one window at one decision time, from bars closed and headlines received at `at` only.

    nan means not computable (no bar, no quote, no baseline); a rule that needs it then skips and says so.
    Formulas and sources stand in `momentum_kit.detection.live.features`.
    """

    at: datetime
    """The decision time: the end of a 5 s bar, UTC."""
    price: float
    """USD: close of the last closed bar."""
    anchor: float
    """USD: last price before the headline was published."""
    age_s: float
    """Market seconds since the headline was received."""
    ret_60s: float
    """ln return of the last 60 s."""
    ret_300s: float
    """ln return of the last 300 s."""
    ret_news: float
    """Simple return since the anchor: price / anchor - 1."""
    gap: float
    """Simple return over the night: today's open / previous close - 1."""
    z_tod: float
    """ret_60s over its usual size at this time of day: bipower size of a minute x time-of-day factor."""
    jump_lm: float
    """Lee and Mykland (2008) L of ret_60s, before the time-of-day factor."""
    jump_bns: float
    """Ratio-max z of the day so far: Barndorff-Nielsen and Shephard, as Huang and Tauchen (2005)."""
    rvol_bar: float
    """Volume of the last 60 s over the median of earlier sessions at this time of day."""
    rvol_cum: float
    """Volume of the day so far over the mean of earlier sessions until this time of day."""
    dollar_volume_60s: float
    """USD traded in the last 60 s."""
    trades_60s: float
    """Number of trades in the last 60 s."""
    trade_rate: float
    """Trades per second over the last 60 s."""
    vwap_dev_bps: float
    """Price over the day's VWAP, bps."""
    clv: float
    """Close location in the range of the last 60 s: 0 at its low, 1 at its high."""
    range_atr: float
    """Range of the last 60 s over `atr`."""
    atr: float
    """USD: mean true range of the last 14 1-minute bars."""
    spread_bps: float
    """Ask - bid over mid, bps."""
    imbalance: float
    """(bid size - ask size) / sum, -1..1."""
    quote_age_s: float
    """Market seconds since the symbol last ticked."""
    luld_dist: float
    """(upper limit-up limit-down band - price) / price, in regular hours."""
    sentiment: float
    """IB's K of the headline, -1..1."""
    confidence: float
    """IB's C of the headline, 0..1."""
    n_tickers: int
    """Tickers that the story names."""
    baseline_days: int
    """Sessions behind the baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVerdict:
    """One rule applied to one set of features: value against threshold, both in the rule's unit."""

    rule: str
    value: float
    threshold: float
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskCheck:
    """One limit of the risk gate applied: value against limit, both in the rule's unit; detail: what they leave out."""

    rule: str
    value: float
    limit: float
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeSignal:
    """Every rule passed: buy, with the numbers sizing needs.

    reference_price: USD, the ask at the decision (slippage is measured from it); atr: USD.
    deciding_ns: perf_counter_ns at the arrival of the message that closed the deciding bar. elapsed_s: the Clock's
    elapsed time at the decision, nan where it was not taken; with decided_at it tells the signal's age.
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
    elapsed_s: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """No trade, and why: `reason` is a short stable phrase, `detail` the numbers behind it."""

    item_id: str
    story_id: str
    symbol: str
    decided_at: datetime
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One row of the trace: a news item judged at one decision time."""

    outcome: TradeSignal | Skip
    features: Features | None
    rules: tuple[RuleVerdict, ...]
    final: bool
    """Nothing more will be decided for this item."""
