"""Commands around the simulated gateway: init, demo, sim."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from momentum_kit.cli.common import BEGIN, Json, app, done, from_project
from momentum_kit.config import find_project, load_config
from momentum_kit.errors import InputError
from momentum_kit.private_files import write_whole


@app.command(rich_help_panel=BEGIN)
def init(
    target: Annotated[Path, typer.Argument(help="Your folder; nothing in it is overwritten.")], json_: Json = False
) -> None:
    """Lay out config/, notebooks/ and deploy/ (schedules) in a folder of yours."""
    from momentum_kit.runtime import init_project

    written = init_project(target)
    done(json_, {"written": [str(path) for path in written]}, f"{len(written)} files written to {target}")


@app.command(rich_help_panel=BEGIN)
def demo(
    scenario: Annotated[str, typer.Option(help="Scenario to serve.")] = "demo",
    seed: Annotated[int, typer.Option(help="Seed of the market and its news.")] = 7,
    speed: Annotated[float | None, typer.Option(help="Market seconds per second, at most.", min=0.1)] = None,
    archive: Annotated[Path | None, typer.Option(help="Serve real bars of this archive instead of a scenario.")] = None,
    day: Annotated[str | None, typer.Option("--date", help="Day of the archive, YYYY-MM-DD.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one setting: thresholds.min_z_tod=5.")
    ] = None,
    server_version: Annotated[
        int, typer.Option(help="The gateway's: text to 200, then protobuf.", min=178, max=226)
    ] = 200,
    json_: Json = False,
) -> None:
    """Watch the product do its job: headlines, decisions, brackets, fills and profit, against a simulated gateway."""
    from rich.console import Console

    from momentum_kit.runtime.demo import Demo, demo_progress, run_demo
    from momentum_kit.runtime.production import print_summary, settings_of

    archive = archive and from_project(archive)
    wanted = Demo(
        scenario=scenario,
        seed=seed,
        speed=speed,
        archive=archive,
        day=_served_day(day, archive),
        overrides=settings_of(changes or []),
        server_version=server_version,
    )
    console = Console(stderr=json_)
    with demo_progress(console) as progress:
        summary, outcome = run_demo(wanted, find_project(), progress)
    if not json_:
        print_summary(summary, console)
    else:
        print(json.dumps(summary))
    if outcome.failure:
        print(outcome.failure, file=sys.stderr)
    raise typer.Exit(outcome.exit_status)


def _served_day(text: str | None, archive: Path | None) -> date | None:
    """The day of the archive that is to be served; GuardRefused while it is sealed."""
    day = _day(text, archive)
    if day and archive:
        from momentum_kit.research import guard_sealed_day, record_folder
        from momentum_kit.storage.archive import Archive

        guard_sealed_day(Archive(archive), day, record_folder(load_config("config/sim.yaml")))
    return day


def _day(text: str | None, archive: Path | None) -> date | None:
    if bool(text) != bool(archive):
        raise InputError("--archive and --date belong together")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"--date {text}: expected YYYY-MM-DD") from None


@app.command(rich_help_panel=BEGIN)
def sim(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 4002,
    scenario: Annotated[str, typer.Option(help="Scenario name or file.")] = "demo",
    seed: Annotated[int | None, typer.Option(help="Instead of the scenario's own seed.")] = None,
    speed: Annotated[float, typer.Option(help="Market seconds per second.", min=0.1)] = 1.0,
    server_version: Annotated[int, typer.Option(help="Highest server version offered.", min=178, max=226)] = 200,
    lock_step: Annotated[float | None, typer.Option(help="Step of a market that waits for its client, s.")] = None,
    archive: Annotated[Path | None, typer.Option(help="Serve real bars of this archive.")] = None,
    day: Annotated[str | None, typer.Option("--date", help="Day of the archive, YYYY-MM-DD.")] = None,
    truth: Annotated[Path | None, typer.Option(help="File for the gateway's own truth at the end.")] = None,
    assume: Annotated[
        list[str] | None, typer.Option(metavar="NAME=ALTERNATIVE", help="Answer an open question about the broker.")
    ] = None,
    observed: Annotated[
        Path | None, typer.Option(help="Answer them as a paper account did; --assume goes over it.")
    ] = None,
    assumptions: Annotated[bool, typer.Option("--assumptions", help="List the open questions and stop.")] = False,
    with_stdin: Annotated[
        bool, typer.Option("--stop-with-stdin", help="Stop at the end of standard input too: with whoever holds it.")
    ] = False,
    json_: Json = False,
) -> None:
    """Serve a simulated gateway that speaks IB's wire protocol, until SIGTERM or Ctrl-C."""
    import asyncio

    from momentum_kit.runtime.probe import load_observed
    from momentum_kit.runtime.sim import answers_of, make_gateway, open_questions, serve_gateway

    if assumptions:
        rows, text = open_questions()
        done(json_, {"assumptions": rows}, text)
        return
    archive = archive and from_project(archive)
    gateway = make_gateway(
        scenario=scenario,
        port=port,
        seed=seed,
        speed=speed,
        server_version=server_version,
        lock_step_s=lock_step,
        archive=archive,
        day=_served_day(day, archive),
        assumptions=(load_observed(observed) if observed else {}) | answers_of(assume or []),
    )
    known = asyncio.run(serve_gateway(gateway, as_json=json_, with_stdin=with_stdin))
    if truth:
        write_whole(truth, json.dumps(known, indent=1))
