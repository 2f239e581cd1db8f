"""Commands of the archive: momentum-kit data ..."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from momentum_kit.cli.common import STUDY, ConfigPath, Json, app, done
from momentum_kit.config import find_project, load_config
from momentum_kit.errors import InputError, MomentumKitError

data_app = typer.Typer(help="The archive: import, download, record, sample, quality.", no_args_is_help=True)
app.add_typer(data_app, name="data", rich_help_panel=STUDY)

ArchivePath = Annotated[Path, typer.Option("--archive", help="Archive folder.")]
DEFAULT_ARCHIVE = Path("data/archive")


@data_app.command("import")
def import_(
    kind: Annotated[str, typer.Argument(help="lean (minute zips of QuantConnect's format), csv, parquet or json.")],
    path: Annotated[Path, typer.Argument(help="A file, or a folder to be searched.")],
    archive: ArchivePath = DEFAULT_ARCHIVE,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="KEY=VALUE of the mapping, such as columns.open=o; repeatable.")
    ] = None,
    map_file: Annotated[Path | None, typer.Option(help="The mapping as YAML; --map goes over it.")] = None,
    layout: Annotated[
        str, typer.Option(help="A vendor's bars: polygon, databento, alpaca, firstrate, kibot, ib; --map goes over it.")
    ] = "",
    headlines: Annotated[str, typer.Option(help="A vendor's headlines: benzinga, polygon, generic.")] = "",
    json_: Json = False,
) -> None:
    """Import real bars, quotes or headlines into the Parquet archive; a bad row imports nothing."""
    from dataclasses import asdict

    from momentum_kit.storage.archive import Archive
    from momentum_kit.storage.imports import import_lean, import_tables, layout_values, load_mapping

    if kind == "lean":
        if map_file or layout or headlines:
            raise InputError("lean files need no mapping; --map on_crossed=drop and on_one_sided=drop are for quotes")
        report = import_lean(path, Archive(archive), **_policies(map_ or []))
    elif kind in ("csv", "parquet", "json"):
        known = layout_values(path, kind, series=layout, headlines=headlines)
        report = import_tables(path, kind, load_mapping(map_file, map_ or [], known), Archive(archive))
    else:
        raise InputError(f"cannot import {kind!r}; known: lean, csv, parquet, json")
    done(json_, asdict(report), str(report))


def _policies(options: list[str]) -> dict[str, Any]:
    """What becomes of unusual quotes of Lean's: the only keys that its files leave open."""
    given = dict(option.partition("=")[::2] for option in options)
    for key, policy in given.items():
        if key not in ("on_crossed", "on_one_sided") or policy not in ("drop", "keep", "refuse"):
            raise InputError(f"--map {key}={policy}: lean files take on_crossed and on_one_sided=drop|keep|refuse only")
    return given


@data_app.command()
def quality(
    archive: ArchivePath = DEFAULT_ARCHIVE,
    symbol: Annotated[list[str] | None, typer.Option(help="Look at this symbol only; repeatable.")] = None,
    json_: Json = False,
) -> None:
    """Report gaps, crossed quotes, outliers, halts, split-like jumps and wrong time zones of the archive."""
    from momentum_kit.storage.archive import Archive
    from momentum_kit.storage.quality import examine

    if not archive.is_dir():
        raise InputError(f"{archive}: no archive here; momentum-kit data import or download makes one")
    report = examine(Archive(archive), [each.upper() for each in symbol or ()])
    done(json_, report.to_json(), str(report))


@data_app.command()
def download(
    symbols: Annotated[list[str], typer.Argument(help="Symbols, such as SPY IBM.")],
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD (New York).")],
    last: Annotated[str, typer.Option("--to", help="Last day, YYYY-MM-DD.")],
    config: ConfigPath = Path("config/paper.yaml"),
    port: Annotated[int | None, typer.Option(help="Instead of the configuration's port.")] = None,
    client_id: Annotated[int | None, typer.Option(help="Instead of one above the trading client's.")] = None,
    provider: Annotated[list[str] | None, typer.Option(help="News provider; repeatable; default: all.")] = None,
    before_s: Annotated[float, typer.Option(help="5 s bars before each headline, s.")] = 1800.0,
    after_s: Annotated[float, typer.Option(help="5 s bars after each headline, s.")] = 3600.0,
    small_bars: Annotated[bool, typer.Option(help="5 s bars and quotes around headlines.")] = True,
    archive: ArchivePath = DEFAULT_ARCHIVE,
    json_: Json = False,
) -> None:
    """Download minutes, headlines and 5 s bars around them from the gateway; the same command again goes on."""
    import asyncio
    from dataclasses import asdict

    from momentum_kit.runtime.download import DownloadRequest, run_download
    from momentum_kit.runtime.engine import configure_logs

    upper = tuple(dict.fromkeys(symbol.upper() for symbol in symbols))
    days = _day("--from", first), _day("--to", last)
    wanted = DownloadRequest(
        symbols=upper,
        first_day=days[0],
        last_day=days[1],
        providers=tuple(provider or ()),
        before_s=before_s,
        after_s=after_s,
        small_bars=small_bars,
    )
    settings = load_config(config, {"broker.port": port} if port else None)
    configure_logs(find_project() / settings.storage.logs_dir / "download", settings.storage)
    report = asyncio.run(run_download(settings, wanted, archive, client_id))
    done(json_, {**asdict(report), "complete": report.complete}, str(report))
    if not report.complete:
        raise typer.Exit(MomentumKitError.exit_status)


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option} {text}: expected YYYY-MM-DD") from None


@data_app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="A new folder.")] = Path("data/sample"),
    seed: Annotated[
        int | None, typer.Option(help="Another market; the rest of the committed sample's unless given.")
    ] = None,
    days: Annotated[int | None, typer.Option(help="Sessions with headlines.")] = None,
    symbols: Annotated[int | None, typer.Option(help="Invented companies.")] = None,
    headlines: Annotated[int | None, typer.Option(help="Headlines a session.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD.")] = None,
    edge_bps: Annotated[float | None, typer.Option(help="Net of costs, where the planted thresholds hold.")] = None,
    planted: Annotated[Path | None, typer.Option(help="Thresholds to plant, as YAML.")] = None,
    placebo: Annotated[bool, typer.Option(help="No edge anywhere: every event pays its costs back, no more.")] = False,
    json_: Json = False,
) -> None:
    """Generate a market of known truth; without options the one that is committed under data/sample."""
    from dataclasses import asdict, replace

    from momentum_kit.config import load_thresholds
    from momentum_kit.research.sample import SAMPLE, write_sample

    given: dict[str, Any] = {
        "seed": seed,
        "days": days,
        "symbols": symbols,
        "headlines_a_day": headlines,
        "first_day": _day("--from", first) if first else None,
        "edge_bps": edge_bps,
        "planted": load_thresholds(planted) if planted else None,
        "placebo": placebo,
    }
    report = write_sample(
        folder, replace(SAMPLE, **{name: value for name, value in given.items() if value is not None})
    )
    done(json_, asdict(report), str(report))


@data_app.command()
def record(
    run: Annotated[Path, typer.Argument(help="Folder of a run that recorded (storage.record: true), or its file.")],
    archive: ArchivePath = Path("data/recorded"),
    json_: Json = False,
) -> None:
    """Turn what a session recorded into archive rows: bars, quotes, headlines, executions as they came in."""
    from dataclasses import asdict

    from momentum_kit.storage.archive import Archive
    from momentum_kit.storage.recording import convert_recording

    report = convert_recording(run, Archive(archive))
    done(json_, asdict(report), str(report))


@data_app.command()
def symbols(
    lists: Annotated[
        list[Path],
        typer.Argument(help="company_tickers_exchange.json (SEC), nasdaqlisted.txt, otherlisted.txt, or a CSV."),
    ],
    to: Annotated[Path, typer.Option(help="The symbol master to build or renew.")] = Path("data/symbols.csv"),
    day: Annotated[str | None, typer.Option(help="Day of the lists, YYYY-MM-DD; default: as the files say.")] = None,
    json_: Json = False,
) -> None:
    """Renew the names by which companies are found, from lists on disk; renames and delistings keep their days."""
    from dataclasses import asdict

    from momentum_kit.storage.symbols import renew

    report = renew(to, lists, _day("--day", day) if day else None)
    done(json_, asdict(report), f"{report}\nuse it with news.symbol_master: {to}")
