"""Which symbols exist, what their companies are called, and how that changed with the days.

A master is rows of symbol, name and exchange with the days on which each was so. Without days it is one list; with
them `as_of` gives the names that a reader of that day had, renamed and delisted companies among them.
"""

import csv
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache
from itertools import islice

from momentum_kit.detection.news.name_index import NameIndex
from momentum_kit.errors import ConfigError
from momentum_kit.models import canonical_symbol

COLUMNS = ("symbol", "name", "exchange", "since", "until", "shares")
"""Of a master's file; symbol and name must be there."""
_GIANTS = frozenset({"AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "AVGO", "TSLA", "BRK B", "JPM", "WMT", "LLY"})
_GIANTS_AMONG = 40  # the first companies of a list of at least so many times ten that is sorted by size


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedName:
    """A symbol under a name; since, until: the days from which and before which it was so, None where open.

    shares: outstanding in those days, None where unknown.
    """

    symbol: str
    name: str
    exchange: str = ""
    since: date | None = None
    until: date | None = None
    shares: float | None = None


class SymbolMaster:
    """What is listed. complete: what it does not know does not exist; else the broker has the last word.

    Where its rows begin with the largest companies, as the SEC's list does, a shared name means the far larger one.
    """

    def __init__(self, names: Mapping[str, str] | Iterable[ListedName], *, complete: bool = True) -> None:
        if isinstance(names, Mapping):
            names = [ListedName(symbol=symbol, name=name) for symbol, name in names.items()]
        self.rows = tuple(names)
        self.complete = complete
        self._listed: dict[str, ListedName] = {}
        for row in self.rows:
            if row.until is None:
                self._listed.setdefault(canonical_symbol(row.symbol), row)
        self._periods: dict[int, SymbolMaster] = {}

    @classmethod
    def from_csv(cls, lines: Iterable[str]) -> "SymbolMaster":
        """From the lines of a CSV with the columns symbol and name, and others of COLUMNS; else ConfigError.

        A list with days (`since`) is as old as its newest day: it is not complete. One without is the user's word.
        """
        rows = csv.DictReader(lines)
        columns = set(rows.fieldnames or ())
        if missing := {"symbol", "name"} - columns:
            raise ConfigError(f"symbol master: no column {' and no column '.join(sorted(missing))}")
        listed = [_row(row, line) for line, row in enumerate(rows, start=2) if row["symbol"]]
        return cls(listed, complete="since" not in columns)

    def __reduce__(self) -> tuple[object, ...]:
        return _shared, (self.rows, self.complete)  # another process builds its index once, however often it is sent

    def __contains__(self, symbol: str) -> bool:
        return canonical_symbol(symbol) in self._listed

    def __len__(self) -> int:
        return len(self._listed)

    def name(self, symbol: str) -> str:
        """The company's name, empty if unknown."""
        row = self._listed.get(canonical_symbol(symbol))
        return row.name if row else ""

    def exchange(self, symbol: str) -> str:
        """Where it is listed, as the source spells it; empty if unknown."""
        row = self._listed.get(canonical_symbol(symbol))
        return row.exchange if row else ""

    def shares(self, symbol: str) -> float | None:
        """Shares outstanding, None if unknown."""
        row = self._listed.get(canonical_symbol(symbol))
        return row.shares if row else None

    @property
    def day(self) -> date | None:
        """The newest day it tells of; None for a list without days."""
        return self._changes[-1] if self._changes else None

    @cached_property
    def ranked(self) -> bool:
        """True if the largest companies stand first."""
        first = islice(self._listed, _GIANTS_AMONG)
        return len(self) >= 10 * _GIANTS_AMONG and len(_GIANTS.intersection(first)) >= len(_GIANTS) // 2

    def as_of(self, day: date) -> "SymbolMaster":
        """The master as it was on a day; before its first day as it was then, for nothing older is known."""
        period = bisect_right(self._changes, day)
        if len(self._changes) < 2 or (period == len(self._changes) and not any(row.until for row in self.rows)):
            return self
        period = max(period, 1)
        if period not in self._periods:
            begin = self._changes[period - 1]
            self._periods[period] = SymbolMaster(
                [replace(row, until=row.until if row.until and row.until <= begin else None)
                 for row in self.rows if row.since is None or row.since <= begin],
                complete=self.complete,
            )  # fmt: skip
        return self._periods[period]

    @cached_property
    def index(self) -> NameIndex:
        """The companies by the words of their names, former names included; built when first asked."""
        former: dict[str, list[str]] = {}
        for row in self.rows:
            symbol = canonical_symbol(row.symbol)
            if row.until and symbol in self._listed:
                former.setdefault(symbol, []).append(row.name)
        return NameIndex({symbol: row.name for symbol, row in self._listed.items()}, former, ranked=self.ranked)

    @cached_property
    def _changes(self) -> list[date]:
        """The days on which something changed, ascending."""
        days = {row.since for row in self.rows if row.since} | {row.until for row in self.rows if row.until}
        return sorted(days)


@lru_cache(maxsize=4)
def _shared(rows: tuple[ListedName, ...], complete: bool) -> SymbolMaster:
    return SymbolMaster(rows, complete=complete)


def _row(row: Mapping[str, str | None], line: int) -> ListedName:
    def day(column: str) -> date | None:
        text = (row.get(column) or "").strip()
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            raise ConfigError(
                f"symbol master, line {line}: {column} {text!r} is no day; write it as 2026-01-31"
            ) from None

    shares = (row.get("shares") or "").strip()
    try:
        count = float(shares) if shares else None
    except ValueError:
        raise ConfigError(f"symbol master, line {line}: shares {shares!r} is no number") from None
    return ListedName(
        symbol=(row["symbol"] or "").strip(),
        name=(row["name"] or "").strip(),
        exchange=(row.get("exchange") or "").strip(),
        since=day("since"),
        until=day("until"),
        shares=count,
    )
