"""Commands of a study: momentum-kit research ..."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from momentum_kit.cli.common import Json, app, done
from momentum_kit.errors import InputError

if TYPE_CHECKING:
    from momentum_kit.research import Workspace

research_app = typer.Typer(
    help="A study of an archive: headlines, events, study, sweep, validate, export.", no_args_is_help=True
)
app.add_typer(research_app, name="research")

ArchivePath = Annotated[Path, typer.Option("--archive", help="Archive folder.")]
StudyPath = Annotated[
    Path | None, typer.Option("--study", help="Folder of the study; by default ARCHIVE.study, beside the archive.")
]
ConfigPath = Annotated[Path, typer.Option("--config", help="Whose detection, exits and costs are assumed.")]
First = Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD (New York); default: all.")]
Last = Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD.")]
Impute = Annotated[
    str | None,
    typer.Option(help="Where nobody recorded the reception: seconds since publication, or `measured`; marked IMPUTED."),
]
Scheduler = Annotated[
    str | None, typer.Option(help="Address of a dask scheduler, tcp://HOST:PORT; default: this process.")
]
ExitRules = Annotated[Path | None, typer.Option("--exits", help="YAML of exit rules; default: the session's own.")]
Spread = Annotated[float | None, typer.Option("--spread-bps", help="Assumed where the archive has no quotes.", min=0)]

IN_ONE_PIECE = ("sweep", "validate")  # here a sweep takes all cores at once; only elsewhere it goes part by part
SAMPLE = Path("data/sample")
CONFIG = Path("config/sim.yaml")


@research_app.command()
def headlines(
    archive: ArchivePath = SAMPLE,
    config: ConfigPath = CONFIG,
    first: First = None,
    last: Last = None,
    impute: Impute = None,
    json_: Json = False,
) -> None:
    """Count headlines by provider, catalyst and session, and say what came of none of them and who is missing."""
    from momentum_kit.cli.research_words import as_plain, headline_words, rows
    from momentum_kit.research.events import count_headlines

    with _workspace("headlines", archive, None, config) as study:
        days = study.days(_day("--from", first), _day("--to", last))
        counts = count_headlines(study.news(days, study.latency(_imputed(impute))), study.config.calendar)
    tables = {by: counts.by(by) for by in ("provider", "catalyst", "session")}
    result = {
        "headlines": counts.heard, "items": len(counts.items), "skips": counts.skips, "marks": list(counts.marks),
        **{by: rows(table) for by, table in tables.items()},
    }  # fmt: skip
    done(json_, as_plain(result), headline_words(counts, tables))


@research_app.command()
def events(
    archive: ArchivePath = SAMPLE,
    folder: StudyPath = None,
    config: ConfigPath = CONFIG,
    first: First = None,
    last: Last = None,
    impute: Impute = None,
    exits: ExitRules = None,
    spread_bps: Spread = None,
    scheduler: Scheduler = None,
    json_: Json = False,
) -> None:
    """Build the table of events: features at every decision time, and what each exit rule nets after costs."""
    from momentum_kit.cli.research_words import as_plain
    from momentum_kit.research import span

    with _workspace("events", archive, folder, config, exits, spread_bps, scheduler) as study:
        days = study.days(_day("--from", first), _day("--to", last))
        table = study.build(days, study.latency(_imputed(impute)))
    low, high = span(table)
    file = study.folder / "events.parquet"
    result = {
        "file": str(file), "events": len(table), "decisions": int((table.at == table.at).sum()), "first_day": low,
        "last_day": high, "exits": list(table.net_bps), "marks": list(table.marks),
    }  # fmt: skip
    words = (
        f"{len(table):,} events, {result['decisions']:,} decisions, {low} to {high}, "
        f"exits {', '.join(table.net_bps)} net of costs\n{file}"
    )
    done(json_, as_plain(result), "\n".join([*table.marks, words]))


@research_app.command("study")
def study_(
    by: Annotated[str, typer.Option(help="all, provider, catalyst, session, price or shock (tenths).")] = "all",
    archive: ArchivePath = SAMPLE,
    folder: StudyPath = None,
    config: ConfigPath = CONFIG,
    market: Annotated[str | None, typer.Option(help="Symbol whose return is taken off, such as SPY.")] = None,
    exit_: Annotated[
        str | None, typer.Option("--exit", help="Exit rule of the net returns; default: the first.")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Picture to write.")] = None,
    json_: Json = False,
) -> None:
    """Show what the tape does around headlines and what a buyer nets; sealed days are not looked at."""
    from momentum_kit.cli.research_words import as_plain, rows, study_words
    from momentum_kit.research.event_study import archived_bars, groups, net_by_delay, paths, study
    from momentum_kit.research.plots import event_study_plot

    with _workspace("study", archive, folder, config) as opened:
        table = opened.open_days().table
        names = groups(table, by)
        events = table.events.assign(**{by: names})
        found = study(paths(archived_bars(opened.archive), events, market=market, marks=table.marks), by)
        net = net_by_delay(table, exit_ or next(iter(table.net_bps)), names)
        if png:
            event_study_plot(found, net, exit_ or next(iter(table.net_bps))).savefig(png, dpi=110)
    result = {
        "by": by, "events": len(table), "overlapping": found.overlapping, "marks": list(found.marks),
        "groups": rows(found.groups), "curves": rows(found.curves), "net": rows(net), "png": str(png) if png else None,
    }  # fmt: skip
    done(json_, as_plain(result), study_words(by, found, net) + (f"\n{png}" if png else ""))


@research_app.command()
def sweep(
    grid: Annotated[Path | None, typer.Argument(help="YAML: threshold to its values, from loose to strict.")] = None,
    axis: Annotated[
        list[str] | None, typer.Option(help="NAME=a,b,c from loose to strict, goes over the file; repeatable.")
    ] = None,
    archive: ArchivePath = SAMPLE,
    folder: StudyPath = None,
    config: ConfigPath = CONFIG,
    exit_: Annotated[list[str] | None, typer.Option("--exit", help="Exit rule; repeatable; default: all.")] = None,
    scheduler: Scheduler = None,
    json_: Json = False,
) -> None:
    """Try every cell of a grid of thresholds on the open days, and count every trial; one value alone is held."""
    from momentum_kit.cli.research_words import as_plain, finalist_words, rows
    from momentum_kit.research.sweep import finalists, grid_of, plateau_or_reason, read_axes, read_grid

    axes = (read_grid(grid) if grid else {}) | read_axes(axis or [])
    if not axes:
        raise InputError("sweep: no grid; give a YAML file, or --axis min_z_tod=2,4,6 and others")
    with _workspace("sweep", archive, folder, config, scheduler=scheduler) as study:
        chosen, base = grid_of(axes, study.config.thresholds)
        result = study.sweep(chosen, base, exit_ or ())
        table = finalists(result, study.open_days().table, study.config)
    plateaus = {name: plateau_or_reason(result, name) for name in result.exits}
    summary = {
        "cells": chosen.size, "exits": list(result.exits), "days": len(result.days), "trials": result.trials,
        "new_trials": result.new_trials, "marks": list(result.marks), "plateaus": plateaus, "finalists": rows(table),
        "file": str(study.folder / "cells.parquet"),
    }  # fmt: skip
    done(json_, as_plain(summary), finalist_words(summary, table))


@research_app.command()
def validate(
    archive: ArchivePath = SAMPLE,
    folder: StudyPath = None,
    config: ConfigPath = CONFIG,
    impute: Impute = None,
    exits: ExitRules = None,
    spread_bps: Spread = None,
    placebos: Annotated[int, typer.Option(help="Studies of headlines at random times.", min=0)] = 0,
    later: Annotated[Path | None, typer.Option(help="Archive of the same days, downloaded later.")] = None,
    open_seal: Annotated[
        bool, typer.Option("--open-seal", help="Look at the sealed days: once, for the final candidate, on record.")
    ] = False,
    json_: Json = False,
) -> None:
    """Judge the best of the last sweep and write the verdict page; the options are those the events were built with."""
    from momentum_kit.cli.research_words import as_plain, verdict_words
    from momentum_kit.research import require_archive

    if later is not None:
        require_archive(later)
    with _workspace("validate", archive, folder, config, exits, spread_bps) as study:
        latency = study.latency(_imputed(impute))
        verdict, evidence = study.validate(
            study.swept(), placebos=placebos, later=later, latency=latency, unseal=open_seal
        )
    pages = {kind: str(study.folder / f"verdict.{kind}") for kind in ("md", "html")}
    result = {
        "verdict": verdict.word, "why": verdict.why, "power": verdict.power, "checks": verdict.checks,
        "candidate": evidence.candidate.model_dump(mode="json", exclude={"export"}) if evidence.candidate else None,
        "exit_rule": evidence.exit_rule, "marks": list(evidence.marks), "sealed_opened": evidence.sealed is not None,
        **pages,
    }  # fmt: skip
    done(json_, as_plain(result), verdict_words(verdict, evidence, pages))


@research_app.command()
def export(
    name: Annotated[str, typer.Argument(help="Name of the thresholds and of their file.")],
    archive: ArchivePath = SAMPLE,
    folder: StudyPath = None,
    config: ConfigPath = CONFIG,
    despite: Annotated[str, typer.Option(help="Why, although the verdict is not accept; stands in the file.")] = "",
    into: Annotated[Path | None, typer.Option(help="Folder; default: config/thresholds.")] = None,
    json_: Json = False,
) -> None:
    """Write the judged thresholds, under a hash, to the file that a live session loads."""
    with _workspace("export", archive, folder, config) as study:
        file = study.export(name, despite, into)
    done(json_, {"file": str(file)}, f"{file}\nto trade them: detection.thresholds: thresholds/{file.name}")


@contextmanager
def _workspace(
    what: str,
    archive: Path,
    folder: Path | None,
    config: Path,
    exits: Path | None = None,
    spread_bps: float | None = None,
    scheduler: str | None = None,
) -> "Iterator[Workspace]":
    """The study of an archive, its parts run here or elsewhere, with a line of progress on a terminal."""
    from momentum_kit.research import Workspace

    with ExitStack() as stack:
        run: Callable[..., Iterable[Any]] = map
        if scheduler:
            from momentum_kit.research.sweep import Cluster

            run = stack.enter_context(Cluster(scheduler)).run
        shown = stack.enter_context(_progress(what, run))
        if scheduler or what not in IN_ONE_PIECE:
            run = shown
        assumed = float("nan") if spread_bps is None else spread_bps
        yield Workspace.open(archive, folder, config, exits=exits, spread_bps=assumed, run=run)


@contextmanager
def _progress(what: str, run: Callable[..., Iterable[Any]]) -> Iterator[Callable[..., Iterable[Any]]]:
    """The same run, counting the parts that are done, on a terminal; nothing in a pipe."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield run
        return
    with console.status(f"{what} ...") as line:

        def counted(task: Callable[[Any], Any], things: Iterable[Any]) -> Iterator[Any]:
            for number, result in enumerate(run(task, things), start=1):
                line.update(f"{what}: [bold]{number:,}[/] parts done")
                yield result

        yield counted


def _day(option: str, text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise InputError(f"{option} {text}: expected YYYY-MM-DD") from None


def _imputed(text: str | None) -> Any:
    """Seconds, `measured`, or None."""
    if text is None or text == "measured":
        return text
    try:
        return float(text)
    except ValueError:
        raise InputError(f"--impute {text}: expected seconds, or measured") from None
