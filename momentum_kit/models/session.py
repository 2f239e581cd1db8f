"""The session as its users see it: states, health, one frozen status snapshot."""

import math
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class TradingState(StrEnum):
    """What the session may do now. KILLED is latched: only a human clears it."""

    STARTING = "starting"
    """Connected or about to be; nothing trades yet."""
    RUNNING = "running"
    """Entries and exits."""
    PAUSED = "paused"
    """Exits only: not started yet, or until `resume`."""
    REDUCE_ONLY = "reduce_only"
    """Exits only, until a human resumes."""
    FLATTENING = "flattening"
    """Closing every position; no entries."""
    KILLED = "killed"
    """Flat or on the way there, and latched."""
    STOPPING = "stopping"
    """Flattening, then the end."""
    STOPPED = "stopped"
    """Over."""


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


class LineState(StrEnum):
    """State of one market-data line."""

    ASKED = "asked"
    """Nothing has ticked yet."""
    LIVE = "live"
    DOUBTED = "doubted"
    """Something has happened since its last live tick that may have silenced it: a fresh one is wanted."""
    TAKEN = "taken"
    """Another session of this user has its data."""
    NOT_LIVE = "not live"
    """Delayed or frozen data, which nothing trades on."""


@dataclass(frozen=True, slots=True)
class HealthMove:
    """A layer of the connection has changed: socket, broker, a farm by its name, a contract's line; why: IB's words."""

    at: datetime
    layer: str
    before: str
    after: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionHealth:
    """Connected is four things: our socket, the gateway's link to IB, the data farms, each subscription.

    farms: farm name to state. harmless_farms: those that keep nobody from entering, whatever their state: of history
    or definitions, or of other data than what ticks here. lines: con_id to the state of its subscription.
    stale_con_ids: subscribed contracts without a tick within the limit, or without one since something may have
    silenced them. link_returns: how often the gateway said that it has IB again. moves: the latest, oldest first.
    waiting: requests that IB's limits hold back; waiting_s: wall seconds for which the oldest of them has waited.
    """

    socket: LinkState
    broker: LinkState
    farms: dict[str, LinkState] = field(default_factory=dict)
    harmless_farms: frozenset[str] = frozenset()
    lines: dict[int, LineState] = field(default_factory=dict)
    stale_con_ids: frozenset[int] = frozenset()
    server_version: int = 0
    competing_session: bool = False
    link_returns: int = 0
    moves: tuple[HealthMove, ...] = ()
    waiting: int = 0
    waiting_s: float = 0.0

    @property
    def may_enter(self) -> bool:
        """True if no layer above the single subscription bars a new position."""
        return (
            self.socket is LinkState.UP
            and self.broker is LinkState.UP
            and not self.barring_farms
            and not self.competing_session
        )

    @property
    def barring_farms(self) -> tuple[str, ...]:
        """Farms that are down and serve what would be entered, as far as anybody knows."""
        down = (farm for farm, state in self.farms.items() if state is LinkState.DOWN)
        return tuple(farm for farm in down if farm not in self.harmless_farms)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLayer:
    """One light of the connection: gateway, broker, farms or data.

    age_s: since its last sign of life, nan where none is known; detail: words for a person, may be empty.
    """

    name: str
    state: LinkState
    detail: str = ""
    age_s: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeView:
    """One news tape by its witnesses, busy names whose articles IB has on record: how many were heard live, or missed.

    delay_s: from publication to us, the median; nan before the first. last_at: of the last headline of any company.
    """

    provider: str
    state: LinkState
    heard: int = 0
    missed: int = 0
    delay_s: float = math.nan
    last_at: datetime | None = None

    def __str__(self) -> str:
        judged = self.heard + self.missed
        delay = "" if math.isnan(self.delay_s) else f", {self.delay_s:.1f} s late"
        return f"{self.provider} heard {self.heard} of {judged}{delay}" if judged else f"{self.provider} not judged yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """One holding as people see it: USD; r is open profit over initial risk, nan without a stop."""

    symbol: str
    con_id: int
    quantity: float
    average_price: float
    last_price: float
    unrealised_usd: float
    stop_price: float
    r: float
    opened_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitWait:
    """What keeps a position from being left: symbol, empty for the account as a whole; market seconds so far."""

    symbol: str
    why: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.symbol or 'account'}: {self.why}, for {self.seconds:.0f} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """One frozen snapshot of a session; counts are since its start, money in USD.

    message_age_s: wall seconds since the gateway last said anything. data_ages_s: market seconds since each watched
    symbol last ticked, nan before its first tick. lags_s: wall seconds by which the event loop was late (loop) and
    since services last saw market time move (beat). thresholds_hash: of the set in force; thresholds_changed: it is
    not the file's any more. started: it was told to trade; true to the end. arguments: what names this session on a
    command line. waits: what a flatten, stop or kill waits for. until: market time of its end, where it has one.
    """

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
    state_since: datetime | None = None
    message_age_s: float = math.nan
    data_ages_s: dict[str, float] = field(default_factory=dict)
    lags_s: dict[str, float] = field(default_factory=dict)
    thresholds_name: str = ""
    thresholds_hash: str = ""
    thresholds_changed: bool = False
    started: bool = False
    arguments: str = ""
    waits: tuple[ExitWait, ...] = ()
    until: datetime | None = None
    tapes: tuple[TapeView, ...] = ()

    @property
    def net_usd(self) -> float:
        """Realised plus open profit less costs."""
        return self.realised_usd + self.unrealised_usd - self.costs_usd

    @property
    def layers(self) -> tuple[ConnectionLayer, ...]:
        """The lights of the connection, from the socket outwards; that of the news tapes once one has been judged."""
        health, judged = self.health, [tape for tape in self.tapes if tape.heard or tape.missed]
        return (
            ConnectionLayer(
                name="gateway",
                state=health.socket,
                detail=f"server version {health.server_version}{_waiting(health)}",
                age_s=self.message_age_s,
            ),
            ConnectionLayer(name="broker", state=health.broker),
            _farms(health),
            _data(health, self.data_ages_s),
            *((_news(judged),) if judged else ()),
        )


def _news(judged: list[TapeView]) -> ConnectionLayer:
    """The tapes together: as good as the worst of those that were judged."""
    worst = (LinkState.DOWN, LinkState.DEGRADED, LinkState.UNKNOWN, LinkState.UP)
    state = min((tape.state for tape in judged), key=worst.index)
    return ConnectionLayer(name="news", state=state, detail="; ".join(map(str, judged)))


def _waiting(health: ConnectionHealth) -> str:
    """What IB's limits hold back, where it is noticeable."""
    return f", {health.waiting} requests wait, {health.waiting_s:.0f} s" if health.waiting_s >= 1 else ""


def _farms(health: ConnectionHealth) -> ConnectionLayer:
    """As good as its worst farm; a dormant one opens on demand and says nothing."""
    for state in (LinkState.DOWN, LinkState.DEGRADED, LinkState.UP):
        if named := sorted(farm for farm, its in health.farms.items() if its is state):
            harmless = state is LinkState.DOWN and not health.barring_farms
            words = f"{', '.join(named)} {state}{', which bars no entry' if harmless else ''}"
            return ConnectionLayer(name="farms", state=state, detail=words)
    return ConnectionLayer(name="farms", state=LinkState.UNKNOWN)


def _data(health: ConnectionHealth, ages_s: dict[str, float]) -> ConnectionLayer:
    """The subscriptions together; its age is that of the quietest symbol."""
    ages = [age for age in ages_s.values() if not math.isnan(age)]
    oldest = max(ages, default=math.nan)
    if health.competing_session:
        return ConnectionLayer(
            name="data", state=LinkState.DOWN, detail="another session takes the market data", age_s=oldest
        )
    if not ages_s:
        return ConnectionLayer(name="data", state=LinkState.UNKNOWN, detail="nothing is watched")
    stale = len(health.stale_con_ids)
    detail = f"{len(ages_s)} watched, {stale} stale"
    if not stale:
        return ConnectionLayer(name="data", state=LinkState.UP, detail=detail, age_s=oldest)
    return ConnectionLayer(
        name="data", state=LinkState.DOWN if stale >= len(ages_s) else LinkState.DEGRADED, detail=detail, age_s=oldest
    )
