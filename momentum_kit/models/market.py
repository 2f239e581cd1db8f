"""The tape: trades, quotes and bars, with aware UTC times."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum


class MarketDataType(IntEnum):
    """What IB is delivering; only LIVE may open a position."""

    LIVE = 1
    FROZEN = 2
    DELAYED = 3
    DELAYED_FROZEN = 4


@dataclass(frozen=True, slots=True)
class TradeTick:
    """One RTTradeVolume tick (generic 375), the live series that matches TRADES history.

    price: USD; size, total_volume: shares; time: the exchange's, received_at: ours; vwap: USD, the day's.
    received_ns: perf_counter_ns when the callback ran, for latency. count: how many trades it stands for, live always
    one; a replay tells those of one price and moment together.
    """

    con_id: int
    time: datetime
    price: float
    size: float
    total_volume: float
    vwap: float
    received_at: datetime
    received_ns: int = 0
    count: int = 1


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask after one update; nan where IB has sent none.

    Prices in USD, sizes in shares; halted: tick 49 above 0. data_type: what IB says it delivers.
    received_at is the time of the last update of any field: its age decides whether it may be traded on.
    halted_at: when the symbol was last heard to be halted, where somebody remembers it.
    """

    con_id: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    last: float
    halted: bool
    data_type: MarketDataType
    received_at: datetime
    received_ns: int = 0
    shortable: float = float("nan")
    halted_at: datetime | None = None

    @property
    def mid(self) -> float:
        """Half-way between bid and ask, USD; nan without both."""
        return (self.bid + self.ask) / 2

    @property
    def spread_bps(self) -> float:
        """Ask minus bid over mid, bps."""
        return (self.ask - self.bid) / self.mid * 1e4


class _Lengths(dict[int, timedelta]):
    """Seconds to a length of time; asked for every bar again and again."""

    def __missing__(self, seconds: int) -> timedelta:
        return self.setdefault(seconds, timedelta(seconds=seconds))


_LENGTHS = _Lengths()


@dataclass(frozen=True, slots=True)
class Bar:
    """OHLCV of one interval, stamped at its START, usable at `end`.

    Prices and wap in USD, volume in shares, count in trades. A bar without a trade is not in any series.
    """

    start: datetime
    seconds: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    wap: float
    count: int

    @property
    def end(self) -> datetime:
        """The first instant at which the bar may be used."""
        return self.start + _LENGTHS[self.seconds]
