"""Limit up, limit down: price bands of regular hours, and the pauses that a generated path would have caused.

The rules of the plan to address extraordinary market volatility, tier 2 for small names and tier 1 for large ones:
a limit state of 15 s at a band pauses trading for five minutes. https://www.luldplan.com
"""

from dataclasses import dataclass

import numpy as np

from momentum_kit.simgateway.market.tape import Floats

REFERENCE_S, LIMIT_STATE_S, PAUSE_S = 300, 15, 300
LAST_MINUTES_S = 25 * 60  # before the close bands are doubled for tier 1, and for tier 2 up to $3
SMALL_PRICE_USD, MIDDLE_PRICE_USD = 0.75, 3.0


def band_width(previous_close: float, reference: float, *, large: bool, doubled: bool) -> float:
    """Distance (USD) of both bands from the reference price; the tier's share follows the previous close."""
    if previous_close < SMALL_PRICE_USD:
        width = min(0.15, 0.75 * reference)
    elif previous_close <= MIDDLE_PRICE_USD:
        width = 0.20 * reference
    else:
        width = (0.05 if large else 0.10) * reference
    doubles = doubled and (large or previous_close <= MIDDLE_PRICE_USD)
    return 2 * width if doubles else width


@dataclass(frozen=True, slots=True)
class BandedPath:
    """A path kept within its bands, by the second of regular hours, and the pauses (first, last second) it took."""

    path: Floats
    spans: tuple[tuple[int, int], ...]


def hold_to_bands(path: Floats, previous_close: float, *, large: bool) -> BandedPath:
    """Hold a path of mid prices (USD, one a second from open to close) to its bands.

    In a limit state the price stands at the band; after 15 s there trading pauses, and reopens where the path is then,
    as the new reference. A pause that the close cuts short is not reopened.
    """
    kept, spans = path.copy(), []
    begins, state_s, second = 0, 0, 0  # begins: since when the reference is collected
    while second < len(path):
        since = max(begins, second - REFERENCE_S)
        reference = float(np.mean(kept[since:second])) if second > since else float(path[second])
        doubled = second >= len(path) - LAST_MINUTES_S
        width = band_width(previous_close, reference, large=large, doubled=doubled)
        kept[second] = min(max(path[second], reference - width), reference + width)
        state_s = state_s + 1 if kept[second] != path[second] else 0
        second += 1
        if state_s > LIMIT_STATE_S:
            until = min(second + PAUSE_S, len(path))
            kept[second:until] = kept[second - 1]
            spans.append((second, until))
            begins, state_s, second = until, 0, until
    return BandedPath(kept, tuple(spans))
