"""Scenarios: one YAML file describes a market day, its news, its broker and its faults; read before anything starts."""

import difflib
from datetime import date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from momentum_kit.errors import ScenarioError
from momentum_kit.sessions import NEW_YORK, TradingSession, session_on
from momentum_kit.simgateway.scenario.fault_specs import KINDS, AnyFault
from momentum_kit.simgateway.scenario.sections import (
    ApiSpec,
    BrokerSpec,
    ClockTime,
    LimitsSpec,
    NewsSpec,
    ScenarioSection,
    SymbolSpec,
    UniverseSpec,
)
from momentum_kit.yaml_files import is_file, read_yaml

FOLDER = Path("config") / "scenarios"
TAPE_BEGINS = time(8, 0)


class Scenario(ScenarioSection):
    """A market day as configured; times are New York."""

    name: str = ""
    """File name without .yaml."""
    market: Literal["generated", "archive"] = "generated"
    """generated: seeded tapes. archive: real minute bars handed over by whoever opens the market."""
    seed: int = Field(default=1, ge=0)
    """Same seed, same market."""
    day: date = date(2026, 11, 20)
    """An exchange day."""
    start: ClockTime = time(9, 30)
    """Market time at which the scenario begins; before 09:30 the tape is thin."""
    end: ClockTime = time(11, 0)
    """Market time at which it ends."""
    history_sessions: int = Field(default=60, ge=1, le=500)
    """Sessions before the day that history knows."""
    market_data_type: Literal[1, 2, 3, 4] = 1
    """1 live, 2 frozen, 3 delayed, 4 delayed-frozen."""
    price_bands: bool = False
    """Hold generated prices to the bands of limit up, limit down, with pauses; else only planted halts happen."""
    universe: UniverseSpec = UniverseSpec()
    news: NewsSpec = NewsSpec()
    broker: BrokerSpec = BrokerSpec()
    api: ApiSpec = ApiSpec()
    limits: LimitsSpec = LimitsSpec()
    """IB's limits, and which of them are lifted."""
    faults: tuple[AnyFault, ...] = ()
    """What goes wrong, and when."""

    @model_validator(mode="after")
    def _consistent(self) -> "Scenario":
        if session_on(self.day) is None:
            raise ValueError(f"day {self.day} is not an exchange day")
        if self.start >= self.end:
            raise ValueError(f"end {self.end:%H:%M} is not after start {self.start:%H:%M}")
        if self.start < TAPE_BEGINS:
            raise ValueError(f"start {self.start:%H:%M} is before {TAPE_BEGINS:%H:%M}, when the tape begins")
        for number, fault in enumerate(self.faults):
            if not fault.triggers:
                raise ValueError(f"faults.{number} ({fault.kind}) never happens: give one of at, before and after")
        if self.market == "archive" and (self.news.planted or any(self.news.decoys.model_dump().values())):
            raise ValueError("news: nothing can be planted in an archive's real bars; use neutral and unplanted")
        return self

    @cached_property
    def session(self) -> TradingSession:
        """The day's regular session."""
        session = session_on(self.day)
        assert session is not None  # _consistent refused the rest
        return session

    @property
    def starts_at(self) -> datetime:
        """First instant, aware."""
        return datetime.combine(self.day, self.start, NEW_YORK)

    @property
    def ends_at(self) -> datetime:
        """Last instant, aware."""
        return datetime.combine(self.day, self.end, NEW_YORK)


def load_scenario(name_or_path: str | Path, seed: int | None = None, day: date | None = None) -> Scenario:
    """Read a scenario by name (config/scenarios/NAME.yaml, searched upwards) or by path.

    A given seed or day replaces the file's. Raises ScenarioError: one line with the file, the key and the remedy.
    """
    file = _locate(name_or_path)
    content = _read(file)
    content["name"] = file.stem
    if seed is not None:
        content["seed"] = seed
    if day is not None:
        content["day"] = day
    return parse_scenario(content, str(file))


def parse_scenario(content: dict[str, Any], source: str = "scenario") -> Scenario:
    """Validate a scenario given as plain values; ScenarioError names `source` and the key."""
    try:
        return Scenario.model_validate(content)
    except ValidationError as error:
        raise ScenarioError(_explain(error, source)) from None


def known_scenarios() -> dict[str, Path]:
    """Scenario files in reach, by name."""
    folder = _folder()
    return {file.stem: file for file in sorted(folder.glob("*.yaml"))} if folder else {}


def _folder() -> Path | None:
    package_root = Path(__file__).resolve().parents[3]
    here = Path.cwd().resolve()
    return next((base / FOLDER for base in (here, *here.parents, package_root) if (base / FOLDER).is_dir()), None)


def _locate(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"} or len(path.parts) > 1:
        if is_file(path):
            return path
        raise ScenarioError(f"no such scenario file: {path}")
    known = known_scenarios()
    if str(path) in known:
        return known[str(path)]
    raise ScenarioError(f"no scenario named {path}; known: {', '.join(known) or 'none (no config/scenarios here)'}")


def _read(file: Path) -> dict[str, Any]:
    content = read_yaml(file, ScenarioError)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ScenarioError(f"{file}: expected keys and values, found {type(content).__name__}")
    return content


def _explain(error: ValidationError, source: str) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"].startswith("union_tag"):
        kind = str(first["input"].get("kind", "")) if isinstance(first["input"], dict) else ""
        near = difflib.get_close_matches(kind, KINDS, n=1, cutoff=0)
        return f"{source}: {where}.kind: no fault is called {kind!r}; did you mean {near[0]}?"
    if first["type"] != "extra_forbidden":
        message = first["msg"].removeprefix("Value error, ")
        return f"{source}: {where}: {message}" if where else f"{source}: {message}"
    section = _section_at(first["loc"][:-1])
    near = difflib.get_close_matches(str(first["loc"][-1]), section.model_fields, n=1, cutoff=0)
    return f"{source}: unknown key {where}; did you mean {near[0]}?"


def _section_at(path: tuple[int | str, ...]) -> type[ScenarioSection]:
    section: type[ScenarioSection] = Scenario
    for part in path:
        if isinstance(part, int) or part in KINDS:
            section = KINDS.get(str(part), SymbolSpec)  # an item of faults is followed by its kind
            continue
        annotation = section.model_fields[part].annotation
        if isinstance(annotation, type) and issubclass(annotation, ScenarioSection):
            section = annotation
    return section
