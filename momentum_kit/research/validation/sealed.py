"""Seals the last fifth of the days: no study sees them, they open once for a final candidate, which is on record.

opened = seal(table, record_folder / "seals.db")
opened.table                         all that selection, sweeps and validation may use
opened.sealed.open(candidate_hash)   once, ever, for these days, in whatever archive they lie
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from momentum_kit.errors import GuardRefused, ResearchError
from momentum_kit.json_text import parse_json
from momentum_kit.research.events import EventTable
from momentum_kit.research.seals import Entry, Remembered, Role, SealLog, SealRecord, record_opening
from momentum_kit.research.validation.bootstraps import Band
from momentum_kit.research.validation.evidence import Opening

SEALED_SHARE = 0.2
NOTHING_SEALED = "NOTHING SEALED"  # the mark of a verdict without sealed days behind it
MIN_DAYS = 10  # with fewer days of events a fifth is a day or two, and no verdict but "cannot tell" is possible anyway


class Sealed:
    """The closed part of a study. It shows how much it holds, and nothing else, until it is opened."""

    def __init__(self, table: EventTable, log: SealLog) -> None:
        self.__table = table
        self._log = log
        self._opening = 0
        days = np.unique(table.days)
        self.first_day: date = days[0].item()
        self.last_day: date = days[-1].item()
        self.days = len(days)
        self.events = len(table)

    def __repr__(self) -> str:
        return f"Sealed({self.first_day}..{self.last_day}, {self.days} days, {self.events} events)"

    def __reduce__(self) -> str:
        raise ResearchError("sealed days are not copied to other processes; open them, once, for a final candidate")

    @property
    def contents(self) -> frozenset[str]:
        """The instrument days that it holds."""
        return frozenset(self.__table.instrument_days.tolist())

    def days_after(self, day: date) -> int:
        """How many of its days come later."""
        return int((np.unique(self.__table.days) > np.datetime64(day)).sum())

    def open(self, candidate: str) -> EventTable:
        """Hand the sealed days out for the candidate of this hash, after the opening is on record.

        Raises GuardRefused, with the first opening, if any of these instrument days was opened before.
        """
        days = self.first_day, self.last_day
        self._opening = record_opening(self._log, self.contents, days, candidate, self.events)
        return self.__table

    def report(self, candidate: str, band: Band, fills: int) -> None:
        """Put on record what the opening found: it stands in every later verdict on these days."""
        if not self._opening:
            raise ResearchError("the sealed days were not opened: there is no result to report")
        known = [value if math.isfinite(value) else None for value in (band.estimate, band.low, band.high)]
        result = SealRecord(
            what="result", first_day=self.first_day, last_day=self.last_day, opening=self._opening,
            candidate=candidate, net_bps=known[0], low_bps=known[1], high_bps=known[2], fills=fills,
        )  # fmt: skip
        self._log.append((), lambda _: (result, {}))

    def openings(self) -> tuple[Opening, ...]:
        """What is on record of looks at these days."""
        return _openings(self._log.about(self.contents), self._log.about(self.contents))


@dataclass(frozen=True, slots=True, eq=False)
class OpenDays:
    """What research may look at, and the closed rest: None before there are MIN_DAYS, or where none lies after it.

    openings: every look that anybody took at sealed days of these data, oldest first.
    """

    table: EventTable
    sealed: Sealed | None
    openings: tuple[Opening, ...] = ()


def seal(
    table: EventTable, log: SealLog | str | Path, share: float = SEALED_SHARE, lived: Collection[date] = ()
) -> OpenDays:
    """Split off the sealed days. The first call for these instrument days fixes the boundary; later ones keep it.

    Days that come later are sealed as well. Days that were opened stay out of every study's reach until `renew`. Fewer
    than MIN_DAYS are all open, which is on record too: what was looked at is never sealed afterwards. lived: days that
    were traded live; they have been seen, so that they are open and never sealed. Raises ResearchError where so few
    days came after those that were seen that a fifth would reach into them.
    """
    log = log if isinstance(log, SealLog) else SealLog(log)
    contents, days = table.instrument_days, table.days
    seen_live = np.isin(days, np.array(sorted(lived), "datetime64[D]"))

    def decide(known: Remembered) -> Entry | None:
        roles = {each: role for each, role in known.roles.items() if role == "open"}
        unseen = np.array([content not in known.roles for content in contents], bool)
        lived_unknown = seen_live & np.array([content not in roles for content in contents], bool)
        if lived_unknown.any():
            return _entry("traded live", days[lived_unknown], contents[lived_unknown], "open")
        if not (unseen & ~seen_live).any():
            return None
        if (boundary := _boundary(known)) is not None:
            return _split("more days", days[unseen], contents[unseen], boundary)
        return _first(days[~seen_live], contents[~seen_live], roles, share)

    while log.append(contents, decide):  # one entry a call: days traded live first, then the others
        pass
    known = log.about(contents)
    kept = np.array([known.roles[content] == "open" for content in contents], bool)
    if not kept.any():
        since = _boundary(known) or days[0]
        raise ResearchError(f"seal: every day of this selection is sealed (since {since}); select earlier days")
    sealed = None if kept.all() else Sealed(table.select(~kept), log)
    openings = _openings(known, log.about(sealed.contents if sealed else ()))
    return OpenDays(table.select(kept) if sealed else table, sealed, openings)


def renew(
    table: EventTable, log: SealLog | str | Path, share: float = SEALED_SHARE, lived: Collection[date] = ()
) -> OpenDays:
    """After an opening: seal the days that came later, so that the opened ones may teach.

    Raises GuardRefused if the present seal was never opened, or if the new days are fewer than a share of all.
    """
    log = log if isinstance(log, SealLog) else SealLog(log)
    seal(table, log, share, lived)  # all of its days are on record from here on
    contents = table.instrument_days
    of_event = table.days
    days = np.unique(of_event)

    def decide(known: Remembered) -> Entry:
        opened = [record.last_day for record in known.of("opened")]
        boundary = _boundary(known)
        if not opened or boundary is None or boundary > np.datetime64(max(opened)):
            raise GuardRefused(f"renew: the present seal was not opened yet ({log.path})")
        fresh = days[days > np.datetime64(max(opened))]
        needed = math.ceil(share * len(days))
        if len(fresh) < needed:
            raise GuardRefused(f"renew: {len(fresh)} days since the opened ones, {needed} are needed")
        return _split("sealed", of_event, contents, days[-needed])

    log.append(contents, decide)
    return seal(table, log, share, lived)


def adopt(file: Path, table: EventTable, log: SealLog | str | Path) -> None:
    """Take over the sealed.jsonl of a study folder, where records were kept before they belonged to the days.

    What is on record for these days already stays. Raises ResearchError for a line that does not parse.
    """
    log = log if isinstance(log, SealLog) else SealLog(log)
    contents, days = table.instrument_days, table.days
    try:
        lines = [parse_json(line) for line in file.read_text(encoding="utf-8").splitlines()]
        spans = [(each["what"], np.datetime64(each["first_day"]), each) for each in lines if "first_day" in each]
    except (ValueError, KeyError, TypeError):
        raise ResearchError(f"{file}: a line is not JSON; restore the file, never edit it") from None
    if log.about(contents).of("sealed"):
        return
    for what, first, told in spans:
        if what == "sealed":
            entry = _split("sealed", days, contents, first)
        else:
            inside = (days >= first) & (days <= np.datetime64(told["last_day"]))
            if not inside.any():
                continue
            record, _ = _entry("opened", days[inside], contents[inside], "opened")
            entry = replace(record, candidate=told["candidate"]), dict.fromkeys(map(str, contents[inside]), "opened")
        log.append(contents, lambda _, entry=entry: entry)  # type: ignore[misc]


def _first(
    days: npt.NDArray[np.datetime64], contents: npt.NDArray[np.str_], roles: Mapping[str, Role], share: float
) -> Entry:
    """The first seal of these data, or that they are too few for one."""
    distinct = np.unique(days)
    if len(distinct) < MIN_DAYS:
        return _entry("looked at", days, contents, "open")
    looked_at = days[np.array([content in roles for content in contents], bool)]
    needed = math.ceil(share * len(distinct))
    first = distinct[len(distinct) - needed]
    if looked_at.size and first <= looked_at.max():
        seen = looked_at.max()
        raise ResearchError(
            f"seal: {int((distinct > seen).sum())} days came after those that were looked at unsealed, to {seen}; "
            f"{needed} are needed to keep a fifth back: wait for more"
        )
    return _split("sealed", days, contents, first)


def _boundary(known: Remembered) -> np.datetime64 | None:
    """The first sealed day of the latest seal that concerns these data; None if nothing is sealed yet."""
    sealed = known.of("sealed")
    return np.datetime64(sealed[-1].first_day) if sealed else None


def _split(
    what: str, days: npt.NDArray[np.datetime64], contents: npt.NDArray[np.str_], boundary: np.datetime64
) -> Entry:
    """Days before the boundary are open, the others sealed; as `sealed` the record begins with the first sealed day."""
    first: date = (boundary if what == "sealed" else days.min()).astype(date)
    roles: dict[str, Role] = {
        str(content): "open" if day < boundary else "sealed" for content, day in zip(contents, days, strict=True)
    }
    return SealRecord(what=what, first_day=first, last_day=days.max().item(), events=len(days)), roles


def _entry(what: str, days: npt.NDArray[np.datetime64], contents: npt.NDArray[np.str_], role: Role) -> Entry:
    record = SealRecord(what=what, first_day=days.min().item(), last_day=days.max().item(), events=len(days))
    return record, dict.fromkeys(map(str, contents), role)


def _openings(known: Remembered, sealed: Remembered) -> tuple[Opening, ...]:
    """Each with its result, and whether its days are still out of reach: among the sealed ones."""
    results = {record.opening: record for record in known.of("result")}
    standing = {record.id for record in sealed.of("opened")}
    found = []
    for record in known.of("opened"):
        result = results.get(record.id)
        numbers = (result.net_bps, result.low_bps, result.high_bps) if result else (None, None, None)
        net, low, high = (math.nan if value is None else value for value in numbers)
        found.append(
            Opening(
                at=record.at,
                candidate=record.candidate,
                code_version=record.code_version,
                first_day=record.first_day,
                last_day=record.last_day,
                net_bps=net,
                low_bps=low,
                high_bps=high,
                fills=(result.fills or 0) if result else 0,
                standing=record.id in standing,
            )
        )
    return tuple(found)
