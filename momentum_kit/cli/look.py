"""Commands that look and change nothing: a session now, its orders, why, its log, all sessions, IB's word."""

import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from momentum_kit.cli.common import LOOK, GatewayPort, Json, MaybeConfig, app, done, engine_client
from momentum_kit.errors import EngineError, InputError, MomentumKitError
from momentum_kit.plain_text import plain_lines
from momentum_kit.sessions import NEW_YORK

if TYPE_CHECKING:
    from momentum_kit.pages import ReadableFrame

POLL_S = 1.0
CLEARED = "\x1b[H\x1b[2J"  # the cursor home and an empty screen

RunDir = Annotated[Path | None, typer.Option("--run", help="Folder of a session; without it the one that runs.")]


@app.command(rich_help_panel=LOOK)
def status(
    config: MaybeConfig = None,
    port: GatewayPort = None,
    watch: Annotated[bool, typer.Option("--watch", help="Every second, until Ctrl-C or the end.")] = False,
    json_: Json = False,
) -> None:
    """What the running session does now: its state and clock, lights, profit, and what is held with its stop."""
    from momentum_kit.notebook.record import status_words
    from momentum_kit.runtime.control import encode_status

    client = engine_client(config, port, EngineError)
    while True:
        now = client.status()
        words = encode_status(now) if json_ else plain_lines(status_words(now))
        print(f"{CLEARED}{words}" if watch and not json_ and sys.stdout.isatty() else words, flush=True)
        if not watch:
            return
        time.sleep(POLL_S)


@app.command(rich_help_panel=LOOK)
def orders(config: MaybeConfig = None, port: GatewayPort = None, run: RunDir = None, json_: Json = False) -> None:
    """Every order that a session sent, changed or cancelled, oldest first."""
    from momentum_kit.notebook.record import Run

    frame = Run(_folder(config, port, run)).orders()
    names = [
        "at",
        "symbol",
        "leg",
        "change",
        "action",
        "quantity",
        "order_type",
        "limit_price",
        "stop_price",
        "order_id",
    ]
    done(json_, {"orders": _records(frame)}, _words(frame[names], "no order was sent"))


@app.command(rich_help_panel=LOOK)
def why(
    symbol: Annotated[str, typer.Argument(help="A symbol, such as one that should have been traded and was not.")],
    config: MaybeConfig = None,
    port: GatewayPort = None,
    run: RunDir = None,
    json_: Json = False,
) -> None:
    """What became of a symbol and why: its headlines, decisions with each rule, orders, fills and exit."""
    from momentum_kit.notebook.record import Run

    told = Run(_folder(config, port, run)).why(symbol)
    done(json_, {"symbol": symbol.upper(), "told": told.splitlines()}, told)


@app.command(rich_help_panel=LOOK)
def log(
    config: MaybeConfig = None,
    port: GatewayPort = None,
    run: RunDir = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C or the session's end.")] = False,
) -> None:
    """What a session heard, decided, ordered and was told, line by line in New York time."""
    from momentum_kit.notebook.record import SessionLog

    folder = _folder(config, port, run)
    session_log, runs = SessionLog(folder / "journal.db"), _running(config, port) if follow else lambda: False
    while True:
        goes_on = runs()  # asked first: what is written before the end is read after it
        for line in session_log.fresh():
            if not line.minor:
                print(line, flush=True)
        if not goes_on:
            return
        time.sleep(POLL_S)


@app.command(rich_help_panel=LOOK)
def runs(
    folder: Annotated[Path, typer.Argument(help="Where sessions leave their records.")] = Path("runs"),
    json_: Json = False,
) -> None:
    """Every session below a folder: how it ended, what it did and earned."""
    from momentum_kit.notebook.record import Runs

    frame = Runs(folder).sessions()
    done(json_, {"runs": _records(frame)}, _words(frame, f"no session has left a record in {folder}"))


@app.command(rich_help_panel=LOOK)
def drift(
    reference: Annotated[Path, typer.Argument(help="Sessions that are the measure: replays, or the first weeks live.")],
    folder: Annotated[Path, typer.Argument(help="Where the sessions that are looked at left their records.")] = Path(
        "runs"
    ),
    features: Annotated[
        bool, typer.Option("--features", help="What was judged, feature by feature: one look, not a daily one.")
    ] = False,
    json_: Json = False,
) -> None:
    """Whether sessions still are what others were, and below what nobody can tell yet; 1 where a number drifted."""
    from momentum_kit.notebook.record import Runs
    from momentum_kit.pages import RenderedTable

    measure, lived = Runs(reference), Runs(folder)
    frame = lived.feature_drift(measure) if features else lived.drift(measure)
    drifted = len(frame) > 0 and bool(frame["verdict"].str.startswith(("drifted", "moved")).any())
    legend = "smallest_N: the least lasting change that N sessions show in four cases of five"
    if features:
        legend = "chance_95: what the PSI stays below in 95 of 100 ways to deal these sessions anew"
    shown = frame
    if features and len(frame):  # each row has a unit of its own
        four = dict.fromkeys(("reference_median", "median", "smallest"), "{:.4g}".format)
        shown = frame.assign(**{name: frame[name].map(words) for name, words in four.items()})
    table = RenderedTable.of(shown, {"psi": 2, "chance_95": 2} if features else {})
    words = f"{table.text()}\n{legend}" if len(frame) else "nothing was judged"
    done(json_, {"drifted": drifted, "numbers": _records(frame)}, words)
    raise typer.Exit(MomentumKitError.exit_status if drifted else 0)


@app.command(rich_help_panel=LOOK)
def reconcile(
    day: Annotated[str, typer.Argument(help="The exchange day, such as 2026-11-20.")],
    flex: Annotated[Path, typer.Option("--flex", help="IB's statement of it: XML of an Activity Flex query.")],
    runs: Annotated[Path, typer.Option("--runs", help="Where sessions leave their records.")] = Path("runs"),
    run: Annotated[
        Path | None, typer.Option("--run", help="Folder of a session that stands alone for the day.")
    ] = None,
    account: Annotated[str, typer.Option("--account", help="Whose, where sessions of several ran.")] = "",
    zone: Annotated[str, typer.Option("--zone", help="Of the statement's times, where they name none.")] = NEW_YORK.key,
    plan: Annotated[str, typer.Option("--plan", help="fixed or tiered: estimates what no report told.")] = "fixed",
    json_: Json = False,
) -> None:
    """A day's fills, costs, positions and profit against IB's own statement, to the cent; 1 where anything differs."""
    from momentum_kit.runtime.reconcile import check_statement

    if plan not in ("fixed", "tiered"):
        raise InputError(f"--plan {plan}: fixed or tiered")
    check = check_statement(
        _day(day),
        flex,
        runs,
        run=run,
        account=account,
        zone=_zone(zone),
        plan="tiered" if plan == "tiered" else "fixed",
    )
    done(json_, check.as_json(), check.words())
    raise typer.Exit(0 if check.holds else MomentumKitError.exit_status)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is no day: expected YYYY-MM-DD") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, KeyError, ValueError):
        raise InputError(f"--zone {name}: no time zone of that name, such as America/New_York") from None


def _folder(config: Path | None, port: int | None, run: Path | None) -> Path:
    return run or Path(engine_client(config, port, EngineError).address.run_dir)


def _running(config: Path | None, port: int | None) -> Callable[[], bool]:
    """Whether the session that is followed still answers."""
    client = engine_client(config, port, EngineError)

    def answers() -> bool:
        try:
            client.status()
        except EngineError:
            return False
        return True

    return answers


def _words(frame: "ReadableFrame", empty: str) -> str:
    from momentum_kit.pages import RenderedTable

    decimals = {"quantity": 0, "limit_price": 2, "stop_price": 2, "net_usd": 2, "costs_usd": 2}
    return f"{RenderedTable.of(frame, decimals).text()}\ntimes are New York's" if len(frame) else empty


def _records(frame: "ReadableFrame") -> Any:
    import json

    return json.loads(frame.to_json(orient="records", date_format="iso"))
