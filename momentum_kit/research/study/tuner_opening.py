"""Opens the tuner of a study: which dials on which days against which file, and what it books in the ledger."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from momentum_kit.config import Thresholds, load_thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.events import EventTable, ExitRule, StudyAssumptions
from momentum_kit.research.study.running import running
from momentum_kit.research.study.study_folder import StudyFolder
from momentum_kit.research.sweep import SweepDefinition, grid_of
from momentum_kit.research.tuner import AXES, EXITS, Dials, Exploration, Tuning, explore, suggested
from momentum_kit.research.validation import Sealed
from momentum_kit.storage.archive import Archive

Steps = Mapping[str, Iterable[float]]


def open_tuning(
    files: StudyFolder, archive: Archive, assumed: StudyAssumptions, *, configured: Thresholds, axes: Steps | None,
    exits: Steps | None, against: Thresholds | Path | None, exit_rule: str | None, scheduler: str | None,
) -> Tuning:  # fmt: skip
    """A tuner on the open days. axes, exits: None for those of the last sweep, and for the usual exit dials.

    against: thresholds, or their file, that gains and losses are counted from; None for the configured ones.
    """
    opened = files.kept().open_days
    table = opened.table
    known = [ExitRule(**rule) for rule in files.basis.options["exits"].values()]
    rule = _named(known, exit_rule or next(iter(table.net_bps)))
    limits = load_thresholds(against) if isinstance(against, Path) else against or configured

    def explored(dials: Dials) -> Exploration:
        with running("tuner", scheduler) as run, files.ledger() as ledger:

            def price(part: EventTable, rules: Sequence[ExitRule]) -> EventTable:
                bare = dataclasses.replace(part, net_bps={}, gross_bps={})
                return dataclasses.replace(assumed, exits=tuple(rules)).with_outcomes(bare, archive, run=run)

            return explore(table, dials, limits, ledger=ledger, price=price, known=known)

    dials = _dials(files.sweep_file, configured, axes, exits, rule)
    return Tuning(explored, dials, folder=files.path, against=limits.name, sealed=_sealed(opened.sealed))


def _named(rules: Sequence[ExitRule], name: str) -> ExitRule:
    if found := next((rule for rule in rules if rule.name == name), None):
        return found
    raise ResearchError(f"tuner: no exit rule {name}; the events were built with: {', '.join(r.name for r in rules)}")


def _dials(sweep_file: Path, configured: Thresholds, axes: Steps | None, exits: Steps | None, rule: ExitRule) -> Dials:
    base = configured
    if axes is not None:
        grid, base = grid_of(axes, configured)
        axes = grid.axes
    elif sweep_file.is_file():
        swept = SweepDefinition.load(sweep_file)
        axes, base = swept.grid.axes, swept.base
    else:
        axes = {name: suggested(name, float(getattr(configured, name))) for name in AXES}
    if exits is None:
        numbers = {name: getattr(rule, name) for name in EXITS}
        exits = {name: suggested(name, float(value)) for name, value in numbers.items() if value is not None}
    return Dials.of(axes, base, exits, rule)


def _sealed(sealed: Sealed | None) -> str:
    if sealed is None:
        return "nothing is sealed"
    return f"{sealed.days} sealed days ({sealed.first_day} to {sealed.last_day}) are not looked at"
