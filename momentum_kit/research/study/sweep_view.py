"""What `study.sweep()` shows: the plateaus of a grid, the cells worth a closer look, and their pictures."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from momentum_kit.config import Config
from momentum_kit.errors import ResearchError
from momentum_kit.json_text import parse_json
from momentum_kit.pages import Block, ReadableFrame, RenderedTable, Shown, Words, warnings_of, word
from momentum_kit.research.events import EventTable
from momentum_kit.research.sample import TRUTH
from momentum_kit.research.sweep import (
    Cell,
    Plateau,
    RiskGateSimulation,
    SweepResult,
    best_cell,
    margin_frame,
    only_failure,
    shortlist,
    simulate_risk_gate,
)

if TYPE_CHECKING:
    from momentum_kit.research.plots import Picture


class Sweep(Shown):
    """result: every cell of the grid. table: the open days that were swept. file: where the cells are kept.

    Methods take an exit rule (None: the first) and a cell (None: the plateau's centre, or the best of the
    neighbourhoods where there is no plateau).
    """

    def __init__(self, result: SweepResult, table: EventTable, *, config: Config, archive: Path, file: Path) -> None:
        self.result = result
        self.table = table
        self.file = file
        self._config = config
        self._archive = archive

    def frame(self, exit_rule: str | None = None) -> ReadableFrame:
        """One row a cell: its thresholds, then signals, fills, mean_bps and its error, t and Sharpe ratio by day."""
        return ReadableFrame(self.result.frame(exit_rule))

    def plateau(self, exit_rule: str | None = None) -> Plateau:
        """The region of good cells among good neighbours; ResearchError where no cell stands out."""
        return self.result.plateau(exit_rule)

    def cell(self, exit_rule: str | None = None) -> Cell:
        """The one to look at closer: the centre of the plateau, else the best of the neighbourhoods."""
        plateau = self._plateau_or_reason(exit_rule)
        return best_cell(self.result, exit_rule) if isinstance(plateau, str) else plateau.center

    @cached_property
    def shortlist(self) -> ReadableFrame:
        """One row a cell worth a closer look: thresholds, signals, and what passed a session's risk gate in order."""
        return ReadableFrame(shortlist(self.result, self.table, self._config))

    def simulate(self, exit_rule: str | None = None, cell: Cell | None = None) -> RiskGateSimulation:
        """The signals of a cell in their order through the risk gate and sizing of a session."""
        name = exit_rule or self.result.exits[0]
        thresholds = self.result.thresholds(cell or self.cell(name))
        return simulate_risk_gate(self.table, thresholds, name, risk=self._config.risk, exits=self._config.exits)

    def margins(self, exit_rule: str | None = None, cell: Cell | None = None) -> ReadableFrame:
        """One row a signal of a cell: by how much each rule was passed when it was decided."""
        return ReadableFrame(margin_frame(self.table, self.result.thresholds(cell or self.cell(exit_rule))))

    def only_failure(self, exit_rule: str | None = None, cell: Cell | None = None) -> Mapping[str, int]:
        """Rule to events that would have signalled but for it: what each limit of a cell costs in signals."""
        return only_failure(self.table, self.result.thresholds(cell or self.cell(exit_rule)))

    def heat_map(self, x: str, y: str, exit_rule: str | None = None, cell: Cell | None = None) -> "Picture":
        """Mean net return of a fill over two thresholds, the others at the cell; the plateau is framed."""
        from momentum_kit.research.plots import heat_map  # matplotlib: only where something is drawn

        plateau = self._plateau_or_reason(exit_rule)
        framed = None if isinstance(plateau, str) else plateau
        return heat_map(self.result, x, y, cell or self.cell(exit_rule), exit_name=exit_rule, plateau=framed)

    def sensitivity_plot(self, exit_rule: str | None = None, cell: Cell | None = None) -> "Picture":
        """Mean net return of a fill along each threshold through the cell, with its 95% band."""
        from momentum_kit.research.plots import sensitivity_plot

        return sensitivity_plot(self.result, cell or self.cell(exit_rule), exit_rule)

    def signals_by_day(self, exit_rule: str | None = None, cell: Cell | None = None) -> "Picture":
        """Signals of each day, and what their fills brought, added up."""
        from momentum_kit.research.plots import signals_by_day

        return signals_by_day(self.result, cell or self.cell(exit_rule), exit_rule)

    def against_truth(self, exit_rule: str | None = None) -> Words:
        """How the sweep compares with the truth beside a generated archive; ResearchError where there is none."""
        try:
            spec = parse_json((self._archive / TRUTH).read_text(encoding="utf-8"))["spec"]
        except FileNotFoundError:
            raise ResearchError(f"{self._archive}: no {TRUTH}: only a generated market tells its truth") from None
        except (OSError, ValueError, TypeError, KeyError):
            raise ResearchError(f"{self._archive}: its {TRUTH} is not as a generated market writes it") from None
        result, plateau = self.result, self.plateau(exit_rule)
        cells, shape = result.cells(exit_rule), result.grid.shape
        planted = result.grid.cell({name: spec["planted"][name] for name in result.grid.names})
        at_truth, at_center = (
            float(cells.mean_bps[np.ravel_multi_index(cell, shape)]) for cell in (planted, plateau.center)
        )
        found = "lie inside the plateau" if planted in plateau else "lie outside the plateau"
        values = ", ".join(f"{name} {spec['planted'][name]:g}" for name in result.grid.names)
        return Words(
            f"The planted thresholds ({values}) {found}. Where they hold, {spec['edge_bps']:g} bps were planted and "
            f"the fills netted {at_truth:+.0f}; the cell we chose shows {at_center:+.0f}. "
            "The difference is the luck that every choice collects, and the reason for the sealed days."
        )

    def summary(self) -> dict[str, Any]:
        """Plain values: counts, a plateau (or why there is none) an exit rule, and the shortlist row by row."""
        found = self.result
        plateaus: dict[str, Any] = {name: self._plateau_or_reason(name) for name in found.exits}
        plateaus |= {name: each.summary(found.grid) for name, each in plateaus.items() if isinstance(each, Plateau)}
        return {
            "cells": found.grid.size, "exits": list(found.exits), "days": len(found.days), "trials": found.trials,
            "new_trials": found.new_trials, "marks": list(found.marks),
            "plateaus": plateaus,
            "finalists": self.shortlist.to_dict("records"), "file": str(self.file),
        }  # fmt: skip

    def blocks(self) -> list[Block]:
        """Marks, what was tried, the plateaus, and the shortlist, a column a cell."""
        lines = [Block("text", line) for line in self._sentences()]
        table = RenderedTable.of(side_by_side(self.shortlist))
        shown = RenderedTable(table.heads, table.rows, frozenset(range(1, len(table.heads))))
        return [*warnings_of(self.result.marks), *lines, Block("table", table=shown)]

    def __str__(self) -> str:
        lines = "\n".join([*self.result.marks, *self._sentences()])
        return f"{lines}\n\n{RenderedTable.of(side_by_side(self.shortlist)).text()}\n\nall cells: {self.file}"

    def _sentences(self) -> list[str]:
        found = self.result
        lines = [
            f"{found.grid.size:,} cells x {len(found.exits)} exit rules on {len(found.days)} open days; "
            f"{found.new_trials:,} new trials, {found.trials:,} ever"
        ]
        for name in found.exits:
            plateau = self._plateau_or_reason(name)
            if isinstance(plateau, str):
                lines.append(f"exit {name}: {plateau}")
            else:
                edge = f"; it ends at the grid's edge: {', '.join(plateau.on_edge)}" if plateau.on_edge else ""
                lines.append(f"exit {name}: a plateau of {plateau.size} cells{edge}")
        return lines

    def _plateau_or_reason(self, exit_rule: str | None) -> Plateau | str:
        try:
            return self.plateau(exit_rule)
        except ResearchError as error:
            return str(error)


def side_by_side(table: pd.DataFrame) -> pd.DataFrame:
    """A shortlist turned and in words: a column a cell, for a page that is not as wide as all thresholds."""
    words = table.drop(columns="exit").map(word).set_index("finalist")
    return words.T.rename_axis(columns=None).reset_index(names="")
