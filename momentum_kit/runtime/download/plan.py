"""What a download has to ask for: spans cut to IB's request sizes, less what the archive already knows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from momentum_kit.errors import InputError
from momentum_kit.models import Headline
from momentum_kit.sessions import NEW_YORK, exchange_day, session_on
from momentum_kit.storage.archive import Span, joined_spans

SESSIONS_AT_ONCE = 5  # 1-minute bars: a week a request; IB keeps no limit here, long ones time out
SMALL_SPAN = timedelta(seconds=3600)  # 5-second bars: IB's longest documented step
TRADING_DAY = time(4), time(20)  # New York: outside it nothing trades and 5 s bars do not exist
SMALL_BAR = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True)
class DownloadRequest:
    """What to download: days are New York's, both included.

    providers: news codes; () takes all that the account is entitled to. before_s, after_s: 5 s bars and quotes around
    each headline, from its receipt (else its publication). small_bars: whether to ask for them at all.
    """

    symbols: tuple[str, ...]
    first_day: date
    last_day: date
    providers: tuple[str, ...] = ()
    before_s: float = 1800.0
    after_s: float = 3600.0
    small_bars: bool = True

    def __post_init__(self) -> None:
        if not self.symbols:
            raise InputError("nothing to download: name at least one symbol")
        if self.first_day > self.last_day:
            raise InputError(f"the first day, {self.first_day}, is after the last, {self.last_day}")
        if self.before_s < 0 or self.after_s <= 0:
            raise InputError("the window around a headline must reach beyond it")


@dataclass
class DownloadReport:
    """What a download did: requests answered, rows added by kind, and all it could not get.

    gaps: the broker was asked and has nothing. failed: asked again by the next run. unknown: symbols without contract.
    """

    requests: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Nothing is left that another run might get."""
        return not self.failed

    def add(self, kind: str, count: int) -> None:
        """Count rows."""
        self.rows[kind] = self.rows.get(kind, 0) + count

    def __str__(self) -> str:
        rows = ", ".join(f"{count:,} {kind}" for kind, count in self.rows.items()) or "nothing new"
        words = [f"{self.requests} requests: {rows}"]
        for name, some in (("gaps recorded", self.gaps), ("failed", self.failed), ("unknown symbols", self.unknown)):
            if some:
                words.append(f"{len(some)} {name}: {'; '.join(some[:5])}{' ...' if len(some) > 5 else ''}")
        if self.failed:
            words.append("run the same command again to ask for the rest")
        return "\n".join(words)


def midnight(day: date) -> datetime:
    """Its first instant in New York, aware UTC."""
    return datetime.combine(day, time(), NEW_YORK).astimezone(UTC)


def trading_days(first: date, last: date) -> list[date]:
    """Exchange days from first to last."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if session_on(day)]


def weeks(days: Iterable[date]) -> list[list[date]]:
    """Runs of exchange days that follow each other, at most SESSIONS_AT_ONCE long."""
    runs: list[list[date]] = []
    for day in sorted(days):
        if runs and len(runs[-1]) < SESSIONS_AT_ONCE and trading_days(runs[-1][-1], day) == [runs[-1][-1], day]:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def uncovered(wanted: Span, covered: Sequence[Span]) -> list[Span]:
    """The parts of a span that nobody asked for yet."""
    parts, start = [], wanted[0]
    for known_start, known_end in joined_spans(covered):
        if known_end <= start or known_start >= wanted[1]:
            continue
        if known_start > start:
            parts.append((start, known_start))
        start = known_end
    if start < wanted[1]:
        parts.append((start, wanted[1]))
    return parts


def windows(
    headlines: Iterable[Headline], wanted: DownloadRequest, now: datetime
) -> dict[tuple[str, date], list[Span]]:
    """The spans of 5 s bars around headlines by symbol and day: inside trading hours, joined, not beyond now."""
    spans: dict[tuple[str, date], list[Span]] = {}
    for line in headlines:
        anchor = line.received_at or line.published_at
        day = exchange_day(anchor)
        if line.contract is None or line.contract.symbol not in wanted.symbols or session_on(day) is None:
            continue
        opens, closes = (datetime.combine(day, each, NEW_YORK).astimezone(UTC) for each in TRADING_DAY)
        start = max(_floor(anchor - timedelta(seconds=wanted.before_s)), opens)
        end = min(_floor(anchor + timedelta(seconds=wanted.after_s)) + SMALL_BAR, closes, _floor(now))
        if start < end:
            spans.setdefault((line.contract.symbol, day), []).append((start, end))
    return {key: list(joined_spans(some)) for key, some in sorted(spans.items())}


def pieces(span: Span) -> list[Span]:
    """A span cut to what one request may ask for."""
    start, end = span
    cuts = []
    while start < end:
        cuts.append((start, min(start + SMALL_SPAN, end)))
        start = cuts[-1][1]
    return cuts


def _floor(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // 5 * 5, UTC)
