"""The cells of a sweep: axes of thresholds, each from loose to strict, from a file or options, and as they were run.

A grid has one cell for each choice of one step an axis. What is swept is kept as a `SweepDefinition`, so that it can be
run again: the same cells on the same events are the same trials.
"""

import difflib
import itertools
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.json_text import parse_json
from momentum_kit.yaml_files import read_yaml

TUNABLE = tuple(name for name, field in Thresholds.model_fields.items() if field.annotation is float)
"""Thresholds a grid may vary: every limit that is a number."""

MOST_STEPS = 255
"""Steps of one axis: the index of a threshold fits a byte."""

Cell = tuple[int, ...]
"""One index per axis; 0 is the loosest."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Values to try of some thresholds; the other thresholds come from a base.

    axes: names of config.Thresholds' limits to values from loose to strict: ascending for a `min_`, descending for a
    `max_`. Raises ResearchError with the axis and the remedy for anything else.
    """

    axes: Mapping[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        if not self.axes:
            raise ResearchError("grid: no axes; name at least one threshold to vary, such as min_z_tod")
        axes = {name: tuple(float(value) for value in values) for name, values in self.axes.items()}
        for name, values in axes.items():
            _check_axis(name, values)
        object.__setattr__(self, "axes", MappingProxyType(axes))

    @property
    def names(self) -> tuple[str, ...]:
        """Axes in their order."""
        return tuple(self.axes)

    @property
    def shape(self) -> Cell:
        """Steps of each axis."""
        return tuple(len(values) for values in self.axes.values())

    @property
    def size(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    def thresholds(self, base: Thresholds, cell: Cell) -> Thresholds:
        """The thresholds of one cell."""
        if len(cell) != len(self.shape) or not all(0 <= i < n for i, n in zip(cell, self.shape, strict=True)):
            raise ResearchError(f"grid: no cell {cell}; the shape is {self.shape}")
        chosen = {name: values[i] for (name, values), i in zip(self.axes.items(), cell, strict=True)}
        return base.model_copy(update=chosen)

    def cell(self, thresholds: Thresholds | Mapping[str, float]) -> Cell:
        """Where thresholds lie in the grid; ResearchError for a value that is on no step, naming the nearest."""
        found = []
        for name, values in self.axes.items():
            if not isinstance(thresholds, Thresholds) and name not in thresholds:
                raise ResearchError(f"grid: no value for {name}")
            value = getattr(thresholds, name) if isinstance(thresholds, Thresholds) else thresholds[name]
            if value not in values:
                nearest = min(values, key=lambda step: abs(step - value))
                raise ResearchError(f"grid: {name} {value:g} is outside the grid; the nearest step is {nearest:g}")
            found.append(values.index(value))
        return tuple(found)

    def columns(self) -> dict[str, npt.NDArray[np.float64]]:
        """Axis to its value in each cell, (C,), in the order of the flattened cells."""
        meshes = np.meshgrid(*(np.array(values) for values in self.axes.values()), indexing="ij")
        return {name: mesh.reshape(-1) for name, mesh in zip(self.axes, meshes, strict=True)}

    def with_base(self, base: Thresholds) -> dict[str, tuple[float, ...]]:
        """Every tunable threshold to its values, one where the base decides; ResearchError if they contradict."""
        values = {name: self.axes.get(name, (float(getattr(base, name)),)) for name in TUNABLE}
        if max(values["min_price_usd"]) > min(values["max_price_usd"]):
            raise ResearchError("grid: a min_price_usd above a max_price_usd; separate the two ranges")
        return values


def stricter_upwards(name: str) -> bool:
    """True if a higher value of this threshold lets less through."""
    return name.startswith("min_")


@dataclass(frozen=True, slots=True)
class SweepDefinition:
    """What to sweep: with the same table it gives the same cells, and the ledger knows them as the same trials."""

    grid: Grid
    base: Thresholds
    exits: tuple[str, ...]

    def save(self, file: Path) -> None:
        """As JSON."""
        content = {
            "axes": {name: list(values) for name, values in self.grid.axes.items()},
            "base": self.base.model_dump(mode="json", exclude={"export"}),
            "exits": list(self.exits),
        }
        file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, file: Path) -> "SweepDefinition":
        """What `save` wrote; ResearchError where there is none."""
        try:
            content = parse_json(file.read_text(encoding="utf-8"))
            return cls(Grid(content["axes"]), Thresholds.model_validate(content["base"]), tuple(content["exits"]))
        except FileNotFoundError:
            raise ResearchError(f"{file}: no sweep here; run: momentum-kit research sweep") from None
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise ResearchError(f"{file}: not a sweep ({str(error).splitlines()[0]}); sweep again") from None


def grid_of(axes: Mapping[str, Iterable[float]], base: Thresholds) -> tuple[Grid, Thresholds]:
    """A grid of the axes with several values, and the base with those that have one."""
    values = {name: tuple(float(value) for value in each) for name, each in axes.items()}
    held = {name: each[0] for name, each in values.items() if len(each) == 1}
    Grid(values)  # refuses unknown names and wrong orders, the held ones too
    varied = {name: each for name, each in values.items() if len(each) != 1}
    if not varied:
        raise ResearchError("grid: every axis has one value; give at least one threshold several, from loose to strict")
    return Grid(varied), base.model_copy(update={**held, "export": None})


def read_grid(file: Path) -> dict[str, tuple[float, ...]]:
    """The axes of a YAML file, threshold to its values from loose to strict; one value alone is held."""
    content = read_yaml(file, ResearchError)
    if not isinstance(content, dict) or not content:
        raise ResearchError(f"{file}: expected a threshold a line, such as min_z_tod: [2, 4, 6]")
    return {str(name): _numbers(f"{file}: {name}", values) for name, values in content.items()}


def read_axes(options: Iterable[str]) -> dict[str, tuple[float, ...]]:
    """The axes of options such as min_z_tod=2,4,6."""
    axes: dict[str, tuple[float, ...]] = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals:
            raise ResearchError(f"axis {option!r}: expected NAME=value,value such as min_z_tod=2,4,6")
        if name in axes:
            raise ResearchError(f"axis {name} is given twice")
        axes[name] = _numbers(f"axis {name}", text.split(","))
    return axes


def _numbers(where: str, values: Any) -> tuple[float, ...]:
    given = values if isinstance(values, list) else [values]
    try:
        if any(isinstance(value, bool) for value in given):
            raise ValueError
        return tuple(float(value) for value in given)
    except (TypeError, ValueError):
        raise ResearchError(
            f"{where}: {values!r} are not numbers; thresholds are: {', '.join(TUNABLE[:3])}, ..."
        ) from None


def _check_axis(name: str, values: tuple[float, ...]) -> None:
    if name not in TUNABLE:
        near = difflib.get_close_matches(name, TUNABLE, n=1, cutoff=0)
        raise ResearchError(f"grid: no threshold {name}; did you mean {near[0]}?")
    if not values:
        raise ResearchError(f"grid: {name} has no values")
    if len(values) > MOST_STEPS:
        raise ResearchError(f"grid: {name} has {len(values)} steps; {MOST_STEPS} are possible")
    if not all(math.isfinite(value) for value in values):
        raise ResearchError(f"grid: {name} holds a value that is not a number")
    upwards = stricter_upwards(name)
    for step, (loose, strict) in enumerate(itertools.pairwise(values), start=1):
        if (strict <= loose) if upwards else (strict >= loose):
            order = "ascend" if upwards else "descend"
            raise ResearchError(
                f"grid: {name} step {step} ({strict:g} after {loose:g}): steps must {order}, from loose to strict"
            )
    if name == "max_spread_share" and values[-1] <= 0:
        raise ResearchError(f"grid: {name} {values[-1]:g} lets nothing through; use shares above 0")
