"""What a study is given, checked and looked up: an archive's folder, days, and how receptions are imputed."""

from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from momentum_kit.errors import InputError, ResearchError
from momentum_kit.research.events import ANY, Latency
from momentum_kit.sessions import exchange_day
from momentum_kit.storage.archive import Archive

Day = date | str | None
Impute = float | Literal["measured"] | None


def archive_folder(root: Path) -> Path:
    """As it is; ResearchError where there is none."""
    if not root.is_dir():
        raise ResearchError(f"{root}: no archive here; momentum-kit data download, import or sample makes one")
    return root


def looked_up(path: Path, project: Path) -> Path:
    """As given, else from the project's folder."""
    return path if path.exists() or path.is_absolute() else project / path


def studied_days(archive: Archive, first: Day = None, last: Day = None) -> tuple[date, date]:
    """First and last day of the headlines, unless given."""
    begin, end = _day(first), _day(last)
    if begin and end:
        return begin, end
    if not next(archive.root.glob("headlines/month=*"), None):
        raise ResearchError(f"{archive.root}: no headlines; momentum-kit data download or import adds some")
    heard = archive.sql("SELECT min(published_at) AS low, max(published_at) AS high FROM headlines")
    low, high = (exchange_day(heard.column(name)[0].as_py()) for name in ("low", "high"))
    return begin or low, end or high + timedelta(days=1)  # what is published at midnight is received after it


def imputed_latency(archive: Archive, impute: Impute) -> Latency | None:
    """How receptions nobody recorded are imputed: seconds for all, as measured on the others, or not at all."""
    if impute is None:
        return None
    if impute == "measured":
        return Latency.measured(archive.headlines(*studied_days(archive)))
    return Latency({ANY: (float(impute),)})


def _day(day: Day) -> date | None:
    try:
        return date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError:
        raise InputError(f"{day}: expected a day such as 2026-05-04") from None
