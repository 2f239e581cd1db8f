"""Window to Features: every number a rule may ask for, at one decision time; the same call live and in research.

Only bars that ended at or before `at` count, so a bar that comes later never changes an earlier answer. Returns are
ln unless called simple. nan means "cannot be known here", and a rule that needs it fails.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from momentum_kit.detection.live.baseline import ATR_BARS, BUCKET_MINUTES, Baseline, half_tick_return
from momentum_kit.detection.live.tape import MINUTE, Tape, within
from momentum_kit.models import Bar, Features, NewsItem, Quote

NAN = math.nan
LEAST_RETURNS_BNS = 20  # below, the asymptotic variance says nothing
ROUND_LOT = 100  # shares; a usual volume of nearly nothing would make any print look huge
LULD_REFERENCE_S = 300


def compute_features(
    at: datetime, tape: Tape, baseline: Baseline | None, item: NewsItem, quote: Quote | None, quote_age_s: float
) -> Features | None:
    """Features of a news item at a decision time; None while the contract has no bar at all today.

    quote: the newest one known when the decision is made, quote_age_s: market seconds since its symbol last ticked.
    """
    price = tape.price_at(at)
    if math.isnan(price):
        return None
    minute = tape.window(at, 60)
    ret_60s, ret_300s = (_ret(tape, at, seconds, price) for seconds in (60, 300))
    anchor = anchor_price(at, tape, baseline, item)
    atr = average_true_range(_recent_minutes(tape, baseline, at))
    since_open = (at - tape.session.open) / MINUTE if tape.session else NAN
    high, low = (max(b.high for b in minute), min(b.low for b in minute)) if minute else (NAN, NAN)
    shares_60s, usd_60s = sum(b.volume for b in minute), sum(b.wap * b.volume for b in minute)
    trades_60s = _trades(minute)
    shares_day, usd_day = tape.totals_at(at)
    received_at = item.headline.received_at
    return Features(
        at=at,
        price=price,
        anchor=anchor,
        age_s=(at - received_at).total_seconds() if received_at else NAN,
        ret_60s=ret_60s,
        ret_300s=ret_300s,
        ret_news=price / anchor - 1 if anchor > 0 else NAN,
        gap=tape.open_at(at) / baseline.previous_close - 1 if baseline else NAN,
        z_tod=z_time_of_day(ret_60s, baseline, since_open, price),
        jump_lm=lee_mykland(ret_60s, baseline),
        jump_bns=_jump_bns(tape, baseline, at),
        rvol_bar=_rvol_bar(shares_60s, baseline, since_open),
        rvol_cum=_rvol_cum(shares_day, baseline, since_open),
        dollar_volume_60s=usd_60s,
        trades_60s=trades_60s,
        trade_rate=trades_60s / 60,
        vwap_dev_bps=(price / (usd_day / shares_day) - 1) * 1e4 if shares_day > 0 else NAN,
        clv=(price - low) / (high - low) if high > low else NAN,
        range_atr=(high - low) / atr if atr > 0 else NAN,
        atr=atr,
        spread_bps=quote.spread_bps if quote and quote.mid > 0 else NAN,
        imbalance=_imbalance(quote),
        quote_age_s=quote_age_s,
        luld_dist=_luld_dist(tape, baseline, at, price),
        sentiment=item.sentiment,
        confidence=item.confidence,
        n_tickers=item.n_tickers,
        baseline_days=baseline.days if baseline else 0,
    )


def anchor_price(at: datetime, tape: Tape, baseline: Baseline | None, item: NewsItem) -> float:
    """The last price before the headline, USD: close of the last bar that had ended when it was published.

    The publication, not the arrival, is what the tape may have reacted to; a provider's clock that runs ahead of
    ours is not believed. Before the day's first trade it is the previous close.
    """
    received, published = item.headline.received_at, item.headline.published_at
    price = tape.price_at(min(at, published, received or published))
    return price if not math.isnan(price) or baseline is None else baseline.previous_close


def z_time_of_day(ret_60s: float, baseline: Baseline | None, since_open: float, price: float) -> float:
    """ret_60s / (s_day f_tod): the move over its usual size at this time of day; floored at half a tick's return."""
    bucket = _bucket(baseline, since_open)
    if baseline is None or bucket is None:
        return NAN
    return ret_60s / max(baseline.s_day * float(baseline.tod_factor[bucket]), half_tick_return(price))


def lee_mykland(ret_60s: float, baseline: Baseline | None) -> float:
    """Lee and Mykland (2008): L = r / s, s^2 the mean of |r_j||r_j-1| over K returns; without the factor pi/2."""
    return ret_60s / (baseline.s_day / math.sqrt(math.pi / 2)) if baseline else NAN


@dataclass(frozen=True, slots=True)
class GumbelLimits:
    """Lee and Mykland's limits for the largest |L| of n returns: a jump where (|L| - c_n) / s_n exceeds a quantile."""

    c_n: float
    s_n: float


def gumbel_limits(n: int) -> GumbelLimits:
    """C_n and S_n for n tests (390: one a minute of a regular day)."""
    c = math.sqrt(2 / math.pi)
    root = math.sqrt(2 * math.log(n))
    return GumbelLimits(root / c - (math.log(math.pi) + math.log(math.log(n))) / (2 * c * root), 1 / (c * root))


def gumbel_quantile(alpha: float) -> float:
    """-ln(-ln(1 - alpha)): 4.6001 at 1%, 2.9702 at 5%."""
    return -math.log(-math.log(1 - alpha))


def barndorff_nielsen_shephard(returns: npt.NDArray[np.float64]) -> float:
    """Ratio-max z (Huang and Tauchen 2005) of a day's returns, one-sided normal: large means that a jump took part.

    z = (1 - BV/RV) / sqrt((pi^2/4 + pi - 5)/n max(1, TP/BV^2)); BV and TP carry n/(n-1) and n/(n-2).
    nan below LEAST_RETURNS_BNS returns or where the tape hardly moved.
    """
    n = returns.size
    if n < LEAST_RETURNS_BNS:
        return NAN
    size = np.abs(returns)
    rv = float(np.sum(size**2))
    bv = math.pi / 2 * n / (n - 1) * float(np.sum(size[1:] * size[:-1]))
    if rv <= 0 or bv <= 0:
        return NAN
    mu = 2 ** (2 / 3) * math.gamma(7 / 6) / math.gamma(1 / 2)
    power = size ** (4 / 3)
    tp = n * mu**-3 * n / (n - 2) * float(np.sum(power[2:] * power[1:-1] * power[:-2]))
    return (1 - bv / rv) / math.sqrt((math.pi**2 / 4 + math.pi - 5) / n * max(1.0, tp / bv**2))


def average_true_range(minutes: Sequence[Bar]) -> float:
    """Mean true range of the last ATR_BARS bars, USD; the bar before them only lends its close. nan without a range."""
    pairs = list(pairwise(minutes))[-ATR_BARS:]
    if not pairs:
        return NAN
    return sum(max(b.high, a.close) - min(b.low, a.close) for a, b in pairs) / len(pairs)


def luld_width(previous_close: float, price: float, *, doubled: bool) -> float:
    """Half-width of the limit-up limit-down band as a share of the reference price, Tier 2 (most small caps).

    Above $3: 10%; $0.75 to $3: 20%; below: the lesser of $0.15 and 75%. Doubled in the last 25 minutes up to $3.
    """
    if previous_close > 3:
        return 0.10
    width = 0.20 if previous_close >= 0.75 else min(0.15 / price, 0.75)
    return width * 2 if doubled else width


def _ret(tape: Tape, at: datetime, seconds: float, now: float) -> float:
    before = tape.price_at(at - timedelta(seconds=seconds))
    return math.log(now / before) if before > 0 and now > 0 else NAN


def _recent_minutes(tape: Tape, baseline: Baseline | None, at: datetime) -> list[Bar]:
    """Today's minutes; the newest of the session before stand in until today has enough (its night is no range)."""
    today = tape.minutes_until(at)[-(ATR_BARS + 1) :]
    if len(today) > ATR_BARS or baseline is None:
        return today
    return today if len(today) > 1 else list(baseline.last_minutes)


def _bucket(baseline: Baseline | None, since_open: float) -> int | None:
    """The bucket of the minute that ended now; None outside regular hours."""
    if baseline is None or math.isnan(since_open) or since_open <= 0:
        return None
    return baseline.bucket(since_open - 1 if since_open > 1 else 0)


def _jump_bns(tape: Tape, baseline: Baseline | None, at: datetime) -> float:
    """Of the minutes so far; within a minute the answer is the same."""
    closes, known = tape.minute_closes(at), tape.known_jump
    if known is None or known[0] is not closes or known[1] is not baseline:
        known = (closes, baseline, barndorff_nielsen_shephard(_deseasoned(closes, baseline)))
        tape.known_jump = known
    return known[2]


def _deseasoned(closes: npt.NDArray[np.float64], baseline: Baseline | None) -> npt.NDArray[np.float64]:
    """Minute returns over the time-of-day factor: without it the open and the close look like jumps."""
    if closes.size < 2:
        return np.empty(0)
    returns: npt.NDArray[np.float64] = np.diff(np.log(closes))
    if baseline is None:
        return returns
    buckets = np.minimum(np.arange(1, closes.size) // BUCKET_MINUTES, baseline.tod_factor.size - 1)
    return returns / baseline.tod_factor[buckets]


def _rvol_bar(shares: float, baseline: Baseline | None, since_open: float) -> float:
    bucket = _bucket(baseline, since_open)
    if baseline is None or bucket is None:
        return NAN
    return shares / max(float(baseline.volume[bucket]), ROUND_LOT)


def _rvol_cum(shares: float, baseline: Baseline | None, since_open: float) -> float:
    if baseline is None or _bucket(baseline, since_open) is None:
        return NAN
    return shares / max(baseline.usual_until(since_open), ROUND_LOT)


def _imbalance(quote: Quote | None) -> float:
    size = quote.bid_size + quote.ask_size if quote else NAN
    return (quote.bid_size - quote.ask_size) / size if quote and size > 0 else NAN


def _trades(bars: Sequence[Bar]) -> float:
    """Trades in these bars; a bar whose number nobody knows is -1, and makes it nan."""
    counts = [bar.count for bar in bars]
    return NAN if counts and min(counts) < 0 else float(sum(counts))


def _luld_dist(tape: Tape, baseline: Baseline | None, at: datetime, price: float) -> float:
    """(upper band - price) / price; the reference is the mean price of five minutes, each trade counting once."""
    session = tape.session
    bars = within(tape.window(at, LULD_REFERENCE_S), session) if session else ()
    trades = _trades(bars)
    if session is None or baseline is None or not session.contains(at) or not trades > 0:
        return NAN
    reference = sum(bar.wap * bar.count for bar in bars) / trades
    width = luld_width(baseline.previous_close, reference, doubled=at >= session.close - timedelta(minutes=25))
    return reference * (1 + width) / price - 1
