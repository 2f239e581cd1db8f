"""History kept up to date: the last bar of an answer goes on growing, and is told again every five seconds."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from momentum_kit.models import Bar
from momentum_kit.sessions import exchange_day
from momentum_kit.simgateway.client.bars import BarFeed
from momentum_kit.simgateway.protocol import DAY_S
from momentum_kit.simgateway.protocol.text import historical_data_update


@dataclass(slots=True)
class HistoryFeed(BarFeed):
    """What reqHistoricalData with keepUpToDate started: the bar that is building, of `seconds`."""

    takes_line: ClassVar[bool] = False
    seconds: int = 60
    format_date: int = 1
    growing: Bar | None = None

    def _messages(self, bar: Bar) -> Iterator[bytes]:
        self.growing = bar = self._grown(bar)
        yield historical_data_update(self.version, self.request_id, bar, self.format_date)

    def _grown(self, bar: Bar) -> Bar:
        before = self.growing
        if before is None or not self._same(before.start, bar.start):
            return replace(bar, start=self._floor(bar.start), seconds=self.seconds)
        volume = before.volume + bar.volume
        wap = (before.wap * before.volume + bar.wap * bar.volume) / volume if volume > 0 else bar.wap
        high, low = max(before.high, bar.high), min(before.low, bar.low)
        traded = bar.volume >= 0
        return replace(
            before,
            high=high,
            low=low,
            close=bar.close,
            volume=volume if traded else before.volume,
            wap=wap if traded else before.wap,
            count=before.count + bar.count if traded else before.count,
        )

    def _same(self, start: datetime, other: datetime) -> bool:
        if self.seconds >= DAY_S:
            return exchange_day(start) == exchange_day(other)
        return start == self._floor(other)

    def _floor(self, start: datetime) -> datetime:
        if self.seconds >= DAY_S:
            return start
        return datetime.fromtimestamp(int(start.timestamp()) // self.seconds * self.seconds, start.tzinfo)
