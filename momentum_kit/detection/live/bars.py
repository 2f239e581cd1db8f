"""Five-second bars from trades, joined to the same bars from history without gap or overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from momentum_kit.models import Bar, TradeTick

BAR_S = 5
WAP_DIGITS = 8  # far below any price step: the same trades, taken one by one or together, make the very same bar
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def floor_time(at: datetime, seconds: int = BAR_S) -> datetime:
    """The last multiple of `seconds` since the epoch at or before `at`."""
    return at - (at - _EPOCH) % timedelta(seconds=seconds)


@dataclass(slots=True)
class _Growing:
    """A bar while its trades come in; turnover in USD."""

    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float
    count: int

    def extend(self, tick: TradeTick) -> None:
        price, size = tick.price, tick.size
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.volume += size
        self.turnover += price * size
        self.count += tick.count

    def precede(self, bar: Bar) -> None:
        """The bar's trades came first."""
        self.open, self.high, self.low = bar.open, max(bar.high, self.high), min(bar.low, self.low)
        self.volume += bar.volume
        self.turnover += bar.wap * bar.volume
        self.count += bar.count

    def closed(self, start: datetime, seconds: int) -> Bar:
        wap = round(self.turnover / self.volume, WAP_DIGITS) if self.volume > 0 else self.close
        return Bar(start, seconds, self.open, self.high, self.low, self.close, self.volume, wap, self.count)


class BarBuilder:
    """RTTradeVolume ticks to bars by trade time; a bar without a trade does not come into being.

    covered_until: what traded at or before this instant is history's and is left out.
    late: ticks that belong to a bar already closed; duplicates: ticks the feed repeated. Both are left out.
    """

    def __init__(self, seconds: int = BAR_S, covered_until: datetime | None = None) -> None:
        self.late = 0
        self.duplicates = 0
        self._seconds = seconds
        self._length = timedelta(seconds=seconds)
        self._covered_until = covered_until
        self._closed_until = floor_time(covered_until, seconds) if covered_until else None
        self._open: dict[datetime, _Growing] = {}
        self._seen: set[tuple[datetime, float, float, float]] = set()

    def seed(self, partial: Bar) -> bool:
        """Put history's bar in progress before the ticks that complete it; False if that bar is closed already."""
        if self._closed_until and partial.start < self._closed_until:
            return False
        later = self._open.get(partial.start)
        if later:
            later.precede(partial)
        else:
            turnover = partial.wap * partial.volume
            prices = (partial.open, partial.high, partial.low, partial.close)
            self._open[partial.start] = _Growing(*prices, partial.volume, turnover, partial.count)
        return True

    def add(self, tick: TradeTick) -> None:
        """Take one trade; its exchange time decides where it belongs."""
        if tick.size <= 0 or (self._covered_until and tick.time <= self._covered_until):
            return
        key = (tick.time, tick.price, tick.size, tick.total_volume)
        start = floor_time(tick.time, self._seconds)
        if self._closed_until and start < self._closed_until:
            self.late += 1
        elif key in self._seen:
            self.duplicates += 1
        else:
            self._seen.add(key)
            bar = self._open.get(start)
            if bar:
                bar.extend(tick)
            else:
                price, size = tick.price, tick.size
                self._open[start] = _Growing(price, price, price, price, size, price * size, tick.count)

    def close_until(self, t: datetime) -> list[Bar]:
        """Every bar that ends at or before t, in time order; what comes for them afterwards is late."""
        due = sorted(start for start in self._open if start + self._length <= t)
        end = floor_time(t, self._seconds)
        if self._closed_until is None or end > self._closed_until:
            self._closed_until = end
            self._seen = {key for key in self._seen if key[0] >= end}
        return [self._open.pop(start).closed(start, self._seconds) for start in due]


def split_history(bars: Sequence[Bar], asked_at: datetime) -> tuple[list[Bar], Bar | None]:
    """History as of `asked_at`: the bars closed by then, and the one in progress that IB appends, if any."""
    count = len(bars)
    while count and bars[count - 1].end > asked_at:
        count -= 1
    running = [bar for bar in bars[count:] if bar.start < asked_at]
    return list(bars[:count]), running[-1] if running else None


def merge(first: Bar, second: Bar, start: datetime, seconds: int) -> Bar:
    """One bar from two that follow each other."""
    volume = first.volume + second.volume
    turnover = first.wap * first.volume + second.wap * second.volume
    return Bar(
        start=start,
        seconds=seconds,
        open=first.open,
        high=max(first.high, second.high),
        low=min(first.low, second.low),
        close=second.close,
        volume=volume,
        wap=turnover / volume if volume > 0 else second.close,
        count=-1 if first.count < 0 or second.count < 0 else first.count + second.count,  # -1: not known
    )
