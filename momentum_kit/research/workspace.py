"""A study of one archive, step by step: headlines, events, sweep, verdict, export, and the folder of what was found.

    study = Workspace.open("data/sample")
    table = study.build()                            events.parquet: features and outcomes net of costs
    result = study.sweep(grid, base)                 sweep.json, cells.parquet; every trial counted in trials.db
    verdict, evidence = study.validate(result)       verdict.md, verdict.html, evidence.json
    study.export("my_thresholds")                    config/thresholds/my_thresholds.yaml

The steps are calls of the package and nothing else: a notebook may take any of them by hand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from momentum_kit.config import Config, Thresholds, find_project, load_config
from momentum_kit.errors import ResearchError, StorageError
from momentum_kit.research.events import (
    ANY,
    Assumptions,
    EventTable,
    Latency,
    News,
    Run,
    assumptions,
    build,
    exit_rules,
    read_news,
)
from momentum_kit.research.sweep import (
    DaySums,
    Definition,
    Grid,
    SweepResult,
    TrialLedger,
    add_sums,
    conclude,
    sum_table,
)
from momentum_kit.research.validation import (
    NOTHING_SEALED,
    Evidence,
    Study,
    Verdict,
    changed_worlds,
    export_thresholds,
    judge,
    load_evidence,
    markdown,
    open_seal,
    placebo_study,
    placebo_worlds,
    save_evidence,
    seal,
    to_html,
    validate,
)
from momentum_kit.sessions import exchange_day
from momentum_kit.storage.archive import Archive

CONFIG = Path("config/sim.yaml")
Days = tuple[date, date]


@dataclass(frozen=True, slots=True, eq=False)
class Workspace:
    """One archive, what is assumed about it, and the folder of its study.

    One folder an archive: it remembers what was tried (trials.db) and what was looked at (sealed.jsonl), and a second
    folder would not. run: where the work is done, research/cluster.Cluster.run for other machines.
    """

    archive: Archive
    config: Config
    project: Path
    assumed: Assumptions
    folder: Path
    run: Run = map

    @classmethod
    def open(
        cls,
        archive: str | Path = "data/sample",
        folder: str | Path | None = None,
        config: str | Path = CONFIG,
        *,
        exits: Path | None = None,
        spread_bps: float = float("nan"),
        run: Run = map,
    ) -> "Workspace":
        """Of an archive; without a folder it is `<archive>.study` beside it.

        A path that is not found is looked up from the project's folder, so that a notebook finds it too. exits: a YAML
        file of exit rules; without one the session's own, named live. Raises InputError, one line, for what is not
        there.
        """
        project = find_project()
        root = require_archive(_found(Path(archive), project))
        settings = load_config(_found(Path(config), project))
        rules = exit_rules(exits, settings) if exits else ()
        assumed = assumptions(settings, project, rules, spread_bps)
        at = Path(folder) if folder else root.with_name(f"{root.name}.study")
        return cls(Archive(root), settings, project, assumed, at, run)

    def days(self, first: date | None = None, last: date | None = None) -> Days:
        """First and last day of the headlines, unless given."""
        if first and last:
            return first, last
        if not next(self.archive.root.glob("headlines/month=*"), None):
            raise ResearchError(f"{self.archive.root}: no headlines; momentum-kit data download or import adds some")
        heard = self.archive.sql("SELECT min(published_at) AS low, max(published_at) AS high FROM headlines")
        low, high = (exchange_day(heard.column(name)[0].as_py()) for name in ("low", "high"))
        return first or low, last or high + timedelta(days=1)  # what is published at midnight is received after it

    def news(self, days: Days | None = None, latency: Latency | None = None) -> News:
        """Headlines read as a session reads them; whole months are read, days of the study's end included."""
        return read_news(self.archive, *(days or self.days()), self.config.news, latency, self.assumed.master, self.run)

    def latency(self, impute: float | Literal["measured"] | None) -> Latency | None:
        """How receptions nobody recorded are imputed: seconds for all, as measured on the others, or not at all."""
        if impute is None:
            return None
        if impute == "measured":
            return Latency.measured(self.archive.headlines(*self.days()))
        return Latency({ANY: (float(impute),)})

    def build(self, days: Days | None = None, latency: Latency | None = None) -> EventTable:
        """Build the event table with its outcomes, and keep it."""
        found = build(self.archive, *(days or self.days()), self.assumed.events, latency, self.assumed.master, self.run)
        table = self.assumed.with_outcomes(found, self.archive, run=self.run)
        self._make_folder()
        table.save(self.folder / "events.parquet")
        return table

    def events(self) -> EventTable:
        """The table that `build` kept, sealed days included: for counts, never for a choice."""
        file = self.folder / "events.parquet"
        if not file.is_file():
            raise ResearchError(f"{file}: no event table here; run: momentum-kit research events")
        return EventTable.load(file)

    def open_days(self) -> Study:
        """The table without its last fifth of days, which the first call for this folder sealed."""
        return seal(self.events(), self.folder / "sealed.jsonl")

    def sweep(self, grid: Grid, base: Thresholds, exits: Sequence[str] = ()) -> SweepResult:
        """Sweep the open days, count every trial, and keep the definition and the cells; no exits: all of the table."""
        table = self.open_days().table
        names = tuple(exits) or tuple(table.net_bps)
        result = self._swept(table, Definition(grid, base, names))
        Definition(grid, base, names).save(self.folder / "sweep.json")
        frames = [result.frame(name).assign(exit=name) for name in names]
        pd.concat(frames, ignore_index=True).to_parquet(self.folder / "cells.parquet")
        return result

    def swept(self) -> SweepResult:
        """The last sweep again: exact, and the ledger knows its trials already."""
        return self._swept(self.open_days().table, Definition.load(self.folder / "sweep.json"))

    def validate(
        self,
        result: SweepResult,
        *,
        placebos: int = 0,
        later: str | Path | None = None,
        latency: Latency | None = None,
        unseal: bool = False,
    ) -> tuple[Verdict, Evidence]:
        """Judge the best of a sweep of the open days, write the page, and keep the evidence.

        placebos: studies of headlines at random times. later: an archive of the same days downloaded afterwards.
        latency: as the table was built with. unseal: open the sealed days for the candidate, once and for ever.
        """
        study = self.open_days()
        news = self.news(span(study.table), latency)
        other = Archive(later) if later else None
        evidence = validate(
            result,
            study.table,
            stressed=self.assumed.stressed(study.table, self.archive, self.run),
            changed=changed_worlds(study.table, news, self.archive, self.assumed, other, self.run),
        )
        if study.sealed is None:
            evidence = replace(evidence, marks=(*evidence.marks, NOTHING_SEALED))
        if placebos and evidence.candidate is not None:
            worlds = placebo_worlds(study.table, self.archive, self.assumed, placebos, latency)
            judged = placebo_study(next(worlds), worlds, evidence.candidate, evidence.exit_rule)
            evidence = replace(evidence, placebo=judged)
        if unseal:
            if study.sealed is None:
                raise ResearchError("there are no sealed days after the open ones: build a table that reaches further")
            evidence = open_seal(evidence, study.sealed)
        verdict = judge(evidence)
        notional_usd = self.assumed.fills.notional_usd
        save_evidence(self.folder / "evidence.json", evidence)
        (self.folder / "verdict.md").write_text(markdown(verdict, evidence, notional_usd), encoding="utf-8")
        (self.folder / "verdict.html").write_text(to_html(verdict, evidence, notional_usd), encoding="utf-8")
        return verdict, evidence

    def export(self, name: str, despite: str = "", folder: str | Path | None = None) -> Path:
        """Write what `validate` judged to `config/thresholds/NAME.yaml`, or into another folder."""
        evidence = load_evidence(self.folder / "evidence.json")
        target = Path(folder) if folder else self.project / "config" / "thresholds"
        return export_thresholds(target, name, evidence, judge(evidence), despite)

    def _swept(self, table: EventTable, definition: Definition) -> SweepResult:
        grid, base, exits = definition.grid, definition.base, definition.exits
        with TrialLedger(self.folder / "trials.db") as ledger:
            if self.run is map:
                sums = sum_table(table, grid, base, exits)
            else:
                task = partial(_sums, grid=grid, base=base, exits=exits)
                sums = add_sums(list(self.run(task, by_symbol(table))))
            return conclude(sums, grid, base, exits, ledger, table.marks)

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{self.folder}: {error.strerror}; choose another folder") from None


def require_archive(root: Path) -> Path:
    """The folder of an archive; ResearchError where there is none."""
    if not root.is_dir():
        raise ResearchError(f"{root}: no archive here; momentum-kit data download, import or sample makes one")
    return root


def span(table: EventTable) -> Days:
    """First and last day of a table."""
    return table.days.min().item(), table.days.max().item()


def by_symbol(table: EventTable) -> Iterator[EventTable]:
    """The parts of a table that are worked on apart."""
    symbols = table.events["symbol"].to_numpy(str)
    for symbol in np.unique(symbols):
        yield table.select(symbols == symbol)


def _sums(table: EventTable, grid: Grid, base: Thresholds, exits: Sequence[str]) -> DaySums:
    return sum_table(table, grid, base, exits, threads=1)


def _found(path: Path, project: Path) -> Path:
    """As given, else from the project's folder."""
    return path if path.exists() or path.is_absolute() else project / path
