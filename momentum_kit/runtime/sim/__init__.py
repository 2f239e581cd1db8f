"""The simulated gateway as a process of its own: a scenario, or an archive day told again."""

from momentum_kit.runtime.sim.archive_day import LAST_STRETCH, ArchiveDay
from momentum_kit.runtime.sim.serving import answers_of, gateway_process, make_gateway, open_questions, serve_gateway

__all__ = [
    "LAST_STRETCH",
    "ArchiveDay",
    "answers_of",
    "gateway_process",
    "make_gateway",
    "open_questions",
    "serve_gateway",
]
