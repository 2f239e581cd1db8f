"""Makes a market of one archive day: what was recorded, told again when it had been received; replay and sim use it."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from momentum_kit.errors import ArchiveError
from momentum_kit.models import Headline
from momentum_kit.sessions import NEW_YORK, exchange_day, previous_sessions, session_on
from momentum_kit.simgateway import load_scenario
from momentum_kit.simgateway.embedding import (
    TAPE_BEGINS,
    Columns,
    Instrument,
    NewsSpec,
    RecordedMarket,
    RecordedSymbol,
    open_recorded_market,
    stock_instrument,
)
from momentum_kit.storage.archive import BARS, BARS_5S, QUOTES_5S, Archive
from momentum_kit.storage.quality import Stamps

FIRST_CON_ID = 920_000_001  # for symbols whose contract id nobody recorded
AFTER_CLOSE = timedelta(minutes=10)  # headlines of the last minutes are judged to their end
LAST_STRETCH = timedelta(minutes=5)  # market left for closing what is still held

_BAR = ("open", "high", "low", "close", "volume", "wap", "count")
_SIDE = ("open", "high", "low", "close", "size")
_COLUMNS = {
    BARS: _BAR, BARS_5S: _BAR, QUOTES_5S: tuple(f"{side}_{name}" for side in ("bid", "ask") for name in _SIDE),
}  # fmt: skip


@dataclass(frozen=True)
class ArchiveDay:
    """A day with 5 s bars. imputed_latency: what headlines that nobody saw arrive are given; None leaves them out.

    sessions: how many days before it are read, for baselines. told_by: the archive whose headlines are told, if not
    its own. Raises ArchiveError for a day without 5 s bars.
    """

    folder: Path
    day: date
    _: KW_ONLY
    imputed_latency: timedelta | None = None
    sessions: int = 20
    told_by: Path | None = None

    @staticmethod
    def recorded(folder: Path, day: date) -> bool:
        """True if the archive has 5 s bars of the day."""
        return bool(Archive(folder).symbols(day, BARS_5S))

    @cached_property
    def all_headlines(self) -> tuple[Headline, ...]:
        """Headlines of the day, also those of which nobody knows when they were received."""
        # what was published shortly before midnight may have been received on the day
        found = Archive(self.told_by or self.folder).headlines(self.day - timedelta(days=1), self.day)
        return tuple(line for line in found if exchange_day(line.received_at or line.published_at) == self.day)

    @cached_property
    def headlines(self) -> tuple[Headline, ...]:
        """What had been received, in order of arrival."""
        lines = [self._received(line) for line in self.all_headlines]
        known = [line for line in lines if line is not None and line.received_at is not None]
        return tuple(sorted(known, key=lambda line: (line.received_at, line.article_id)))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the replay must be told."""
        unknown = sum(line.received_at is None for line in self.all_headlines)
        total = len(self.all_headlines)
        stamps = Stamps.of(self.all_headlines)
        guessed = sum(stamps.reception(line)[1] for line in self.all_headlines)
        told = (f"IMPUTED: {guessed} of {total} receptions are rounded or of one delay, and taken as they are",)
        return (*self._unrecorded(unknown, total), *(told if guessed else ()))

    def _unrecorded(self, unknown: int, total: int) -> tuple[str, ...]:
        if not unknown:
            return ()
        if self.imputed_latency is None:
            return (f"{unknown} of {total} headlines left out: nobody recorded when they were received",)
        seconds = self.imputed_latency.total_seconds()
        return (f"IMPUTED: {unknown} of {total} headlines taken as received {seconds:g} s after publication",)

    @cached_property
    def listed(self) -> dict[str, Instrument]:
        """Everything with bars or headlines on the day, by symbol."""
        archive = Archive(self.folder)
        master = archive.symbol_master(self.day)
        known = {line.symbol: line for line in master.listings} if master else {}
        named = {line.contract.symbol: line.contract for line in self.headlines if line.contract}
        symbols = sorted({*archive.symbols(self.day, BARS_5S), *archive.symbols(self.day), *named})
        found = {}
        for number, symbol in enumerate(symbols):
            row, contract = known.get(symbol), named.get(symbol)
            con_id = (contract.con_id if contract else 0) or (row.con_id if row else 0) or FIRST_CON_ID + number
            name, exchange = (row.name, row.primary_exchange) if row else ("", "")
            found[symbol] = stock_instrument(symbol, con_id, name=name, exchange=exchange)
        return found

    @property
    def overrides(self) -> dict[str, Any]:
        """Settings that hear what the day has: the tapes of headlines without a contract, the symbols of the others."""
        own = {line.contract.symbol for line in self.headlines if line.contract}
        tapes = {line.provider for line in self.headlines if not line.contract}
        return {"news.watch_symbols": sorted(own), "news.broad_tapes": sorted(tapes)}

    @property
    def starts_at(self) -> datetime:
        """The open, or the first headline before it if there are any; whole minutes."""
        opens = self._session[0]
        first = min([opens, *(line.received_at - timedelta(seconds=1) for line in self.headlines if line.received_at)])
        earliest = datetime.combine(self.day, TAPE_BEGINS, NEW_YORK)
        return max(first, earliest).astimezone(NEW_YORK).replace(second=0, microsecond=0)

    @property
    def ends_at(self) -> datetime:
        """When the market falls silent."""
        return (self._session[1] + AFTER_CLOSE).astimezone(NEW_YORK)

    @property
    def until(self) -> datetime:
        """When a session over this day ends."""
        return self.ends_at - LAST_STRETCH

    def market(self, seed: int | None = None) -> RecordedMarket:
        """The day from its beginning."""
        if not self.recorded(self.folder, self.day):
            raise ArchiveError(f"{self.folder}: no 5 s bars on {self.day}; {self._days()}")
        scenario = load_scenario("archive", seed, self.day).model_copy(
            update={
                "start": _clock(self.starts_at),
                "end": _clock(self.ends_at),
                "history_sessions": self.sessions,
                "news": NewsSpec(),
            }
        )
        return open_recorded_market(scenario, self.listed.values(), self.headlines, self._load)

    def _load(self, symbol: str) -> RecordedSymbol:
        first = previous_sessions(self.day, self.sessions)[0].day
        return RecordedSymbol(
            bars=self._columns(BARS_5S, symbol, self.day),
            quotes=self._columns(QUOTES_5S, symbol, self.day),
            minutes=self._columns(BARS, symbol, first),
        )

    def _columns(self, kind: str, symbol: str, first: date) -> Columns:
        names = _COLUMNS[kind]
        try:
            return Archive(self.folder).columns(kind, symbol, first, self.day, names)
        except ArchiveError:  # none at all: its absence is what the replay shows
            empty: Mapping[str, Any] = dict.fromkeys(names, np.empty(0))
            return {"start": np.empty(0, np.int64), **empty}

    def _received(self, line: Headline) -> Headline | None:
        if line.received_at is not None or self.imputed_latency is None:
            return line
        return replace(line, received_at=line.published_at + self.imputed_latency)

    @cached_property
    def _session(self) -> tuple[datetime, datetime]:
        session = session_on(self.day)
        if session is None:
            raise ArchiveError(f"{self.day} is not an exchange day")
        return session.open, session.close

    def _days(self) -> str:
        days = Archive(self.folder).days(kind=BARS_5S)
        if not days:
            return "nor on any other day: name another archive, such as --archive data/sample"
        named = ", ".join(map(str, days)) if len(days) <= 10 else f"{len(days)} from {days[0]} to {days[-1]}"
        return f"days that have them: {named}"


def _clock(at: datetime) -> time:
    return at.timetz().replace(tzinfo=None)
