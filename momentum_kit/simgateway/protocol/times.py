"""Times and durations as clients write them: IB's formats in, aware UTC out."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from momentum_kit.sessions import NEW_YORK
from momentum_kit.simgateway.protocol.wire import WireError

_TIME = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:(-| +)(\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(Z)?)?(?: +(\S+))?")
_DURATION = re.compile(r"(\d{1,6}) +([SDWMY])")
DAY_S = 86_400
_UNITS = {"S": 1, "D": DAY_S, "W": 7 * DAY_S, "M": 30 * DAY_S, "Y": 365 * DAY_S}


def parse_time(text: str) -> datetime | None:
    """Read 'YYYYMMDD HH:MM:SS ZONE', 'YYYYMMDD-HH:MM:SS' (UTC) or 'YYYY-MM-DD HH:MM:SS.0' (UTC); None where empty.

    A compact time without a zone is New York's, the gateway's own, unless it ends in Z. WireError for anything else.
    """
    if not text.strip():
        return None
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise WireError(f"not a time: '{text[:40]}'")
    year, month, day, gap, hour, minute, second, utc, zone = match.groups()
    dashed = text.strip()[4] == "-"
    digits = "".join((year, month, day, hour or "00", minute or "00", second or "00"))
    where = _zone(zone, utc=dashed or gap == "-" or utc is not None)
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=where).astimezone(UTC)
    except ValueError as error:
        raise WireError(f"not a time: '{text[:40]}'") from error


def duration_text(text: str) -> timedelta:
    """How far back '2 D' or '1800 S' reaches, months and years rounded; zero where it is malformed."""
    match = _DURATION.fullmatch(text.strip())
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]]) if match else timedelta()


def _zone(name: str | None, *, utc: bool) -> tzinfo:
    if name is None:
        return UTC if utc else NEW_YORK
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise WireError(f"not a time zone: '{name[:40]}'") from error
