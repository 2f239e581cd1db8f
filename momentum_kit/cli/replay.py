"""momentum-kit replay, recorded days through the services once more, and parity, a run beside its replay."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from momentum_kit.cli.common import STUDY, Json, app, done, from_project
from momentum_kit.config import find_project, load_config
from momentum_kit.errors import InputError, MomentumKitError
from momentum_kit.plain_text import plain_text

if TYPE_CHECKING:
    from momentum_kit.runtime.replay import ReplayedDay

SHOWN_NOTES = 5  # of all days, in words
COUNTED = ("headlines", "signals", "entries", "round_trips")

Archive = Annotated[Path, typer.Option(help="Archive folder.")]
Changes = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one setting.")]


@app.command(rich_help_panel=STUDY)
def replay(
    day: Annotated[str, typer.Argument(help="Day of the archive, YYYY-MM-DD.")],
    last: Annotated[
        str | None, typer.Argument(metavar="[TO]", help="Last of many days, side by side; those of the archive.")
    ] = None,
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
    workers: Annotated[int, typer.Option(help="Processes for many days.", min=1, max=256)] = os.cpu_count() or 1,
    out: Annotated[Path | None, typer.Option(help="Run folder, or one for many days; by default a new one.")] = None,
    json_: Json = False,
) -> None:
    """Live a recorded day, or many, again, as fast as the CPU, through the services of a live session."""
    from momentum_kit.research import guard_sealed_day, record_folder
    from momentum_kit.runtime.production import settings_of
    from momentum_kit.runtime.replay import Replay, days_between, prepare_days_folder, replay_days, run_replay
    from momentum_kit.storage.archive import Archive as ArchiveFolder

    archive = from_project(archive)
    wanted = Replay(
        archive=archive,
        day=_day(day),
        config=config,
        wire=wire,
        overrides=settings_of(changes or []),
        imputed_latency_s=impute,
    )
    if open_seal and last is not None:
        raise InputError("--open-seal belongs to one day: an opening is for good, and one of many may be refused")
    settings = load_config(config, wanted.overrides)
    opening = f"replay with {settings.thresholds.name}" if open_seal else ""
    days = (wanted.day,) if last is None else days_between(archive, wanted.day, _day(last))
    for each in days:  # before any of them is lived
        guard_sealed_day(ArchiveFolder(archive), each, record_folder(settings), opening=opening)
    if last is None:
        summary = run_replay(wanted, find_project(), out or _new_folder(config))
        done(json_, summary, _words(summary))
        return
    folder = prepare_days_folder(out or _new_folder(config), days)
    lived = replay_days(
        replace(wanted, leaps=True), days, find_project(), folder, workers=workers, done=_Progress(len(days))
    )
    _say_days(lived, folder, json_)


class _Progress:
    """Says on a terminal how many of the days are through."""

    def __init__(self, days: int) -> None:
        self._days = days
        self._through = 0

    def __call__(self, _: object) -> None:
        self._through += 1
        if sys.stderr.isatty():
            end = "\n" if self._through == self._days else ""
            print(f"\r{self._through} of {self._days} days", end=end, file=sys.stderr, flush=True)


def _say_days(lived: "Sequence[ReplayedDay]", folder: Path, json_: bool) -> None:
    from momentum_kit.runtime.replay import total_of

    total = total_of(lived)
    failed = {str(each.day): each.failure for each in lived if each.summary is None}
    known = [{"day": str(each.day), **each.summary} for each in lived if each.summary is not None]
    done(json_, {"run": str(folder), "total": total, "days": known, "failed": failed}, _day_words(lived, total, folder))
    for day, words in failed.items():
        print(plain_text(f"{day}: {words}"), file=sys.stderr)
    if failed:
        raise typer.Exit(MomentumKitError.exit_status)


def _counts(summary: Mapping[str, Any]) -> Iterator[str]:
    return (f"{summary[name]:,}" for name in COUNTED)


def _day_words(lived: "Sequence[ReplayedDay]", total: dict[str, Any], folder: Path) -> str:
    from momentum_kit.pages import number

    heads = ("day", "headlines", "signals", "entries", "round trips", "net USD")
    rows = [
        (str(each.day), *_counts(each.summary), number(each.summary["net_pnl_usd"], plus=True))
        for each in lived
        if each.summary is not None
    ]
    rows.append(("all", *_counts(total), number(total["net_pnl_usd"], plus=True)))
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (heads, *rows)]
    notes = [f"{each.day}: {note}" for each in lived for note in (each.summary or {}).get("notes", ())]
    if len(notes) > SHOWN_NOTES:
        notes[SHOWN_NOTES:] = [f"and {len(notes) - SHOWN_NOTES} notes more, in --json"]
    worst, fall = number(total["worst_day_usd"], plus=True), number(total["drawdown_usd"])
    more = f"worst day {worst}, deepest fall from close to close {fall}, costs {number(total['costs_usd'])} USD"
    return "\n".join((*lines, more, *notes, f"one run folder a day in {folder}"))


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
        archive=archive and from_project(archive),
        config=config,
        overrides=settings_of(changes or []),
    )
    found: Any = parity_of_run(asked) if later is None else parity_of_data(asked, from_project(later))
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
