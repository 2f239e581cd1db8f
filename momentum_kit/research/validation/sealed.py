"""Seals the last fifth of the days: no study sees them, they open once for a final candidate, which is on record.

opened = seal(table, folder / "sealed.jsonl")
opened.table                         all that selection, sweeps and validation may use
opened.sealed.open(candidate_hash)   once, ever, for these days
"""

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from momentum_kit.errors import GuardRefused, ResearchError, StorageError
from momentum_kit.file_locks import lock
from momentum_kit.research.code_hash import code_version
from momentum_kit.research.events import EventTable

SEALED_SHARE = 0.2
NOTHING_SEALED = "NOTHING SEALED"  # the mark of a verdict without sealed days behind it
MIN_DAYS = 10  # with fewer days of events a fifth is a day or two, and no verdict but "cannot tell" is possible anyway


class SealLog:
    """An append-only file beside the archive: what is sealed since when, and who opened it. One line of JSON each.

    It is the memory of an honest analyst, not a lock against a dishonest one: whoever deletes it deletes the proof that
    the seal ever held.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def read(self) -> list[dict[str, Any]]:
        """Every record, oldest first; ResearchError for a line that does not parse."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        try:
            return [json.loads(line) for line in lines]
        except json.JSONDecodeError:
            raise ResearchError(f"{self.path}: a line is not JSON; restore the file, never edit it") from None

    def append(self, decide: Callable[[list[dict[str, Any]]], dict[str, Any] | None]) -> None:
        """Write what `decide` makes of the records so far, durably, while nobody else can; None writes nothing.

        Raises StorageError where it cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                lock(file)
                record = decide(self.read())
                if record is not None:
                    file.write(json.dumps({**record, "at": datetime.now(UTC).isoformat(timespec="seconds")}) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            raise StorageError(f"{self.path}: {error.strerror or error}; without a record nothing is opened") from None

    @property
    def boundary(self) -> date | None:
        """First sealed day; None if nothing is sealed yet."""
        starts = [record["first_day"] for record in self.read() if record["what"] == "sealed"]
        return date.fromisoformat(starts[-1]) if starts else None


class Sealed:
    """The closed part of a study. It shows how much it holds, and nothing else, until it is opened."""

    def __init__(self, table: EventTable, log: SealLog) -> None:
        self.__table = table
        self._log = log
        days = np.unique(table.days)
        self.first_day: date = days[0].item()
        self.last_day: date = days[-1].item()
        self.days = len(days)
        self.events = len(table)

    def __repr__(self) -> str:
        return f"Sealed({self.first_day}..{self.last_day}, {self.days} days, {self.events} events)"

    def __reduce__(self) -> str:
        raise ResearchError("sealed days are not copied to other processes; open them, once, for a final candidate")

    def open(self, candidate: str) -> EventTable:
        """Hand the sealed days out for the candidate of this hash, after the opening is on record.

        Raises GuardRefused, with the first opening, if any of these days was opened before.
        """

        def decide(records: list[dict[str, Any]]) -> dict[str, Any]:
            for record in records:
                if record["what"] == "opened" and record["last_day"] >= self.first_day.isoformat():
                    raise GuardRefused(
                        f"the sealed days {record['first_day']}..{record['last_day']} were opened at {record['at']} "
                        f"for candidate {record['candidate'][:19]} ({record['code_version']}); a second look would be "
                        f"selection: wait for new days ({self._log.path})"
                    )
            return {
                "what": "opened",
                "first_day": self.first_day.isoformat(),
                "last_day": self.last_day.isoformat(),
                "events": self.events,
                "candidate": candidate,
                "code_version": code_version(),
            }

        self._log.append(decide)
        return self.__table


@dataclass(frozen=True, slots=True, eq=False)
class OpenDays:
    """What research may look at, and the closed rest: None before there are MIN_DAYS, or where none lies after it."""

    table: EventTable
    sealed: Sealed | None


def seal(table: EventTable, log: SealLog | str | Path, share: float = SEALED_SHARE) -> OpenDays:
    """Split off the sealed days. The first call for an archive fixes the boundary; later ones keep it.

    Days that come later are sealed as well. Days that were opened stay out of every study's reach until `renew`. Fewer
    than MIN_DAYS are all open, which is on record too: what was looked at is never sealed afterwards. Raises
    ResearchError where so few days came after those that a fifth would reach into them.
    """
    log = log if isinstance(log, SealLog) else SealLog(log)
    days = np.unique(table.days)
    if log.boundary is None:
        if len(days) < MIN_DAYS:
            last = str(days[-1])
            log.append(lambda records: None if _seen(records) >= last else {"what": "looked at", "last_day": last})
            return OpenDays(table, None)
        needed, seen = math.ceil(share * len(days)), _seen(log.read())
        first = days[len(days) - needed]
        if str(first) <= seen:
            fresh = int((days > np.datetime64(seen)).sum())
            raise ResearchError(
                f"seal: {fresh} days came after those that were looked at unsealed, to {seen}; {needed} are needed to "
                "keep a fifth back: wait for more"
            )
        log.append(lambda records: _sealed(first, days[-1]) if not _boundaries(records) else None)
    boundary = np.datetime64(log.boundary)
    kept = table.days < boundary
    if not kept.any():
        raise ResearchError(f"seal: every day of this selection is sealed (since {boundary}); select earlier days")
    sealed = None if kept.all() else Sealed(table.select(~kept), log)
    return OpenDays(table.select(kept) if sealed else table, sealed)


def renew(table: EventTable, log: SealLog | str | Path, share: float = SEALED_SHARE) -> OpenDays:
    """After an opening: seal the days that came later, so that the opened ones may teach.

    Raises GuardRefused if the present seal was never opened, or if the new days are fewer than a share of all.
    """
    log = log if isinstance(log, SealLog) else SealLog(log)
    days = np.unique(table.days)

    def decide(records: list[dict[str, Any]]) -> dict[str, Any]:
        opened = [record["last_day"] for record in records if record["what"] == "opened"]
        if not opened or _boundaries(records)[-1] > opened[-1]:
            raise GuardRefused(f"renew: the present seal was not opened yet ({log.path})")
        fresh = days[days > np.datetime64(opened[-1])]
        needed = math.ceil(share * len(days))
        if len(fresh) < needed:
            raise GuardRefused(f"renew: {len(fresh)} days since the opened ones, {needed} are needed")
        return _sealed(days[-needed], days[-1])

    log.append(decide)
    return seal(table, log, share)


def _seen(records: list[dict[str, Any]]) -> str:
    """The last day that was looked at before anything was sealed; empty if none was."""
    return max((str(record["last_day"]) for record in records if record["what"] == "looked at"), default="")


def _boundaries(records: list[dict[str, Any]]) -> list[str]:
    return [str(record["first_day"]) for record in records if record["what"] == "sealed"]


def _sealed(first: np.datetime64, last: np.datetime64) -> dict[str, Any]:
    return {"what": "sealed", "first_day": str(first), "last_day": str(last), "code_version": code_version()}
