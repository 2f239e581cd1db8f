"""How much a series of sessions speaks against being like the reference, session by session; for the watch.

Each new session is ranked among the reference and all sessions before it, ties in random order. While nothing has
changed, every rank is as likely as any other and none depends on those before, whatever the numbers' distribution. A
gambler who starts with 1 and bets on low or high ranks, at fair odds, then multiplies his capital by 1/p at some time
with a probability of p at most (Ville): the capital is the evidence, and it may be looked at after every session. He
spreads his capital over five ways to bet and moves a hundredth of it between them each time, so that a change in the
middle is found as well: the simple jumper of Vovk, Petej, Nouretdinov, Ahlberg, Carlsson and Gammerman, "Retrain or not
retrain: conformal test martingales for change-point detection" (2021), with two bolder bets.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BETS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])  # slopes of the stake over the rank; 2 may lose all of its part
MOVED = 0.01  # of the capital, between the bets, at each session


def drift_evidence(reference: Floats, lived: Floats, ties: Floats) -> Floats:
    """Capital after each session. lived, ties: runs x sessions, so that many runs are played at once.

    ties: numbers from 0 to 1, drawn anew for every session; they decide the rank among equal values.
    """
    ranks = _ranks(np.sort(reference), lived, ties)
    parts = np.full((len(lived), len(BETS)), 1 / len(BETS))
    capital = np.empty_like(ranks)
    for at in range(ranks.shape[1]):
        parts = (1 - MOVED) * parts + MOVED * parts.mean(axis=1, keepdims=True)
        parts = parts * (1 + BETS * (ranks[:, at : at + 1] - 0.5))
        capital[:, at] = parts.sum(axis=1)
    return capital


def _ranks(reference: Floats, lived: Floats, ties: Floats) -> Floats:
    """From 0 (below everything so far) to 1 (above everything), uniform while nothing changes."""
    below = np.searchsorted(reference, lived, "left").astype(float)
    equal = np.searchsorted(reference, lived, "right") - below
    ranks = np.empty_like(lived)
    for at in range(lived.shape[1]):
        value, before = lived[:, at : at + 1], lived[:, :at]
        less = below[:, at] + (before < value).sum(axis=1)
        same = equal[:, at] + (before == value).sum(axis=1) + 1  # itself
        ranks[:, at] = (less + ties[:, at] * same) / (len(reference) + at + 1)
    return ranks
