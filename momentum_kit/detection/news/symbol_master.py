"""Which symbols exist, what their companies are called, and how that changed with the days.

A master is rows of symbol, name and exchange with the days on which each was so. Without days it is one list; with
them `as_of` gives the names that a reader of that day had, renamed and delisted companies among them.
"""

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from momentum_kit.detection.news.name_index import NameIndex
from momentum_kit.errors import ConfigError
from momentum_kit.models import canonical_symbol

COLUMNS = ("symbol", "name", "exchange", "since", "until", "shares")
"""Of a master's file; symbol and name must be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedName:
    """A symbol under a name; since, until: the days from which and before which it was so, None where open.

    shares: outstanding in those days, nan where unknown.
    """

    symbol: str
    name: str
    exchange: str = ""
    since: date | None = None
    until: date | None = None
    shares: float = math.nan


class SymbolMaster:
    """What is listed. complete: what it does not know does not exist; else the broker has the last word.

    Rows stand in the order of their file, the most prominent company first where its source sorts them so (ranked).
    """

    def __init__(
        self, names: Mapping[str, str] | Iterable[ListedName], *, complete: bool = True, ranked: bool = False
    ) -> None:
        if isinstance(names, Mapping):
            names = [ListedName(symbol=symbol, name=name) for symbol, name in names.items()]
        self.rows = tuple(names)
        self.complete = complete
        self.ranked = ranked
        self._listed: dict[str, ListedName] = {}
        for row in self.rows:
            symbol = canonical_symbol(row.symbol)
            if row.until is None and symbol not in self._listed:
                self._listed[symbol] = row
        self._days: dict[date, SymbolMaster] = {}

    @classmethod
    def from_csv(cls, lines: Iterable[str], *, complete: bool = True, ranked: bool = False) -> "SymbolMaster":
        """From the lines of a CSV with the columns symbol and name, and others of COLUMNS; else ConfigError."""
        rows = csv.DictReader(lines)
        missing = {"symbol", "name"} - set(rows.fieldnames or ())
        if missing:
            raise ConfigError(f"symbol master: no column {' and no column '.join(sorted(missing))}")
        return cls(
            [_row(row, line) for line, row in enumerate(rows, start=2) if row["symbol"]],
            complete=complete,
            ranked=ranked,
        )

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

    def shares(self, symbol: str) -> float:
        """Shares outstanding, nan if unknown."""
        row = self._listed.get(canonical_symbol(symbol))
        return row.shares if row else math.nan

    def as_of(self, day: date) -> "SymbolMaster":
        """The master as it was on a day; before its first day as it was then, for nothing older is known."""
        days = [row.since for row in self.rows if row.since]
        if not days and not any(row.until for row in self.rows):
            return self
        if len(days) == len(self.rows):
            day = max(day, min(days))
        if day not in self._days:
            told = [row for row in self.rows if row.since is None or row.since <= day]
            self._days[day] = SymbolMaster(
                [replace(row, until=row.until if row.until and row.until <= day else None) for row in told],
                complete=self.complete,
                ranked=self.ranked,
            )
        return self._days[day]

    @cached_property
    def index(self) -> NameIndex:
        """The companies by the words of their names, former names included; built when first asked."""
        former: dict[str, list[str]] = {}
        for row in self.rows:
            symbol = canonical_symbol(row.symbol)
            if row.until and symbol in self._listed:
                former.setdefault(symbol, []).append(row.name)
        return NameIndex({symbol: row.name for symbol, row in self._listed.items()}, former, ranked=self.ranked)


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
        count = float(shares) if shares else math.nan
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
