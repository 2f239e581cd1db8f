"""A recorded day through the very same services, in virtual time or over the wire."""

from momentum_kit.runtime.replay.archive_day import ArchiveDay
from momentum_kit.runtime.replay.replay import Replay, replay_of, run_replay

__all__ = ["ArchiveDay", "Replay", "replay_of", "run_replay"]
