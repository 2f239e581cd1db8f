"""The command line: thin, each command gathers parameters for a library call and prints its result."""

import logging
import os
import sys
from typing import Annotated

import typer

from momentum_kit.cli import data, look, machine, page, replay, research, review, session, simulate
from momentum_kit.cli.common import PANELS, Json, app, done
from momentum_kit.errors import InputError, MomentumKitError
from momentum_kit.plain_text import plain_text

__all__ = ["data", "look", "machine", "main", "page", "replay", "research", "review", "session", "simulate"]


app.registered_commands.sort(key=lambda command: PANELS.index(str(command.rich_help_panel)))

A_DAY = """\
momentum-kit: news-driven momentum trading at Interactive Brokers, from research to live. A day:

  a first look      momentum-kit demo                   (simulated; no account, nothing to set up)
  once              momentum-kit init DIR               (configuration and notebooks in a folder of yours)
  before it         momentum-kit doctor --config config/paper.yaml
  the session       momentum-kit run notebooks/production.ipynb --config config/paper.yaml --out runs/today
  while it runs     momentum-kit why SYMBOL, log --follow, status, page (in a browser, docs/page.md)
  less risk, now    pause, close SYMBOL, flatten, kill in its place
  afterwards        momentum-kit runs, orders --run runs/today
  the next morning  momentum-kit reconcile 2026-11-20 --flex FILE   (IB's statement; docs/reconcile.md)
  on Friday         momentum-kit review --page week.html
  the next idea     momentum-kit data import, research events, research sweep, research validate

Every command: momentum-kit --help. What to do when something happens: docs/runbook.md."""


PRIVATE = ("run", "demo", "replay", "parity")  # commands that leave a run: all in it is this user's alone


@app.callback(invoke_without_command=True)
def _before_any_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Say which release and which code this is.")] = False,
    json_: Json = False,
) -> None:
    if version:
        from momentum_kit import __version__
        from momentum_kit.research import code_version

        known = {"version": __version__, "code_version": code_version()}
        done(json_, known, f"momentum-kit {known['version']} (code {known['code_version']})")
        raise typer.Exit
    if json_:
        raise InputError("--json belongs behind the command, or to --version")
    if context.invoked_subcommand is None:
        print(A_DAY)
        raise typer.Exit
    import momentum_kit.file_locks  # noqa: F401  (a system without locks is told so before anything is tried)


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
    before = os.umask(0o077) if given[:1] and given[0] in PRIVATE else None
    told, found = logging.getLogger("momentum_kit.config"), logging.StreamHandler(sys.stderr)
    told.setLevel(logging.INFO)
    told.addHandler(found)
    try:
        status = typer.main.get_command(app).main(args=given, standalone_mode=False, prog_name="momentum-kit")
    except MomentumKitError as error:
        print(plain_text(error), file=sys.stderr)
        return error.exit_status
    except typer.TyperException as error:  # an unknown option or a malformed value
        print(plain_text(error.format_message()), file=sys.stderr)
        return InputError.exit_status
    except (typer.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return MomentumKitError.exit_status
    finally:
        told.removeHandler(found)
        if before is not None:
            os.umask(before)
    return status if isinstance(status, int) else 0
