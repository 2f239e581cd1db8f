"""A recorded day through the very same services, in virtual time or over the wire."""

from momentum_kit.runtime.replay.days import ReplayedDay, days_between, prepare_days_folder, replay_days, total_of
from momentum_kit.runtime.replay.replay import Replay, replay_of, run_replay

__all__ = [
    "Replay",
    "ReplayedDay",
    "days_between",
    "prepare_days_folder",
    "replay_days",
    "replay_of",
    "run_replay",
    "total_of",
]
