"""The command line: thin, each command gathers parameters for a library call and prints its result."""

import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from momentum_kit.config import find_project, load_config
from momentum_kit.errors import EngineError, GuardRefused, InputError, MomentumKitError

app = typer.Typer(
    name="momentum-kit",
    help="News-driven momentum trading at Interactive Brokers, from research to live.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="The archive: import, and soon download and record.", no_args_is_help=True)
app.add_typer(data_app, name="data")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]
ConfigPath = Annotated[Path, typer.Option("--config", help="Configuration of the session.")]


def _done(as_json: bool, result: dict[str, Any], text: str) -> None:
    print(json.dumps(result) if as_json else text)


@app.command()
def init(target: Path, json_: Json = False) -> None:
    """Lay out config/ and notebooks/ in a folder of yours."""
    from momentum_kit.runtime.project import init_project

    written = init_project(target)
    _done(json_, {"written": [str(path) for path in written]}, f"{len(written)} files written to {target}")


@app.command()
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

    from momentum_kit.runtime.demo import Demo, run_demo
    from momentum_kit.runtime.production import settings_of
    from momentum_kit.runtime.progress import demo_progress
    from momentum_kit.runtime.report import print_summary

    wanted = Demo(scenario, seed, speed, archive, _day(day, archive), settings_of(changes or []), server_version)
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


def _day(text: str | None, archive: Path | None) -> date | None:
    if bool(text) != bool(archive):
        raise InputError("--archive and --date belong together")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"--date {text}: expected YYYY-MM-DD") from None


@app.command()
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
    assumptions: Annotated[bool, typer.Option("--assumptions", help="List the open questions and stop.")] = False,
    json_: Json = False,
) -> None:
    """Serve a simulated gateway that speaks IB's wire protocol, until SIGTERM or Ctrl-C."""
    import asyncio

    from momentum_kit.runtime.sim import answers_of, make_gateway, open_questions, serve_gateway

    if assumptions:
        rows, text = open_questions()
        _done(json_, {"assumptions": rows}, text)
        return
    gateway = make_gateway(
        scenario=scenario,
        port=port,
        seed=seed,
        speed=speed,
        server_version=server_version,
        lock_step_s=lock_step,
        archive=archive,
        day=_day(day, archive),
        assumptions=answers_of(assume or []),
    )
    known = asyncio.run(serve_gateway(gateway, as_json=json_))
    if truth:
        truth.write_text(json.dumps(known, indent=1), encoding="utf-8")


@app.command()
def run(
    notebook: Path,
    config: Annotated[Path, typer.Option(help="Configuration of the session.")],
    out: Annotated[Path, typer.Option(help="Folder for everything the run leaves.")],
    parameters: Annotated[list[str] | None, typer.Option("-p", metavar="KEY VALUE", help="A parameter.")] = None,
    json_: Json = False,
) -> None:
    """Run a session headlessly: the notebook is executed, the engine outlives its kernel."""
    from momentum_kit.runtime.production import address_overrides, prepare_out, run_notebook, settings_of
    from momentum_kit.runtime.report import run_summary, write_summary

    given = settings_of(parameters or [])
    folder = prepare_out(out)
    outcome = run_notebook(notebook, config, given, address_overrides(given), folder)
    summary = run_summary(folder, None, {"title": notebook.stem, "exit_status": outcome.exit_status})
    if not outcome.failure:
        write_summary(folder, summary)
    _done(json_, summary, f"{outcome.notebook}: {'failed' if outcome.failure else 'done'}")
    if outcome.failure:
        print(outcome.failure, file=sys.stderr)
    raise typer.Exit(outcome.exit_status)


@app.command()
def status(config: ConfigPath = Path("config/sim.yaml"), port: int | None = None, json_: Json = False) -> None:
    """What the running session does now."""
    from momentum_kit.runtime.messages import encode_status

    now = _client(config, port, EngineError).status()
    text = (
        f"{now.environment} {now.account}: {now.state} ({now.reason}); "
        f"market time {now.market_time:%Y-%m-%d %H:%M:%S} UTC; "
        f"{len(now.positions)} positions; realised {now.realised_usd:+.2f}, open {now.unrealised_usd:+.2f}, "
        f"costs {now.costs_usd:.2f} USD"
    )
    print(encode_status(now) if json_ else text)


def _command(name: str, words: str) -> None:
    """Register a command that does nothing but tell the engine."""

    def tell(config: ConfigPath = Path("config/sim.yaml"), port: int | None = None, json_: Json = False) -> None:
        outcome = _client(config, port).command(name, "command line")
        _done(json_, {"outcome": outcome}, outcome)

    app.command(name.replace("_", "-"), help=words)(tell)


_command("pause", "No new entries; positions keep their exits.")
_command("resume", "Entries again.")
_command("reduce_only", "No new entries until a human resumes.")
_command("flatten", "Cancel entries and close every position; entries stay off.")
_command("kill", "Flatten, end, and latch: nothing trades this account until `clear`.")
_command("stop", "Flatten and end the session.")


@app.command()
def clear(config: ConfigPath = Path("config/sim.yaml"), port: int | None = None, json_: Json = False) -> None:
    """Release the kill switch of an account, after a human has looked."""
    folder = _folder(config, port)
    reason = folder.killed
    folder.clear_kill()
    outcome = f"cleared: {reason}" if reason else "nothing was latched"
    _done(json_, {"outcome": outcome}, outcome)


@app.command()
def arm(
    account: Annotated[str, typer.Option(help="The live account id, typed in full.")],
    config: ConfigPath = Path("config/live.yaml"),
    minutes: Annotated[int, typer.Option(help="How long the arming lasts.", min=1, max=720)] = 60,
    json_: Json = False,
) -> None:
    """Allow a live session of this account to start, for a while."""
    from momentum_kit.runtime.state_folder import StateFolder

    settings = load_config(config)
    if settings.broker.account != account:
        raise InputError(f"{config} trades {settings.broker.account or 'no named account'}, not {account}")
    until = datetime.now(UTC) + timedelta(minutes=minutes)
    StateFolder(settings.owner_key).arm(account, until)
    _done(json_, {"account": account, "until": until.isoformat()}, f"{account} is armed until {until:%H:%M} UTC")


@data_app.command("import")
def import_(
    kind: Annotated[str, typer.Argument(help="lean: minute zips of QuantConnect's format.")],
    path: Path,
    archive: Annotated[Path, typer.Option(help="Archive folder.")] = Path("data/archive"),
    json_: Json = False,
) -> None:
    """Import real bars into the Parquet archive."""
    from dataclasses import asdict

    from momentum_kit.storage.archive import Archive
    from momentum_kit.storage.lean import import_lean

    if kind != "lean":
        raise InputError(f"cannot import {kind!r}; known: lean")
    report = import_lean(path, Archive(archive))
    _done(json_, asdict(report), str(report))


@app.command()
def bench(what: Annotated[str, typer.Argument(help="Which benchmark; gateway is one.")], json_: Json = False) -> None:
    """Measure speed on this machine, from a checkout with the dev extra."""
    from momentum_kit.runtime.bench import as_table, run_benchmark

    result = run_benchmark(what)
    _done(json_, result, as_table(result))


def _folder(config: Path, port: int | None) -> Any:
    from momentum_kit.runtime.state_folder import StateFolder

    return StateFolder(load_config(config, {"broker.port": port} if port else None).owner_key)


def _client(config: Path, port: int | None, absent: type[MomentumKitError] = GuardRefused) -> Any:
    """The running engine; without one a command is refused, and a question has no answer."""
    from momentum_kit.runtime.control import ControlClient

    address = _folder(config, port).address()
    if address is None:
        raise absent(f"no engine runs for {config}" + (f" at port {port}" if port else ""))
    return ControlClient(address)


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


if __name__ == "__main__":
    sys.exit(main())
