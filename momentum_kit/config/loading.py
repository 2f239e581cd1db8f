"""YAML files -> one checked `Config`: found, merged over base.yaml, and refused in one line that names file and key."""

import difflib
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from momentum_kit.config.base import Settings
from momentum_kit.config.judged import departures
from momentum_kit.config.settings import Config, DetectionSettings
from momentum_kit.config.thresholds import Thresholds
from momentum_kit.config.trust import trusted_above
from momentum_kit.errors import ConfigError
from momentum_kit.yaml_files import is_file, read_yaml

BOUNDS = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"})


def find_project(start: Path | None = None) -> Path:
    """The nearest folder upwards that holds config/base.yaml.

    Raises ConfigError with the remedy where there is none, or where another user may write the one above.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        file = folder / "config" / "base.yaml"
        if file.is_file():
            trusted_above(file, here)
            return folder
    raise ConfigError(f"no config/base.yaml in {here} or above it; run: momentum-kit init DIR")


def state_root(state_dir: str = "") -> Path:
    """Where the folders of all accounts and the records of research are: the shared one, or the user's own."""
    if state_dir:
        return Path(state_dir)
    base = os.environ.get("MOMENTUM_KIT_STATE_DIR") or os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "momentum_kit"


def load_config(
    path: str | Path, overrides: Mapping[str, Any] | None = None, *, with_thresholds: bool = True
) -> Config:
    """Read a YAML file over the base.yaml beside it, then apply dotted overrides ('broker.port': 4002).

    with_thresholds: False for whoever only looks for an account, such as a kill: no threshold file may block it.
    Raises ConfigError: one line that names the file, the key and the remedy.
    """
    file = _locate(Path(path))
    base = file.parent / "base.yaml"
    sources = {str(source): _read(source) for source in dict.fromkeys((base, file)) if source == file or base.is_file()}
    sources["override"] = _nest(overrides or {})
    merged: dict[str, Any] = {}
    for content in sources.values():
        merged = _merge(merged, content)
    if with_thresholds:
        merged = _merge({"thresholds": _read_thresholds(file, merged)}, merged)
    else:
        merged.pop("thresholds", None)
    try:
        config = Config.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, Config, sources, str(file))) from None
    port = f" --port {overrides['broker.port']}" if overrides and "broker.port" in overrides else ""
    config._arguments = f"--config {shlex.quote(str(file))}{port}"
    if with_thresholds and config.detection.thresholds_must_be_exported and config.thresholds.export is None:
        raise ConfigError(
            f"{file}: detection.thresholds: {config.detection.thresholds} was not exported by research, and this "
            "environment trades nothing else; momentum-kit research export writes such a file"
        )
    if with_thresholds and config.detection.thresholds_must_be_exported and (told := departures(config)):
        raise ConfigError(
            f"{file}: not what was judged: {'; '.join(told)}; this environment trades smaller, tighter and fewer than "
            "research judged, never more, wider or other"
        )
    return config


def load_thresholds(path: str | Path) -> Thresholds:
    """Read one threshold file alone; same errors as load_config."""
    file = _locate(Path(path))
    try:
        return Thresholds.model_validate(_read(file))
    except ValidationError as error:
        raise ConfigError(_explain(error, Thresholds, {}, str(file))) from None


def first_problem(error: ValidationError) -> str:
    """The first error in words, with the value that was refused where a number lies beyond its bounds."""
    first = error.errors()[0]
    words = first["msg"].removeprefix("Value error, ")
    return f"{words}, not {first['input']}" if first["type"] in BOUNDS else words


def _read_thresholds(file: Path, merged: Mapping[str, Any]) -> dict[str, Any]:
    """The content of the threshold file that a config names; its own errors name it, not the file that refers to it."""
    named = merged.get("detection")
    name = named.get("thresholds") if isinstance(named, dict) else None
    thresholds_file = file.parent / str(name or DetectionSettings().thresholds)
    if not is_file(thresholds_file):
        raise ConfigError(f"{file}: detection.thresholds: no such file: {thresholds_file}")
    load_thresholds(thresholds_file)
    return _read(thresholds_file)


def _locate(path: Path) -> Path:
    here = Path.cwd()
    for candidate in (path,) if path.is_absolute() else (folder / path for folder in (here, *here.parents)):
        if is_file(candidate):
            named = path.is_absolute() or candidate == here / path  # as ../config/live.yaml is
            return candidate.resolve() if named else trusted_above(candidate.resolve(), here)
    raise ConfigError(f"no such config file: {path}; momentum-kit init DIR lays out a set of them")


def _read(file: Path) -> dict[str, Any]:
    content = read_yaml(file, ConfigError)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: expected sections, found {type(content).__name__}")
    return content


def _nest(dotted: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in dotted.items():
        for part in reversed(path.split(".")):
            value = {part: value}
        nested = _merge(nested, value)
    return nested


def _merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, dict) and value is None:
            continue  # an empty section changes nothing
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _explain(error: ValidationError, root: type[Settings], sources: Mapping[str, dict[str, Any]], file: str) -> str:
    """One line on the first error: the source that set the key (`file` where none did), the key, the remedy."""
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    where = ".".join(location)
    origin = next((name for name in reversed(list(sources)) if _holds(sources[name], location)), file)
    prefix = f"{origin}: {where}" if where else origin
    if first["type"] != "extra_forbidden":
        return f"{prefix}: {first_problem(error)}"
    section: type[Settings] = root
    for part in location[:-1]:
        annotation = section.model_fields[part].annotation
        assert isinstance(annotation, type) and issubclass(annotation, Settings)
        section = annotation
    near = difflib.get_close_matches(location[-1], section.model_fields, n=1, cutoff=0)
    return f"{origin}: unknown key {where}; did you mean {near[0]}?"


def _holds(content: Any, location: Sequence[str]) -> bool:
    """True if the source itself sets what the error is about; a missing or cross-checked key is in none."""
    for part in location:
        if not isinstance(content, dict) or part not in content:
            return isinstance(content, list | tuple)  # an error inside a list belongs to who gave the list
        content = content[part]
    return bool(location)
