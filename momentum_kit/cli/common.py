"""What every command shares: the application, its common options, and how results are printed."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from momentum_kit.config import load_config
from momentum_kit.errors import GuardRefused, MomentumKitError

app = typer.Typer(
    name="momentum-kit",
    help="News-driven momentum trading at Interactive Brokers, from research to live.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]
ConfigPath = Annotated[Path, typer.Option("--config", help="Configuration of the session.")]


def done(as_json: bool, result: dict[str, Any], text: str) -> None:
    """Print a command's result: one JSON object, or words for people."""
    print(json.dumps(result) if as_json else text)


def state_folder(config: Path, port: int | None) -> Any:
    """The folder of the account that this configuration trades."""
    from momentum_kit.runtime.ownership import StateFolder

    overrides = {"broker.port": port} if port else None
    return StateFolder(load_config(config, overrides, with_thresholds=False).owner_key)


def engine_client(config: Path, port: int | None, absent: type[MomentumKitError] = GuardRefused) -> Any:
    """The running engine; without one a command is refused, and a question has no answer but what the last one left."""
    from momentum_kit.runtime.control import ControlClient
    from momentum_kit.runtime.ownership import last_left

    folder = state_folder(config, port)
    address = folder.address()
    if address is None:
        words, status = last_left(folder)
        starting = "an engine is starting" if folder.owned else "no engine runs"
        error = absent(f"{starting} for {config}" + (f" at port {port}" if port else "") + f"; {words}")
        if not isinstance(error, GuardRefused):
            error.exit_status = status
        raise error
    return ControlClient(address, folder)
