"""A recorded day through the very same services, in virtual time or over the wire."""

from momentum_kit.runtime.replay.replay import Replay, replay_of, run_replay

__all__ = ["Replay", "replay_of", "run_replay"]
