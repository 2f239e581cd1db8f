"""Commands of a study: momentum-kit research ..."""

import dataclasses
import math
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from momentum_kit.cli.common import STUDY, Json, app, done
from momentum_kit.errors import InputError

research_app = typer.Typer(
    help="A study of an archive: headlines, events, study, sweep, validate, funnel, shadow, tear-sheet, export.",
    no_args_is_help=True,
)
app.add_typer(research_app, name="research", rich_help_panel=STUDY)

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
    str | None, typer.Option(help="Address of a dask scheduler, tls://HOST:PORT; default: this process.")
]
ExitRules = Annotated[Path | None, typer.Option("--exits", help="YAML of exit rules; default: the session's own.")]
Spread = Annotated[float | None, typer.Option("--spread-bps", help="Assumed where the archive has no quotes.", min=0)]

Limits = Annotated[Path | None, typer.Option("--thresholds", help="YAML; default: the configuration's.")]

SAMPLE = Path("data/sample")
CONFIG = Path("config/sim.yaml")


@research_app.command()
def headlines(
    archive: ArchivePath = SAMPLE,
    config: ConfigPath = CONFIG,
    first: First = None,
    last: Last = None,
    impute: Impute = None,
    evaluate: Annotated[
        Path | None, typer.Option(help="Labelled headlines, one JSON object a line: how well are they read?")
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="With --evaluate: labelled pairs of stories, a, b and same a line.")
    ] = None,
    symbols: Annotated[
        Path | None, typer.Option(help="With --evaluate: CSV of symbol and name; default: the configuration's.")
    ] = None,
    worst: Annotated[int, typer.Option(help="With --evaluate: how many of the worst errors to show.", min=0)] = 20,
    json_: Json = False,
) -> None:
    """Count headlines by provider, catalyst and session, and say what came of none of them and who is missing.

    With --evaluate, count instead how well the rules read labelled headlines: companies, subjects, catalysts, bars.
    """
    if evaluate is not None:
        from momentum_kit.research import evaluate_headlines

        found = evaluate_headlines(evaluate, pairs, config=config, symbols=symbols, shown=worst)
        done(json_, _plain(found.summary()), str(found))
        return
    if unused := next((name for name, given in (("--pairs", pairs), ("--symbols", symbols)) if given), None):
        raise InputError(f"{unused}: only with --evaluate FILE")
    from momentum_kit import Study  # pandas and scipy: only where a study is wanted

    days = _day("--from", first), _day("--to", last)
    counts = Study(archive, config=config).counts(*days, _imputed(impute))
    done(json_, _plain(counts.summary()), str(counts))


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
    from momentum_kit import Study

    study = Study(
        archive, folder=folder, config=config, exits=exits, spread_bps=_spread(spread_bps), scheduler=scheduler
    )
    found = study.build(_day("--from", first), _day("--to", last), _imputed(impute))
    done(json_, _plain(found.summary()), str(found))


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
    from momentum_kit import Study

    found = Study(archive, folder=folder, config=config).event_study(by, exit_, market)
    if png:
        found.plot().savefig(png, dpi=110)
    result = {**found.summary(), "png": str(png) if png else None}
    done(json_, _plain(result), f"{found}\n{png}" if png else str(found))


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
    from momentum_kit import Study

    axes = Study.axes(grid, axis or ())
    if not axes:
        raise InputError("sweep: no grid; give a YAML file, or --axis min_z_tod=2,4,6 and others")
    found = Study(archive, folder=folder, config=config, scheduler=scheduler).sweep(axes, exit_ or ())
    done(json_, _plain(found.summary()), str(found))


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
    from momentum_kit import Study

    study = Study(archive, folder=folder, config=config, exits=exits, spread_bps=_spread(spread_bps))
    found = study.validate(placebos=placebos, later=later, impute=_imputed(impute), open_seal=open_seal)
    done(json_, _plain(found.summary()), str(found))


@research_app.command()
def funnel(
    archive: ArchivePath = SAMPLE,
    folder: StudyPath = None,
    config: ConfigPath = CONFIG,
    thresholds: Limits = None,
    exit_: Annotated[str | None, typer.Option("--exit", help="Exit rule; default: the first.")] = None,
    impute: Impute = None,
    json_: Json = False,
) -> None:
    """Follow headlines to fills on the open days, and say which rule stopped each."""
    from momentum_kit import Study

    found = Study(archive, folder=folder, config=config).funnel(_limits(thresholds), exit_, _imputed(impute))
    done(json_, _plain(found.summary()), str(found))


@research_app.command()
def shadow(
    archive: ArchivePath = SAMPLE,
    folder: StudyPath = None,
    config: ConfigPath = CONFIG,
    thresholds: Limits = None,
    exits: ExitRules = None,
    exit_: Annotated[str | None, typer.Option("--exit", help="Exit rule; default: the first.")] = None,
    impute: Impute = None,
    json_: Json = False,
) -> None:
    """Say what each rule that bars events saves or costs: the net of what it kept from being traded."""
    from momentum_kit import Study

    study = Study(archive, folder=folder, config=config, exits=exits)
    found = study.shadow_book(_limits(thresholds), exit_, _imputed(impute))
    done(json_, _plain(found.summary()), f"{found}\n\n{found.conclusion()}")


@research_app.command("tear-sheet")
def tear_sheet(
    archive: ArchivePath = SAMPLE,
    folder: StudyPath = None,
    config: ConfigPath = CONFIG,
    thresholds: Limits = None,
    exits: ExitRules = None,
    exit_: Annotated[str | None, typer.Option("--exit", help="Exit rule; default: the first.")] = None,
    out: Annotated[Path | None, typer.Option(help="HTML file; default: tear_sheet.html in the study's folder.")] = None,
    json_: Json = False,
) -> None:
    """Look at the fills of one set of thresholds from every side: groups, features, unseen days, each on its tape."""
    from momentum_kit import Study

    study = Study(archive, folder=folder, config=config, exits=exits)
    found = study.tear_sheet(_limits(thresholds), exit_)
    page = found.page(out or study.folder / "tear_sheet.html")
    done(json_, {**_plain(found.summary()), "page": str(page)}, f"{found}\n\n{page}")


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
    from momentum_kit import Study

    file = Study(archive, folder=folder, config=config).export(name, despite, into)
    done(json_, {"file": str(file)}, f"{file}\nto trade them: detection.thresholds: thresholds/{file.name}")


@research_app.command()
def forward(
    thresholds: Annotated[Path, typer.Argument(help="The exported file, such as config/thresholds/NAME.yaml.")],
    archive: ArchivePath = SAMPLE,
    folder: StudyPath = None,
    config: ConfigPath = CONFIG,
    json_: Json = False,
) -> None:
    """Say what an exported strategy netted on the sessions after its date, those traded live first of all."""
    from momentum_kit import Study

    found = Study(archive, folder=folder, config=config).forward(thresholds)
    done(json_, _plain(found.summary()), str(found))


@research_app.command()
def renew(
    archive: ArchivePath = SAMPLE,
    folder: StudyPath = None,
    config: ConfigPath = CONFIG,
    json_: Json = False,
) -> None:
    """After an opening: seal the days that came later, so that the opened ones may teach."""
    from momentum_kit import Study

    found = Study(archive, folder=folder, config=config).renew_seal()
    done(json_, _plain(found.summary()), str(found))


def _limits(file: Path | None) -> Any:
    from momentum_kit.config import load_thresholds

    return load_thresholds(file) if file else None


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


def _spread(bps: float | None) -> float:
    return math.nan if bps is None else bps


def _plain(value: Any) -> Any:
    """What JSON can hold: nan and infinity, which it cannot, become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if hasattr(value, "item"):  # NumPy's numbers
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
