"""The dials of a tuner: each threshold and each number of the exit rule, with the steps that were opened for it.

A dial that was not opened is held at one value. Opening one, or giving it finer steps, makes a new and larger grid; a
drag along the steps of an opened one stays inside.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.events import ExitRule
from momentum_kit.research.sweep import TUNABLE, Grid, stricter_upwards
from momentum_kit.research.threshold_labels import LABELS, ThresholdLabel

MOST_CELLS = 300_000
"""Cells of a tuner: each is a trial, and each more makes the best of them look better by luck alone."""

EXIT_LABELS = {
    "stop_atr": ThresholdLabel("stop, ATR of a minute", "x"),
    "stop_min_pct": ThresholdLabel("stop, at least", "%"),
    "target_r": ThresholdLabel("target", "R"),
    "time_stop_s": ThresholdLabel("longest holding time", "min", 1 / 60),
}
"""Numbers of an exit rule that have a dial."""

AXES = ("min_z_tod", "min_rvol_bar", "max_spread_bps", "min_dollar_volume_60s_usd")
"""Opened where nothing was swept yet and nothing else is asked for."""

STEPS: Mapping[str, tuple[float, ...]] = {
    "min_price_usd": (1, 2, 5), "max_price_usd": (50, 20, 10), "min_ret_60s": (0.01, 0.02, 0.03, 0.05),
    "min_ret_300s": (0.02, 0.04, 0.06, 0.1), "min_ret_news": (0, 0.02, 0.05), "max_extension": (0.5, 0.25, 0.15),
    "min_z_tod": (2, 4, 6, 8, 10), "min_rvol_bar": (2, 4, 6, 8), "min_rvol_cum": (0.5, 1, 2, 4),
    "min_dollar_volume_60s_usd": (50_000, 100_000, 150_000, 250_000), "min_trades_60s": (10, 30, 60),
    "max_spread_bps": (100, 70, 50, 35, 25), "max_spread_share": (0.5, 0.25, 0.15), "min_clv": (0, 0.4, 0.6, 0.8),
    "stop_atr": (1, 1.5, 2.5), "stop_min_pct": (1, 2, 4), "target_r": (1, 2, 3), "time_stop_s": (300, 900),
}  # fmt: skip
"""Steps that are suggested for a dial, beside the value that it is held at."""

EXITS = ("stop_min_pct", "target_r", "time_stop_s")
"""Dials of the exit rule that are opened unless others are asked for."""


@dataclass(frozen=True, slots=True)
class Dial:
    """One number that can be turned. values: from loose to strict for a threshold, ascending for an exit."""

    name: str
    values: tuple[float, ...]

    @property
    def is_exit(self) -> bool:
        """True where it changes how a position ends, and never which events signal."""
        return self.name in EXIT_LABELS

    @property
    def label(self) -> ThresholdLabel:
        """In words, with its unit."""
        return EXIT_LABELS[self.name] if self.is_exit else LABELS[self.name]

    def words(self, step: int) -> str:
        """One step's value with its unit."""
        label = self.label
        return f"{label.value(self.values[step])} {label.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Dials:
    """Those that are open, thresholds first, and what the others are held at.

    A position is one step a dial, in their order.
    """

    grid: Grid
    base: Thresholds
    exits: tuple[Dial, ...]
    exit_rule: ExitRule

    @classmethod
    def of(
        cls, axes: Mapping[str, Iterable[float]], base: Thresholds, exits: Mapping[str, Iterable[float]],
        exit_rule: ExitRule,
    ) -> "Dials":  # fmt: skip
        """Checked; ResearchError, with what to do, for what is no dial, no step, or too much."""
        opened = []
        for name, values in exits.items():
            if name not in EXIT_LABELS:
                raise ResearchError(f"tuner: no exit dial {name}; there are: {', '.join(EXIT_LABELS)}")
            steps = tuple(sorted({float(value) for value in values}))
            if not steps or not all(0 < value < math.inf for value in steps):
                raise ResearchError(f"tuner: {name}: steps must be numbers above 0")
            opened.append(Dial(name, steps))
        dials = cls(Grid({name: tuple(values) for name, values in axes.items()}), base, tuple(opened), exit_rule)
        dials.grid.with_base(base)
        if dials.size > MOST_CELLS:
            raise ResearchError(
                f"tuner: {dials.size:,} cells, each a trial; {MOST_CELLS:,} are possible: take fewer dials or steps"
            )
        return dials

    @property
    def all(self) -> tuple[Dial, ...]:
        """Thresholds, then exits."""
        return (*(Dial(name, values) for name, values in self.grid.axes.items()), *self.exits)

    @property
    def held(self) -> tuple[Dial, ...]:
        """The others, each with the one value that it is held at."""
        open_names = {dial.name for dial in self.all}
        names = [name for name in (*TUNABLE, *EXIT_LABELS) if name not in open_names]
        return tuple(Dial(name, (self.held_at(name),)) for name in names if not math.isnan(self.held_at(name)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Steps of each dial."""
        return tuple(len(dial.values) for dial in self.all)

    @property
    def size(self) -> int:
        """Cells, and so trials."""
        return math.prod(self.shape)

    @property
    def rules(self) -> list[ExitRule]:
        """Every exit rule of the grid, the last dial fastest."""
        names = [dial.name for dial in self.exits]
        return [self._rule(dict(zip(names, values, strict=True))) for values in self._exit_values()]

    def exit_at(self, position: tuple[int, ...]) -> int:
        """Which of `rules` a position is of."""
        number = 0
        for dial, step in zip(self.exits, position[len(self.grid.shape) :], strict=True):
            number = number * len(dial.values) + step
        return number

    def thresholds(self, position: tuple[int, ...]) -> Thresholds:
        """The limits of a position; ResearchError for a step that is not there."""
        if len(position) != len(self.shape) or not all(0 <= at < n for at, n in zip(position, self.shape, strict=True)):
            raise ResearchError(f"tuner: no position {position}; the dials have {self.shape} steps")
        cell = position[: len(self.grid.shape)]
        return self.grid.thresholds(self.base, cell).model_copy(update={"export": None, "name": "tuned"})

    def place(self, name: str) -> int:
        """Where a dial stands among all; ResearchError for one that is not open."""
        names = [dial.name for dial in self.all]
        if name not in names:
            raise ResearchError(f"tuner: {name} is not open; open: {', '.join(names)}")
        return names.index(name)

    def with_dial(self, name: str, values: Iterable[float] = ()) -> "Dials":
        """One dial more, or with other steps; without values the suggested ones and the one that it is held at."""
        steps = tuple(values) or suggested(name, self.held_at(name))
        axes, exits = dict(self.grid.axes), {dial.name: dial.values for dial in self.exits}
        if name in EXIT_LABELS:
            exits[name] = steps
        elif name in TUNABLE:
            axes[name] = in_order(name, steps)
        else:
            raise ResearchError(f"tuner: no dial {name}; there are: {', '.join((*TUNABLE, *EXIT_LABELS))}")
        return Dials.of(axes, self.base, exits, self.exit_rule)

    def held_at(self, name: str) -> float:
        """What a dial is held at while it is not open."""
        found = getattr(self.exit_rule if name in EXIT_LABELS else self.base, name, None)
        return math.nan if found is None else float(found)

    def _exit_values(self) -> Iterable[tuple[float, ...]]:
        return itertools.product(*(dial.values for dial in self.exits))

    def _rule(self, changes: Mapping[str, Any]) -> ExitRule:
        """Named by its numbers, so that it is the same trial in whatever tuner; the given one keeps its name."""
        changed = dataclasses.replace(self.exit_rule, **changes)
        if changed == self.exit_rule:
            return changed
        target = "none" if changed.target_r is None else f"{changed.target_r:g} R"
        numbers = f"stop {changed.stop_min_pct:g}% {changed.stop_atr:g} ATR, target {target}, {changed.time_stop_s:g} s"
        return dataclasses.replace(changed, name=numbers)


def suggested(name: str, held_at: float) -> tuple[float, ...]:
    """Steps for a dial: the usual ones, and the value that it is held at."""
    if name not in STEPS:
        raise ResearchError(f"tuner: no dial {name}; there are: {', '.join(STEPS)}")
    known = () if math.isnan(held_at) else (held_at,)
    return in_order(name, {float(value) for value in (*STEPS[name], *known)})


def in_order(name: str, values: Iterable[float]) -> tuple[float, ...]:
    """From loose to strict; ascending for an exit."""
    return tuple(sorted(set(values), reverse=name not in EXIT_LABELS and not stricter_upwards(name)))
