"""What a Flex query may write in a value: numbers, and dates and times in the formats that it lets the user choose."""

import re
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

_NUMBER = re.compile(r"[+-]?(?:\d{1,15}|\d{1,3}(?:,\d{3}){1,4})?(?:\.\d{0,18})?(?:[eE]-?\d{1,2})?")
_TIMED = re.compile(r"(?P<date>.+?)[;, T]{0,2}(?P<time>\d{2}:\d{2}:\d{2}|\d{6})(?:\s+(?P<zone>[A-Za-z][\w/+-]*))?")
_NOTHING = ("", "-", "--", "N/A")
_FORMS = ("%Y%m%d", "%Y-%m-%d", "%d-%b-%y")
_SLASHED = {False: ("%m/%d/%Y", "%m/%d/%y"), True: ("%d/%m/%Y", "%d/%m/%y")}
_LENGTHS = {"%Y%m%d": 8, "%Y-%m-%d": 10, "%d-%b-%y": 9, "%m/%d/%Y": 10, "%d/%m/%Y": 10, "%m/%d/%y": 8, "%d/%m/%y": 8}
_DAYLIGHT = {"EDT": -4, "CDT": -5, "MDT": -6, "PDT": -7, "CEST": 2}  # IANA has the winter names alone


def text_of(value: str) -> str:
    """A value, empty where IB writes one of its signs for nothing."""
    stripped = value.strip()
    return "" if stripped in _NOTHING else stripped


def number_of(value: str) -> Decimal:
    """A number, with or without thousands' commas; ValueError otherwise."""
    stripped = text_of(value)
    if not any(char.isdigit() for char in stripped) or not stripped.isascii() or not _NUMBER.fullmatch(stripped):
        raise ValueError("is no number")
    return Decimal(stripped.replace(",", ""))


def date_of(value: str, *, day_first: bool) -> date:
    """A date in any of the formats of a query; day_first: of the two with slashes. ValueError otherwise."""
    stripped = text_of(value)
    for form in (*_FORMS, *_SLASHED[day_first]):
        if len(stripped) == _LENGTHS[form]:
            try:
                return datetime.strptime(stripped, form).date()  # noqa: DTZ007 (a date alone)
            except ValueError:
                continue
    raise ValueError("is no date")


def moment_of(value: str, *, day_first: bool, zone: tzinfo) -> tuple[date, datetime | None]:
    """A date and, where one stands behind it, the aware time; in `zone` unless the value names its own."""
    stripped = text_of(value)
    try:
        return date_of(stripped, day_first=day_first), None
    except ValueError:
        found = _TIMED.fullmatch(stripped)
    if not found:
        raise ValueError("is no date and time")
    on = date_of(found["date"], day_first=day_first)
    hours, minutes, seconds = re.findall(r"\d\d", found["time"])
    at = time(int(hours), int(minutes), int(seconds))  # ValueError where there is no such time
    return on, datetime.combine(on, at, zone_of(found["zone"]) if found["zone"] else zone)


@lru_cache(maxsize=16)
def zone_of(name: str) -> tzinfo:
    """The zone of a name, IANA's or one of America's in summer; ValueError where there is none."""
    if name in _DAYLIGHT:
        return timezone(timedelta(hours=_DAYLIGHT[name]), name)
    try:
        return ZoneInfo(name)
    except (OSError, KeyError, ValueError):
        raise ValueError(f"is in no known time zone ({name})") from None
