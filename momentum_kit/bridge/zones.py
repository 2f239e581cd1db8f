"""The zone names that IB writes behind its times -> tzinfo: IANA's, and those of Windows and Java that IANA lacks."""

import re
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_OFFSET = re.compile(r"(?:GMT|UTC)?\s*(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>[0-5]\d))?", re.IGNORECASE)

# Hours from UTC. CST, IST, BST and AST stand for several zones each: they are not guessed.
_SHORT = {
    "EDT": -4, "CDT": -5, "MDT": -6, "PDT": -7, "PST": -8, "AKDT": -8, "AKST": -9, "WEST": 1, "CEST": 2, "EEST": 3,
    "HKT": 8, "SGT": 8, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip

# Windows' names without their " Standard Time", by CLDR's windowsZones (territory 001)
_WINDOWS = {
    "Hawaiian": "Pacific/Honolulu", "Alaskan": "America/Anchorage", "Pacific": "America/Los_Angeles",
    "US Mountain": "America/Phoenix", "Mountain": "America/Denver", "Central": "America/Chicago",
    "Canada Central": "America/Regina", "Central America": "America/Guatemala", "Eastern": "America/New_York",
    "US Eastern": "America/Indiana/Indianapolis", "SA Pacific": "America/Bogota", "Venezuela": "America/Caracas",
    "Atlantic": "America/Halifax", "SA Western": "America/La_Paz", "Pacific SA": "America/Santiago",
    "Newfoundland": "America/St_Johns", "E. South America": "America/Sao_Paulo",
    "Argentina": "America/Argentina/Buenos_Aires", "GMT": "Europe/London", "Greenwich": "Atlantic/Reykjavik",
    "W. Europe": "Europe/Berlin", "Central Europe": "Europe/Budapest", "Central European": "Europe/Warsaw",
    "Romance": "Europe/Paris", "E. Europe": "Europe/Chisinau", "FLE": "Europe/Kyiv", "GTB": "Europe/Bucharest",
    "Turkey": "Europe/Istanbul", "Israel": "Asia/Jerusalem", "Russian": "Europe/Moscow",
    "South Africa": "Africa/Johannesburg", "Egypt": "Africa/Cairo", "Arab": "Asia/Riyadh", "Arabian": "Asia/Dubai",
    "Pakistan": "Asia/Karachi", "India": "Asia/Kolkata", "SE Asia": "Asia/Bangkok", "China": "Asia/Shanghai",
    "Singapore": "Asia/Singapore", "Taipei": "Asia/Taipei", "Tokyo": "Asia/Tokyo", "Japan": "Asia/Tokyo",
    "Korea": "Asia/Seoul", "W. Australia": "Australia/Perth", "Cen. Australia": "Australia/Adelaide",
    "E. Australia": "Australia/Brisbane", "AUS Eastern": "Australia/Sydney", "New Zealand": "Pacific/Auckland",
}  # fmt: skip
_WINDOWS_NAME = re.compile(r"(?P<place>.+) (?:Standard|Daylight|Summer) Time")


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """The zone of a name; ValueError if it has none, or more than one."""
    try:
        return ZoneInfo(name)
    except (OSError, KeyError, ValueError):  # ZoneInfoNotFoundError is a KeyError; a folder name gives an OSError
        found = _other(name)
    if found is None:
        raise ValueError(f"unknown time zone {name!r}")
    return found


def _other(name: str) -> tzinfo | None:
    if offset := _OFFSET.fullmatch(name):
        span = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"] or 0))
        return timezone(-span if offset["sign"] == "-" else span)
    if name in _SHORT:
        return timezone(timedelta(hours=_SHORT[name]), name)
    # Windows says Standard all the year, Java says Daylight or Summer in summer: the date decides, not the name
    place = _WINDOWS_NAME.fullmatch(name)
    return ZoneInfo(_WINDOWS[place["place"]]) if place and place["place"] in _WINDOWS else None
