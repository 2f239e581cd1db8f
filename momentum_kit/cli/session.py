"""Commands of a session: run it headlessly, pause to kill it, arm a live one, test alerts."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from momentum_kit.cli.common import (
    RISK,
    SESSION,
    ConfigPath,
    GatewayPort,
    Json,
    MaybeConfig,
    app,
    done,
    engine_client,
    obeyed,
    state_folder,
)
from momentum_kit.config import load_config
from momentum_kit.errors import GuardRefused, InputError, MomentumKitError, StorageError
from momentum_kit.sessions import in_words


@app.command(rich_help_panel=SESSION)
def run(
    notebook: Path,
    config: Annotated[Path | None, typer.Option(help="Configuration of the session, and so whose money.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for everything the run leaves.")] = None,
    parameters: Annotated[list[str] | None, typer.Option("-p", metavar="KEY VALUE", help="A parameter.")] = None,
    until: Annotated[str | None, typer.Option(help="End of the session: close-5m, 15:55, 90m; the notebook's.")] = None,
    on_kernel_death: Annotated[
        Literal["continue", "stop"],
        typer.Option(help="What the session does when the notebook's kernel dies; the report is written either way."),
    ] = "continue",
    unwatched: Annotated[
        bool,
        typer.Option(
            "--unwatched", help="Nobody is there: a gateway that is away is waited for, a failed start calls somebody."
        ),
    ] = False,
    kernel_memory_mb: Annotated[int, typer.Option(help="Memory that the notebook's kernel may use.", min=256)] = 4096,
    json_: Json = False,
) -> None:
    """Run a session headlessly: the notebook is executed, the engine outlives its kernel."""
    from momentum_kit.runtime.engine import check_until
    from momentum_kit.runtime.production import (
        Bounds,
        address_overrides,
        prepare_out,
        run_notebook,
        run_summary,
        settings_of,
        write_summary,
    )

    if config is None:
        raise InputError(
            "run trades, so it wants to be told on which account: --config config/sim.yaml, config/paper.yaml or "
            "config/live.yaml (momentum-kit init DIR lays them out)"
        )
    if out is None:
        raise InputError("run leaves a report and a journal, and wants to be told where: --out runs/today")
    given = settings_of(parameters or []) | ({} if until is None else {"until": until})
    check_until(str(given.get("until", "")))
    folder = prepare_out(out, notebook)
    if sys.stderr.isatty():
        steering = f"momentum-kit status, flatten or stop --config {config}"
        print(f"{notebook.name} runs; {steering} reaches it from elsewhere, Ctrl-C ends it in order", file=sys.stderr)
    outcome = run_notebook(
        notebook,
        config,
        given,
        address_overrides(given),
        folder,
        on_kernel_death=on_kernel_death,
        bounds=Bounds(memory_mb=kernel_memory_mb),
        unwatched=unwatched,
    )
    extra: dict[str, Any] = {"title": notebook.stem, "exit_status": outcome.exit_status}
    extra["kernel_deaths"] = list(outcome.kernel_deaths)
    failures, summary = [outcome.failure] if outcome.failure else [], extra
    try:
        summary = run_summary(folder, None, extra)
        if outcome.finished:
            write_summary(folder, summary)
    except StorageError as error:
        failures.append(str(error))
    done(json_, summary, f"{outcome.notebook}: {'failed' if failures else 'done'}")
    for failure in failures:
        print(failure, file=sys.stderr)
    raise typer.Exit(outcome.exit_status or (MomentumKitError.exit_status if failures else 0))


def _command(name: str, words: str) -> None:
    """Register a command that does nothing but tell the engine."""

    def tell(config: MaybeConfig = None, port: GatewayPort = None, json_: Json = False) -> None:
        engine = engine_client(config, port)
        outcome = engine.command(name, "command line")
        obeyed(json_, engine.account, outcome)

    app.command(name.replace("_", "-"), help=words, rich_help_panel=RISK)(tell)


_command("pause", "No new entries; positions keep their exits.")
_command("resume", "Entries again.")
_command("reduce_only", "No new entries until a human resumes.")
_command("flatten", "Cancel entries and close every position; entries stay off.")
_command("stop", "Flatten and end the session.")


def _symbol_command(name: str, words: str, what: str) -> None:
    """Register a command that tells the engine of one symbol."""

    def tell(
        symbol: Annotated[str, typer.Argument(help=what)],
        config: MaybeConfig = None,
        port: GatewayPort = None,
        json_: Json = False,
    ) -> None:
        engine = engine_client(config, port)
        outcome = engine.command(name, "command line", symbol=symbol)
        obeyed(json_, engine.account, outcome)

    app.command(name, help=words, rich_help_panel=RISK)(tell)


_symbol_command("close", "Close the position in one symbol.", "What is held in it is sold; everything else goes on.")
_symbol_command("adopt", "Say that shares which nobody explains are ours.", "They get a stop, and exits sell them.")
_symbol_command("ignore", "Strike a symbol from our book; its shares stay.", "Our orders for it are cancelled.")


@app.command(rich_help_panel=RISK)
def kill(config: MaybeConfig = None, port: GatewayPort = None, json_: Json = False) -> None:
    """Flatten, end, and latch: nothing trades this account until `clear`. Latches without an engine as well."""
    from momentum_kit.runtime.control import kill_engine

    try:
        folder = state_folder(config, port)
    except GuardRefused as refused:
        raise GuardRefused(f"NOTHING WAS KILLED: {refused}") from None
    outcome, exit_status = kill_engine(folder, "command line")
    if exit_status:
        print(f"{folder.path.name}: {outcome}", file=sys.stderr)
        raise typer.Exit(exit_status)
    obeyed(json_, folder.path.name, outcome)


@app.command(rich_help_panel=RISK)
def clear(
    config: ConfigPath,
    port: GatewayPort = None,
    phrase: Annotated[str, typer.Option(help="The sentence that a refusal shows; asked for on a terminal.")] = "",
    json_: Json = False,
) -> None:
    """Release the kill switch of an account, after a human has looked."""
    from momentum_kit.runtime.ownership import clear_phrase, release_kill

    folder = state_folder(config, port)
    owner_key = folder.path.name
    if folder.killed and not phrase and sys.stdin.isatty():
        print(f"killed {folder.killed}", file=sys.stderr)
        phrase = typer.prompt(f"Type: {clear_phrase(owner_key)}\n", prompt_suffix="", err=True)
    outcome = release_kill(folder, owner_key, phrase)
    obeyed(json_, owner_key, outcome)


@app.command(rich_help_panel=SESSION)
def arm(
    account: Annotated[str, typer.Option(help="The live account id, typed in full.")],
    config: ConfigPath = Path("config/live.yaml"),
    port: GatewayPort = None,
    minutes: Annotated[int, typer.Option(help="How long the arming lasts.", min=1, max=720)] = 60,
    json_: Json = False,
) -> None:
    """Allow a live session of this account to start, for a while."""
    from momentum_kit.runtime.ownership import StateFolder

    settings = load_config(config, {"broker.port": port} if port else None, with_thresholds=False)
    if settings.broker.account != account:
        raise InputError(f"{config} trades {settings.broker.account or 'no named account'}, not {account}")
    until = datetime.now(UTC) + timedelta(minutes=minutes)
    StateFolder.of(settings).arm(account, until)
    done(
        json_, {"account": account, "until": until.isoformat()}, f"{account} is armed until {in_words(until, '%H:%M')}"
    )


@app.command(rich_help_panel=SESSION)
def ack(config: MaybeConfig = None, port: GatewayPort = None, json_: Json = False) -> None:
    """Say that you have heard what you were paged for: it is not repeated. What is wrong stays wrong."""
    folder = state_folder(config, port)
    obeyed(json_, folder.path.name, folder.acknowledge_in_words())


alerts_app = typer.Typer(help="Who is told when something happens.", no_args_is_help=True)
app.add_typer(alerts_app, name="alerts", rich_help_panel=SESSION)


@alerts_app.command("test")
def alerts_test(config: ConfigPath = Path("config/sim.yaml"), json_: Json = False) -> None:
    """Send one alert to every address of the environment and say which of them took it."""
    from momentum_kit.external import services_of

    settings = load_config(config, with_thresholds=False)
    services = services_of(settings.alerts)
    if not services:
        raise InputError(f"{settings.alerts.urls_env} is not set: alerts go to the log alone")
    text = "This is a test. Nothing has happened."
    failures = {each.name: each.tell("info", settings.owner_key, text) for each in services}
    lines = [f"{name}: {failure or 'delivered'}" for name, failure in failures.items()]
    done(json_, {"services": failures}, "\n".join(lines))
    if failed := [line for line, failure in zip(lines, failures.values(), strict=True) if failure]:
        raise MomentumKitError(f"not delivered to {'; '.join(failed)}")
