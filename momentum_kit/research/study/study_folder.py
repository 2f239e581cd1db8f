"""The folder of a study and what is remembered of its days: kept events, sweeps run and counted, and as of when.

Every step after the first goes on from here; a step whose ground has moved since is refused, with what to run.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError, StorageError
from momentum_kit.research.code_hash import code_version
from momentum_kit.research.events import EventTable, Run, StudyAssumptions
from momentum_kit.research.seals import SEALS
from momentum_kit.research.study.basis import FILE as BASIS
from momentum_kit.research.study.basis import StudyBasis, file_digest, lived_days
from momentum_kit.research.study.event_list import EventList
from momentum_kit.research.study.given import Impute
from momentum_kit.research.sweep import (
    CellSums,
    Grid,
    SweepDefinition,
    SweepResult,
    TrialLedger,
    add_sums,
    conclude,
    sum_table,
)
from momentum_kit.research.validation import Evidence, Opening, adopt, load_evidence
from momentum_kit.storage.archive import Archive


class StudyFolder:
    """path: of the study. record: where it is remembered what was tried, sealed and looked at (sealed_days.py)."""

    def __init__(self, path: Path, *, archive: Archive, assumed: StudyAssumptions, record: Path) -> None:
        self.path = path
        self.record = record
        self._archive = archive
        self._assumed = assumed

    @property
    def events_file(self) -> Path:
        """The event table, beside which lies what it was built from."""
        return self.path / "events.parquet"

    @property
    def sweep_file(self) -> Path:
        """The definition of the last sweep."""
        return self.path / "sweep.json"

    @property
    def evidence_file(self) -> Path:
        """What the last verdict rests on."""
        return self.path / "evidence.json"

    @property
    def basis(self) -> StudyBasis:
        """What the events were built from."""
        return StudyBasis.load(self.path)

    def ledger(self) -> TrialLedger:
        """Every trial ever, on whatever data; close it."""
        return TrialLedger(self.record / "trials.db")

    def keep(self, table: EventTable, impute: Impute) -> EventList:
        """Save a table that was just built, in the place of an earlier one."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{self.path}: {error.strerror}; choose another folder") from None
        (self.path / BASIS).unlink(missing_ok=True)  # never one of another table beside it
        table.save(self.events_file)
        StudyBasis.of(self.events_file, table, self._archive, self._assumed, impute).save(self.path)
        return self._listed(table)

    def kept(self) -> EventList:
        """The events, for a step that goes on from another: nothing is built on the sly."""
        if not self.events_file.is_file():
            raise ResearchError(f"{self.events_file}: no event table here; run: momentum-kit research events")
        whole = EventTable.load(self.events_file)
        self.basis.check(self.events_file, self._archive, self._assumed)
        return self._listed(whole)

    def swept(self, table: EventTable, definition: SweepDefinition, run: Run, *, in_parts: bool = False) -> SweepResult:
        """Sweep the table and count the trials. in_parts: symbol by symbol, for workers elsewhere."""
        grid, base, exits = definition.grid, definition.base, definition.exits
        with self.ledger() as ledger:
            if in_parts:
                task = partial(_sums, grid=grid, base=base, exits=exits)
                sums = add_sums(list(run(task, by_symbol(table))))
            else:  # here a sweep takes all cores at once
                sums = sum_table(table, grid, base, exits)
            return conclude(sums, grid, base, exits, ledger, table.marks, np.unique(table.instrument_days).tolist())

    def rests_on(self) -> dict[str, str]:
        """What a verdict is made from, by name, as digests and versions."""
        basis = self.basis
        return {
            "the events": basis.table,
            "the archive": basis.archive,
            "the sweep": file_digest(self.sweep_file),
            "the code that decides": code_version(),
        }

    def check_record(self, known: Sequence[Opening]) -> None:
        """Refuse a record that has forgotten an opening which this study's own page tells of."""
        file = self.evidence_file
        try:
            told = load_evidence(file).openings
        except ResearchError:
            return  # none yet, or one that cannot be read: it tells of nothing, and is about to be written anew
        for each in told:
            if each.at not in {opening.at for opening in known}:
                raise ResearchError(
                    f"{self.record / SEALS}: knows nothing of the opening of {each.first_day} to {each.last_day} at "
                    f"{each.at}, which {file} tells; restore the state folder that it was made with"
                )

    def check_as_of_now(self, evidence: Evidence) -> None:
        """Refuse evidence that is not of what is there now: other data, code or sweep, more trials, another opening."""
        again = "run: momentum-kit research validate"
        opened = self.kept().open_days
        for name, digest in self.rests_on().items():
            if evidence.rests_on.get(name) != digest:
                raise ResearchError(f"export: {name} changed since the verdict; {again}")
        with self.ledger() as ledger:
            trials = ledger.count(np.unique(opened.table.instrument_days).tolist())
        if trials > evidence.sharpe.trials:
            more = trials - evidence.sharpe.trials
            raise ResearchError(f"export: {more} more trials on these data since the verdict; {again}")
        if [each.at for each in opened.openings] != [each.at for each in evidence.openings]:
            raise ResearchError(f"export: the sealed days were opened since the verdict; {again}")

    def _listed(self, table: EventTable) -> EventList:
        lived = lived_days(self._archive, table)
        if (told := self.path / "sealed.jsonl").is_file():
            adopt(told, table, self.record / SEALS)
        if (tried := self.path / "trials.db").is_file():  # of a version that kept both beside the events
            with self.ledger() as ledger:
                ledger.adopt(tried, table.instrument_days.tolist())
        return EventList(table, self.events_file, seals=self.record / SEALS, lived=lived)


def by_symbol(table: EventTable) -> Iterator[EventTable]:
    """The parts of a table that are worked on apart."""
    symbols = table.events["symbol"].to_numpy(str)
    for symbol in np.unique(symbols):
        yield table.select(symbols == symbol)


def _sums(table: EventTable, grid: Grid, base: Thresholds, exits: Sequence[str]) -> CellSums:
    return sum_table(table, grid, base, exits, threads=1)
