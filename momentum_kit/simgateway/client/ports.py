"""What a client's session and its subscriptions need of what stands around them: small Protocols, below both."""

from collections import deque
from datetime import datetime
from typing import Literal, Protocol

from momentum_kit.simgateway.broker import AccountPosition, CompletedOrder, SimulatedBroker
from momentum_kit.simgateway.client.limits import Limits
from momentum_kit.simgateway.events import BulletinEvent, NewsEvent, OrderEvent
from momentum_kit.simgateway.market import Market


class Recipient(Protocol):
    """A client, as far as its subscriptions reach it."""

    version: int  # server version, which decides the layout of messages

    def send(self, message: bytes) -> None:
        """Queue finished messages."""
        ...


class ClientSocket(Protocol):
    """A client's socket, as far as faults reach it; seconds of the wall clock."""

    def drop(self, how: str) -> None:
        """End it: 'fin', 'reset', or 'silence' for a socket that is open and dead."""
        ...

    def stall(self, wall_s: float, *, reading_only: bool = False) -> None:
        """Do not read, and unless reading_only do not write either."""
        ...

    def trickle(self, wall_s: float, size: int) -> None:
        """Write in pieces of so many bytes."""
        ...


class OutgoingFilter(Protocol):
    """What a fault puts between a session and its socket."""

    def pass_on(self, data: bytes, now: datetime) -> bytes:
        """What leaves instead of these messages."""
        ...

    def release(self, now: datetime) -> bytes:
        """What was kept back and is due."""
        ...


class GatewayState(Protocol):
    """What all clients of a gateway share: market, broker, limits and market time."""

    market: Market
    broker: SimulatedBroker
    account: str
    limits: Limits
    now: datetime  # market time, aware UTC
    version_cap: int  # the highest server version spoken
    headlines: deque[NewsEvent]  # the latest, oldest first
    bulletins: list[BulletinEvent]  # of today, oldest first
    history_sleeps: bool  # the history farm is inactive until it is asked for something

    @property
    def clock_time(self) -> datetime:
        """Market time as clients are told it."""
        ...

    @property
    def offline(self) -> bool:
        """The gateway has lost IB."""
        ...

    @property
    def farms_down(self) -> frozenset[str]:
        """Data farms that are broken."""
        ...

    @property
    def competing(self) -> bool:
        """Another session of this user has the market data."""
        ...

    @property
    def data_stopped(self) -> bool:
        """No quotes and bars reach a client."""
        ...

    @property
    def lines_used(self) -> int:
        """Market data lines in use by all clients."""
        ...

    @property
    def ticks_used(self) -> int:
        """Tick-by-tick subscriptions of all clients."""
        ...

    def positions(self) -> list[AccountPosition]:
        """All holdings as clients are told them."""
        ...

    def open_orders(self, client_id: int | None) -> list[OrderEvent]:
        """Working orders of one client, or of all (None), as clients are told them."""
        ...

    def completed_orders(self, *, api_only: bool) -> list[CompletedOrder]:
        """Orders that ended today, as clients are told them."""
        ...

    def listed_until(self, kind: Literal["executions", "commissions"]) -> datetime:
        """The moment up to which lists of this kind reach."""
        ...

    def mark(self, con_id: int) -> float | None:
        """The price a holding is valued at, USD."""
        ...
