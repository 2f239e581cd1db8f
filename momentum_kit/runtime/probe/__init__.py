"""Asks a paper account what IB's documents leave open, for the simulated gateway."""

from momentum_kit.runtime.probe.answers import ALTERNATIVES, NOT_ASKED, SwitchAnswer
from momentum_kit.runtime.probe.observed import BASIS, load_observed
from momentum_kit.runtime.probe.probe import Probed, probe_paper
from momentum_kit.runtime.probe.steps import ROUND_TRIP, WITHOUT_A_FILL

__all__ = [
    "ALTERNATIVES",
    "BASIS",
    "NOT_ASKED",
    "ROUND_TRIP",
    "WITHOUT_A_FILL",
    "Probed",
    "SwitchAnswer",
    "load_observed",
    "probe_paper",
]
