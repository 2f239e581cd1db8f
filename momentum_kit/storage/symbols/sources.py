"""Reads the lists that a user can get: the SEC's JSON, the exchanges' listing files, a CSV of his own."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from momentum_kit.detection.news import ListedName, SymbolMaster, exchange_family
from momentum_kit.errors import InputError
from momentum_kit.json_text import parse_json
from momentum_kit.plain_text import plain_text

MOST_TEXT = 64 * 1024**2  # characters; the longest list known has one megabyte
_SEC_FIELDS = ["cik", "name", "ticker", "exchange"]
_CREATED = re.compile(r"File Creation Time: ?(\d{2})(\d{2})(\d{4})")
_OTHER = {"A": "NYSE American", "N": "NYSE", "P": "NYSE Arca", "Z": "CBOE", "V": "IEX"}
# "Apple Inc. - Common Stock", "Agilent Technologies, Inc. Common Stock": what the security is, behind the name
_SECURITY = re.compile(
    r"(?: -|,)? (?:Class [A-Z] )?(?:New )?(?:Common|Ordinary|American Depositary|Depositary|Subordinate|Subordinated|"
    r"Units?\b|Warrants?\b|Rights?\b|Preferred|Series [A-Z]\b|Cumulative|Perpetual|Non-Cumulative|\d[\d.]*%).*$| - .*$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingFile:
    """One list as read; whole: what of `exchanges` it does not name is listed no more (a user's CSV only adds)."""

    path: Path
    kind: str
    day: date | None
    rows: tuple[ListedName, ...]
    whole: bool

    @property
    def exchanges(self) -> frozenset[str]:
        """The families of exchanges it covers."""
        return frozenset(exchange_family(row.exchange) for row in self.rows)


def read_listings(path: Path) -> ListingFile:
    """Read a list; its kind is told by its content. Raises InputError, one line, where it is none that is known."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read(MOST_TEXT + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    if len(text) > MOST_TEXT:
        raise InputError(f"{path}: more than {MOST_TEXT >> 20} MB; no list of symbols is as long")
    try:
        return _known(_listings(path, text))
    except (csv.Error, ValueError, TypeError) as error:
        raise InputError(f"{path}: no list of symbols: {error}") from None


def _known(given: ListingFile) -> ListingFile:
    """The same with what can be shown alone, each cell within its bounds."""
    rows = tuple(
        replace(
            row,
            symbol=plain_text(row.symbol, 40),
            name=plain_text(row.name, 300),
            exchange=plain_text(row.exchange, 60),
        )
        for row in given.rows
    )
    return replace(given, rows=tuple(row for row in rows if row.symbol and row.name))


def _listings(path: Path, text: str) -> ListingFile:
    lines = text.splitlines()
    if text.lstrip().startswith("{"):
        return _sec(path, text)
    if lines and "|" in lines[0]:
        return _exchange(path, lines)
    master = SymbolMaster.from_csv(lines)
    return ListingFile(path=path, kind="csv", day=None, rows=master.rows, whole=False)


def _sec(path: Path, text: str) -> ListingFile:
    try:
        content = parse_json(text)
        order = [content["fields"].index(field) for field in _SEC_FIELDS]
        found = [[line[at] for at in order] for line in content["data"]]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        wanted = '{"fields": ["cik", "name", "ticker", "exchange"], "data": [...]}'
        raise InputError(f"{path}: not the SEC's company_tickers_exchange.json ({error}); it has {wanted}") from None
    rows = tuple(
        ListedName(symbol=str(ticker), name=str(name), exchange=str(exchange))
        for _, name, ticker, exchange in found
        if ticker and name and exchange and exchange != "OTC"
    )
    return ListingFile(path=path, kind="sec", day=None, rows=rows, whole=True)


def _exchange(path: Path, lines: list[str]) -> ListingFile:
    """nasdaqlisted.txt and otherlisted.txt of the Nasdaq trader site, told apart by their columns."""
    created = next((match for line in reversed(lines) if (match := _CREATED.match(line))), None)
    if created is None:
        raise InputError(f"{path}: no closing line 'File Creation Time': the file is cut off; fetch it again")
    table = csv.DictReader([line for line in lines if not _CREATED.match(line)], delimiter="|", quoting=csv.QUOTE_NONE)
    columns = set(table.fieldnames or ())
    if not {"Security Name", "Test Issue"} <= columns or not {"Symbol", "ACT Symbol"} & columns:
        raise InputError(f"{path}: columns {', '.join(sorted(columns))}; known: nasdaqlisted.txt and otherlisted.txt")
    month, day, year = (int(part) for part in created.groups())
    rows = tuple(_exchange_rows(table))
    return ListingFile(path=path, kind="exchange", day=date(year, month, day), rows=rows, whole=True)


def _exchange_rows(table: Iterable[dict[str, str | None]]) -> Iterator[ListedName]:
    for line in table:
        if line["Test Issue"] == "Y":
            continue
        symbol = line.get("Symbol") or line.get("ACT Symbol") or ""
        exchange = _OTHER.get(line.get("Exchange") or "", "Nasdaq")
        name = _SECURITY.sub("", (line["Security Name"] or "")[:300]).strip()
        if symbol and name:
            yield ListedName(symbol=symbol.replace("$", "-P"), name=name, exchange=exchange)


def file_day(path: Path) -> date:
    """The day on which a file was last written, where it names none itself."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
