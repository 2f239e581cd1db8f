"""What every command shares: the application, its common options, and how results are printed."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from momentum_kit.config import find_project, load_config
from momentum_kit.errors import ConfigError, EngineError, GuardRefused
from momentum_kit.plain_text import plain_lines

app = typer.Typer(
    name="momentum-kit",
    help="News-driven momentum trading at Interactive Brokers, from research to live.",
    add_completion=True,
    pretty_exceptions_enable=False,
)

BEGIN, SESSION, RISK, LOOK, STUDY = "To begin", "A session", "Less risk, now", "What it did", "Research and data"
PANELS = (BEGIN, SESSION, LOOK, RISK, STUDY)
"""Of `--help`, in their order: commands stand by what a person wants."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]
ConfigPath = Annotated[Path, typer.Option("--config", help="Configuration of the session.")]
MaybeConfig = Annotated[
    Path | None, typer.Option("--config", help="Configuration of the session; without it the only engine that runs.")
]
GatewayPort = Annotated[int | None, typer.Option("--port", help="Port of the gateway, where it is not the file's.")]
DEFAULT_CONFIG = Path("config/sim.yaml")  # the one that --port alone belongs to


def from_project(archive: Path) -> Path:
    """An archive's folder as given, else from the project's, as every study looks for it."""
    if archive.exists() or archive.is_absolute():
        return archive
    from momentum_kit.research import looked_up

    with suppress(ConfigError):  # no project above: then it is not there, and is told so under its own name
        return looked_up(archive, find_project())
    return archive


def done(as_json: bool, result: dict[str, Any], text: str) -> None:
    """Print a command's result: one JSON object, or words for people."""
    print(json.dumps(result) if as_json else plain_lines(text))


def obeyed(as_json: bool, account: str, outcome: str) -> None:
    """What became of a command, and of which account: nobody shall believe that another one was meant."""
    done(as_json, {"account": account, "outcome": outcome}, f"{account}: {outcome}")


def state_folder(
    config: Path | None, port: int | None, absent: type[EngineError] | type[GuardRefused] = GuardRefused
) -> Any:
    """The folder of the account that this configuration trades, or of the only engine that runs.

    GuardRefused where several run, or EngineError where `absent` says so and none does.
    """
    from momentum_kit.runtime.ownership import StateFolder, only_engine

    if config is None and port is None:
        return only_engine(_state_dirs(), absent)
    overrides = {"broker.port": port} if port else None
    return StateFolder.of(load_config(config or DEFAULT_CONFIG, overrides, with_thresholds=False))


def _state_dirs() -> list[str]:
    """Where the engines of this project may be found: the user's state folder, and the shared ones."""
    found = {"": True}
    with suppress(ConfigError):  # outside a project
        for file in sorted((find_project() / "config").glob("*.yaml")):
            with suppress(ConfigError):  # none of a session, or not in order, which is no reason to miss an engine
                found[load_config(file, with_thresholds=False).storage.state_dir] = True
    return list(found)


def engine_client(
    config: Path | None, port: int | None, absent: type[EngineError] | type[GuardRefused] = GuardRefused
) -> Any:
    """The running engine; without one a command is refused, and a question has no answer but what the last one left."""
    from momentum_kit.runtime.control import ControlClient
    from momentum_kit.runtime.ownership import last_left

    folder = state_folder(config, port, absent)
    address = folder.address()
    if address is None:
        words, status = last_left(folder)
        starting = "an engine is starting" if folder.owned else "no engine runs"
        named = f"{config or folder.path.name}" + (f" at port {port}" if port else "")
        error = absent(f"{starting} for {named}; {words}")
        if not isinstance(error, GuardRefused):
            error.exit_status = status
        raise error
    return ControlClient(address, folder)
