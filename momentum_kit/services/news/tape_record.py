"""TapeRecord: what is known of the news tapes beyond one connection: what was heard, what was missed, how late.

Whether a silent tape is a quiet one, only a witness can tell: IB keeps the articles of a company, and those that are
new there must have been heard. Nothing is concluded from a clock.
"""

import statistics
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from momentum_kit.models import Headline, LinkState, TapeView

SETTLE = timedelta(seconds=120)  # an article may be on record before it is told
KEPT = 50_000  # articles, and as many delays as 500 of each tape

Article = tuple[str, str]
"""Provider and article id."""

_Value = TypeVar("_Value")


@dataclass(slots=True)
class TapeCount:
    """One provider's articles of the witnesses, and of one hour of them."""

    heard: int = 0
    missed: int = 0
    delays_s: deque[float] = field(default_factory=lambda: deque(maxlen=500))

    @property
    def delay_s(self) -> float:
        """From publication to us, the median; nan before the first."""
        return statistics.median(self.delays_s) if self.delays_s else float("nan")

    def __str__(self) -> str:
        delay = f", {self.delay_s:.1f} s late" if self.delays_s else ""
        return f"heard {self.heard} of {self.heard + self.missed}{delay}"


class TapeRecord:
    """Lent to one connection after another. listened_until: market time up to which the tapes were heard.

    shift: by how much the record's stamps, whose zone IB documents nowhere, are ahead of those of the tape. hours: by
    provider and hour, what the witnesses showed.
    """

    def __init__(self) -> None:
        self.listened_until: datetime | None = None
        self.hours: dict[tuple[str, datetime], TapeCount] = {}
        self.shift = timedelta(0)
        self._heard: OrderedDict[Article, tuple[datetime, float]] = OrderedDict()  # to its stamp, and the delay in s
        self._last: dict[str, datetime] = {}
        self._known: OrderedDict[Article, datetime | None] = OrderedDict()  # when first seen on record; None: judged
        self._counts: dict[str, TapeCount] = {}
        self._silent: set[str] = set()

    def hear(self, headline: Headline, at: datetime) -> None:
        """It was told live."""
        delay_s = (at - headline.published_at).total_seconds()
        _keep(self._heard, (headline.provider, headline.article_id), (headline.published_at, delay_s))
        self._last[headline.provider] = at
        self._silent.discard(headline.provider)

    def know(self, rows: Iterable[Headline]) -> list[Headline]:
        """These are on record, and nothing follows from it: they were there before anybody listened, or nobody did.

        Those that are new here and were not heard are returned.
        """
        found = []
        for row in rows:
            key = (row.provider, row.article_id)
            if key not in self._heard and self._known.get(key, row) is not None:
                found.append(row)
            _keep(self._known, key, None)
        return found

    def judge(self, rows: Iterable[Headline], now: datetime) -> list[Headline]:
        """What is on record now; returned are those that have been there for long enough and were not heard."""
        missed = []
        judged: dict[str, list[bool]] = {}
        for row in rows:
            key = (row.provider, row.article_id)
            if key not in self._known:
                _keep(self._known, key, now)
            since = self._known[key]
            heard = key in self._heard
            if since is None or not (heard or now - since >= SETTLE):
                continue
            self._known[key] = None
            judged.setdefault(row.provider, []).append(heard)
            self._count(row.provider, now, self._heard[key][1] if heard else None)
            if heard:
                self.shift = timedelta(minutes=round((row.published_at - self._heard[key][0]) / timedelta(minutes=1)))
            else:
                missed.append(row)
        for provider, verdicts in judged.items():
            (self._silent.discard if any(verdicts) else self._silent.add)(provider)
        return missed

    def views(self, tapes: Iterable[str]) -> tuple[TapeView, ...]:
        """Each tape as people see it."""
        return tuple(self._view(provider) for provider in tapes)

    def _count(self, provider: str, now: datetime, delay_s: float | None) -> None:
        hour = now.replace(minute=0, second=0, microsecond=0)
        counts = self._counts.setdefault(provider, TapeCount()), self.hours.setdefault((provider, hour), TapeCount())
        for count in counts:
            if delay_s is None:
                count.missed += 1
            else:
                count.heard += 1
                count.delays_s.append(delay_s)

    def _view(self, provider: str) -> TapeView:
        count, last = self._counts.get(provider, TapeCount()), self._last.get(provider)
        state = LinkState.UP if last is not None else LinkState.UNKNOWN
        if provider in self._silent:
            state = LinkState.DOWN
        elif count.missed:
            state = LinkState.DEGRADED
        return TapeView(
            provider=provider, state=state, heard=count.heard, missed=count.missed, delay_s=count.delay_s, last_at=last
        )


def _keep(kept: "OrderedDict[Article, _Value]", key: Article, value: _Value) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > KEPT:
        kept.popitem(last=False)
