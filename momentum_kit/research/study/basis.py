"""What a study's table was built from, basis.json beside it: a later step is refused where that is no longer so.

A verdict speaks of data, options and code. `events` writes down which they were; sweep, validate and export compare
them with what is there now, and name what differs and what to run. Digests are of contents: a copied or moved archive
is the same one, rows that were added after the table's last day do not matter, a changed row does.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from momentum_kit.errors import ResearchError
from momentum_kit.json_text import parse_json
from momentum_kit.research.events import EventTable, StudyAssumptions
from momentum_kit.sessions import exchange_day
from momentum_kit.storage.archive import SECONDS, SYMBOLS, Archive

FILE = "basis.json"
BUILD = "run: momentum-kit research events"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StudyBasis:
    """table, archive: digests of their contents. settings: of the configuration. options: given with the command.

    files: names, sizes and times of the archive's files: while they are the same, its contents need not be read again.
    """

    table: str
    archive: str
    files: str
    last_day: date
    settings: Mapping[str, Any]
    options: Mapping[str, Any]

    @classmethod
    def of(
        cls, file: Path, table: EventTable, archive: Archive, assumed: StudyAssumptions, impute: object
    ) -> "StudyBasis":
        """Of a table that was just built and saved as `file`."""
        last = table.days.max().item()
        return cls(
            table=file_digest(file), archive=archive_digest(archive, last), files=_files_digest(archive), last_day=last,
            settings=settings_of(assumed), options=options_of(assumed, impute),
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        """As JSON beside the table."""
        content = dataclasses.asdict(self) | {"last_day": self.last_day.isoformat()}
        (folder / FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "StudyBasis":
        """What `save` wrote; ResearchError where there is none."""
        try:
            content = parse_json((folder / FILE).read_text(encoding="utf-8"))
            return cls(**{**content, "last_day": date.fromisoformat(content["last_day"])})
        except FileNotFoundError:
            raise ResearchError(f"{folder / FILE}: nothing says what the events were built from; {BUILD}") from None
        except (ValueError, TypeError, KeyError):
            raise ResearchError(f"{folder / FILE}: not readable; {BUILD}") from None

    def check(self, file: Path, archive: Archive, assumed: StudyAssumptions) -> None:
        """Refuse a table that is not the one of this archive and configuration, and say what differs."""
        if file_digest(file) != self.table:
            raise ResearchError(f"{file}: not the events that were built here; {BUILD}")
        if _files_digest(archive) != self.files and archive_digest(archive, self.last_day) != self.archive:
            raise ResearchError(
                f"{file}: built from other data than {archive.root} holds now up to {self.last_day}; {BUILD}"
            )
        self._check("the configuration", self.settings, settings_of(assumed))

    def check_options(self, assumed: StudyAssumptions, impute: object) -> None:
        """Refuse other options than the table was built with."""
        self._check("the options", self.options, options_of(assumed, impute))

    def _check(self, what: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        before, after = dict(_flat(then)), dict(_flat(parse_json(json.dumps(now))))
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                values = f"{before.get(name, 'nothing')} when the events were built, {after.get(name, 'nothing')} now"
                raise ResearchError(f"{what}: {name} was {values}; give the same, or {BUILD}")


def settings_of(assumed: StudyAssumptions) -> dict[str, Any]:
    """What of a configuration decides about a table; the thresholds are swept, only the barred catalysts are in it."""
    events = assumed.events
    return {
        "news": events.news.model_dump(mode="json", exclude={"broad_tapes", "watch_symbols", "reader", "bodies"}),
        "detection": events.detection.model_dump(
            mode="json", exclude={"thresholds", "thresholds_must_be_exported", "workers"}
        ),
        "barred_catalysts": list(events.thresholds.barred_catalysts),
        "calendar": events.calendar,
        "costs": _digest(assumed.costs.model_dump_json().encode()),
        "fills": {
            name: value for name, value in dataclasses.asdict(assumed.fills).items() if name != "half_spread_bps"
        },
    }


def options_of(assumed: StudyAssumptions, impute: object) -> dict[str, Any]:
    """What is given with a command: exit rules, the assumed spread, how receptions are imputed."""
    rules = {rule.name: dataclasses.asdict(rule) for rule in assumed.exits}
    spread = assumed.events.assumed_spread_bps
    return {"exits": rules, "spread_bps": str(spread), "impute": impute if impute is None else str(impute)}


def archive_digest(archive: Archive, last_day: date) -> str:
    """Of every row of an archive up to a day, headlines and listings included."""
    digest = hashlib.sha256()
    for kind in SECONDS:
        for symbol in archive.symbols(kind=kind):
            for day, (count, origin) in archive.provenances(kind, symbol).items():
                if day <= last_day:
                    digest.update(f"{kind} {symbol} {day} {count} {origin.covered}\0".encode())
            days = [day for day in archive.days(symbol, kind) if day <= last_day]
            if days:
                for name, column in archive.columns(kind, symbol, days[0], last_day).items():
                    digest.update(name.encode() + column.tobytes())
    for line in archive.headlines(date(1990, 1, 1), last_day):
        told = (line.provider, line.article_id, line.text, line.published_at, line.received_at, line.contract)
        digest.update(repr(told).encode())
    for folder in sorted(archive.root.glob(f"{SYMBOLS}/day=*")):
        if (frozen := folder.name.partition("=")[2]) <= str(last_day):
            master = archive.symbol_master(date.fromisoformat(frozen))
            digest.update(repr(master.listings if master else ()).encode())
    return f"sha256:{digest.hexdigest()}"


def _files_digest(archive: Archive) -> str:
    told = []
    for file in sorted(archive.root.rglob("*.parquet")):
        known = file.stat()
        told.append(f"{file.relative_to(archive.root)} {known.st_size} {known.st_mtime_ns}")
    return _digest("\n".join(told).encode())


def lived_days(archive: Archive, table: EventTable) -> frozenset[date]:
    """Days of a table on which a session of ours traded: they have been seen."""
    days = table.days
    traded = archive.executions(days.min().item(), days.max().item())
    return frozenset(exchange_day(fill.execution.time) for fill in traded)


def file_digest(file: Path) -> str:
    """Of a file's bytes; ResearchError where it cannot be read."""
    try:
        return _digest(file.read_bytes())
    except OSError as error:
        raise ResearchError(f"{file}: not readable ({error.strerror}); {BUILD}") from None


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
