"""Who owns an account on this machine: lock, token, latches, arming, heartbeat, and the guards before a start."""

from momentum_kit.runtime.ownership.engine_identity import EngineIdentity, birth_of, end_engine, prove_engine
from momentum_kit.runtime.ownership.guards import (
    clear_phrase,
    prove_account,
    prove_same_account,
    prove_strategy,
    release_kill,
    strategy_departures,
)
from momentum_kit.runtime.ownership.heartbeat import (
    HEARTBEAT_S,
    SILENT_AFTER_S,
    Heartbeat,
    heartbeat_of,
    last_left,
    no_answer,
    read_heartbeat,
)
from momentum_kit.runtime.ownership.owners import owner_id, prove_only_owner
from momentum_kit.runtime.ownership.running import only_engine, running_engines
from momentum_kit.runtime.ownership.state_folder import LATCHES, ControlAddress, Restriction, StateFolder

__all__ = [
    "HEARTBEAT_S",
    "LATCHES",
    "SILENT_AFTER_S",
    "ControlAddress",
    "EngineIdentity",
    "Heartbeat",
    "Restriction",
    "StateFolder",
    "birth_of",
    "clear_phrase",
    "end_engine",
    "heartbeat_of",
    "last_left",
    "no_answer",
    "only_engine",
    "owner_id",
    "prove_account",
    "prove_engine",
    "prove_only_owner",
    "prove_same_account",
    "prove_strategy",
    "read_heartbeat",
    "release_kill",
    "running_engines",
    "strategy_departures",
]
