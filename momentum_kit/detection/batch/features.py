"""Features of many news items of one contract at all their decision times, the vectorised twin of features.py.

    days = day_columns(minutes, exchange_days)
    at = decision_times(received_at, bar_s=5)
    found = feature_arrays(events, at, minutes, bars, quotes, days)
    found.features["z_tod"][n, k]

An event's tape is the one that the engine would have had: today's minutes closed when the headline came, and bars from
half an hour before it on. A value is computed only from what had ended by its decision time.
tests/unit/detection/test_feature_arrays.py holds it to compute_features.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from momentum_kit.detection.batch.columns import (
    MINUTE,
    SECOND,
    BarColumns,
    DayColumns,
    EventColumns,
    QuoteColumns,
    Times,
)
from momentum_kit.errors import ResearchError

FIRST_AFTER_S = 5  # a headline received exactly at a close belongs to the next bar
NOWHERE = np.iinfo(np.int64).min  # a decision time that is none: NaT as a number


@dataclass(frozen=True, slots=True, eq=False)
class FeatureArrays:
    """features: name -> (N, K), nan where unknown. quoted: (N, K), whether a quote stood that can be traded on."""

    features: dict[str, npt.NDArray[np.float64]]
    quoted: npt.NDArray[np.bool_]


def decision_times(received_at: Times, bar_s: int = 5, judge_until_s: float = 120.0) -> Times:
    """(N, K) microseconds: every bar close from 5 s to judge_until_s after reception, NOWHERE where none is left.

    K is 24 for 5 s bars and 120 s, 2 for 1-minute bars.
    """
    step = bar_s * SECOND
    first = -(-(received_at + FIRST_AFTER_S * SECOND) // step) * step
    until = received_at + round(judge_until_s * SECOND)
    count = int((judge_until_s - FIRST_AFTER_S) // bar_s) + 1
    at = first[:, None] + step * np.arange(count, dtype=np.int64)
    return np.where(at <= until[:, None], at, NOWHERE)


def feature_arrays(
    events: EventColumns,
    at: Times,
    minutes: BarColumns,
    bars: BarColumns,
    quotes: QuoteColumns,
    days: DayColumns,
    assumed_spread_bps: float = np.nan,
) -> FeatureArrays:
    """Features of N news items at (N, K) decision times.

    minutes: the contract's 1-minute bars. bars: what it is judged on, 5 s bars, or the minutes again where there is
    nothing finer. quotes: none for no series; assumed_spread_bps then stands in, if it is given.
    Raises ResearchError where a decision time does not follow its headline.
    """
    from momentum_kit.detection.batch.day_loops import DaySums, fill_sums
    from momentum_kit.detection.batch.feature_loops import COMPUTED, fill_features

    early = np.argwhere((at != NOWHERE) & (at <= events.received_at[:, None]))
    if early.size:
        raise ResearchError(f"event {early[0][0]}: look-ahead: decision time {early[0][1]} is before the headline came")
    slots = max(1, int(((days.close_at - days.open_at) // MINUTE).max(initial=1)))
    tables = (np.zeros((days.days.size, slots)) for _ in range(4))
    sums = DaySums(np.zeros(minutes.start.size), np.zeros(minutes.start.size), *tables)
    fill_sums(minutes, days, sums)
    out, quoted = np.full((len(COMPUTED), *at.shape), np.nan), np.zeros(at.shape, dtype=bool)
    fill_features(events, at, minutes, bars, quotes, days, sums, float(assumed_spread_bps), out, quoted)
    features = dict(zip(COMPUTED, out, strict=True))
    known = ~np.isnan(features["price"])
    given = {
        "sentiment": events.sentiment,
        "confidence": events.confidence,
        "n_tickers": events.n_tickers,
        "baseline_days": days.days[events.row].astype(np.float64),
    }
    features |= {name: np.where(known, values[:, None], np.nan) for name, values in given.items()}
    return FeatureArrays(features, quoted)
