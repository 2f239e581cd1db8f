"""What a study takes over from the configuration of a session: how events are read, exits, costs and fills."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from momentum_kit.config import Config
from momentum_kit.detection.news import SymbolMaster
from momentum_kit.errors import ResearchError
from momentum_kit.research.events.events import EventSettings
from momentum_kit.research.events.news import Run
from momentum_kit.research.events.outcomes import ExitRule, FillAssumptions, add_outcomes
from momentum_kit.research.events.table import EventTable, concat
from momentum_kit.research.source import Source
from momentum_kit.storage.symbols import open_master
from momentum_kit.trading import CostTable, parse_costs
from momentum_kit.yaml_files import read_yaml

STRESSES = {"costs x 2": {"costs": 2.0}, "latency x 5": {"latency": 5.0}}
"""The house's stress: name to what FillAssumptions.stressed takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyAssumptions:
    """events: how headlines are read and judged. exits: by name. master: as the live session has it."""

    events: EventSettings
    exits: tuple[ExitRule, ...]
    costs: CostTable
    fills: FillAssumptions
    master: SymbolMaster | None = None

    def with_outcomes(
        self, table: EventTable, source: Source, fills: FillAssumptions | None = None, run: Run = map
    ) -> EventTable:
        """The table with the outcomes of every exit rule, symbol by symbol; fills: instead of the usual ones."""
        symbols = table.events["symbol"].to_numpy(str)
        rows = [np.flatnonzero(symbols == symbol) for symbol in np.unique(symbols)]
        task = partial(add_outcomes, source=source, exits=self.exits, costs=self.costs, assumptions=fills or self.fills)
        parts = run(task, (table.select(chosen) for chosen in rows))
        return concat(list(parts)).select(np.argsort(np.concatenate(rows)))

    def stressed(self, table: EventTable, source: Source, run: Run = map) -> dict[str, EventTable]:
        """The same events with outcomes under each of STRESSES."""
        return {
            name: self.with_outcomes(table, source, self.fills.stressed(**stress), run)
            for name, stress in STRESSES.items()
        }


def study_assumptions(
    config: Config, project: Path, exits: Sequence[ExitRule] = (), spread_bps: float = math.nan
) -> StudyAssumptions:
    """What the configuration says, with config/costs.yaml; its exits are the rule `live`, unless others are given.

    spread_bps: stands in where the archive has no quotes; nan leaves such events without a decision.
    """
    costs = parse_costs(_read(project / "config" / "costs.yaml"))
    fills = FillAssumptions(
        entry_cap_bps=config.exits.entry_cap_bps,
        notional_usd=config.risk.max_order_notional_usd,
        plan=config.broker.commission_plan,
    )
    if not math.isnan(spread_bps):
        fills = replace(fills, half_spread_bps=spread_bps / 2)
    settings = EventSettings(
        news=config.news,
        detection=config.detection,
        thresholds=config.thresholds,
        calendar=config.calendar,
        assumed_spread_bps=spread_bps,
    )
    rules = tuple(exits) or (ExitRule.live(config.exits),)
    master = open_master(project, config.news.symbol_master)
    return StudyAssumptions(events=settings, exits=rules, costs=costs, fills=fills, master=master)


def exit_rules(file: Path, config: Config) -> tuple[ExitRule, ...]:
    """The rules of a YAML file: name to what differs from the session's own exits, `{}` for nothing.

    Raises ResearchError, one line, for anything else.
    """
    known = {each.name for each in fields(ExitRule)} - {"name"}
    live = ExitRule.live(config.exits)
    rules = []
    for name, changes in _read(file).items():
        if not isinstance(changes, Mapping) or (unknown := set(changes) - known):
            wrong = f": no key {min(map(str, unknown))}" if isinstance(changes, Mapping) else ""
            raise ResearchError(f"{file}: exit rule {name}{wrong}; known keys: {', '.join(sorted(known))}")
        if wrong_values := [key for key, value in changes.items() if isinstance(value, bool | str)]:
            raise ResearchError(f"{file}: exit rule {name}: {wrong_values[0]} must be a number or null")
        given = {each: getattr(live, each) for each in known} | dict(changes)
        rules.append(ExitRule(name=str(name), **given))
    if not rules:
        raise ResearchError(f"{file}: no exit rules; write name: {{}} for those of the session")
    return tuple(rules)


def _read(file: Path) -> dict[str, Any]:
    content = read_yaml(file, ResearchError)
    if not isinstance(content, dict):
        raise ResearchError(f"{file}: expected keys and values")
    return content
