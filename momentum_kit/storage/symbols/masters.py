"""Opens the symbol master that a session and a study read headlines with."""

from dataclasses import replace
from datetime import date
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from momentum_kit.detection.news import SymbolMaster
from momentum_kit.errors import ConfigError

_BUNDLED = "us_listed_2025-08.csv"  # from the SEC's company_tickers_exchange list, which is in the public domain
_BUNDLED_DAY = date(2025, 8, 31)  # its month is known, its day is not


def open_master(project: Path, path: str) -> SymbolMaster:
    """The user's own file, relative to the project, or the list that comes along where he names none.

    A file that has not changed is not read again: a session that reconnects holds positions. Raises ConfigError, one
    line, for a file that cannot be read.
    """
    if not path:
        return bundled_master()
    file = project / path
    try:
        return _read(file, file.stat().st_mtime_ns)
    except OSError as error:
        raise ConfigError(f"{file}: no symbol master ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None


@lru_cache(maxsize=1)
def _read(file: Path, _changed_ns: int) -> SymbolMaster:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return SymbolMaster.from_csv(lines)


@lru_cache(maxsize=1)
def bundled_master() -> SymbolMaster:
    """US listings as of August 2025; a list that grows old, so that the broker has the last word."""
    text = (files(__package__) / _BUNDLED).read_text(encoding="utf-8")
    plain = SymbolMaster.from_csv(text.splitlines())
    return SymbolMaster((replace(row, since=_BUNDLED_DAY) for row in plain.rows), complete=False)
