"""Do live signals come as often as research said? Pure; the runtime asks it and warns."""

import math

LEVEL = 0.002  # of either side; asked every quarter of an hour, so that a false alarm is a matter of months


def departs(
    signals: int, sessions: float, low: float, high: float, dispersion: float = 1.0, level: float = LEVEL
) -> str:
    """`few` or `many` where so many signals do not fit the expected band any more, else an empty string.

    signals: within `sessions`, the share of regular hours that has passed (1.5: a day and a half). low, high: the band
    of the expected signals a session. The counts are Poisson; with a dispersion above 1 (variance over mean of the
    counts of whole sessions) negative binomial, since news comes in waves: within a part of a session the waves have
    had less time to differ.
    """
    if sessions <= 0:
        return ""
    excess = max(dispersion - 1, 0.0) * min(sessions, 1.0)
    if at_most(signals, low * sessions, excess) < level:
        return "few"
    if 1 - at_most(signals - 1, high * sessions, excess) < level:
        return "many"
    return ""


def at_most(count: int, mean: float, excess: float = 0.0) -> float:
    """P(N <= count) for a Poisson count, or a negative binomial one with variance mean x (1 + excess)."""
    if count < 0:
        return 0.0
    if mean <= 0:
        return 1.0
    if excess < 1e-9:
        return min(1.0, math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1)))
    size, share = mean / excess, 1 / (1 + excess)
    constant = size * math.log(share) - math.lgamma(size)
    return min(
        1.0,
        math.fsum(
            math.exp(constant + math.lgamma(k + size) - math.lgamma(k + 1) + k * math.log1p(-share))
            for k in range(count + 1)
        ),
    )
