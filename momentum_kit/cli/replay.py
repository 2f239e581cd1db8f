"""momentum-kit replay, a recorded day through the services once more, and parity, a run beside its replay."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from momentum_kit.cli.common import STUDY, Json, app, done
from momentum_kit.config import find_project, load_config
from momentum_kit.errors import InputError

Archive = Annotated[Path, typer.Option(help="Archive folder.")]
Changes = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one setting.")]


@app.command(rich_help_panel=STUDY)
def replay(
    day: Annotated[str, typer.Argument(help="Day of the archive, YYYY-MM-DD.")],
    archive: Archive = Path("data/archive"),
    config: Annotated[Path, typer.Option(help="Configuration that decides.")] = Path("config/replay.yaml"),
    wire: Annotated[bool, typer.Option("--wire", help="Over IB's protocol, through the official client.")] = False,
    impute: Annotated[
        float | None, typer.Option(help="Seconds from publication to arrival, for headlines nobody saw arrive.", min=0)
    ] = None,
    changes: Changes = None,
    open_seal: Annotated[
        bool, typer.Option("--open-seal", help="Look at a sealed day: once for all, on record as an opening.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Run folder; by default a new one.")] = None,
    json_: Json = False,
) -> None:
    """Live a recorded day again, as fast as the CPU, through the services of a live session."""
    from momentum_kit.research import guard_sealed_day, record_folder
    from momentum_kit.runtime.production import settings_of
    from momentum_kit.runtime.replay import Replay, run_replay
    from momentum_kit.storage.archive import Archive as ArchiveFolder

    wanted = Replay(
        archive=archive,
        day=_day(day),
        config=config,
        wire=wire,
        overrides=settings_of(changes or []),
        imputed_latency_s=impute,
    )
    settings = load_config(config, wanted.overrides)
    opening = f"replay with {settings.thresholds.name}" if open_seal else ""
    guard_sealed_day(ArchiveFolder(archive), wanted.day, record_folder(settings), opening=opening)
    summary = run_replay(wanted, find_project(), out or _new_folder(config))
    done(json_, summary, _words(summary))


@app.command(rich_help_panel=STUDY)
def parity(
    run: Annotated[Path, typer.Argument(help="Run folder of a replay, a demo, or a live session.")],
    archive: Annotated[
        Path | None, typer.Option(help="Where the day of a live session was recorded; a replay and a demo know it.")
    ] = None,
    later: Annotated[
        Path | None, typer.Option(help="Archive of the same day downloaded later: compares the data as well.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration of the run, where it is not known.")] = None,
    changes: Changes = None,
    json_: Json = False,
) -> None:
    """Compare what a run decided, traded and paid with its replay, and say why where they differ."""
    from momentum_kit.runtime.parity import RunToReplay, parity_of_data, parity_of_run
    from momentum_kit.runtime.production import settings_of

    project, folder = find_project(), _new_folder(config or Path("config/replay.yaml"))
    asked = RunToReplay(
        run=run,
        project=project,
        folder=folder,
        archive=archive,
        config=config,
        overrides=settings_of(changes or []),
    )
    found: Any = parity_of_run(asked) if later is None else parity_of_data(asked, later)
    done(json_, {"run": str(run), "replay": str(folder), **found.as_json()}, str(found))


def _new_folder(config: Path) -> Path:
    from momentum_kit.runtime.engine import new_run_dir

    return new_run_dir(load_config(config), find_project())


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is no day: expected YYYY-MM-DD") from None


def _words(summary: dict[str, Any]) -> str:
    lines = [
        f"{summary['title']}: {summary['headlines']} headlines, {summary['signals']} signals, "
        f"{summary['entries']} entries, {summary['net_pnl_usd']:+.2f} USD after costs; "
        f"{summary['wall_s']:.1f} s, {summary['headlines_per_s']:.0f} headlines a second",
        *summary["notes"],
        summary["run"],
    ]
    return "\n".join(lines)
