"""IB's many time formats -> aware UTC."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from momentum_kit.bridge.zones import zone_of
from momentum_kit.sessions import NEW_YORK

_EPOCH_DIGITS = (9, 10)  # 1973 to 2286
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STAMP = re.compile(
    r"(?P<year>\d{4})-?(?P<month>\d\d)-?(?P<day>\d\d)"
    r"(?:(?P<dash>-)|\s+)(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,6}))?(?P<utc>Z)?"
    r"(?:\s+(?P<zone>\S.*))?"
)
_FIELDS = ("year", "month", "day", "hour", "minute", "second")


def from_epoch_s(seconds: int) -> datetime:
    """Epoch seconds -> aware UTC."""
    return _EPOCH + timedelta(seconds=seconds)


def from_epoch_ms(milliseconds: int) -> datetime:
    """Epoch milliseconds -> aware UTC, exactly."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def parse_time(text: str, default: tzinfo = NEW_YORK) -> datetime:
    """Any time IB writes -> aware UTC; ValueError if it is none of them.

    '1775136600' epoch seconds; '20260402' a day, its midnight in New York; '20260402 09:30:00 US/Eastern';
    '20260415-15:37:37' UTC, from server version 214 with a Z; '2026-04-14 14:58:42.0' without a zone, which is then
    `default`.
    """
    text = text.strip()
    if text.isdigit():
        if len(text) == 8:
            return datetime(int(text[:4]), int(text[4:6]), int(text[6:]), tzinfo=NEW_YORK).astimezone(UTC)
        if len(text) in _EPOCH_DIGITS:  # fewer are a time without its day, or a day without its year
            return from_epoch_s(int(text))
    match = _STAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"not a time IB writes: {text!r}")
    part = match.groupdict()
    if part["zone"]:
        try:
            zone = zone_of(part["zone"].strip())
        except ValueError as error:
            raise ValueError(f"unknown time zone in {text!r}") from error
    else:
        zone = UTC if part["dash"] or part["utc"] else default
    micros = int((part["fraction"] or "0").ljust(6, "0"))
    year, month, day, hour, minute, second = (int(part[name]) for name in _FIELDS)
    return datetime(year, month, day, hour, minute, second, micros, tzinfo=zone).astimezone(UTC)


def request_time(at: datetime | None) -> str:
    """Aware time -> the UTC form of requests, '' for now."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y%m%d-%H:%M:%S")


def order_time(at: datetime) -> str:
    """Aware time -> the form of a good-after time: New York's, with its zone, in which IB echoes it."""
    return f"{at.astimezone(NEW_YORK):%Y%m%d %H:%M:%S} US/Eastern"


def news_request_time(at: datetime | None) -> str:
    """Aware time -> historical news' own form, '' for open."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.0")
