"""Builds and renews a symbol master's file: what is new, renamed or gone is written down with its day.

A company that is delisted keeps its row, closed by the day on which a list no longer named it, so that a study of an
earlier day still reads with its name. Nothing is closed by a list that does not cover its exchange, or by one that
looks cut off.
"""

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from momentum_kit.detection.news import COLUMNS, ListedName, exchange_family, same_company
from momentum_kit.errors import InputError
from momentum_kit.models import canonical_symbol
from momentum_kit.storage.symbols.masters import bundled_master, open_master
from momentum_kit.storage.symbols.sources import ListingFile, file_day, read_listings

LEAST_SHARE = 0.5  # of what was listed on an exchange: a list with less is taken for cut off


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What a renewal did: symbols listed afterwards, and how many are new, renamed, gone."""

    path: str
    day: str
    listed: int
    new: int
    renamed: int
    gone: int
    sources: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.listed:,} symbols as of {self.day} from {', '.join(self.sources)}; "
            f"{self.new:,} new, {self.renamed:,} renamed, {self.gone:,} gone"
        )


def renew(target: Path, paths: Sequence[Path], day: date | None = None) -> Renewal:
    """Bring a master's file up to a day by newer lists; a file that is not there begins with the list that comes along.

    day: of the lists, where they do not name it themselves. Where two lists name a symbol, the first one's name holds.
    Raises InputError, one line, where a list cannot be read, is cut off or is older than the file.
    """
    if not paths:
        raise InputError("no list given: fetch company_tickers_exchange.json or nasdaqlisted.txt, or write a CSV")
    lists = [read_listings(path) for path in paths]
    day = day or max(each.day or file_day(each.path) for each in lists)
    known = open_master(target.parent, target.name) if target.exists() else bundled_master()
    if known.day and day < known.day:
        raise InputError(f"{target} is of {known.day}, the lists are of {day}: older lists change nothing")
    current = {canonical_symbol(row.symbol): row for row in known.rows if row.until is None}
    fresh = _joined(lists)
    for each in lists:
        _refuse_cut_off(each, current.values())
    covered = {family for each in lists if each.whole for family in each.exchanges}
    rows: list[ListedName] = []
    closed = [row for row in known.rows if row.until is not None]
    new = renamed = gone = 0
    for symbol, row in fresh.items():
        before = current.get(symbol)
        row = replace(row, shares=row.shares if row.shares is not None or not before else before.shares)
        if before is None:
            new += 1
            rows.append(replace(row, since=day))
        elif _unchanged(before.name, row.name) and before.shares == row.shares:
            rows.append(replace(before, exchange=row.exchange or before.exchange))
        else:
            renamed += not _unchanged(before.name, row.name)
            rows.append(replace(row, exchange=row.exchange or before.exchange, since=day))
            if before.since != day:
                closed.append(replace(before, until=day))
    for symbol, row in current.items():
        if symbol not in fresh:
            if exchange_family(row.exchange) in covered:
                gone += 1
                closed.append(replace(row, until=day))
            else:
                rows.append(row)
    _write(target, [*rows, *sorted(closed, key=lambda row: (row.until or day, row.symbol), reverse=True)])
    return Renewal(
        path=str(target),
        day=day.isoformat(),
        listed=len(rows),
        new=new,
        renamed=renamed,
        gone=gone,
        sources=tuple(f"{each.path.name} ({each.kind}, {len(each.rows):,})" for each in lists),
    )


def _joined(lists: Iterable[ListingFile]) -> dict[str, ListedName]:
    """One row a symbol: the first list's name, what it leaves out from the others."""
    joined: dict[str, ListedName] = {}
    for each in lists:
        for row in each.rows:
            symbol = canonical_symbol(row.symbol)
            known = joined.get(symbol)
            if known is None:
                joined[symbol] = replace(row, since=None, until=None)
            else:
                shares = known.shares if known.shares is not None else row.shares
                joined[symbol] = replace(known, exchange=known.exchange or row.exchange, shares=shares)
    return joined


def _refuse_cut_off(given: ListingFile, current: Iterable[ListedName]) -> None:
    if not given.whole:
        return
    rows = list(current)
    for family in sorted(given.exchanges):
        before = sum(exchange_family(row.exchange) == family for row in rows)
        now = sum(exchange_family(row.exchange) == family for row in given.rows)
        if now < LEAST_SHARE * before:
            raise InputError(f"{given.path}: {now:,} symbols on {family}, {before:,} before; the list looks cut off")


def _unchanged(one: str, other: str) -> bool:
    """True if two sources merely spell a name in two ways."""
    return one == other or same_company(one, other)


def _write(target: Path, rows: Iterable[ListedName]) -> None:
    """The whole file or the old one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    stage = target.with_name(f".{target.name}.new")
    stage.unlink(missing_ok=True)
    with stage.open("x", encoding="utf-8", newline="") as file:  # through no link
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for row in rows:
            since, until = (each.isoformat() if each else "" for each in (row.since, row.until))
            shares = "" if row.shares is None else f"{row.shares:.0f}"
            table.writerow((row.symbol, row.name, row.exchange, since, until, shares))
        file.flush()
        os.fsync(file.fileno())
    stage.replace(target)
