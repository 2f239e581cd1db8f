"""Gateway: all ports towards the outside in one connection; the bridge is one, a replayed day another."""

from datetime import datetime
from typing import Protocol

from momentum_kit.models import OpenOrder
from momentum_kit.ports import Broker, MarketData, NewsFeed
from momentum_kit.runtime.beats import SteppedBroker


class Gateway(NewsFeed, MarketData, Broker, SteppedBroker, Protocol):
    """All ports towards the outside in one connection."""

    @property
    def accounts(self) -> tuple[str, ...]:
        """The account ids that this gateway serves."""
        ...

    async def connect(self) -> None:
        """Be ready for everything else, or raise ConnectionFailed and leave nothing behind."""
        ...

    async def disconnect(self) -> None:
        """Give everything back; streams end."""
        ...

    async def fetch_all_open_orders(self) -> tuple[OpenOrder, ...]:
        """The open orders of every client."""
        ...

    async def fetch_current_time(self) -> datetime:
        """The gateway's time, to the second."""
        ...
