"""The command line: thin, each command gathers parameters for a library call and prints its result."""

import sys

import typer

from momentum_kit.cli import bench, data, doctor, replay, research, session, simulate
from momentum_kit.cli.common import app
from momentum_kit.errors import InputError, MomentumKitError

__all__ = ["bench", "data", "doctor", "main", "replay", "research", "session", "simulate"]


def _join_pairs(arguments: list[str]) -> list[str]:
    """`-p KEY VALUE` becomes `-p KEY=VALUE`: typer has no repeatable option of two values."""
    joined, rest = [], iter(arguments)
    for argument in rest:
        joined.append(argument)
        if argument == "-p":
            pair = [value for _, value in zip(range(2), rest, strict=False)]
            joined.append("=".join(pair))
    return joined


def main(arguments: list[str] | None = None) -> int:
    """Entry point: an expected failure is one line on stderr and its exit status."""
    given = _join_pairs(sys.argv[1:] if arguments is None else arguments)
    try:
        status = typer.main.get_command(app).main(args=given, standalone_mode=False, prog_name="momentum-kit")
    except MomentumKitError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    except typer.TyperException as error:  # an unknown option or a malformed value
        print(error.format_message(), file=sys.stderr)
        return InputError.exit_status
    except (typer.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return MomentumKitError.exit_status
    return status if isinstance(status, int) else 0
