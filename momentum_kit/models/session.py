"""The session as its users see it: states, health, one frozen status snapshot."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class TradingState(StrEnum):
    """What the session may do now. KILLED is latched: only a human clears it."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"  # no entries
    REDUCE_ONLY = "reduce_only"  # no entries, until a human resumes
    FLATTENING = "flattening"
    KILLED = "killed"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Beat:
    """Market time has reached `now`; services close bars and check deadlines on it.

    received_ns: perf_counter_ns at the arrival of what moved the clock.
    """

    now: datetime
    received_ns: int = 0


class LinkState(StrEnum):
    """State of one layer of the connection."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """Connected is four things: our socket, the gateway's link to IB, the data farms, each subscription.

    farms: farm name to state. stale_con_ids: subscribed contracts without a tick within the limit.
    """

    socket: LinkState
    broker: LinkState
    farms: dict[str, LinkState] = field(default_factory=dict)
    stale_con_ids: frozenset[int] = frozenset()
    server_version: int = 0
    competing_session: bool = False

    @property
    def may_enter(self) -> bool:
        """True if no layer above the single subscription bars a new position."""
        return (
            self.socket is LinkState.UP
            and self.broker is LinkState.UP
            and LinkState.DOWN not in self.farms.values()
            and not self.competing_session
        )


@dataclass(frozen=True, slots=True)
class PositionView:
    """One holding for the eye: USD; r is open profit over initial risk, nan without a stop."""

    symbol: str
    con_id: int
    quantity: float
    average_price: float
    last_price: float
    unrealised_usd: float
    stop_price: float
    r: float
    opened_at: datetime | None


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """One frozen snapshot of a session; counts are since its start, money in USD."""

    state: TradingState
    reason: str
    environment: str
    account: str
    market_time: datetime
    started_at: datetime
    health: ConnectionHealth
    counts: dict[str, int]
    skips: dict[str, int]
    queues: dict[str, int]
    positions: tuple[PositionView, ...]
    realised_usd: float
    unrealised_usd: float
    costs_usd: float
    run_dir: str
    pid: int
    incidents: tuple[str, ...] = ()
