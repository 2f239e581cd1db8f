"""The definition of a sweep as a file or as options: axes, base thresholds and exit rules; read back as it was run."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.sweep.grid import TUNABLE, Grid


@dataclass(frozen=True, slots=True)
class Definition:
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
    def load(cls, file: Path) -> "Definition":
        """What `save` wrote; ResearchError where there is none."""
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
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
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ResearchError(f"{file}: not readable ({' '.join(str(error).split())})") from None
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
